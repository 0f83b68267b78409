"""What a function can see: everything that its result may depend on, from its code outwards.

`Reach(f)` follows names of globals, closures, attributes of objects, items of containers and the functions and classes
among them, and puts a guard on each. What it cannot follow makes it give up, with the reason in `why`: values of types
whose state it does not know, calls of built-in functions that have effects or read a state (print, random, time).
"""
import builtins
import collections
import dis
import enum
import functools
import os
import types

from pyxtorch._guards import Guards
from pyxtorch.autograd import Variable

_HOME = os.path.dirname(os.path.abspath(__file__)) + os.sep
_BUILTINS = frozenset(
    "abs all any bool callable dict divmod enumerate filter float frozenset int isinstance issubclass iter len list map max min next object pow property "
    "range repr reversed round set slice sorted staticmethod classmethod str sum super tuple type zip complex bytes NotImplemented Ellipsis __debug__ __name__ "
    "__build_class__ __file__ __doc__".split()
)
_PURE_MODULES = ("math", "cmath", "operator", "typing", "__future__", "_operator", "types")
_PLAIN = (int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented), range, slice, types.CodeType)
_TYPES = (
    int, float, complex, bool, str, bytes, list, tuple, dict, set, frozenset, range, zip, enumerate, map, filter, reversed, slice, type, object, super,
    property, staticmethod, classmethod,
)  # fmt: skip
LIMIT = 20_000
# What tells of a state that no guard sees, or has an effect outside: versions, addresses, the generator, files, counts of objects.
_FORBIDDEN = frozenset(
    "_version data_ptr storage untyped_storage initial_seed seed get_rng_state set_rng_state get_state set_state get_offset set_offset manual_seed "
    "get_num_threads set_num_threads memory_stats memory_allocated max_memory_allocated save load getrefcount _cdata grad_fn is_shared "
    "register_hook register_forward_hook register_forward_pre_hook __dlpack__ to_dlpack from_dlpack __array_interface__ globals locals vars".split()
)


class Refusal(Exception):
    """The function sees something that cannot be followed."""


def ours(filename):
    """Whether code lies in the package, whose functions keep no state that a guard would have to see."""
    return filename.startswith(_HOME)


def _of_package(module):
    return isinstance(module, str) and (module == "pyxtorch" or module.startswith("pyxtorch."))


@functools.lru_cache(maxsize=4096)
def names_of(code):
    """(names loaded as globals, attributes loaded, constants, something not allowed) of code and of what is defined in it."""
    loaded, attributes, constants, wrong = set(), set(), set(), None
    for x in dis.get_instructions(code):
        if x.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            loaded.add(x.argval)
        elif x.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            wrong = wrong or f"it sets the global name {x.argval!r}"
        elif x.opname == "IMPORT_NAME" and not _of_package(x.argval) and x.argval not in (*_PURE_MODULES, "torch"):
            wrong = wrong or f"it imports {x.argval!r} when it runs"
        elif x.opname.startswith("LOAD_ATTR") or x.opname in ("LOAD_METHOD", "LOAD_SUPER_ATTR"):
            attributes.add(x.argval)
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            a, b, d, w = names_of(c)
            loaded |= a
            attributes |= b
            constants |= d
            wrong = wrong or w
        elif isinstance(c, str):
            constants.add(c)
    return loaded, attributes, constants, wrong


class Reach:
    """Guards on all that `f` and its arguments that are no tensors can see."""

    def __init__(self, f, others=(), live=True):
        self.guards, self.tensors, self.groups, self.seen, self.kept = Guards(), [], [], set(), []
        self.live = live
        self.value(f, getattr(f, "__qualname__", "the function"))
        for i, x in enumerate(others):
            self.value(x, f"argument {i}")

    def no(self, path, why):
        raise Refusal(f"{path}: {why}")

    def value(self, v, path):
        t = type(v)
        if t in _PLAIN or id(v) in self.seen:
            return
        self.seen.add(id(v))
        self.kept.append(v)
        if len(self.seen) > LIMIT:
            self.no(path, f"the function can see more than {LIMIT} objects")
        if isinstance(v, Variable):
            self.tensor(v, path)
        elif t in (list, tuple):
            self.guards.sequence(v, path)
            for i, x in enumerate(v):
                self.value(x, f"{path}[{i}]")
        elif t in (dict, collections.OrderedDict, collections.defaultdict) or t.__name__ == "_Members" and _of_package(t.__module__):
            self.mapping(v, path)
        elif t in (set, frozenset):
            self.guards.set_(v, path)
            for x in v:
                self.value(x, f"an item of {path}")
        elif t is types.FunctionType:
            self.function(v, path)
        elif t is types.MethodType:
            self.value(v.__func__, path)
            self.value(v.__self__, f"{path}.__self__")
        elif t in (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType):
            self.builtin(v, path)
        elif isinstance(v, type):
            self.class_(v, path)
        elif t is types.ModuleType or isinstance(v, types.ModuleType):
            if not (_of_package(v.__name__) or v.__name__ in _PURE_MODULES):
                self.no(path, f"the module {v.__name__!r} is used in a way that cannot be followed")
        elif isinstance(v, functools.partial) and t is functools.partial:
            self.value(v.func, path)
            self.value(v.args, path)
            self.value(v.keywords, path)
        elif isinstance(v, enum.Enum):
            self.class_(t, path)
        elif _of_package(t.__module__) and t.__name__ in ("dtype", "device", "Size", "memory_format", "layout", "finfo", "iinfo"):
            pass
        elif _of_package(t.__module__) and t.__name__ in ("Operation", "OpOverload", "OpOverloadPacket"):
            pass
        elif t.__name__ in ("cython_function_or_method", "fused_cython_function") and _of_package(v.__module__):
            pass
        elif isinstance(getattr(v, "__dict__", None), dict):
            self.instance(v, path)
        else:
            self.no(path, f"an object of the type {t.__module__}.{t.__qualname__}, whose state cannot be guarded")

    def tensor(self, v, path):
        if type(v).__name__ not in ("Tensor", "Parameter", "Buffer") or not _of_package(type(v).__module__):
            self.no(path, f"a tensor of the class {type(v).__qualname__}")
        if getattr(v, "__dict__", None):
            self.no(path, f"a tensor with attributes of the program's own: {', '.join(v.__dict__)}")
        self.guards.tensor(v, path)
        self.tensors.append((v, path))

    def mapping(self, v, path, skip=()):
        self.guards.dict_(v, path, skip)
        if isinstance(v, collections.defaultdict):
            self.value(v.default_factory, f"{path}.default_factory")
        for k, x in v.items():
            if k not in skip:
                self.value(k, f"a key of {path}")
                self.value(x, f"{path}[{k!r}]" if type(k) is str else f"{path}[...]")

    def code(self, code, path):
        if ours(code.co_filename):
            return None
        names = names_of(code)
        if names[3]:
            self.no(path, names[3])
        for n in sorted(_FORBIDDEN & (names[0] | names[1])):
            self.no(path, f"it uses {n!r}, which tells of a state that a replay would not see, or changes one")
        if "lr" in names[2]:
            self.live = False
        return names

    def function(self, f, path):
        self.guards.function(f, path)
        if ours(f.__code__.co_filename):
            if f.__closure__ or f.__defaults__:  # a decorator of the package around the user's function
                for i, c in enumerate(f.__closure__ or ()):
                    self.guards.cell(c, path)
                    if c.cell_contents is not f and isinstance(c.cell_contents, types.FunctionType | types.MethodType | functools.partial):
                        self.value(c.cell_contents, f"{path}, closure {f.__code__.co_freevars[i]!r}")
            return
        loaded, attributes, _, _ = self.code(f.__code__, path)
        for i, c in enumerate(f.__closure__ or ()):
            name = f.__code__.co_freevars[i]
            self.guards.cell(c, f"{path}, closure {name!r}")
            try:
                held = c.cell_contents
            except ValueError:
                continue
            if isinstance(held, types.ModuleType):
                self.module(held, attributes, name)
            else:
                self.value(held, name)
        for x in f.__defaults__ or ():
            self.value(x, f"a default of {path}")
        self.value(f.__kwdefaults__ or {}, f"defaults of {path}")
        self.value(f.__dict__, f"attributes of {path}")
        space, built = f.__globals__, f.__builtins__ if isinstance(f.__builtins__, dict) else vars(builtins)
        found = sorted(loaded)
        self.guards.names(space, built, found, f"a global name of {path}")
        for n in found:
            if n in space:
                if isinstance(space[n], types.ModuleType):
                    self.module(space[n], attributes, n)
                else:
                    self.value(space[n], n)
            elif n in built:
                v = built[n]
                if n not in _BUILTINS and not (isinstance(v, type) and issubclass(v, BaseException)):
                    self.no(path, f"it may call {n}(), which would not happen again in a replay")

    def module(self, m, attributes, path):
        if m.__name__ in _PURE_MODULES:
            return
        held = sorted(attributes & vars(m).keys())
        self.guards.names(vars(m), {}, held, path)
        for n in held:
            v = vars(m)[n]
            if isinstance(v, types.ModuleType):
                self.module(v, attributes, f"{path}.{n}")
            else:
                self.value(v, f"{path}.{n}")

    def builtin(self, v, path):
        owner = getattr(v, "__self__", None)
        module = getattr(v, "__module__", None)
        if isinstance(owner, types.ModuleType):
            module, owner = owner.__name__, None
        if _of_package(module) or module in _PURE_MODULES or _of_package(getattr(getattr(v, "__objclass__", None), "__module__", None)):
            return
        if module == "builtins" and owner is None and v.__name__ in _BUILTINS:
            return
        if getattr(v, "__objclass__", None) in _TYPES or owner in (None, ...) and v in (object.__init__, object.__new__):
            return
        if owner is not None and type(owner) in (list, dict, tuple, set, str, collections.OrderedDict):
            self.value(owner, path)
            return
        self.no(path, f"the built-in function {getattr(v, '__qualname__', v)!s} of {module!r} may read or change a state")

    def class_(self, c, path):
        if c in _TYPES or _of_package(c.__module__) and ours(_file_of(c)) or issubclass(c, BaseException) and c.__module__ == "builtins":
            return
        if c.__module__ in _PURE_MODULES or c in (collections.OrderedDict, collections.defaultdict, functools.partial, enum.Enum):
            return
        if not c.__flags__ & 1 << 9:  # Py_TPFLAGS_HEAPTYPE
            self.no(path, f"the built-in type {c.__module__}.{c.__qualname__}, whose state cannot be guarded")
        if type(c) is not type and not (issubclass(c, enum.Enum) and type(c) is enum.EnumMeta) and not _of_package(type(c).__module__):
            self.no(path, f"the class {c.__qualname__} has a metaclass, {type(c).__qualname__}")
        for base in c.__bases__:
            self.value(base, f"{path}, base {base.__qualname__}")
        if issubclass(c, enum.Enum):
            return
        self.guards.class_(c, f"{path} (class)")
        for n, v in list(vars(c).items()):
            where = f"{c.__qualname__}.{n}"
            if isinstance(v, staticmethod | classmethod):
                v = v.__func__
            if isinstance(v, property):
                for g in (v.fget, v.fset, v.fdel):
                    self.value(g, where)
            elif isinstance(v, types.GetSetDescriptorType):
                continue
            elif n in ("__annotations__", "__annotate_func__", "__annotations_cache__", "__doc__", "__module__", "__qualname__", "__slots__", "__parameters__", "__abstractmethods__", "__static_attributes__", "_abc_impl"):
                if n == "__slots__" and v:
                    self.no(path, f"the class {c.__qualname__} has __slots__, whose values cannot be guarded")
            else:
                self.value(v, where)

    def instance(self, v, path):
        t = type(v)
        for c in t.__mro__:
            if not c.__flags__ & 1 << 9 and c is not object and not _of_package(c.__module__):
                self.no(path, f"an object of {t.__qualname__}, which is also a {c.__qualname__}")
        self.class_(t, path)
        for c in t.__mro__:  # also the package's own: programs replace a method of theirs
            if _of_package(c.__module__) and c.__flags__ & 1 << 9 and id(c) not in self.seen:
                self.seen.add(id(c))
                self.guards.class_(c, f"the class {c.__qualname__}")
        held = v.__dict__
        self.guards.attributes(v, held, path)
        if self.optimizer(t):
            self.of_optimizer(v, held, path)
            return
        self.guards.dict_(held, path)
        for n, x in held.items():
            self.value(x, f"{path}.{n}")

    @staticmethod
    def optimizer(t):
        return any(_of_package(c.__module__) and c.__name__ == "Optimizer" for c in t.__mro__)

    def of_optimizer(self, v, held, path):
        """As an instance, but for the learning rates of those whose kernel is told of them at each replay."""
        self.guards.dict_(held, path)
        fused = _of_package(type(v).__module__) and getattr(type(v), "_fused", None) is not None
        for n, x in held.items():
            if n == "param_groups" and fused and type(x) is list and all(type(g) is dict for g in x):
                self.seen.add(id(x))
                self.guards.sequence(x, f"{path}.param_groups")
                for i, g in enumerate(x):
                    live = type(g.get("lr")) is float
                    if live:
                        self.groups.append((g, g["lr"]))
                    self.seen.add(id(g))
                    self.kept.append(g)
                    self.mapping(g, f"{path}.param_groups[{i}]", ("lr",) if live and self.live else ())
            else:
                self.value(x, f"{path}.{n}")


@functools.lru_cache(maxsize=4096)
def _file_of(c):
    import sys
    return os.path.abspath(getattr(sys.modules.get(c.__module__), "__file__", None) or "")

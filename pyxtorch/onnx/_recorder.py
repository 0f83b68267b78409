"""One run of a program with everything noted that passes the gate.

A `Recorder` is a mode (pyxtorch/overrides.py): it runs each operation on the example and notes it with what its arguments are.
Only what depends on inputs, on sizes or on chance is noted; what is computed from parameters alone is a constant.
"""
import sys
from pathlib import Path

import pyxtorch
from pyxtorch import Tensor, _gate
from pyxtorch.onnx._sizes import Float, Int, Sizes, expression, leaves, patched_math, plain
from pyxtorch.onnx.errors import OnnxExporterError, SymbolicValueError
from pyxtorch.overrides import TorchFunctionMode

__all__ = ["Record", "Recorder", "Ref", "each", "tree_map"]

PACKAGE = str(Path(pyxtorch.__file__).parent) + "/"
DATA = ("data",)  # among what a tensor depends on: elements of an input, or chance

# Attributes that are tensors; others say something of a tensor.
TENSOR_ATTRIBUTES = frozenset(("T", "mT", "H", "mH", "real", "imag", "data"))
# What says something of a tensor that is not its elements.
FACTS = frozenset("""
dim ndimension is_floating_point is_complex is_contiguous stride element_size storage_offset type get_device is_signed is_inference is_conj
is_neg is_shared is_pinned result_type can_cast promote_types __hash__ __repr__ __format__ __dir__ data_ptr untyped_storage is_set_to
register_hook retain_grad has_names nbytes _is_view is_coalesced is_same_size typename
""".split())  # fmt: skip
# What fills a tensor by chance: noted whatever its arguments.
RANDOM = frozenset("""
rand randn randint randperm rand_like randn_like randint_like normal bernoulli multinomial poisson uniform_ normal_ bernoulli_ random_
exponential_ geometric_ cauchy_ log_normal_ gumbel_softmax dropout_random
""".split())


class Ref:
    """A tensor among noted arguments, by its number."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number

    def __repr__(self):
        return f"%{self.number}"


class Record:
    """An operation that ran: what it was given (tensors as Ref, sizes as symbols), and which tensors it made and wrote."""

    __slots__ = ("args", "depends", "full", "kwargs", "line", "made", "name", "parent", "result", "values", "written")


class Known:
    """What is noted of a tensor: its object, how it came about, and what its elements depend on."""

    __slots__ = ("depends", "dtype", "kind", "memory", "name", "parent", "shape", "snapshot", "tensor", "version")

    def __init__(self, tensor, kind, name, depends, parent=None):
        self.tensor, self.kind, self.name, self.depends, self.parent = tensor, kind, name, depends, parent
        self.shape, self.dtype, self.snapshot = tuple(tensor.shape), tensor.dtype, None
        self.memory = tensor.untyped_storage().data_ptr() if tensor.numel() else None
        self.version = version(tensor)
        if kind == "constant":
            self.snapshot = tensor.detach().clone()


def tree_map(function, x):
    """`x` with `function` applied to what is in its tuples, lists, dicts and slices."""
    if isinstance(x, Sizes) or type(x) in (tuple, list):
        return (list if type(x) is list else tuple)([tree_map(function, v) for v in x])
    if isinstance(x, tuple) and not isinstance(x, pyxtorch.Size) and hasattr(x, "_fields"):
        return type(x)(*[tree_map(function, v) for v in x])
    if isinstance(x, (tuple, list)):
        return tuple([tree_map(function, v) for v in x])
    if isinstance(x, dict):
        return {k: tree_map(function, v) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(*[tree_map(function, v) for v in (x.start, x.stop, x.step)])
    return function(x)


def each(x):
    """All that is in the tuples, lists, dicts and slices of `x`."""
    found = []
    tree_map(found.append, x)
    return found


def _writes(name, kwargs):
    return (name.endswith("_") and not name.endswith("__")) or name.startswith("__i") and name not in ("__invert__", "__index__", "__int__") or (
        name == "__setitem__" or kwargs.get("out") is not None or kwargs.get("inplace") is True)


def version(tensor):
    try:
        return tensor._version
    except RuntimeError:  # made in inference mode: it has none
        return None


def users_line():
    """Where the program stands, outside of this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return "unknown line" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _kept(full, line, name):
    return OnnxExporterError(
        f"export: {full} at {line} writes into {name!r}, which the module keeps between calls; an exported program keeps nothing. Export in eval mode, or "
        "return the new value."
    )


class Recorder(TorchFunctionMode):
    """The mode. `inputs` are tensors by name, `held` the module's parameters and buffers by name."""

    def __init__(self, inputs, held):
        self.records, self.known, self.numbers = [], [], {}
        self.guards, self.escapes = [], []
        self.hot = {}  # address of memory that holds what depends on something: the number of a tensor there
        self.names = {id(t): name for name, t in reversed(held.items())}  # the first of a tensor's names
        self.kept = {t.untyped_storage().data_ptr(): name for name, t in held.items() if t.numel()}  # memory that outlives the run
        for name, tensor in inputs.items():
            self._add(tensor, "input", name, frozenset((DATA,)))

    # ------------------------------------------------------------------ what symbols tell

    def guard(self, expr, truth):
        self.guards.append((expr, truth, users_line()))
        return truth

    def escape(self, expr, value):
        self.escapes.append((expr, value, users_line()))
        return value

    # ------------------------------------------------------------------ tensors

    def _add(self, tensor, kind, name, depends, parent=None):
        number = len(self.known)
        self.known.append(Known(tensor, kind, name, depends, parent))
        self.numbers[id(tensor)] = number
        if depends:
            self.hot[self.known[number].memory] = number
        return number

    def number(self, tensor):
        """The number of a tensor among the arguments; one not seen before is a constant."""
        number = self.numbers.get(id(tensor))
        if number is not None and (self.known[number].kind != "constant" or self.known[number].version == version(tensor)):
            return number  # a constant that was written since, unseen, is another one
        if tensor.numel() and tensor.untyped_storage().data_ptr() in self.hot:
            raise OnnxExporterError(
                f"export: a tensor of shape {tuple(tensor.shape)} used at {users_line()} shares memory with one that depends on the inputs, but how "
                "it was made was not seen. Make it by an operation on that tensor."
            )
        name = self.names.get(id(tensor))
        return self._add(tensor, "constant" if name is None else "parameter", name, frozenset())

    def _depends(self, x):
        if isinstance(x, Tensor):
            number = self.numbers.get(id(x))
            if number is not None:
                return self.known[number].depends
            return frozenset((DATA,)) if self.hot and x.numel() and x.untyped_storage().data_ptr() in self.hot else frozenset()
        return frozenset(leaves(x.expr)) if isinstance(x, (Int, Float)) else frozenset()

    def sizes(self, tensor):
        """The shape of a tensor as symbols."""
        number = self.numbers.get(id(tensor))
        if number is None:
            return tensor.shape
        return Sizes([Int.made(n, ("dim", number, axis), self) for axis, n in enumerate(tuple(tensor.shape))])

    # ------------------------------------------------------------------ operations

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in ("__get__", "__set__", "__delete__"):
            attribute = func.__self__.__name__
            if name == "__get__" and attribute == "shape":
                return self.sizes(args[0])
            if name == "__get__" and attribute not in TENSOR_ATTRIBUTES or attribute in ("requires_grad", "grad"):
                return func(*args, **kwargs)
            if name != "__get__":
                raise OnnxExporterError(f"export: the attribute {attribute} of a tensor is set at {users_line()}, which cannot be exported.")
            return self._noted(attribute, f"torch.Tensor.{attribute}", func, args, kwargs)
        if name in ("size", "numel", "nelement", "__len__") and args and id(args[0]) in self.numbers:
            return self._size(name, func, args, kwargs)
        if name in FACTS:
            return func(*args, **kwargs)
        if name == "broadcast_shapes":
            return self._broadcast(args, func(*tree_map(plain, args)))
        return self._noted(name, _gate.name_of(func), func, args, kwargs)

    def _size(self, name, func, args, kwargs):
        tensor, axis = args[0], plain(kwargs.get("dim", args[1] if len(args) > 1 else None))
        if name == "size" and axis is None:
            return self.sizes(tensor)
        value = func(*[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()})
        sizes = self.sizes(tensor)
        if name == "__len__":  # Python makes an ordinary number of it
            return self.escape(sizes[0].expr, value)
        if name == "size":
            return sizes[axis]
        total = 1
        for n in sizes:
            total = n * total
        return total

    @staticmethod
    def _broadcast(shapes, result):
        """What shapes broadcast to, as symbols where there are."""
        shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
        out = []
        for axis, n in enumerate(result, -len(result)):
            alike = [s[axis] for s in shapes if len(s) >= -axis and plain(s[axis]) == n]
            out.append(next((m for m in alike if isinstance(m, Int)), n))
        return Sizes(out)

    def _noted(self, name, full, func, args, kwargs):
        found = each((args, kwargs))
        tensors = [x for x in found if isinstance(x, Tensor)]
        depends = frozenset().union(*map(self._depends, found))
        writes = _writes(name, kwargs)
        noted = bool(depends) or name in RANDOM or writes and any(id(t) in self.numbers for t in tensors)
        if not noted:
            if writes:
                self._unseen(full, tensors)
            return func(*args, **kwargs)
        if name in RANDOM:
            depends |= {DATA}
        record = Record()
        record.name, record.full, record.line = name, full, users_line()
        record.args, record.kwargs = tree_map(self._as_argument, (args, kwargs))
        before = [(t, version(t), tuple(t.shape)) for t in tensors]
        result = func(*tree_map(plain, args), **tree_map(plain, kwargs))
        record.depends, record.parent = depends, None
        record.written = self._targets(before, result, writes)
        for t, _, shape in before:
            if tuple(t.shape) != shape:
                raise OnnxExporterError(f"export: {full} at {record.line} changes the shape of a tensor in place, which cannot be exported. Use the operation that returns a new tensor.")
        self._written(record, depends)
        record.made, record.values = [], None
        storages = {t.untyped_storage().data_ptr(): self.numbers[id(t)] for t in reversed(tensors) if t.numel()}
        record.result = tree_map(lambda x: self._as_result(x, record, storages), result)
        others = [x for x in each(result) if x is not None and not isinstance(x, Tensor)]
        if others and name not in ("__setitem__",):
            self._reading(record, others)
        self.records.append(record)
        return result

    def _unseen(self, full, tensors):
        """A constant is written: what is known of its memory is out of date, and what the module keeps must stay."""
        for t in tensors[:1]:
            address = t.untyped_storage().data_ptr() if t.numel() else None
            if address in self.kept:
                raise _kept(full, users_line(), self.kept[address])
            for k in self.known:
                if k.kind == "constant" and k.memory == address:
                    k.version = None

    def _as_argument(self, x):
        return Ref(self.number(x)) if isinstance(x, Tensor) else x

    def _targets(self, before, result, writes):
        """The numbers of the tensors that were written. Views of one count as written with it; it is the result, or comes first."""
        changed = [t for t, was, _ in before if was != version(t) or was is None and writes]
        given = {id(x) for x in each(result)}
        own = [t for t in changed if id(t) in given] or changed[:1]
        memory = {t.untyped_storage().data_ptr() for t in own}
        others = [t for t in changed if t.untyped_storage().data_ptr() not in memory]
        return list(dict.fromkeys(self.numbers[id(t)] for t in own + others))

    def _written(self, record, depends):
        for number in record.written:
            k = self.known[number]
            if k.kind == "parameter":
                raise _kept(record.full, record.line, k.name)
            address = k.memory
            for other in self.known:  # whoever looks at this memory
                if other.memory == address:
                    other.depends |= depends
                    if self._root(other) is self._root(k):
                        other.version = version(other.tensor)
            self.hot[address] = number

    def _root(self, k):
        """What a view looks at in the end."""
        while k.parent is not None:
            k = self.known[k.parent]
        return k

    def _as_result(self, x, record, storages):
        if not isinstance(x, Tensor):
            return x
        number = self.numbers.get(id(x))
        if number is None:
            parent = storages.get(x.untyped_storage().data_ptr()) if x.numel() else None
            number = self._add(x, "result", None, record.depends, parent)
            if DATA not in record.depends:
                self.known[number].snapshot = x.detach().clone()
            if parent is not None:
                record.parent = parent
            record.made.append(number)
        return Ref(number)

    def _reading(self, record, others):
        """Python reads elements."""
        if DATA in record.depends:
            raise SymbolicValueError(
                f"export: {record.full} at {record.line} makes a Python value of elements that depend on the inputs. What the program does with it "
                "would hold for this example only. Compute with tensors (torch.where in place of a branch)."
            )
        record.values = [expression(x) for x in others]


def run(program, inputs, held):
    """Run `program()` recorded; gives the Recorder and the program's result."""
    recorder = Recorder(inputs, held)
    with pyxtorch.no_grad(), patched_math(), recorder:
        result = program()
    for known in recorder.known:
        if known.kind == "result":
            known.tensor = None  # nobody looks at it any more
    return recorder, result

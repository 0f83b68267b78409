"""torch.library: operations of a program's own, with a name, kernels for devices, and a gradient.

What runs inside a custom operation is not recorded: its gradient is what `register_autograd` says, or an error.
"""
import collections.abc
import inspect
import sys
import threading
import types
import typing

import pyxtorch
from pyxtorch import Tensor
from pyxtorch._schema import parse_schema
from pyxtorch.autograd import Function
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten

__all__ = [
    "Library", "custom_op", "define", "fallthrough_kernel", "get_ctx", "get_kernel", "impl", "impl_abstract", "infer_schema", "register_autocast",
    "register_autograd", "register_fake", "register_formula", "register_kernel", "register_vmap", "triton_op", "wrap_triton",
]  # fmt: skip

_operations = {}  # "namespace::name" to CustomOpDef

_SIMPLE = {Tensor: "Tensor", int: "SymInt", float: "float", bool: "bool", str: "str", pyxtorch.dtype: "ScalarType", pyxtorch.device: "Device"}
_SIMPLE_LISTS = (Tensor, int, float, bool)


def _schema_type(kind, mutated=""):
    """How a schema writes an annotation."""
    if kind in _SIMPLE:
        return _SIMPLE[kind].replace("Tensor", f"Tensor{mutated}")
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind == int | float | bool or kind == int | float:
        return "Scalar"
    if origin in (typing.Union, types.UnionType) and len(inner) == 2 and type(None) in inner:
        return _schema_type(next(k for k in inner if k is not type(None)), mutated) + "?"
    if origin in (list, collections.abc.Sequence) and len(inner) == 1:
        if inner[0] in _SIMPLE_LISTS:
            return _SIMPLE[inner[0]].replace("Tensor", f"Tensor{mutated}") + "[]"
        if typing.get_origin(inner[0]) in (typing.Union, types.UnionType):
            return _schema_type(inner[0], mutated) + "[]"
    return None


def infer_schema(prototype_function, /, *, mutates_args, op_name=None):
    """The schema of a function from its annotations, such as "(Tensor x, float y) -> Tensor".

    Args:
        mutates_args: names of the arguments that it changes, or "unknown": any tensor may be.
    Raises:
        ValueError: an argument or the result has no annotation, or one that a schema has no word for.
    """
    signature, hints = inspect.signature(prototype_function), typing.get_type_hints(prototype_function)
    if isinstance(mutates_args, str) and mutates_args != "unknown":
        raise ValueError("mutates_args must either be a sequence of the names of the arguments that are mutated or the string 'unknown'.")
    parts, star, place = [], False, 0
    for name, p in signature.parameters.items():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise ValueError(f"infer_schema(func): We do not support positional-only args, varargs, or varkwargs. Got {p}")
        if p.kind == p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        if name not in hints:
            raise ValueError(f"infer_schema(func): Parameter {name} must have a type annotation.")
        mutated = ""
        if mutates_args == "unknown" or name in mutates_args:
            mutated = f"(a{place}!)"
        place += 1
        kind = _schema_type(hints[name], mutated)
        if kind is None:
            raise ValueError(f"infer_schema(func): Parameter {name} has unsupported type {hints[name]}.")
        default = ""
        if p.default is not p.empty:
            default = "=" + (f'"{p.default}"' if isinstance(p.default, str) else str(p.default).removeprefix("torch."))
        parts.append(f"{kind} {name}{default}")
    if mutates_args != "unknown" and (unknown := set(mutates_args) - set(signature.parameters)):
        raise ValueError(f"infer_schema(func): {sorted(unknown)} in mutates_args are not names of arguments.")
    returned = hints.get("return", inspect.Signature.empty)
    if returned is inspect.Signature.empty:
        raise ValueError("infer_schema(func): No return type annotation was provided. Please add one.")
    if returned in (None, type(None)):
        result = "()"
    elif typing.get_origin(returned) is tuple:
        words = [_schema_type(k) for k in typing.get_args(returned)]
        result = None if None in words else f"({', '.join(words)})"
    else:
        result = _schema_type(returned)
    if result is None:
        raise ValueError(f"infer_schema(func): Return has unsupported type {returned}.")
    return f"{op_name or ''}({', '.join(parts)}) -> {result}"


def _parts(qualname):
    """The namespace and the name without that of an overload."""
    namespace, colons, name = qualname.partition("::")
    name, dot, overload = name.partition(".")
    if not colons or not namespace.isidentifier() or not name.isidentifier() or bool(dot) != overload.isidentifier():
        raise ValueError(f"custom_op: expected a name of the form namespace::name or namespace::name.overload, got {qualname!r}.")
    return namespace, name


def custom_op(name, fn=None, /, *, mutates_args, device_types=None, schema=None, tags=None):
    """An operation `namespace::name` of a function, or a decorator for one.

    Args:
        mutates_args: names of the tensors that it changes in place; () for none.
        device_types: "cpu", "cuda" or several, for which the function is; None: for all.
        schema: its schema, where the annotations do not say it.
    Returns:
        a CustomOpDef, called like the function and found as `pyxtorch.ops.namespace.name`.
    """

    def make(fn):
        return CustomOpDef(name, fn, mutates_args, device_types, schema)

    return make if fn is None else make(fn)


class CustomOpDef:
    """A custom operation: kernels by device, a function for the device meta, and a gradient, each registered by a method."""

    def __init__(self, qualname, fn, mutates_args, device_types, schema):
        self._namespace, self._name = _parts(qualname)
        self._qualname = qualname
        self._kernels, self._fake, self._backward, self._setup = {}, None, None, None
        self._composite = self._above = None  # functions that are recorded instead: of operations, and of a gradient of their own
        self._casts, self._vmap = {}, None
        if fn is None:  # of a schema alone: see `define`
            parsed = parse_schema(f"{qualname}{schema}")
            self._schema, self._signature = schema, parsed.signature()
            self._mutated = tuple(a.name for a in parsed.arguments if a.is_write)
            self.__name__, self.__doc__ = self._name, f"{qualname}{schema}"
        else:
            self._mutated = mutates_args
            self._schema = schema or infer_schema(fn, mutates_args=mutates_args)
            self._signature = inspect.signature(fn)
            self.__name__, self.__doc__, self.__module__, self.__wrapped__ = fn.__name__, fn.__doc__, fn.__module__, fn
            self.register_kernel(device_types, fn)
        _operations[qualname] = self

    @property
    def default(self):
        """The operation itself, by the name that PyTorch has for it where there are no overloads."""
        return self

    def __getattr__(self, name):
        """Another overload of the operation, as in `torch.ops.namespace.name.overload`."""
        found = _operations.get(f"{self.__dict__.get('_namespace')}::{self.__dict__.get('_name')}.{name}")
        if found is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return found

    def __repr__(self):
        return f"<CustomOpDef({self._qualname})>"

    def register_kernel(self, device_types, fn=None, /):
        """Take this function on these devices; None: on all that have none of their own."""
        if fn is None:
            return lambda fn: self.register_kernel(device_types, fn)
        for device in [device_types] if device_types is None or isinstance(device_types, str) else device_types:
            self._kernels[device] = fn
        return fn

    def register_fake(self, fn, /):
        """Take this function on the device meta: it makes the results without values."""
        self._fake = fn
        return fn

    def register_autograd(self, backward, /, *, setup_context=None):
        """Take `backward(ctx, *gradients)` for the gradient: one for each argument, None where there is none.

        `setup_context(ctx, inputs, output)`, with `keyword_only_inputs` where there are such arguments, keeps what that needs.
        """
        if self._mutated:
            raise RuntimeError(f"Cannot register autograd formula for non-functional operator {self}: it changes {self._mutated} in place.")
        self._backward, self._setup = backward, setup_context

    def register_autocast(self, device_type, cast_inputs):
        """Within autocast for this kind of device, cast the floating-point tensors among the arguments to this dtype."""
        if not isinstance(device_type, str) or device_type not in ("cpu", "cuda"):
            raise ValueError(f"Unknown device type: {device_type}")
        self._casts[device_type] = cast_inputs

    def register_vmap(self, func=None, /):
        """Take `func(info, in_dims, *args)`, which gives (results, their batch dimensions), in `vmap`; without it the operation is called for each slice."""
        if func is None:
            return self.register_vmap
        self._vmap = func
        return func

    def _cast_for(self, leaves):
        devices = {x.device.type for x in leaves if isinstance(x, Tensor)}
        return next(((kind, dtype) for kind, dtype in self._casts.items() if kind in devices and pyxtorch.is_autocast_enabled(kind)), None)

    def _kernel(self, leaves):
        devices = {x.device.type for x in leaves if isinstance(x, Tensor)}
        device = "meta" if "meta" in devices else next(iter(devices - {"cpu"}), "cpu")
        found = self._fake if device == "meta" else self._kernels.get(device) or self._kernels.get(None)
        if found is None:
            what = "function for the device meta (register_fake)" if device == "meta" else f"kernel for {device} (register_kernel)"
            raise RuntimeError(f"{self._qualname}: there is no {what}.")
        return found

    def __call__(self, *args, **kwargs):
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        leaves, spec = tree_flatten((bound.args, bound.kwargs))
        if self._casts:
            cast = self._cast_for(leaves)
            if cast is not None:
                kind, dtype = cast
                given = tree_unflatten([_lowered(x, kind, dtype) for x in leaves], spec)
                with pyxtorch.autocast(kind, enabled=False):
                    return self(*given[0], **given[1])
        if self._above is not None and not getattr(_thread, "below", False):
            return self._above(*bound.args, **bound.kwargs)
        if self._composite is not None and not self._kernels:
            return self._composite(*bound.args, **bound.kwargs)
        kernel = self._kernel(leaves)
        if self._mutated or not _has_batched(leaves) and not (pyxtorch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in leaves)):
            with pyxtorch.no_grad():
                return kernel(*bound.args, **bound.kwargs)
        shape = types.SimpleNamespace()
        found = _Run.apply(self, kernel, spec, shape, *leaves)
        return tree_unflatten(list(found) if isinstance(found, tuple) else [found], shape.spec)


def _has_batched(leaves):
    """Whether vmap runs over one of them."""
    values = sys.modules.get("pyxtorch._batching._values")
    return values is not None and any(isinstance(x, Tensor) and values.batched(x) is not None for x in leaves)


def _lowered(x, kind, dtype):
    eligible = isinstance(x, Tensor) and x.is_floating_point() and x.dtype != pyxtorch.float64 and x.device.type == kind
    return x.to(dtype) if eligible else x


class _Run(Function):
    """One call: `leaves` are the arguments out of their containers."""

    @staticmethod
    def forward(ctx, operation, kernel, spec, shape, *leaves):
        args, kwargs = tree_unflatten(list(leaves), spec)
        output = kernel(*args, **kwargs)
        ctx.operation, ctx.spec, ctx.needed = operation, spec, ctx.needs_input_grad[4:]
        found, shape.spec = tree_flatten(output)
        ctx.out_spec = shape.spec
        if operation._setup is not None:
            given = {"keyword_only_inputs": kwargs} if kwargs else {}
            operation._setup(ctx=ctx, inputs=args, output=output, **given)
        return tuple(found) if len(found) != 1 else found[0]

    @staticmethod
    def vmap(info, in_dims, operation, kernel, spec, shape, *leaves):
        """By the operation's own rule, else slice by slice."""
        dims = list(in_dims)[4:]
        if operation._vmap is not None:
            (args, kwargs), (places, _) = tree_unflatten(list(leaves), spec), tree_unflatten(dims, spec)
            output, out_dims = operation._vmap(info, tuple(places), *args, **kwargs)
            found, shape.spec = tree_flatten(output)
            out_dims = [out_dims] * len(found) if not isinstance(out_dims, tuple | list) else list(out_dims)
            if len(out_dims) != len(found):
                raise RuntimeError(f"{operation._qualname}: its rule for vmap gave {len(found)} results and {len(out_dims)} dimensions for them.")
        else:
            columns = []
            for i in range(info.batch_size):
                args, kwargs = tree_unflatten([x if d is None else x.select(d, i) for x, d in zip(leaves, dims)], spec)
                parts, shape.spec = tree_flatten(operation(*args, **kwargs))
                columns.append(parts)
            found, out_dims = [pyxtorch.stack(column) for column in zip(*columns)], [0] * len(columns[0])
        return (tuple(found), tuple(out_dims)) if len(found) != 1 else (found[0], out_dims[0])

    @staticmethod
    def backward(ctx, *gradients):
        operation = ctx.operation
        if operation._backward is None:
            raise RuntimeError(f"Trying to backward through {operation._qualname}.default but no autograd formula was registered. "
                               "Please use register_autograd to add one.")  # fmt: skip
        given = tree_unflatten(list(gradients), ctx.out_spec)
        found = operation._backward(ctx, *(given if isinstance(given, tuple) else (given,)))
        found = found if isinstance(found, tuple) else (found,)
        args_spec = ctx.spec.child(0)
        if len(found) != args_spec.num_children:
            raise RuntimeError(f"{operation._qualname}: backward gave {len(found)} gradients for {args_spec.num_children} arguments; None stands for no gradient.")
        leaves = []
        for spec, gradient in zip(args_spec.children(), found):
            parts = [None] * spec.num_leaves if gradient is None else spec.flatten_up_to(gradient)
            leaves += parts
        leaves += [None] * ctx.spec.child(1).num_leaves
        return (None, None, None, None, *leaves)


def _operation(op):
    if isinstance(op, CustomOpDef):
        return op
    op = op.removesuffix(".default")
    for name, found in _operations.items():
        if name == op or name.partition(".")[0] == op not in _operations:  # of overloads alone: the first
            return found
    raise RuntimeError(f"there is no operation {op!r}; those made by custom_op are {sorted(_operations)}")


def register_kernel(op, device_types, func=None, /, *, lib=None):
    """`CustomOpDef.register_kernel` of an operation or its name."""
    return _operation(op).register_kernel(device_types, func)


def register_fake(op, func=None, /, *, lib=None, _stacklevel=1, allow_override=False):
    """`CustomOpDef.register_fake` of an operation or its name."""
    return _operation(op).register_fake if func is None else _operation(op).register_fake(func)


def register_autograd(op, backward, /, *, setup_context=None, lib=None):
    """`CustomOpDef.register_autograd` of an operation or its name."""
    _operation(op).register_autograd(backward, setup_context=setup_context)


def register_autocast(op, device_type, cast_inputs, /, *, lib=None):
    """`CustomOpDef.register_autocast` of an operation or its name."""
    _operation(op).register_autocast(device_type, cast_inputs)


def register_vmap(op, func=None, /, *, lib=None):
    """`CustomOpDef.register_vmap` of an operation or its name."""
    return _operation(op).register_vmap if func is None else _operation(op).register_vmap(func)


def impl_abstract(qualname, func=None, *, lib=None, _stacklevel=1):
    """The old name of `register_fake`."""
    return register_fake(qualname, func, lib=lib)


def register_formula(name, formula, *, inputs=None):
    """An elementwise operation from its formula, with its derivatives of any order, made while the program runs and without a compiler.

    Args:
        name: of the operation, found as `pyxtorch.ops.formulas.NAME`; or namespace::name.
        formula: text such as "x / (1 + abs(x))": numbers, names, pi, e, + - * / **, functions (exp, log, sqrt, sin, tanh, erf, sigmoid, max ...),
            and where(a < b, x, y).
        inputs: the names of its inputs in order; by default the names in the formula, from left to right.
    Returns:
        the operation. Its inputs are tensors that broadcast, and numbers; integers become the default dtype, float16 and bfloat16 are
        computed in float32. It runs through existing kernels, on the CPU block by block.
    Raises:
        ValueError: the formula does not parse, or has what is not part of one, with the place.
    Example:
        >>> softsign = register_formula("softsign2", "x / (1 + abs(x))")
        >>> softsign(pyxtorch.tensor([1., -3.])).tolist()
        [0.5, -0.75]
    """
    from pyxtorch._formula import Formula

    made = Formula(name, formula, inputs)
    _operations[made._qualname] = made
    return made


# --------------------------------------------------------------------------- by schema and key

_thread = threading.local()


class AutoDispatchBelowAutograd:
    """Within this `with` block operations run their kernels, not the functions given for the key "Autograd"."""

    def __enter__(self):
        self.before, _thread.below = getattr(_thread, "below", False), True

    def __exit__(self, *error):
        _thread.below = self.before


def define(qualname, schema, *, lib=None, tags=()):
    """A new operation `namespace::name` of a schema, `(Tensor x, int n=1) -> Tensor`; its functions come by `impl`. A decorator where `schema` is a function.

    Raises:
        ValueError: `qualname` has no namespace. RuntimeError: the schema cannot be read.
    """
    if not isinstance(qualname, str):
        raise ValueError(f"define(qualname, schema): expected qualname to be instance of str, got {type(qualname)}")
    if _parts(qualname)[0] == "aten":
        raise RuntimeError("define: the namespace aten has the operations of PyTorch itself; take another one.")
    if qualname in _operations:
        raise RuntimeError(f"define: there is an operation {qualname} already.")
    CustomOpDef(qualname, None, (), None, schema)


def impl(qualname, types, func=None, *, lib=None):
    """Give the operation a function for kinds of devices ("cpu", "cuda", "default" for all), or for a DispatchKey by name; a decorator without `func`."""
    if func is None:
        return lambda func: impl(qualname, types, func, lib=lib)
    for kind in [types] if isinstance(types, str) else types:
        _implement(_operation(qualname), _KEYS.get(kind, kind), func)
    return func


_KEYS = {"default": "CompositeExplicitAutograd", "cpu": "CPU", "cuda": "CUDA", "meta": "Meta", "": "CompositeImplicitAutograd"}


def _implement(op, key, func):
    if func is fallthrough_kernel:
        return
    if key in ("CPU", "CUDA"):
        op._kernels[key.lower()] = func
    elif key == "CompositeExplicitAutograd":
        op._kernels[None] = func
    elif key == "Meta":
        op._fake = func
    elif key == "CompositeImplicitAutograd":
        op._composite = func
    elif key in ("Autograd", "AutogradCPU", "AutogradCUDA"):
        op._above = func
    else:
        raise RuntimeError(f"impl: {key!r} is no key that an operation can be given a function for; those are CPU, CUDA, Meta, Autograd, Composite{{Im,Ex}}plicitAutograd.")


class Library:
    """Operations of one namespace: `define` makes them, `impl` gives them functions.

    Args:
        ns: the namespace. kind: "DEF", "IMPL" or "FRAGMENT". dispatch_key: the key for which `impl` takes functions unless told otherwise.
    """

    def __init__(self, ns, kind, dispatch_key=""):
        if kind not in ("IMPL", "DEF", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        if ns == "aten":
            raise RuntimeError(
                "Library: the operations of the namespace aten cannot be given other functions. What they do is seen and changed by a "
                "torch.overrides.TorchFunctionMode."
            )
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key
        self._made = []

    def define(self, schema, alias_analysis="", *, tags=()):
        """A new operation, `name(Tensor x) -> Tensor`; gives its name."""
        name, bracket, rest = schema.partition("(")
        name = name.strip().removeprefix(f"{self.ns}::")
        define(f"{self.ns}::{name}", bracket + rest)
        self._made.append(f"{self.ns}::{name}")
        return name

    def impl(self, op_name, fn, dispatch_key="", *, with_keyset=False, allow_override=False):
        """Give an operation of the namespace a function."""
        if not callable(fn):
            raise TypeError(f"Input function is required to be a callable but found type {type(fn)}")
        name = op_name if isinstance(op_name, str) else op_name._qualname
        impl(name if "::" in name else f"{self.ns}::{name}", str(getattr(dispatch_key or self.dispatch_key, "name", dispatch_key or self.dispatch_key)), fn)

    def _destroy(self):
        for name in self._made:
            _operations.pop(name, None)
        self._made.clear()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._destroy()

    def __repr__(self):
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})"


def fallthrough_kernel():
    """Given to `Library.impl`: no function for this key.

    Raises:
        NotImplementedError: it is called, which nothing does.
    """
    raise NotImplementedError("fallthrough_kernel() should never be called.")


class _Kernel:
    """What `get_kernel` gives."""

    def __init__(self, function):
        self._function = function

    def call_boxed(self, keyset, *args, **kwargs):
        """Call it; the first argument, PyTorch's set of keys, is passed over."""
        return self._function(*args, **kwargs)


def get_kernel(op, dispatch_key):
    """The function that an operation has for a key, "CPU", "CUDA" or "Meta": an object with `call_boxed(keyset, *args)`.

    Raises:
        RuntimeError: it has none.
    """
    operation, key = _operation(op), getattr(dispatch_key, "name", dispatch_key)
    found = {"Meta": operation._fake, "Autograd": operation._above, "CompositeImplicitAutograd": operation._composite}.get(key)
    found = found or operation._kernels.get(key.lower()) or (operation._kernels.get(None) if key in ("CPU", "CUDA", "CompositeExplicitAutograd") else None)
    if found is None:
        raise RuntimeError(f"get_kernel: {operation._qualname} has no function for {key}.")
    return _Kernel(found)


def triton_op(name, fn=None, /, *, mutates_args, schema=None):
    """A custom operation whose function calls kernels of Triton: `custom_op`."""
    return custom_op(name, fn, mutates_args=mutates_args, schema=schema)


def wrap_triton(triton_kernel, /):
    """The kernel itself: nothing traces through it."""
    return triton_kernel


class _Shapes:
    """What `get_ctx` gives inside of a function for meta."""

    def new_dynamic_size(self, *, min=0, max=None):  # noqa: A002
        """A size that depends on values, which a tensor on meta does not have.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("new_dynamic_size: the size depends on values, and a tensor on meta has none.")


def get_ctx():
    """What a function for meta asks for sizes that depend on values."""
    return _Shapes()


def namespace(name):
    """The custom operations of one namespace, by their names; None if there are none."""
    found = {}
    for op in _operations.values():
        if op._namespace == name and ("." not in op._qualname or op._name not in found):
            found[op._name] = op
    return types.SimpleNamespace(**found) if found else None

"""Modes that see operations as PyTorch's internal ones, beneath overrides and autograd: `torch.ops.aten.add.Tensor`.

The gate hands each operation that nobody overrides to this thread's dispatcher, the modes entered. An operation that PyTorch composes
of others is composed of the same ones here (`COMPOSED`), each of which is seen; others are named by `overload_of`. A mode
runs without a tape. The operation that it is given records as if the mode were not there, but what the mode sees of the result is
off the tape; the result returned to the program is put back on it. So what a mode computes besides costs no gradient and changes none.

Not seen: the operations of backward, and those inside of one that is compiled as a whole.
"""
import threading

import pyxtorch
from pyxtorch import Tensor, _gate
from pyxtorch._beneath import dispatcher, set_dispatcher
from pyxtorch.autograd import Function, no_grad, set_grad_enabled
from pyxtorch.nn import functional as F

_state = threading.local()      # frames: the handlers that are running in this thread


class _Frame:
    """One call of a mode's handler."""

    def __init__(self, overload, args, kwargs):
        self.overload, self.given = overload, [id(x) for x in tensors_in((args, kwargs))]
        self.recording = pyxtorch.is_grad_enabled()
        self.made, self.called, self.original = {}, False, None

    def run(self, overload, args, kwargs):
        """An internal operation that the handler calls: recorded as around it; what it sees is off the tape."""
        outer = dispatcher()
        with set_grad_enabled(self.recording):
            result = overload.run(args, kwargs) if outer is None else outer.dispatch(overload, args, kwargs)
        if overload is self.overload and [id(x) for x in tensors_in((args, kwargs))] == self.given:
            self.called, self.original = True, result
        given = {id(x) for x in tensors_in((args, kwargs))}
        return _mapped(result, lambda y: y if id(y) in given or not y.requires_grad else self.off_tape(y))

    def off_tape(self, y):
        alias = unseen(y.detach)
        self.made[id(alias)] = alias, y
        return alias

    def put_back(self, result):
        return _mapped(result, lambda y: self.made[id(y)][1] if id(y) in self.made else y)

    def on_tape(self, result, args, kwargs):
        """What the program gets for what the handler returned."""
        if not self.made and self.called:
            return result
        wanted = self.recording and any(x.requires_grad for x in tensors_in((args, kwargs)))
        if not wanted:
            return result
        if isinstance(result, Tensor) and id(result) not in self.made and isinstance(self.original, Tensor) and self.original.requires_grad:
            if result is self.original:
                return result
            if result.shape == self.original.shape and result.dtype == self.original.dtype:
                return _Replaced.apply(self.original, result)
        elif self.called or all(id(y) in self.made or not y.is_floating_point() for y in tensors_in(result)):
            return self.put_back(result)
        raise RuntimeError(
            f"{self.overload}: a TorchDispatchMode returned something that its gradient cannot be told of: it has not called the operation "
            "on the arguments given, or returned another shape or dtype. Run it under no_grad, or return what the operation gives."
        )


class _Replaced(Function):
    """A mode's value in place of an operation's: the gradient is the operation's."""

    @staticmethod
    def forward(ctx, computed, value):
        return value.view_as(value)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def tensors_in(tree):
    """The tensors in nested lists, tuples and dicts."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        return []
    return [x for part in tree for x in tensors_in(part)]


def _mapped(tree, change):
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, (list, tuple)) and any(isinstance(x, (Tensor, list, tuple)) for x in tree):
        parts = [_mapped(x, change) for x in tree]
        return type(tree)(parts) if type(tree) in (list, tuple) or hasattr(tree, "n_fields") else type(tree)(*parts)
    return tree


# ------------------------------------------------------------------------------------------------------------ modes


class Modes:
    """The dispatcher of a thread: its modes, the one entered last at the end."""

    def __init__(self, modes):
        self.modes = modes

    def __call__(self, operation, args, kwargs):
        name = getattr(operation, "key", None) or getattr(operation, "__name__", "")
        if name in METADATA:
            return unseen(operation, *args, **kwargs)
        composed = COMPOSED.get(name)
        if composed is not None:
            return composed(*args, **kwargs)
        overload = overload_of(name, args, kwargs)
        if overload is None:        # composed of operations that pass the gate themselves, or of none
            return operation.__wrapped__(*args, **kwargs) if hasattr(operation, "__wrapped__") else unseen(operation, *args, **kwargs)
        if kwargs.get("out") is None:
            kwargs = {k: v for k, v in kwargs.items() if k != "out"}
        return self.dispatch(overload, args, kwargs)

    def dispatch(self, overload, args, kwargs):
        """Ask the mode entered last; while it runs the others are in force."""
        frame = _Frame(overload, args, kwargs)
        frames = _state.__dict__.setdefault("frames", [])
        before = set_dispatcher(Modes(self.modes[:-1]) if len(self.modes) > 1 else None)
        frames.append(frame)
        try:
            with _gate.DisableTorchFunction(), no_grad():
                result = self.modes[-1].__torch_dispatch__(overload, (), args, kwargs)
        finally:
            frames.pop()
            set_dispatcher(before)
        if self.modes[-1].keeps_history:
            return frame.put_back(result)
        return unseen(frame.on_tape, result, args, kwargs)


def on_tape(result):
    """Within a handler: what the operation that it called gave, with its place on the tape."""
    return _state.frames[-1].put_back(result)


def unseen(function, *args, **kwargs):
    """Call it while no dispatch mode is in force."""
    before = set_dispatcher(None)
    try:
        return function(*args, **kwargs)
    finally:
        set_dispatcher(before)


def call(overload, args, kwargs):
    """An internal operation is called: by a program, or by a handler."""
    frames = getattr(_state, "frames", None)
    if frames:
        return frames[-1].run(overload, args, kwargs)
    modes = dispatcher()
    return overload.run(args, kwargs) if modes is None else modes.dispatch(overload, args, kwargs)


def entered_modes():
    """The dispatch modes of this thread, the one entered last at the end."""
    modes = dispatcher()
    return [] if modes is None else list(modes.modes)


class TorchDispatchMode:
    """Sees every operation of this thread while its `with` block runs, as PyTorch's internal one.

    A subclass has a method `__torch_dispatch__(self, func, types, args=(), kwargs=None)`; what that returns is the operation's
    result. `func` is an overload such as `torch.ops.aten.mul.Tensor`, and calling it runs it. While the method runs the mode is
    out of force, and nothing is recorded for autograd but what `func` is called on. Backward's operations are not seen.
    """

    keeps_history = False       # whether what it returns has its place on the tape already

    def __init__(self, _dispatch_key=None):
        pass

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError(f"{type(self).__name__}: a mode needs a method __torch_dispatch__(self, func, types, args, kwargs).")

    def __enter__(self):
        set_dispatcher(Modes([*entered_modes(), self]))
        return self

    def __exit__(self, kind, error, trace):
        modes = entered_modes()[:-1]
        set_dispatcher(Modes(modes) if modes else None)

    @classmethod
    def push(cls, *args, **kwargs):
        """A mode of this class, to be entered by `with`."""
        return cls(*args, **kwargs)


# ------------------------------------------------------------------------------------------------------------ names

METADATA = frozenset("""
    size stride dim ndimension numel nelement element_size itemsize is_contiguous is_floating_point is_complex is_signed is_conj is_neg is_inference
    storage_offset data_ptr storage untyped_storage is_same_size is_set_to get_device requires_grad_ retain_grad register_hook is_tensor
    is_storage is_nonzero __len__ __bool__ __repr__ __str__ __format__ __index__ __int__ __float__ __complex__ __contains__ __reduce_ex__ __array__
    __setstate__ tolist numpy result_type can_cast promote_types broadcast_shapes broadcast_tensors is_pinned is_shared share_memory_ as_subclass
    resolve_conj resolve_neg dim_order manual_seed type __deepcopy__ __dir__ __hash__ __dlpack__ __dlpack_device__ __array_namespace__
""".split())  # fmt: skip

# Of the operators of Python: their internal names.
_SLOTS = {
    **{f"__{n}__": n for n in ("add", "sub", "mul", "div", "pow", "eq", "ne", "lt", "le", "gt", "ge", "neg", "abs", "remainder")},
    **{f"__{n}__": f"bitwise_{n}" for n in ("and", "or", "xor")},
    **{f"__i{n}__": f"{n}_" for n in ("add", "sub", "mul", "pow")}, **{f"__i{n}__": f"bitwise_{n}_" for n in ("and", "or", "xor")},
    "__truediv__": "div", "__itruediv__": "div_", "__mod__": "remainder", "__imod__": "remainder_", "__invert__": "bitwise_not",
    "__floordiv__": "floor_divide", "__radd__": "add", "__rmul__": "mul", "__rsub__": "rsub", "__pos__": "alias",
    "true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub", "negative": "neg", "absolute": "abs", "greater": "gt", "less": "lt",
    "concat": "cat", "concatenate": "cat", "swapaxes": "transpose", "swapdims": "transpose", "ger": "outer", "clip": "clamp",
    "greater_equal": "ge", "less_equal": "le", "not_equal": "ne", "arctan": "atan", "item": "_local_scalar_dense", "pad": "constant_pad_nd",
    "norm": "linalg_vector_norm",
}  # fmt: skip
_TENSOR_SCALAR = frozenset("eq ne lt le gt ge bitwise_and bitwise_or bitwise_xor masked_fill lerp remainder fill fmod".split())
_ALWAYS_TENSOR = frozenset("add sub mul div split slice index".split())
_INT = frozenset("transpose select unbind".split())
_WITH_DIM = frozenset("max min mean any all prod squeeze median".split())


def _overload_name(name, args, kwargs):
    plain = name.rstrip("_")
    second = args[1] if len(args) > 1 else kwargs.get("other", kwargs.get("exponent"))
    dims = kwargs.get("dim", kwargs.get("axis", second))
    if plain == "pow":
        return "Tensor_Tensor" if isinstance(args[0], Tensor) and isinstance(second, Tensor) else "Tensor_Scalar" if isinstance(args[0], Tensor) else "Scalar"
    if plain == "div" and kwargs.get("rounding_mode") is not None:
        return "Tensor_mode"
    if plain == "rsub":
        return "Tensor" if isinstance(second, Tensor) else "Scalar"
    if plain in _TENSOR_SCALAR:
        decides = args[-1] if plain in ("masked_fill", "lerp") and len(args) > 2 else kwargs.get("value", kwargs.get("weight", second))
        return "Tensor" if isinstance(decides, Tensor) else "Scalar"
    if plain in _ALWAYS_TENSOR:
        return "Tensor"
    if plain == "floor_divide":
        return "default"
    if plain == "scatter" and "reduce" not in kwargs:
        return "src" if isinstance(args[3] if len(args) > 3 else kwargs.get("src"), Tensor) else "value"
    if plain in _INT:
        return "int"
    if plain == "sum":
        return "default" if dims is None else "dim_IntList"
    if plain in ("var", "std", "var_mean", "std_mean"):
        return "correction"
    if plain == "where":
        return "self"
    if plain in ("empty", "empty_permuted"):
        return "memory_format"
    if plain in _WITH_DIM:
        return "other" if isinstance(second, Tensor) else "default" if dims is None else "dims" if plain == "squeeze" and isinstance(dims, tuple) else "dim"
    return "float" if name == "bernoulli_" else "default"


def overload_of(name, args, kwargs):
    """The internal operation for a public name and its arguments, or None where PyTorch has none of that name."""
    from pyxtorch import _aten

    name = _SLOTS.get(name, name)
    packet = _aten.packet(name)
    return None if packet is None else getattr(packet, _overload_name(name, args, kwargs), packet.default)


# ----------------------------------------------------------------------------------------------------- what is composed
# In PyTorch's order of operations and arguments; each internal operation called here passes the modes.

def _aten():
    from pyxtorch._aten import aten
    return aten


def _folded(x, inner, final):
    """`inner` of x as a matrix of rows, in x's leading shape."""
    count = 1
    for n in x.shape[:-1]:
        count *= n
    rows = _reshape(x, [count, x.shape[-1]])
    y = inner(rows)
    return final(y, [*x.shape[:-1], y.shape[-1]])


def _linear(input, weight, bias=None):
    aten = _aten()
    if weight.dim() != 2 or input.dim() < 1 or (bias is not None and bias.dim() != 1):
        y = _matmul(input, aten.t.default(weight))
        return y if bias is None else aten.add.Tensor(y, bias)
    if input.dim() == 1:
        y = aten.mv.default(weight, input)
        return y if bias is None else aten.add.Tensor(y, bias)
    w = aten.t.default(weight)
    if bias is None:
        return aten.mm.default(input, w) if input.dim() == 2 else _folded(input, lambda rows: aten.mm.default(rows, w), aten._unsafe_view.default)
    return aten.addmm.default(bias, input, w) if input.dim() == 2 else _folded(input, lambda rows: aten.addmm.default(bias, rows, w), aten.view.default)


def _matmul(input, other, *, out=None):
    aten = _aten()
    a, b = input.dim(), other.dim()
    if a == 1 and b == 1:
        y = aten.dot.default(input, other)
    elif a == 2 and b == 1:
        y = aten.mv.default(input, other)
    elif a == 1 and b == 2:
        y = aten.squeeze.dim(aten.mm.default(aten.unsqueeze.default(input, 0), other), 0)
    elif a == 2 and b == 2:
        y = aten.mm.default(input, other)
    elif a >= 3 and b == 2 and input.shape[-1] == other.shape[0]:
        y = _folded(input, lambda rows: aten.mm.default(rows, other), aten._unsafe_view.default)
    elif a >= 3 and b == 1 and input.shape[-1] == other.shape[0]:
        y = aten.squeeze.dim(_folded(input, lambda rows: aten.mm.default(rows, aten.unsqueeze.default(other, 1)), aten._unsafe_view.default), -1)
    else:
        x = aten.unsqueeze.default(input, 0) if a == 1 else input
        w = aten.unsqueeze.default(other, 1) if b == 1 else other
        if x.shape[-1] != w.shape[-2]:
            pyxtorch.matmul.__wrapped__(input, other)       # refuses, as without modes
        lead = list(pyxtorch.broadcast_shapes(x.shape[:-2], w.shape[:-2]))
        count = 1
        for n in lead:
            count *= n
        x = _reshape(aten.expand.default(x, [*lead, *x.shape[-2:]]), [count, *x.shape[-2:]])
        w = _reshape(aten.expand.default(w, [*lead, *w.shape[-2:]]), [count, *w.shape[-2:]])
        y = aten.bmm.default(x, w)
        shape = [*lead, *([] if a == 1 else [y.shape[-2]]), *([] if b == 1 else [y.shape[-1]])]
        y = aten._unsafe_view.default(y, shape)
    if out is None:
        return y
    return aten.copy_.default(out.resize_(y.shape), y)


def _reshape(self, *shape):
    shape = list(shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)
    aten = _aten()
    with no_grad():
        y = unseen(Tensor.reshape, self, shape)
    if y.data_ptr() == self.data_ptr():
        return aten.view.default(self, shape)
    return aten._unsafe_view.default(aten.clone.default(self, memory_format=pyxtorch.contiguous_format), shape)


def _several(value, n):
    return [value] * n if isinstance(value, int) else list(value) * (n if len(value) == 1 else 1)


def _convolution(n, transposed):
    function = getattr(F, f"conv{'_transpose' if transposed else ''}{n}d")

    def run(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if input.dim() != n + 2 or isinstance(padding, str):
            return function.__wrapped__(input, weight, bias, stride, padding, dilation, groups)
        return _aten().convolution.default(input, weight, bias, _several(stride, n), _several(padding, n), _several(dilation, n), False, [0] * n, groups)

    def run_transposed(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        if input.dim() != n + 2:
            return function.__wrapped__(input, weight, bias, stride, padding, output_padding, groups, dilation)
        return _aten().convolution.default(
            input, weight, bias, _several(stride, n), _several(padding, n), _several(dilation, n), True, _several(output_padding, n), groups)

    return run_transposed if transposed else run


def _softmax_like(name, function):
    internal = f"_{name}"

    def run(input, dim=None, _stacklevel=3, dtype=None, **other):
        if dim is None or other:
            return function.__wrapped__(input, dim, dtype=dtype, **other)
        if dtype is not None:
            input = input.to(dtype)
        return getattr(_aten(), internal).default(input, dim, False)

    return run


def _layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    shape = [normalized_shape] if isinstance(normalized_shape, int) else list(normalized_shape)
    return _aten().native_layer_norm.default(input, shape, weight, bias, eps)[0]


def _group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    n, c = input.shape[:2]
    rest = input.numel() // (n * c) if n and c else 0
    return _aten().native_group_norm.default(input, weight, bias, n, c, rest, num_groups, eps)[0]


def _batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    return _aten().native_batch_norm.default(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


def _embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    if max_norm is not None:
        return F.embedding.__wrapped__(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    return _aten().embedding.default(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq, sparse)


def _attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if enable_gqa or dropout_p:
        return F.scaled_dot_product_attention.__wrapped__(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    return _aten()._scaled_dot_product_flash_attention_for_cpu.default(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]


def _nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    if input.dim() > 2 or size_average is not None or reduce is not None:
        return F.nll_loss.__wrapped__(input, target, weight, size_average, ignore_index, reduce, reduction)
    return _aten().nll_loss_forward.default(input, target, weight, ("none", "mean", "sum").index(reduction), ignore_index)[0]


def _cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    if label_smoothing or target.is_floating_point() or input.dim() > 2 or size_average is not None or reduce is not None:
        return F.cross_entropy.__wrapped__(input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)
    return _nll_loss(_aten()._log_softmax.default(input, input.dim() - 1, False), target, weight, ignore_index=ignore_index, reduction=reduction)


def _max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    y = _aten().max_pool2d_with_indices.default(input, _several(kernel_size, 2), _several(stride or kernel_size, 2), _several(padding, 2), _several(dilation, 2), ceil_mode)
    return y if return_indices else y[0]


def _adaptive_avg_pool2d(input, output_size):
    if output_size in (1, (1, 1), [1, 1]):
        return _aten().mean.dim(input, [-1, -2], True)
    return _aten()._adaptive_avg_pool2d.default(input, _several(output_size, 2))


def _dropout(input, p=0.5, training=True, inplace=False):
    if not training or not 0 < p < 1 or inplace:
        return F.dropout.__wrapped__(input, p, training, inplace)
    return _aten().native_dropout.default(input, p, True)[0]


def _activation(name):
    """A function with `inplace=` in nn.functional, one or two operations inside."""
    def run(input, *args, inplace=False, **kwargs):
        if args and isinstance(args[-1], bool):
            *args, inplace = args
        packet = getattr(_aten(), name + "_" if inplace else name)
        return packet.default(input, *args, **kwargs)
    return run


def _to(self, *args, **kwargs):
    """Nothing where there is nothing to convert; otherwise a copy."""
    with no_grad():
        y = unseen(Tensor.to, self, *args, **kwargs)
    if y is self or y.data_ptr() == self.data_ptr() and y.dtype == self.dtype and y.device == self.device and not kwargs.get("copy"):
        return self
    given = {"dtype": y.dtype} if y.dtype != self.dtype else {}
    if y.device != self.device:
        given["device"] = y.device
    return _aten()._to_copy.default(self, **given)


def _contiguous(self, memory_format=pyxtorch.contiguous_format):
    return self if self.is_contiguous(memory_format=memory_format) else _aten().clone.default(self, memory_format=memory_format)


def _flatten(self, start_dim=0, end_dim=-1):
    n = self.dim()
    if n == 0:
        return _reshape(self, 1)
    first, last = range(n)[start_dim], range(n)[end_dim]
    if first >= last:
        return self if first == last else Tensor.flatten.__wrapped__(self, start_dim, end_dim)
    count = 1
    for k in self.shape[first:last + 1]:
        count *= k
    return _reshape(self, *self.shape[:first], count, *self.shape[last + 1:])


def _swapped(reciprocal):
    def run(self, other):
        return _aten().mul.Tensor(_aten().reciprocal.default(self), other) if reciprocal else _aten().pow.Scalar(other, self)
    return run


def _getitem(self, index):
    """Integers, slices, None and Ellipsis one after the other; anything else is one `index`."""
    aten = _aten()
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(not (isinstance(p, (int, slice)) or p is None or p is Ellipsis) or isinstance(p, bool) for p in parts):
        return aten.index.Tensor(self, parts)
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at:at + 1] = [slice(None)] * (self.dim() - sum(p is not None and p is not Ellipsis for p in parts))
    y, dim = self, 0
    for part in parts:
        if part is None:
            y, dim = aten.unsqueeze.default(y, dim), dim + 1
        elif isinstance(part, slice):
            if part != slice(None):
                y = aten.slice.Tensor(y, dim, part.start or 0, 9223372036854775807 if part.stop is None else part.stop, part.step or 1)
            dim += 1
        else:
            y = aten.select.int(y, dim, part)
    return y if parts and y is not self else aten.alias.default(self)


COMPOSED = {
    "linear": _linear, "matmul": _matmul, "__matmul__": _matmul, "__rmatmul__": lambda a, b: _matmul(b, a), "reshape": _reshape, "flatten": _flatten,
    **{f"conv{'_transpose' if t else ''}{n}d": _convolution(n, t) for n in (1, 2, 3) for t in (False, True)},
    "softmax": _softmax_like("softmax", F.softmax), "log_softmax": _softmax_like("log_softmax", F.log_softmax),
    "layer_norm": _layer_norm, "group_norm": _group_norm, "batch_norm": _batch_norm, "embedding": _embedding,
    "scaled_dot_product_attention": _attention, "nll_loss": _nll_loss, "cross_entropy": _cross_entropy, "max_pool2d": _max_pool2d,
    "adaptive_avg_pool2d": _adaptive_avg_pool2d, "dropout": _dropout, "to": _to, "contiguous": _contiguous,
    **{name: (lambda dtype: lambda self: _to(self, dtype))(getattr(pyxtorch, name)) for name in ("float", "double", "half", "bfloat16", "int", "long", "bool")},
    **{name: _activation(name) for name in ("relu", "silu", "leaky_relu", "elu", "hardtanh", "hardswish", "hardsigmoid", "mish")},
    "__rtruediv__": _swapped(True), "__rdiv__": _swapped(True), "square": lambda self: _aten().pow.Tensor_Scalar(self, 2), "__rpow__": _swapped(False), "__getitem__": _getitem,
    "narrow": lambda self, dim, start, length: _aten().slice.Tensor(self, dim, int(start), int(start) + length),
    "backward": lambda self, *args, **kwargs: Tensor.backward.__wrapped__(self, *args, **kwargs),
    "view_as": lambda self, other: _aten().view.default(self, list(other.shape)),
    "type_as": lambda self, other: _to(self, other),
}  # fmt: skip

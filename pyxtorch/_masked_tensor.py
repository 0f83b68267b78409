"""MaskedTensor: a tensor and a mask of the same shape that says which of its elements count.

Elementwise operations keep the mask, and two masked tensors must have the same one; views and joins do to the mask what they do to the data;
reductions are those of `torch.masked`. Anything else is a TypeError that names it. Elements that do not count get no gradient.
"""
import pyxtorch as torch
from pyxtorch import Tensor
from pyxtorch import _masked_reductions as masked
from pyxtorch._gate import DisableTorchFunctionSubclass, name_of

__all__ = ["MaskedTensor", "as_masked_tensor", "is_masked_tensor", "masked_tensor"]


def is_masked_tensor(obj):
    """Whether it is a MaskedTensor."""
    return isinstance(obj, MaskedTensor)


def _text(data, mask, form):
    if data.dim() == 1:
        return "[" + ", ".join(form(x) if m else "--".rjust(8) for x, m in zip(data.tolist(), mask.tolist())) + "]"
    lines = ",\n".join(_text(d, m, form) for d, m in zip(data.unbind(), mask.unbind()))
    return "[\n" + "\n".join("  " + line for line in lines.split("\n")) + "\n]"


class MaskedTensor(Tensor):
    """A tensor with a mask: `masked_tensor(data, mask)`. See `torch.masked`."""

    @staticmethod
    def __new__(cls, data, mask, requires_grad=False):
        if is_masked_tensor(data) or not isinstance(data, Tensor):
            raise TypeError(f"data must be a Tensor. Got {type(data)}")
        if is_masked_tensor(mask) or not isinstance(mask, Tensor):
            raise TypeError(f"mask must be a Tensor. Got {type(mask)}")
        if mask.dtype is not torch.bool:
            raise TypeError("mask must have dtype bool.")
        if data.layout is not torch.strided or mask.layout is not torch.strided:
            raise TypeError(f"data and mask must be strided tensors, not of layout {data.layout!r} and {mask.layout!r}.")
        if data.dim() != mask.dim():
            raise ValueError("data.dim() must equal mask.dim()")
        if data.shape != mask.shape:
            raise ValueError("data.size() must equal mask.size()")
        x = data.as_subclass(cls)
        if requires_grad:
            x.requires_grad_()
        x._masked_mask = mask
        return x

    def get_data(self):
        """The tensor beneath, whose elements under a False of the mask mean nothing."""
        with DisableTorchFunctionSubclass():
            return self.as_subclass(Tensor)

    def get_mask(self):
        """The mask, a bool tensor: True where an element counts."""
        return self._masked_mask

    def to_tensor(self, value):
        """A plain tensor with `value` where elements do not count."""
        return self.get_data().masked_fill(~self._masked_mask, value)

    def __repr__(self, *, tensor_contents=None):
        data, mask = self.get_data().detach(), self._masked_mask
        form = "{0:8.4f}".format if data.dtype.is_floating_point else str
        if data.dim() == 0:
            return f"MaskedTensor({form(data.item()) if mask else '--'}, {bool(mask)})"
        lines = "\n".join("  " + line for line in _text(data, mask, form).split("\n"))
        return f"MaskedTensor(\n{lines}\n)"

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = name_of(func).removesuffix(".__get__").removesuffix(".__set__").rpartition(".")[2]
        if name == "grad" and name_of(func).endswith(".__get__"):
            with DisableTorchFunctionSubclass():
                g = func(*args)
            return g if g is None else MaskedTensor(g.as_subclass(Tensor), args[0]._masked_mask)
        if name in _PLAIN:
            with DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        if name not in _CALLS:
            raise TypeError(f"{name_of(func)}: is not there for MaskedTensor. Use it on get_data() and get_mask(), or on to_tensor(value).")
        return _CALLS[name](func, args, kwargs or {})


def masked_tensor(data, mask, requires_grad=False):
    """A MaskedTensor of a copy of `data` and of `mask`, a leaf.

    Raises:
        TypeError: the mask is not of bool. ValueError: the shapes differ.
    """
    if isinstance(data, Tensor) and not is_masked_tensor(data) and isinstance(mask, Tensor):
        data, mask = data.detach().clone(), mask.clone()
    return MaskedTensor(data, mask, requires_grad)


def as_masked_tensor(data, mask):
    """A MaskedTensor of `data` as it is: gradients go on to it."""
    return MaskedTensor(data, mask)


# --------------------------------------------------------------------------------------------- what is done to them


def _data(x):
    return x.get_data() if is_masked_tensor(x) else x


def _common(masks):
    if any(not torch.equal(m, masks[0]) for m in masks[1:]):
        raise ValueError("Input masks must match. Apply the operation to get_data(), or give both the same mask.")
    return masks[0]


def _elementwise(func, args, kwargs):
    mask = _common([x._masked_mask for x in args if is_masked_tensor(x)])
    y = func(*map(_data, args), **kwargs)
    return MaskedTensor(y, mask.expand(y.shape))


def _inplace(func, args, kwargs):
    _common([x._masked_mask for x in args if is_masked_tensor(x)])
    if not is_masked_tensor(args[0]):
        raise TypeError(f"{name_of(func)}: a tensor without a mask cannot take a MaskedTensor in place.")
    with DisableTorchFunctionSubclass():
        func(args[0], *map(_data, args[1:]), **kwargs)
    return args[0]


def _view(func, args, kwargs):
    data, mask = func(_data(args[0]), *args[1:], **kwargs), func(args[0]._masked_mask, *args[1:], **kwargs)
    return MaskedTensor(data, mask) if isinstance(data, Tensor) else type(data)(map(MaskedTensor, data, mask))


def _joined(func, args, kwargs):
    tensors, *rest = args
    masks = [x._masked_mask if is_masked_tensor(x) else torch.ones_like(x, dtype=torch.bool) for x in tensors]
    return MaskedTensor(func([_data(x) for x in tensors], *rest, **kwargs), func(masks, *rest, **kwargs))


def _where(func, args, kwargs):
    condition, a, b = args
    masks = [x._masked_mask if is_masked_tensor(x) else torch.ones_like(x, dtype=torch.bool) for x in (a, b)]
    condition = _data(condition)
    return MaskedTensor(torch.where(condition, _data(a), _data(b)), torch.where(condition, *masks))


def _reduction(name):
    def reduce(func, args, kwargs):
        x, *rest = args
        mask = x._masked_mask
        if name == "norm":
            order = kwargs.pop("p", None) if rest == [] else rest.pop(0)
            rest = [2.0 if order in (None, "fro") else float(order), *rest]
        if name in ("var", "std") and rest and isinstance(rest[0], bool):
            rest = [None, *rest]
        y = _MASKED[name](_data(x), *rest, mask=mask, **kwargs)
        dim = kwargs.get("dim", (rest[1:] if name == "norm" else rest)[0] if (rest[1:] if name == "norm" else rest) else None)
        keep = y.dim() == x.dim() and x.dim() > 0
        counts = mask.any() if dim is None else mask.any(dim=dim, keepdim=True) if keep else mask.any(dim=dim)
        return MaskedTensor(y, counts.reshape(y.shape))

    return reduce


def _all(input, dim=None, *, keepdim=False, mask=None):
    x = torch.where(mask, input != 0, True)
    return x.all() if dim is None else x.all(dim=dim, keepdim=keepdim)


def _any(input, dim=None, *, keepdim=False, mask=None):
    x = torch.where(mask, input != 0, False)
    return x.any() if dim is None else x.any(dim=dim, keepdim=keepdim)


def _normalised(name):
    def run(func, args, kwargs):
        x, *rest = args
        return MaskedTensor(getattr(masked, name)(_data(x), *rest, mask=x._masked_mask, **kwargs), x._masked_mask)

    return run


_MASKED = {**{n: getattr(masked, n) for n in ("sum", "mean", "prod", "amax", "amin", "argmax", "argmin", "var", "std", "norm")}, "all": _all, "any": _any}
_PLAIN = frozenset("""
    shape dtype device layout ndim requires_grad is_leaf grad_fn grad is_sparse is_cuda is_nested is_meta is_cpu is_quantized size dim ndimension numel nelement
    stride storage_offset is_contiguous is_floating_point is_complex is_signed element_size itemsize nbytes requires_grad_ retain_grad retains_grad register_hook
    backward item __len__ __bool__ __float__ __int__ __index__ __hash__ __torch_function__ _version as_subclass is_same_size output_nr _is_view_of names
""".split())  # fmt: skip
_SAME = """
    abs absolute acos acosh asin asinh atan atanh bitwise_not ceil clamp clip clamp_min clamp_max cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 floor frac
    lgamma log log10 log1p log2 logit i0 isnan isinf isfinite isreal nan_to_num neg negative positive rad2deg reciprocal relu round rsqrt sigmoid sign sgn signbit sin
    sinc sinh sqrt square tan tanh trunc fix logical_not clone detach contiguous to float double half bfloat16 int long bool type cpu silu gelu leaky_relu elu
    softplus softsign ones_like zeros_like full_like empty_like rand_like randn_like dropout __neg__ __invert__ __abs__ __pos__
    add sub mul div true_divide divide multiply subtract rsub floor_divide remainder fmod pow float_power eq ne lt le gt ge maximum minimum fmax fmin atan2 arctan2
    bitwise_and bitwise_or bitwise_xor logical_and logical_or logical_xor logaddexp logaddexp2 hypot nextafter __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__
    __truediv__ __rtruediv__ __div__ __rdiv__ __floordiv__ __rfloordiv__ __mod__ __rmod__ __pow__ __rpow__ __eq__ __ne__ __and__ __or__ __xor__ __rand__ __ror__ __rxor__
""".split()  # fmt: skip
_VIEWS = """
    view reshape transpose swapaxes permute t T mT unsqueeze squeeze expand flatten unflatten select narrow __getitem__ unbind split chunk movedim unfold diagonal
    index_select flip roll repeat view_as_real tile
""".split()  # fmt: skip
_INPLACE = "add_ sub_ mul_ div_ pow_ neg_ abs_ exp_ log_ sqrt_ sin_ cos_ tanh_ sigmoid_ relu_ clamp_ zero_ fill_ __iadd__ __isub__ __imul__ __itruediv__".split()
_CALLS = {
    **dict.fromkeys(_SAME, _elementwise), **dict.fromkeys(_VIEWS, _view), **dict.fromkeys(_INPLACE, _inplace), **{name: _reduction(name) for name in _MASKED},
    **{name: _normalised(name) for name in ("softmax", "log_softmax", "softmin", "cumsum", "cumprod")}, "cat": _joined, "stack": _joined, "where": _where,
}  # fmt: skip

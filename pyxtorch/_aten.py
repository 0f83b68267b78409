"""torch.ops.aten: the operations by PyTorch's internal names, `aten.add.Tensor`.

Each is the public operation of that name; an overload tells dispatchers apart what one Python function does, so that all
overloads of a name call the same. What has no public name stands below.
"""
import pyxtorch
from pyxtorch import Tensor, _dispatch
from pyxtorch._gate import Operation
from pyxtorch.nn import functional

_OVERLOADS = frozenset("""
    default Tensor Scalar int str float complex bool dim dims dim_IntList self other out Tensor_out Scalar_out Tensor_Scalar Scalar_Tensor Tensor_Tensor
    ScalarList List vec dtype generator stable names correction Tensor_mode Scalar_mode unary_out values reduce value_reduce using_ints input
    start start_step end low from to memory_format sizes ScalarOpt_dim ScalarOpt_dim_dtype
""".split())  # fmt: skip
# What is public only in nn.functional, with the same order of arguments.
_FUNCTIONAL = frozenset("""
    adaptive_avg_pool2d adaptive_avg_pool3d avg_pool2d avg_pool3d binary_cross_entropy elu elu_ gelu glu hardsigmoid hardswish hardtanh hardtanh_ huber_loss
    l1_loss leaky_relu leaky_relu_ linear mish mse_loss one_hot pad relu6 silu smooth_l1_loss soft_margin_loss softplus softshrink
""".split())  # fmt: skip


def _slice(self, dim=0, start=None, end=None, step=1):
    return self[(slice(None),) * (dim % self.dim()) + (slice(start, end, step),)]


def _index(self, indices):
    return self[tuple(slice(None) if index is None else index for index in indices)]


def _to_copy(self, *, dtype=None, layout=None, device=None, pin_memory=None, non_blocking=False, memory_format=None):
    return self.to(device=device or self.device, dtype=dtype or self.dtype, non_blocking=non_blocking, copy=True,
                   memory_format=memory_format or pyxtorch.preserve_format)  # fmt: skip


def _sparse_addmm(self, mat1, mat2, *, beta=1, alpha=1):
    return pyxtorch.sparse.addmm(self, mat1, mat2, beta=beta, alpha=alpha)


def _convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    n = weight.dim() - 2
    if transposed:
        return getattr(functional, f"conv_transpose{n}d")(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(functional, f"conv{n}d")(input, weight, bias, stride, padding, dilation, groups)


def _over(x, dims):
    return x.mean(dims, keepdim=True), x.var(dims, unbiased=False, keepdim=True)


def _native_layer_norm(input, normalized_shape, weight, bias, eps):
    with pyxtorch.no_grad():
        mean, var = _over(input.float() if input.dtype in (pyxtorch.float16, pyxtorch.bfloat16) else input, tuple(range(-len(normalized_shape), 0)))
    return functional.layer_norm(input, normalized_shape, weight, bias, eps), mean, (var + eps).rsqrt()


def _native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    with pyxtorch.no_grad():
        mean, var = _over(input.reshape(N, group, -1), (2,))
    return functional.group_norm(input, group, weight, bias, eps), mean[..., 0], (var + eps).rsqrt()[..., 0]


def _native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    with pyxtorch.no_grad():
        none = input.new_empty(0)
        dims = tuple(d for d in range(input.dim()) if d != 1)
        mean, var = _over(input, dims) if training else (none, none)
        saved = (mean.flatten(), (var + eps).rsqrt().flatten())
    return (functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps), *saved)


def _flash(query, key, value, dropout_p=0.0, is_causal=False, *, attn_mask=None, scale=None):
    y = functional.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale)
    with pyxtorch.no_grad():
        scores = (query @ key.mT) * (query.shape[-1] ** -0.5 if scale is None else scale)
        if is_causal:
            scores = scores.masked_fill(~pyxtorch.ones(scores.shape[-2:], dtype=pyxtorch.bool).tril(), float("-inf"))
        if attn_mask is not None:
            scores = scores.masked_fill(~attn_mask, float("-inf")) if attn_mask.dtype == pyxtorch.bool else scores + attn_mask
        return y, scores.logsumexp(-1)


def _native_dropout(input, p, train):
    state = pyxtorch.get_rng_state()
    y = functional.dropout(input, p, train)
    after = pyxtorch.get_rng_state()
    with pyxtorch.no_grad():
        pyxtorch.set_rng_state(state)
        mask = functional.dropout(pyxtorch.ones_like(input), p, train) != 0
        pyxtorch.set_rng_state(after)
    return y, mask


def _nll_loss_forward(self, target, weight, reduction, ignore_index):
    names = ("none", "mean", "sum")
    y = functional.nll_loss(self, target, weight, ignore_index=ignore_index, reduction=names[reduction])
    with pyxtorch.no_grad():
        counted = target != ignore_index
        total = counted.sum().to(self.dtype) if weight is None else weight[target[counted]].sum()
    return y, total if reduction else self.new_zeros(())


_INTERNAL = {
    "_adaptive_avg_pool2d": functional.adaptive_avg_pool2d,
    "_convolution": lambda input, weight, bias, stride, padding, dilation, transposed, output_padding, groups, *switches: _convolution(
        input, weight, bias, stride, padding, dilation, transposed, output_padding, groups),
    "_local_scalar_dense": lambda self: self.item(),
    "_log_softmax": lambda self, dim, half_to_float: functional.log_softmax(self, dim),
    "_scaled_dot_product_flash_attention_for_cpu": _flash,
    "_softmax": lambda self, dim, half_to_float: functional.softmax(self, dim),
    "constant_pad_nd": lambda self, pad, mode="constant", value=0: functional.pad(self, pad, mode, value),
    "convolution": _convolution,
    "embedding": lambda weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False: functional.embedding(
        indices, weight, None if padding_idx == -1 else padding_idx, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse),
    "linalg_vector_norm": lambda self, ord=2, dim=None, keepdim=False, **kwargs: self.norm(ord, dim, keepdim, **kwargs),
    "max_pool2d_with_indices": lambda self, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False: functional.max_pool2d(
        self, kernel_size, stride or None, padding, dilation, ceil_mode, return_indices=True),
    "native_batch_norm": _native_batch_norm,
    "native_dropout": _native_dropout,
    "native_group_norm": _native_group_norm,
    "native_layer_norm": _native_layer_norm,
    "nll_loss_forward": _nll_loss_forward,
    "_pin_memory": lambda self, device=None: self.pin_memory(),
    "_sparse_addmm": _sparse_addmm,
    "_to_copy": _to_copy,
    "_unsafe_view": lambda self, size: self.reshape(size),
    "alias": lambda self: self.view_as(self),
    "index": _index,
    "slice": _slice,
    "t": lambda self: self.t(),
}


def _function(name):
    """The function of an internal name, or None."""
    if name in _INTERNAL:
        return _INTERNAL[name]
    for owner in (pyxtorch, Tensor, functional if name in _FUNCTIONAL else None):
        found = getattr(owner, name, None)
        if isinstance(found, Operation):
            return found
    return None


class OpOverloadPacket:
    """All overloads of an internal name: `aten.add`. Called, it does the same as each of them."""

    def __init__(self, name, function):
        self.__name__ = name
        self._qualified_op_name, self._function = f"aten::{name}", function

    def __call__(self, *args, **kwargs):
        return self.default(*args, **kwargs)

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return packet, (self.__name__,)

    def __getattr__(self, name):
        if name not in _OVERLOADS:
            raise AttributeError(f"The underlying op of 'aten.{self.__name__}' has no overload name {name!r}")
        found = self.__dict__[name] = OpOverload(self, name)
        return found

    def __repr__(self):
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"

    def __str__(self):
        return f"aten.{self.__name__}"


class OpOverload:
    """One overload: `aten.add.Tensor`."""

    namespace = "aten"

    def __init__(self, packet, overload):
        self._overloadpacket, self._opname, self._overloadname = packet, packet.__name__, overload
        self.__name__ = f"{packet.__name__}.{overload}"

    def __call__(self, *args, **kwargs):
        return _dispatch.call(self, args, kwargs)

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return getattr, (self._overloadpacket, self._overloadname)

    def run(self, args, kwargs):
        """The operation itself."""
        return self._overloadpacket._function(*args, **kwargs)

    @property
    def overloadpacket(self):
        """What it is an overload of."""
        return self._overloadpacket

    def name(self):
        """`aten::add.Tensor`; of the default overload `aten::relu`."""
        return f"aten::{self._opname}" if self._overloadname == "default" else f"aten::{self.__name__}"

    def __repr__(self):
        return f"<OpOverload(op='aten.{self._opname}', overload='{self._overloadname}')>"

    def __str__(self):
        return f"aten.{self.__name__}"


class _Namespace:
    def __getattr__(self, name):
        function = _function(name)
        if function is None:
            raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute {name!r}")
        found = self.__dict__[name] = OpOverloadPacket(name, function)
        return found

    def __repr__(self):
        return "<module 'torch.ops.aten' from 'torch.ops'>"


aten = _Namespace()


def packet(name):
    """The overloads of a name, or None where it has none."""
    try:
        return getattr(aten, name)
    except AttributeError:
        return None

"""torch.ops.aten: the operations by PyTorch's internal names, `aten.add.Tensor`.

Each is the public operation of that name; an overload tells dispatchers apart what one Python function does, so that all
overloads of a name call the same. What has no public name stands below.
"""
import pyxtorch
from pyxtorch import Tensor
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


_INTERNAL = {
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
        return self._function(*args, **kwargs)

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

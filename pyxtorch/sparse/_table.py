"""What operations do with sparse tensors: one table from the names of operations and attributes to functions.

`find` is asked by the gate (pyxtorch/_gate.pyx) instead of the operation running. None in the table stands for "the operation
itself is right", as it looks at nothing but the shape, the dtype and the place in the graph. What is not in the table raises
NotImplementedError.
"""
import pyxtorch as torch
from pyxtorch._compound import change_parts, parts_of, put_grad
from pyxtorch._gate import Operation, name_of
from pyxtorch.sparse import _convert, _math, _matmul, _shape, _text
from pyxtorch.sparse._layout import COMPRESSED, COO, CSC, CSR, bare, build, compressed_tensor, expected, refuse, values_of, with_values

# ------------------------------------------------------------------------ looking at the parts

def indices(x):
    """The indices of a coalesced COO tensor, (sparse_dim, nnz)."""
    parts = expected(x, (COO,), "indices", "sparse coordinate")
    if not parts.coalesced:
        raise RuntimeError("Cannot get indices on an uncoalesced tensor, please call .coalesce() first")
    return parts.indices.detach()


def values(x):
    """The values; of a COO tensor that is coalesced."""
    parts = parts_of(x)
    if parts is None:
        raise RuntimeError(f"values expected sparse tensor layout but got {'Strided' if x.layout is torch.strided else x.layout}")
    if parts.layout is COO and not parts.coalesced:
        raise RuntimeError("Cannot get values on an uncoalesced tensor, please call .coalesce() first")
    return values_of(x)


def _part(name, layout, place, what):
    def part(x):
        return expected(x, (layout,), name, f"sparse {what} compressed").indices[place].detach()

    part.__name__ = name
    return part


def is_coalesced(x):
    return expected(x, (COO,), "is_coalesced", "sparse coordinate").coalesced


def _coalesced_(x, coalesced):
    parts = expected(x, (COO,), "_coalesced_", "sparse coordinate")
    change_parts(x, bare(COO, parts.indices, parts.values, x.shape, bool(coalesced)))
    return x


def nnz(x):
    parts = parts_of(x)
    if parts is None:
        raise NotImplementedError(f"_nnz: is of sparse tensors; this one is of layout {x.layout!r}.")
    return parts.nnz


def sparse_dim(x):
    return x.ndim - dense_dim(x)


def dense_dim(x):
    parts = parts_of(x)
    return x.ndim if parts is None else parts.dense_dim


def raw_indices(x):
    """The indices as they are, of a COO tensor."""
    return expected(x, (COO,), "_indices", "sparse coordinate").indices.detach()


def raw_values(x):
    """The values as they are, off the tape."""
    parts = parts_of(x)
    if parts is None:
        raise NotImplementedError(f"_values: is of sparse tensors; this one is of layout {x.layout!r}.")
    return parts.values.detach()


# ------------------------------------------------------------------------- copies and conversions

def clone(x, *, memory_format=None):
    parts = parts_of(x)
    own = parts.indices.clone() if parts.layout is COO else tuple(i.clone() for i in parts.indices)
    return build(parts.layout, own, values_of(x).clone(), x.shape, parts.coalesced)


def detach(x):
    parts = parts_of(x)
    return bare(parts.layout, parts.indices, parts.values, x.shape, parts.coalesced)


def to(x, *args, copy=False, **kwargs):
    """Another dtype. The device is the CPU."""
    for place in (*args, kwargs.get("device")):
        kind = "meta" if isinstance(place, torch.Tensor) and place.is_meta else place
        if isinstance(place, (str, torch.device)) or kind == "meta":
            if torch.device(kind).type != "cpu":
                raise RuntimeError(f"to: sparse tensors lie on the CPU; the device {kind} is not there for them. Use .to_dense() first.")
    before = values_of(x)
    after = before.to(*[torch.empty(0, dtype=a.dtype) if parts_of(a) is not None else a for a in args], **kwargs)
    if after.dtype is x.dtype:
        return clone(x) if copy or True in [a for a in args[1:] if isinstance(a, bool)][1:] else x
    return with_values(x, after)


def to_dtype(dtype):
    def cast(x, memory_format=None):
        return to(x, dtype)

    return cast


def on_cpu(x, memory_format=None):
    return x


def no_device(x, *args, **kwargs):
    raise RuntimeError("cuda: sparse tensors lie on the CPU; use .to_dense() first.")


def type_(x, dtype=None, non_blocking=False, **kwargs):
    if dtype is None:
        name = torch.empty(0, dtype=x.dtype).type().removeprefix("torch.")
        return f"torch.{'sparse' if x.layout is COO else 'sparse_csr' if x.layout is CSR else 'sparse_csc'}.{name}"
    return to(x, torch.empty(0).type(dtype).dtype)


def deepcopy(x, memo):
    if id(x) in memo:
        return memo[id(x)]
    if x.grad_fn is not None:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. Use .detach().clone()."
        )
    y = clone(x.detach())
    if type(x) is not torch.Tensor:
        y = torch.Tensor._make_subclass(type(x), y, x.requires_grad)
    memo[id(x)] = y.requires_grad_(x.requires_grad)
    if x.grad is not None:
        y.grad = x.grad.__deepcopy__(memo)
    return y


def rebuild(layout, arguments, cls=None, requires_grad=False):
    """A sparse tensor from what pickle kept of it; everything is checked."""
    if layout is COO:
        own, items, shape, coalesced = (*arguments, None)[:4]
        x = torch.sparse_coo_tensor(own, items, shape, is_coalesced=coalesced, check_invariants=True)
    else:
        x = compressed_tensor(*arguments, layout, "sparse tensor", check_invariants=False)
    if cls is not None and cls is not torch.Tensor:
        return torch.Tensor._make_subclass(cls, x, requires_grad)
    return x.requires_grad_() if requires_grad else x


def unchecked(layout, arguments):
    """What `rebuild` gives, before the memory of its parts has been read. Nothing may be done with it until `rebuild` has taken them, too."""
    if layout is COO:
        own, items, shape, coalesced = (*arguments, False)[:4]
        return build(COO, own, items, shape, bool(coalesced))
    *indices, items, shape = arguments
    return build(layout, tuple(indices), items, shape)


def state_of(x):
    """(layout, arguments) as `rebuild` takes them, and PyTorch's `_rebuild_sparse_tensor`."""
    parts = parts_of(x)
    if parts.layout is COO:
        return COO, (parts.indices, parts.values, torch.Size(x.shape), parts.coalesced)
    return parts.layout, (*parts.indices, parts.values, torch.Size(x.shape))


def reduce_ex(x, protocol):
    return rebuild, (*state_of(x), type(x), x.requires_grad), x.__dict__ or None


def to_sparse(x, sparse_dim=None, *, layout=None, blocksize=None, dense_dim=None):
    if sparse_dim is not None and layout is not None:
        raise RuntimeError("to_sparse: give sparse_dim or layout, not both.")
    if blocksize is not None:
        raise RuntimeError(f"to_sparse: blocksize={blocksize} is for layouts of blocks, which are not there.")
    return _convert.to_layout(x, layout or COO, sparse_dim, dense_dim)


def to_csr(x, dense_dim=None):
    return _convert.to_compressed(x, CSR, dense_dim)


def to_csc(x, dense_dim=None):
    return _convert.to_compressed(x, CSC, dense_dim)


def as_tensor(data, dtype=None, device=None):
    return data if dtype is None else to(data, dtype)


# ------------------------------------------------------------------------------- attributes

def set_grad(x, g):
    if g is None:
        put_grad(x, None)
        return
    if not isinstance(g, torch.Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(g).__name__}")
    if g is x:
        raise RuntimeError("can't assign Variable as its own grad")
    if g.dtype is not x.dtype:
        raise RuntimeError(f"assigned grad has data of a different type: {g.dtype!r}, the tensor has {x.dtype!r}")
    if g.device.type != x.device.type:
        raise RuntimeError(f"assigned grad has data located on a different device: {g.device}, the tensor is on {x.device}")
    if tuple(g.shape) != tuple(x.shape):
        raise RuntimeError(f"assigned grad has data of a different size: {list(g.shape)}, the tensor has {list(x.shape)}")
    put_grad(x, g)


def set_data(x, value):
    if parts_of(x) is None or parts_of(value) is None or x.layout is not value.layout:
        raise RuntimeError(f"data: cannot make a tensor of layout {x.layout!r} one of layout {value.layout!r}.")
    change_parts(x, value)


def nbytes(x):
    raise RuntimeError("nbytes is not defined for sparse tensors. Add the nbytes of the indices and the values, or use numel() * itemsize for a strided one.")


def hook_refused(error, text):
    """What raises this error."""

    def function(*args, **kwargs):
        raise error(text)

    return function


ATTRIBUTES = {
    **dict.fromkeys((
        "shape", "dtype", "ndim", "requires_grad", "grad", "grad_fn", "is_leaf", "output_nr", "retains_grad", "is_quantized", "is_nested",
        "itemsize", "names", "_version", "is_cuda", "_is_view_of", "_base",
    )),
    "device": lambda x: torch.device("cpu"),
    "layout": lambda x: parts_of(x).layout,
    "is_sparse": lambda x: parts_of(x).layout is COO,
    "is_sparse_csr": lambda x: parts_of(x).layout is CSR,
    "is_meta": lambda x: False,
    "is_cpu": lambda x: True,
    "is_mkldnn": lambda x: False,
    "data": detach,
    "nbytes": nbytes,
    "T": _shape.reversed_dims,
    "mT": lambda x: _shape.transpose(x, -2, -1),
    "H": lambda x: _math.unary("conj")(_shape.t(x)),
    "real": _math.unary("real"),
    "imag": _math.unary("imag"),
}  # fmt: skip
SETTERS = {"requires_grad": None, "grad": set_grad, "data": set_data, "names": None}

_NO_STORAGE = hook_refused(NotImplementedError, "Cannot access storage of a sparse tensor: its elements are in .indices() and .values().")
CALLS = {
    # Right as they are. (The steps of optimisers leave to operations what is not contiguous.)
    **dict.fromkeys((
        "size", "dim", "ndimension", "numel", "nelement", "requires_grad_", "backward", "register_hook", "retain_grad",
        "register_post_accumulate_grad_hook", "is_floating_point", "is_complex", "is_signed", "element_size", "is_same_size", "result_type",
        "__dir__", "is_inference", "is_distributed", "get_device", "__setstate__", "is_conj", "is_neg", "sgd_step", "adam_step", "rmsprop_step",
    )),
    # Conversions and parts.
    "indices": indices, "values": values, "_indices": raw_indices, "_values": raw_values, "_nnz": nnz, "coalesce": _convert.coalesce,
    "is_coalesced": is_coalesced, "_coalesced_": _coalesced_, "sparse_dim": sparse_dim, "dense_dim": dense_dim, "_dimI": sparse_dim, "_dimV": dense_dim,
    "crow_indices": _part("crow_indices", CSR, 0, "row"), "col_indices": _part("col_indices", CSR, 1, "row"),
    "ccol_indices": _part("ccol_indices", CSC, 0, "column"), "row_indices": _part("row_indices", CSC, 1, "column"),
    "to_dense": _convert.to_dense, "to_sparse": to_sparse, "to_sparse_coo": _convert.to_coo, "to_sparse_csr": to_csr, "to_sparse_csc": to_csc,
    "clone": clone, "detach": detach, "to": to, "cpu": on_cpu, "cuda": no_device, "type": type_, "type_as": lambda x, other: to(x, other.dtype),
    "detach_copy": lambda x: clone(detach(x)), "__deepcopy__": deepcopy, "__reduce_ex__": reduce_ex, "__repr__": _text.tensor_str,
    "__format__": lambda x, spec: format(str(x), spec), "as_tensor": as_tensor, "asarray": as_tensor,
    "sparse_mask": _convert.sparse_mask, "alias": detach,
    **{name: to_dtype(getattr(torch, dtype)) for name, dtype in {
        "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "int": "int32", "long": "int64", "short": "int16",
        "char": "int8", "byte": "uint8", "bool": "bool", "cfloat": "complex64", "cdouble": "complex128"}.items()},
    # Shapes.
    "t": _shape.t, "transpose": _shape.transpose, "swapaxes": _shape.transpose, "swapdims": _shape.transpose, "permute": _shape.permute,
    "adjoint": lambda x: _math.unary("conj")(_shape.transpose(x, -2, -1)), "unsqueeze": _shape.unsqueeze, "select": _shape.select, "unbind": _shape.unbind, "__getitem__": _shape.getitem, "index_select": _shape.index_select, "narrow_copy": _shape.narrow_copy, "cat": _shape.cat,
    "concat": _shape.cat, "concatenate": _shape.cat, "stack": _shape.stack, "copy_": _shape.copy_, "zero_": _shape.zero_, "sparse_resize_": _shape.sparse_resize_,
    "sparse_resize_and_clear_": _shape.sparse_resize_and_clear_, "resize_as_sparse_": _shape.resize_as_sparse_,
    "zeros_like": _math.zeros_like, "empty_like": _math.zeros_like, "new_zeros": _math.new_zeros, "new_empty": _math.new_zeros,
    "new_tensor": lambda x, data, *, dtype=None, device=None, requires_grad=False: torch.tensor(data, dtype=dtype or x.dtype, requires_grad=requires_grad),
    # Arithmetic.
    **{name: _math.unary(name) for name in (*_math.LINEAR, *_math.ZERO_TO_ZERO)},
    **{name + "_": _math.inplace(_math.unary(name)) for name in (*_math.LINEAR, *_math.ZERO_TO_ZERO)},
    "__abs__": _math.unary("abs"), "__neg__": _math.unary("neg"), "__pos__": _math.unary("positive"),
    "add": _math.add, "sub": _math.sub, "subtract": _math.sub, "rsub": _math.rsub, "__rsub__": _math.rsub, "mul": _math.mul, "multiply": _math.mul,
    "div": _math.div, "divide": _math.div, "true_divide": _math.div, "floor_divide": _math.floor_divide, "__floordiv__": _math.floor_divide, "pow": _math.pow, "float_power": lambda x, e: _math.pow(to(x, torch.float64), e),
    "add_": _math.add_, "sub_": _math.sub_, "subtract_": _math.sub_, "mul_": _math.mul_, "multiply_": _math.mul_, "div_": _math.inplace(_math.div),
    "divide_": _math.inplace(_math.div), "floor_divide_": _math.inplace(_math.floor_divide), "pow_": _math.inplace(_math.pow),
    "sum": _math.sum, "norm": _math.norm, "any": _math.any_of,
    # Products.
    "mm": _matmul.mm, "matmul": _matmul.matmul, "__rmatmul__": _matmul.rmatmul, "mv": _matmul.mv, "bmm": _matmul.bmm, "addmm": _matmul.addmm, "addmm_": _matmul.addmm_,
    "addmv": _matmul.addmv, "linear": _matmul.linear, "spmm": _matmul.mm, "dsmm": _matmul.mm, "hsmm": _matmul.hspmm, "saddmm": _matmul.addmm,
    "hspmm": _matmul.hspmm, "smm": _matmul.smm, "sspaddmm": _matmul.sspaddmm,
    # What cannot be, in PyTorch's classes of errors.
    "numpy": hook_refused(TypeError, "can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first."),
    "__array__": hook_refused(TypeError, "can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first."),
    "__dlpack__": hook_refused(BufferError, "Can't export tensors with layout other than torch.strided: use .to_dense() first."),
    "__dlpack_device__": hook_refused(BufferError, "Can't export tensors with layout other than torch.strided: use .to_dense() first."),
    **dict.fromkeys(("tolist", "data_ptr"), hook_refused(RuntimeError, "Cannot access data pointer of a sparse tensor: it has no memory of its own. Use .to_dense() first.")),
    **dict.fromkeys(("storage", "untyped_storage", "_typed_storage"), _NO_STORAGE),
    **dict.fromkeys(("reshape", "flatten", "ravel"), hook_refused(RuntimeError, "reshape is not implemented for sparse tensors: use .to_dense() first.")),
    **dict.fromkeys(("expand", "repeat", "tile", "broadcast_to"), hook_refused(RuntimeError, "expand is unsupported for Sparse tensors: use .to_dense() first.")),
    "contiguous": hook_refused(RuntimeError, "contiguous: unsupported memory format option Contiguous of a sparse tensor."),
    "is_contiguous": lambda x, memory_format=None: False, "stride": lambda x, dim=None: (0,) * x.ndim if dim is None else 0, "storage_offset": lambda x: 0,
    "__setitem__": hook_refused(TypeError, "Cannot assign to a sparse tensor"),
    "__delitem__": hook_refused(TypeError, "Tensor does not support deleting items"),
}  # fmt: skip


def item(x):
    """The element of a tensor that has one."""
    if x.numel() != 1:
        raise RuntimeError(f"a Tensor with {x.numel()} elements cannot be converted to Scalar")
    return _convert.to_dense(x.detach()).item()


def truth(x):
    if x.numel() != 1:
        raise RuntimeError("Boolean value of Tensor with " + ("no values" if x.numel() == 0 else "more than one value") + " is ambiguous")
    return bool(item(x))


def length(x):
    if x.ndim == 0:
        raise TypeError("len() of a 0-d tensor")
    return x.shape[0]


CALLS.update({"item": item, "__len__": length, "__bool__": truth, "is_nonzero": truth, "__float__": lambda x: float(item(x)), "__int__": lambda x: int(item(x)), "__complex__": lambda x: complex(item(x))})



def _copied(part):
    return lambda x, *, out=None: CALLS[part](x).clone() if out is None else torch.alias_copy(CALLS[part](x), out=out)


CALLS.update({f"{part}_copy": _copied(part) for part in ("indices", "values", "crow_indices", "col_indices")}, index=_shape.getitem, nnz=nnz,
             spadd=lambda x, value, other=None: _math.add(x, value) if other is None else _math.add(x, other, alpha=value))  # fmt: skip

# Functions that look at the layout of what they are given themselves.
_OWN = ("pyxtorch.sparse",)
# Of nn.functional only these are those of the table: others of its names mean something else there.
_FUNCTIONAL = ("relu", "linear")


def find(func, parts):
    """See pyxtorch._compound.Parts.handler."""
    if isinstance(func, Operation):
        if func.__module__ in _OWN:
            return None
        name = func.__name__
        if name in CALLS and not (func.__module__.endswith(".functional") and name not in _FUNCTIONAL) and not func.__module__.endswith((".linalg", ".special", ".fft")):
            return CALLS[name]
        refuse(func, parts)
    descriptor = getattr(func, "__self__", None)
    if type(descriptor).__name__ == "getset_descriptor":
        table = ATTRIBUTES if func.__name__ == "__get__" else SETTERS
        if descriptor.__name__ in table:
            return table[descriptor.__name__]
        refuse(func, parts)
    name = name_of(func).rpartition(".")[2]
    return CALLS[name] if name in CALLS else refuse(func, parts)


__all__ = ["COMPRESSED", "find", "rebuild", "state_of"]

"""What a tensor holds, and the memory that it looks at: asked for, shared with other processes, replaced."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable, tracked
from pyxtorch.ops._common cimport *

from pyxtorch._core import in_shared_memory, shared_copy, storage_of, view_storage
from pyxtorch.ops import create


def is_floating_point(Variable self not None):
    """Whether the dtype is a floating-point one."""
    return is_floating(self.dt)


def is_complex(Variable self not None):
    """Whether the dtype is complex."""
    return is_complex_code(self.dt)


def is_signed(Variable self not None):
    """Whether the dtype can hold negative numbers."""
    return dtype_of(self.dt).is_signed


def is_conj(Variable self not None):
    """Whether the tensor is a conjugate that is still to be computed: never, here it is computed at once."""
    return False


def is_neg(Variable self not None):
    """Whether the tensor is a negative that is still to be computed: never, here it is computed at once."""
    return False


def is_inference(Variable self not None):
    """Whether the tensor was made in inference mode, and so can never be recorded."""
    return (self.flags & INFERENCE) != 0


def is_nonzero(Variable self not None):
    """Whether the only element is not 0; RuntimeError unless there is just one."""
    return bool(self)


def detach_(Variable self not None):
    """Take this tensor off the tape."""
    if self._base is not None:
        raise RuntimeError("Can't detach views in-place. Use detach() instead.")
    self._grad_fn = None
    self.output_nr = 0
    self.flags &= ~REQUIRES_GRAD
    return self


def element_size(Variable self not None):
    """Bytes an element."""
    return itemsize_of(self.dt)


def stride(Variable self not None, dim=None):
    """The strides in elements, or that of one dimension."""
    if dim is None:
        return tuple([self.strides[i] for i in range(self.nd)])
    if self.nd == 0:
        raise IndexError("stride: Dimension specified as 0 but tensor has no dimensions")
    return self.strides[wrap_dim(dim, self.nd, "stride")]


def is_shared(Variable self not None):
    """Whether processes that are forked off share the memory: after `share_memory_()`, and on a GPU."""
    return self.dev == CUDA or self.dev == CPU and in_shared_memory(self)


def is_pinned(Variable self not None, device=None):
    """Whether the memory is pinned for transfers to a GPU: never, transfers need no such memory here."""
    return False


def pin_memory(Variable self not None, device=None):
    """The tensor itself: transfers need no pinned memory here."""
    return self


def share_memory_(Variable self not None):
    """Move into memory that processes which are forked off from now on share: what one writes, all see.

    Tensors that shared memory with this one before keep the old. Returns self.
    """
    if self.dev == META:
        raise RuntimeError("share_memory_: only available on CPU, but the tensor is on meta.")
    if not self.is_shared():
        adopt(self, <Variable>shared_copy(self))
    return self


def is_set_to(Variable self not None, Variable tensor not None):
    """Whether both look at the same memory in the same way."""
    return self.st == tensor.st and self.ptr == tensor.ptr and same_shape(self, tensor) and self.stride() == tensor.stride()


def data_ptr(Variable self not None):
    """The address of the first element; 0 on the device meta."""
    return 0 if self.dev == META else <long long>self.ptr


def storage_offset(Variable self not None):
    """Elements between the start of the storage and the first element."""
    return (self.ptr - self.st.data) // itemsize_of(self.dt)


def untyped_storage(Variable self not None):
    """The bytes behind the tensor."""
    return storage_of(self)


def get_device(Variable self not None):
    """The number of the GPU that holds the memory; -1 for the CPU."""
    return self.dev_index if self.dev == CUDA else -1


def is_same_size(Variable self not None, Variable other not None):
    """Whether both tensors have the same shape."""
    return same_shape(self, other)


def type_(Variable self not None, dtype=None, non_blocking=False):
    """The type's name, or the tensor converted to `dtype`."""
    if dtype is None:
        kind = {"bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long", "float16": "Half",
                "bfloat16": "BFloat16", "float32": "Float", "float64": "Double", "complex64": "ComplexFloat", "complex128": "ComplexDouble"}
        return f"torch.{'' if self.dev == CPU else device_name(self.dev) + '.'}{kind[dtype_of(self.dt).name]}Tensor"
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2].removesuffix("Tensor")
        codes = {"Bool": BOOL, "Byte": UINT8, "Char": INT8, "Short": INT16, "Int": INT32, "Long": INT64, "Half": FLOAT16, "BFloat16": BFLOAT16,
                 "Float": FLOAT32, "Double": FLOAT64, "ComplexFloat": COMPLEX64, "ComplexDouble": COMPLEX128}
        if name not in codes:
            raise ValueError(f"type: invalid type: {dtype!r}")
        dtype = dtype_of(codes[name])
    return self.to(dtype)


def set_(Variable self not None, source=None, storage_offset=0, size=None, stride=None):
    """Look at the memory of another tensor (or of an UntypedStorage with offset, size and strides)."""
    if source is None:
        adopt(self, create.empty(0, dtype=dtype_of(self.dt)))
    elif isinstance(source, Variable):
        if (<Variable>source).dt != self.dt:
            raise RuntimeError(f"set_: expected a tensor of dtype {dtype_of(self.dt)!r}, not {dtype_of((<Variable>source).dt)!r}.")
        adopt(self, <Variable>source)
    else:
        if size is None:
            size = (source.nbytes() // itemsize_of(self.dt),)
        if stride is None:
            stride, n = [], 1
            for s in reversed(tuple(size)):
                stride.insert(0, n)
                n *= s
        adopt(self, view_storage(source, dtype_of(self.dt), storage_offset, tuple(size), tuple(stride)))
    return self


def resize_(Variable self not None, *size, memory_format=None):
    """Change the shape in place; new elements, if any, are uninitialised."""
    cdef int64_t sizes[64]
    cdef int nd = parse_star(size, sizes, "resize_")
    cdef int64_t n = 1, one = 1
    cdef int64_t strides[64]
    cdef int i
    cdef Variable bigger
    cdef Variable flat
    if tracked(self):
        raise RuntimeError("cannot resize variables that require grad")
    for i in range(nd):
        if sizes[i] < 0:
            raise RuntimeError(f"resize_: requested resize with negative size {sizes[i]}")
    for i in range(nd - 1, -1, -1):
        strides[i] = n
        n = mul_sizes(n, sizes[i])
    if mul_sizes(n, itemsize_of(self.dt)) + (self.ptr - self.st.data) <= self.st.nbytes:
        adopt(self, new_view(self, nd, sizes, strides, self.ptr))
    elif not self.st.resizable:
        raise RuntimeError(f"resize_: {n} elements need more than the {self.st.nbytes} bytes of a storage that is not resizable (such as an array's memory). Clone first.")
    else:
        bigger = <Variable>new_empty(nd, sizes, self.dt, self.dev, self.dev_index)
        if self.n:
            flat = dense(self)
            n = min(flat.n, bigger.n)
            copy_raw(new_view(bigger, 1, &n, &one, bigger.ptr), new_view(flat, 1, &n, &one, flat.ptr))
        adopt(self, bigger)
    return self


def resize_as_(Variable self not None, Variable the_template not None, *, memory_format=None):
    """`resize_` to the shape of another tensor."""
    return self.resize_(shape_of(the_template))


def apply_(Variable self not None, function):
    """Replace each element by function(element) (CPU; slow)."""
    if self.dev != CPU:
        raise TypeError("apply_ is only implemented on CPU tensors")
    return self.copy_(create.tensor([function(v) for v in self.reshape(-1).tolist()], dtype=dtype_of(self.dt)).reshape(shape_of(self)))


def map_(Variable self not None, Variable tensor not None, function):
    """Replace each element by function(element, other element) (CPU; slow)."""
    values = [function(a, b) for a, b in zip(self.reshape(-1).tolist(), tensor.expand(shape_of(self)).reshape(-1).tolist())]
    return self.copy_(create.tensor(values, dtype=dtype_of(self.dt)).reshape(shape_of(self)))


methods = {
    "detach_": detach_, "element_size": element_size, "stride": stride,
    "is_floating_point": is_floating_point, "is_complex": is_complex, "is_signed": is_signed, "is_conj": is_conj, "is_neg": is_neg,
    "is_inference": is_inference, "is_nonzero": is_nonzero,
    "is_shared": is_shared, "is_pinned": is_pinned, "pin_memory": pin_memory, "share_memory_": share_memory_, "is_set_to": is_set_to,
    "data_ptr": data_ptr, "storage_offset": storage_offset, "untyped_storage": untyped_storage, "get_device": get_device,
    "is_same_size": is_same_size, "type": type_, "set_": set_, "resize_": resize_, "resize_as_": resize_as_, "apply_": apply_, "map_": map_,
}

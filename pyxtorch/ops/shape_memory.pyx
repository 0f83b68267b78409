"""What a tensor holds, and the memory that it looks at: asked for, shared with other processes, replaced."""
from pyxtorch._core cimport *
from pyxtorch._listen cimport listener
from pyxtorch._tape.forward cimport drop_tangents
from pyxtorch.autograd cimport Variable, grad_enabled, tracked
from pyxtorch.ops._common cimport *
from pyxtorch.ops._factory cimport format_strides, only_plain

from pyxtorch._core import in_shared_memory, storage_of, view_storage
from pyxtorch.ops import create
from pyxtorch.ops._common import resize


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
    drop_tangents(self)
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
    """Whether the memory is one that other processes can map: after `share_memory_()`, when it came from another process, on a GPU."""
    return self.dev == CUDA or self.dev == CPU and in_shared_memory(self)


def is_pinned(Variable self not None, device=None):
    """Whether the memory is pinned for transfers to a GPU: never, transfers need no such memory here."""
    return False


def pin_memory(Variable self not None, device=None):
    """The tensor itself: transfers to a GPU need no pinned memory here.

    Raises:
        RuntimeError: there is no GPU, or the tensor is not on the CPU.
    """
    if self.dev != CPU:
        raise RuntimeError(f"pin_memory: cannot pin a tensor on {self.device}; only memory of the CPU can be pinned.")
    only_plain(None, True, "pin_memory")
    return self


def share_memory_(Variable self not None):
    """Move the storage to memory that other processes can map, and with it all tensors on it. Returns self.

    Processes that are forked off see it, and those that the tensor is sent to (pyxtorch.multiprocessing): what one writes, all see.
    """
    from pyxtorch.ops import _memory
    _memory.share(storage_of(self), self)
    return self


def is_set_to(Variable self not None, Variable tensor not None):
    """Whether both look at the same memory in the same way."""
    return self.st == tensor.st and self.ptr == tensor.ptr and same_shape(self, tensor) and self.stride() == tensor.stride()


def data_ptr(Variable self not None):
    """The address of the first element; 0 on the device meta."""
    if listener.on:
        listener.refuse(b"the address of a tensor is asked for")
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


def set_(Variable self not None, source=None, storage_offset=0, size=None, stride=None):
    """Look at the memory of another tensor, or of a storage; `storage_offset`, `size` and `stride` in elements.

    A storage that is too small for them is made larger.
    """
    if grad_enabled() and self.flags & REQUIRES_GRAD and self._grad_fn is None and source is not None:
        raise RuntimeError("set_: a leaf Variable that requires grad is being used in an in-place operation. Use it under no_grad, or .data.")
    if source is None:
        adopt(self, create.empty(0, dtype=dtype_of(self.dt), device=device_of(self.dev, self.dev_index)))
        return self
    if isinstance(source, Variable):
        if (<Variable>source).dt != self.dt:
            raise RuntimeError(f"set_: Could not set tensor of type {dtype_of((<Variable>source).dt).name} to a tensor of type {dtype_of(self.dt).name}")
        if size is None and stride is None and storage_offset == 0:
            adopt(self, <Variable>source)
            return self
        storage = storage_of(<Variable>source)
    elif isinstance(source, UntypedStorage):
        storage = source
    elif hasattr(source, "untyped"):
        if source.dtype != dtype_of(self.dt):
            raise RuntimeError(
                f"set_: Expected a Storage of type {dtype_of(self.dt).name} or an UntypedStorage, but got type {source.dtype.name} for argument 1 'storage'"
            )
        storage = source.untyped()
    else:
        raise TypeError(f"set_: expected a tensor or a storage, not {type(source).__name__}.")
    if storage.device.type != device_name(self.dev):
        raise RuntimeError(f"set_: the tensor is on {device_name(self.dev)}, the storage on {storage.device}. Both must lie on one device.")
    cdef int item = itemsize_of(self.dt)
    if size is None:
        size = (max(storage.nbytes() // item - storage_offset, 0),)
    size = tuple(size)
    if stride is None:
        stride, n = [], 1
        for s in reversed(size):
            stride.insert(0, n)
            n *= max(s, 1)
    stride = tuple(stride)
    if 0 not in size and len(size) == len(stride) and storage_offset >= 0 and min((*size, *stride), default=0) >= 0:
        needed = (storage_offset + 1 + sum([(n - 1) * step for n, step in zip(size, stride)])) * item
        if needed > storage.nbytes():
            storage.resize_(needed)
    adopt(self, view_storage(storage, dtype_of(self.dt), storage_offset, size, stride))
    return self


def resize_(Variable self not None, *size, memory_format=None):
    """Change the shape in place; new elements, if any, are uninitialised. The storage grows where it is too small."""
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int nd = parse_star(size, sizes, "resize_")
    cdef int i
    if tracked(self):
        raise RuntimeError("cannot resize variables that require grad")
    for i in range(nd):
        if sizes[i] < 0:
            raise RuntimeError(f"resize_: requested resize with negative size {sizes[i]}")
    format_strides(memory_format, nd, sizes, strides, "resize_")
    resize(self, tuple([sizes[i] for i in range(nd)]))
    if memory_format is not None:
        adopt(self, new_view(self, nd, sizes, strides, self.ptr))
    return self


def resize_as_(Variable self not None, Variable the_template not None, *, memory_format=None):
    """`resize_` to the shape of another tensor."""
    return self.resize_(shape_of(the_template), memory_format=memory_format)


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
    "is_same_size": is_same_size, "set_": set_, "resize_": resize_, "resize_as_": resize_as_, "apply_": apply_, "map_": map_,
}

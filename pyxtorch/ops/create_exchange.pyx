"""Tensors handed to others: to NumPy, by DLPack, copied and pickled."""
from pyxtorch._core cimport *
from pyxtorch._tape.views cimport grad_fn_of
from pyxtorch.autograd cimport Variable, recording, tracked
from pyxtorch.ops._common cimport *

from pickle import PickleBuffer

from pyxtorch._core import share_buffer, storage_of, view_storage
from pyxtorch._dtype import SCALAR_TYPES
from pyxtorch.ops import create


cdef object nested(TensorBase x, int d, char* p):
    cdef int64_t i
    if d == x.nd:
        return read_number(x.dt, p)
    return [nested(x, d + 1, p + i * x.strides[d] * itemsize_of(x.dt)) for i in range(x.sizes[d])]


def tolist(Variable self not None):
    """The elements as nested lists of Python numbers; of a 0-d tensor one number."""
    cdef Variable x = self if self.dev == CPU else <Variable?>self.detach().cpu()
    return nested(x, 0, x.ptr)


def item(Variable self not None):
    """The only element, as a Python number."""
    return item_of(self)


def numpy_(Variable self not None, *, force=False):
    """A NumPy array on the same memory (CPU).

    Raises:
        RuntimeError: the tensor requires grad (detach it first, or force=True), unless under no_grad.
        TypeError: the tensor is on a GPU, or its dtype is one that NumPy lacks, such as bfloat16.
    """
    import numpy
    cdef Variable x = self
    if force:
        x = <Variable?>self.detach().cpu()
    if x.dev != CPU:
        raise TypeError(f"can't convert {x.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.")
    if tracked(x) and recording(x):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if buffer_format(x.dt) == NULL:
        raise TypeError(f"Got unsupported ScalarType {SCALAR_TYPES[x.dt]}: NumPy has no {dtype_of(x.dt).name}; convert it first, with .to().")
    return numpy.asarray(alias(x))


def array(Variable self not None, dtype=None, copy=None):
    """The elements as a NumPy array, without a copy where that is possible."""
    if copy is False and dtype is not None:
        return self.numpy().astype(dtype, copy=False)
    array = self.numpy()
    if dtype is not None:
        array = array.astype(dtype, copy=False)
    return array.copy() if copy else array


def array_wrap(Variable self not None, array, context=None, return_scalar=False):
    """What a NumPy function made of this tensor's array, as a tensor."""
    return create.from_numpy(array) if getattr(array, "ndim", 0) else create.tensor(array)


def dlpack(Variable self not None, *, stream=None, max_version=None, dl_device=None, copy=None):
    """A DLPack capsule of the memory.

    Args:
        stream: of a GPU's memory, the stream on which it will be used.
        max_version: (major, minor) of the newest DLPack that the borrower reads; None for the form before versions.
        dl_device: the (device type, device number) where the borrower wants it; None for where it is.
        copy: True copies always; False never; None where another device is asked for.
    Raises:
        BufferError: a device that cannot be had, or copy=False where that is another one; a tensor that requires grad.
    """
    from pyxtorch._dlpack import to_dlpack
    cdef bint copied = copy is True
    if dl_device is not None and self.dev != META and tuple(map(int, dl_device)) != dlpack_device(self):
        kind, index = map(int, dl_device)
        if copy is False or kind not in (1, 2):
            raise BufferError(f"__dlpack__: the tensor is on {self.device}, but DLPack's device ({kind}, {index}) is asked for"
                              + (" with copy=False." if kind in (1, 2) else ", which is neither the CPU nor a CUDA device."))
        self = self.to("cpu" if kind == 1 else f"cuda:{index}")
        copied = True
    elif copied:
        self = self.clone()
    if self.dev == CUDA:
        from pyxtorch import _cuda_device
        _cuda_device.let_wait(self.dev_index, stream)
    return to_dlpack(self, max_version, copied)


def dlpack_device(Variable self not None):
    """DLPack's (device type, device number)."""
    if self.dev == META:
        raise ValueError("Unknown device type meta for Dlpack")
    return (2 if self.dev == CUDA else 1, int(self.dev_index))


def cuda_array_interface(Variable self not None):
    """Where a GPU's memory lies, for CuPy, Numba and PyCUDA: a dict of the CUDA array interface, version 3, which names the current stream.

    Raises:
        AttributeError: the tensor is not on a GPU.
        RuntimeError: it requires grad.
        TypeError: a dtype that the interface has no name for.
    """
    if self.dev != CUDA:
        raise AttributeError(f"Can't get __cuda_array_interface__ on non-CUDA tensor type: {self.type()} If CUDA data is required use tensor.cuda() to copy tensor to device memory.")
    if tracked(self):
        raise RuntimeError("Can't get __cuda_array_interface__ on Variable that requires grad. If gradients aren't required, use var.detach() to get Variable that doesn't require grad.")
    from pyxtorch._cuda_launch import interface_of
    return interface_of(self)


def deepcopy(Variable self not None, memo):
    """A copy for copy.deepcopy: a leaf again, with its gradient and attributes."""
    if id(self) in memo:
        return memo[id(self)]
    if grad_fn_of(self) is not None:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. "
            "Use .detach().clone()."
        )
    # Tensors that share memory share it in the copy, too: each storage is copied once.
    storages = memo.setdefault("pyxtorch.storages", {})
    storage = storage_of(self)
    if storage not in storages:
        storages[storage] = storage_of(view_storage(storage, dtype_of(UINT8), 0, (storage.nbytes(),), (1,)).clone())
    copied = view_storage(storages[storage], dtype_of(self.dt), self.storage_offset(), shape_of(self), self.stride())
    if self.flags & REQUIRES_GRAD:
        copied.requires_grad_(True)
    if type(self) is not type(copied):
        copied = self._make_subclass(type(self), copied, (self.flags & REQUIRES_GRAD) != 0)
        if hasattr(self, "__dict__"):
            import copy
            copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
    if self._grad is not None:
        copied.grad = self._grad.__deepcopy__(memo)
    memo[id(self)] = copied
    return copied


def reduce_ex(Variable self not None, protocol):
    """The elements in the order in which they lie in memory; from protocol 5 on without a copy. On meta, the geometry."""
    if self.dev == META:
        return rebuild_meta, (type(self), shape_of(self), self.stride(), dtype_of(self.dt), (self.flags & REQUIRES_GRAD) != 0), self.__dict__ or None
    x = self.detach().cpu()
    order = sorted(range(self.nd), key=x.stride, reverse=True)
    if not x.permute(order).is_contiguous():  # gaps or repeated elements
        x, order = x.contiguous(), range(self.nd)
    data = x.permute(*order).reshape(-1).view(dtype_of(UINT8))
    data = PickleBuffer(data) if protocol >= 5 else bytes(memoryview(data))
    state = (type(self), data, shape_of(self), x.stride(), dtype_of(self.dt), str(self.device), (self.flags & REQUIRES_GRAD) != 0)
    return rebuild, state, self.__dict__ or None


def rebuild(cls, data, shape, strides, dtype, device, requires_grad):
    """A tensor from what pickle kept of it; memory that may be written is used as it is."""
    if isinstance(data, UntypedStorage):
        storage = data
    else:
        view = memoryview(data).cast("B")
        if view.readonly:
            view = memoryview(bytearray(view))
        storage = storage_of(share_buffer(view))
    x = view_storage(storage, dtype, 0, shape, strides)
    if device != "cpu":
        x = x.to(device)
    if cls is not type(x):
        return cls._make_subclass(cls, x, requires_grad)
    return x.requires_grad_(True) if requires_grad else x


def rebuild_meta(cls, shape, strides, dtype, requires_grad):
    """A meta tensor from what pickle kept of it."""
    x = create.empty_strided(shape, strides, dtype=dtype, device="meta")
    if cls is not type(x):
        return cls._make_subclass(cls, x, requires_grad)
    return x.requires_grad_(True) if requires_grad else x


methods = {
    "__array__": array, "__array_wrap__": array_wrap, "__dlpack__": dlpack, "__dlpack_device__": dlpack_device, "__deepcopy__": deepcopy,
    "__reduce_ex__": reduce_ex, "item": item, "numpy": numpy_, "tolist": tolist,
}

properties = {"__cuda_array_interface__": cuda_array_interface}

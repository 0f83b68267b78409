"""Kernels of a program's own, and memory of other libraries on the GPU.

What is checked here is what the driver would take for granted: sizes of the launch, addresses, streams. Names and
arguments of kernels are checked in cuda/kernels.py.
"""
import threading as _threading

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uintptr_t
from cpython.mem cimport PyMem_Free
from pyxtorch._core cimport *
from pyxtorch._cuda cimport check, check_device, raise_pending, streams_of_thread, the_devices, the_driver, use
from pyxtorch._cuda_device cimport Stream
from pyxtorch._cuda_program cimport open_library

from pyxtorch._cuda import get_current_device, get_device_name, load
from pyxtorch._cuda_device import Event, get_current_stream
from pyxtorch._cuda_program import build_text, with_headers

cdef extern from "<dlfcn.h>" nogil:
    void* dlsym(void* library, const char* name)

cdef extern from "pyxtorch/cuda_allocator.h" namespace "pyx_cuda" nogil:
    cdef struct LaunchDriver "pyx_cuda::Driver":
        int (*launch)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**) noexcept nogil

ctypedef int (*pointer_attribute_t)(void*, int, uintptr_t) noexcept nogil
cdef pointer_attribute_t pointer_attribute = NULL

cdef enum:
    MOST_PARAMETERS = 64


# --------------------------------------------------------------------------------- kernels

_kernels = {}       # (device, text, name expression, options): CUfunction
_images = []        # the driver may read a module's image later
_lock = _threading.RLock()


def compile_kernel(str text, str expression, int device, str title, tuple options=()):
    """The driver's handle of a kernel of a program's own, compiled for a GPU once, by way of the cache on disk.

    Raises:
        RuntimeError: there is no GPU, or the compiler's log.
    """
    cdef void* module = NULL
    cdef void* f = NULL
    key = (device, text, expression, options)
    found = _kernels.get(key)
    if found is not None:
        return found
    load()
    use(device)
    with _lock:
        if key not in _kernels:
            program, headers = with_headers(text)
            cubin, names = build_text(program, headers, [expression], the_devices[device].capability, get_device_name(device), options, title)
            lowered = names[expression].encode()
            check(the_driver.module_load(&module, PyBytes_AS_STRING(cubin)), b"cuModuleLoadData")
            _images.append(cubin)
            check(the_driver.module_function(&f, module, lowered), b"cuModuleGetFunction")
            _kernels[key] = <uintptr_t>f
        return _kernels[key]


def launch_limits(int device):
    """(threads of a block, bytes of shared memory of a block) that a launch may have."""
    cdef int threads = 0, shared = 0
    check_device(device)
    check(the_driver.device_attribute(&threads, 1, the_devices[device].handle), b"cuDeviceGetAttribute")
    check(the_driver.device_attribute(&shared, 8, the_devices[device].handle), b"cuDeviceGetAttribute")
    return threads, shared


def launch_kernel(uintptr_t kernel, int device, tuple grid, tuple block, unsigned shared, list arguments):
    """Put a kernel on the current stream of a GPU.

    Args:
        kernel: from `compile_kernel`, for this GPU.
        grid, block: three numbers each.
        arguments: of each parameter its bytes, as many as the parameter has.
    """
    cdef void* parameters[MOST_PARAMETERS]
    cdef unsigned gx = grid[0], gy = grid[1], gz = grid[2], bx = block[0], by = block[1], bz = block[2]
    cdef int i, rc
    cdef void* stream
    if len(arguments) > MOST_PARAMETERS:
        raise ValueError(f"a kernel has at most {MOST_PARAMETERS} parameters, got {len(arguments)}")
    for i in range(len(arguments)):
        parameters[i] = PyBytes_AS_STRING(<bytes?>arguments[i])
    use(device)
    raise_pending()
    stream = streams_of_thread()[device]
    rc = (<LaunchDriver*>the_driver).launch(<void*>kernel, gx, gy, gz, bx, by, bz, shared, stream, parameters, NULL)
    check(rc, b"cuLaunchKernel")


def multiprocessors(int device):
    """How many multiprocessors a GPU has."""
    check_device(device)
    return the_devices[device].multiprocessors


def note_written(TensorBase x not None):
    """Memory was written: what is saved for backward notices."""
    bump(x)


def repeats_elements(TensorBase x not None):
    """Whether two indices of a tensor are one address."""
    return overlaps_itself(x)


# ------------------------------------------------------------------- memory of other libraries

def device_of_address(address):
    """The number of the GPU whose memory lies at an address.

    Raises:
        ValueError: the address is none of a GPU's memory, such as one of the host.
    """
    global pointer_attribute
    cdef unsigned kind = 0
    cdef int index = 0, rc
    cdef uintptr_t at = address
    load()
    if pointer_attribute == NULL:
        pointer_attribute = <pointer_attribute_t>dlsym(open_library("libcuda.so.1", []), b"cuPointerGetAttribute")
        if pointer_attribute == NULL:
            raise RuntimeError("cuda: the NVIDIA driver is too old: it has no cuPointerGetAttribute.")
    use(get_current_device())
    rc = pointer_attribute(&kind, 2, at)
    if rc or kind != 2:
        raise ValueError(f"address {at:#x} is not in a GPU's memory")
    check(pointer_attribute(&index, 9, at), b"cuPointerGetAttribute")
    check_device(index)
    return index


def wait_for(int index, stream):
    """Let the current stream of a GPU wait for the work that another stream, counted as DLPack does, has now.

    Args:
        stream: None: nothing has to be waited for; 1: the legacy default stream; 2: that of each thread; else a handle.
    Raises:
        ValueError: 0, which is ambiguous.
    """
    cdef void* lender
    cdef Stream of_lender
    if stream is None:
        return
    if isinstance(stream, bool) or not isinstance(stream, int):
        raise TypeError(f"a stream is given as its handle, an int, or None; got {type(stream).__name__}")
    if stream == 0:
        raise ValueError("stream 0 is ambiguous; use 1 (legacy default) or 2 (default of each thread)")
    lender = NULL if stream == 1 else <void*><uintptr_t>stream
    load()
    use(index)
    if lender == streams_of_thread()[index]:
        return
    of_lender = Stream.__new__(Stream)
    of_lender.device_index, of_lender.handle = index, lender
    event = Event()
    event.record(of_lender)
    event.wait(get_current_stream(index))


@cython.binding(False)
cdef class ExternalStream(Stream):
    """A stream that another library made, used as one of ours. It is not destroyed with this object: its maker keeps it.

    Args:
        stream_ptr: the driver's handle (`cudaStream_t`, `CUstream`) as an int: of CuPy `stream.ptr`, of PyCUDA `stream.handle`,
            of Numba `stream.handle.value`.
        device: the GPU it belongs to; the current one.
    """

    def __init__(self, stream_ptr, device=None):
        cdef int index
        load()
        if isinstance(stream_ptr, bool) or not isinstance(stream_ptr, int):
            raise TypeError(f"ExternalStream: expected a stream's handle as an int, got {type(stream_ptr).__name__}.")
        if device is None:
            index = get_current_device()
        elif parse_device(device, &index) != CUDA:
            raise ValueError(f"ExternalStream: expected a CUDA device, not {device}.")
        check_device(index)
        self.device_index = index
        self.handle = <void*><uintptr_t>stream_ptr
        self.before = []


cdef void let_go(pyx_storage* s) noexcept with gil:
    Py_DECREF(<object>s.owner)
    PyMem_Free(s)


cdef object typestrs = None


def interface_of(TensorBase x not None):
    """`__cuda_array_interface__`, version 3, of a tensor on a GPU."""
    cdef int i
    if x.dt not in type_strings():
        raise TypeError(f"__cuda_array_interface__: has no name for {dtype_of(x.dt)!r}; use DLPack, or .view() another dtype.")
    step = itemsize_of(x.dt)
    return {
        "shape": tuple([x.sizes[i] for i in range(x.nd)]),
        "typestr": type_strings()[x.dt],
        "data": (<uintptr_t>x.ptr if x.n else 0, False),
        "strides": None if x.flags & CONTIGUOUS else tuple([x.strides[i] * step for i in range(x.nd)]),
        "version": 3,
        "stream": <uintptr_t>streams_of_thread()[x.dev_index] or 1,
    }


def type_strings():
    """dtype code: NumPy's name of it; bfloat16 as ml_dtypes has it."""
    global typestrs
    if typestrs is None:
        kinds = {BOOL: "|b1", UINT8: "|u1", INT8: "|i1", BFLOAT16: "<V2"}
        for codes, kind in (((UINT16, UINT32, UINT64), "u"), ((INT16, INT32, INT64), "i"), ((FLOAT16, FLOAT32, FLOAT64), "f"), ((COMPLEX64, COMPLEX128), "c")):
            kinds.update({code: f"<{kind}{itemsize_of(code)}" for code in codes})
        typestrs = kinds
    return typestrs


def from_interface(lender, str op="as_tensor"):
    """(a tensor on the memory of an object with `__cuda_array_interface__`, whether the lender forbids to write it).

    The current stream waits for the lender's, where the interface names one; the object lives as long as the tensor's memory.

    Raises:
        ValueError: strides or addresses that tensors cannot have, a mask, memory that is no GPU's.
        TypeError: the interface is no mapping with shape, typestr, data; or elements that no dtype has.
    """
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int64_t n = 1, high = 0, step, item
    cdef int i, index, dt = -1
    cdef uintptr_t address
    about = lender.__cuda_array_interface__
    try:
        shape, typestr, (pointer, readonly) = tuple(about["shape"]), about["typestr"], about["data"]
        given, mask, version = about.get("strides"), about.get("mask"), about.get("version", 0)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise TypeError(f"{op}: __cuda_array_interface__ should be a dict with shape, typestr, data=(address, read-only), version; got {about!r}.") from error
    for code, name in type_strings().items():
        if name == typestr or (name[0] == "|" and isinstance(typestr, str) and typestr[1:] == name[1:]):
            dt = code
    if dt < 0:
        raise TypeError(f"{op}: no dtype for elements {typestr!r} of __cuda_array_interface__.")
    if mask is not None:
        raise ValueError(f"{op}: the array of __cuda_array_interface__ has a mask, which tensors do not have. Fill it first.")
    if len(shape) > 64:
        raise ValueError(f"{op}: {len(shape)} dimensions; a tensor can have at most 64.")
    if given is not None and len(given) != len(shape):
        raise ValueError(f"{op}: __cuda_array_interface__ has {len(shape)} dimensions, but {len(given)} strides.")
    item = itemsize_of(dt)
    for i in range(len(shape) - 1, -1, -1):
        sizes[i] = shape[i]
        if sizes[i] < 0:
            raise ValueError(f"{op}: negative size {shape[i]} of dimension {i} in __cuda_array_interface__.")
        step = n * item if given is None else given[i]
        if step % item or (step < 0 and sizes[i] > 1):
            raise ValueError(f"{op}: stride {step} of dimension {i} in __cuda_array_interface__ is {'negative' if step < 0 else f'no multiple of {item} bytes'}. Copy the array first.")
        strides[i] = step // item
        if sizes[i] and n > (<int64_t>1 << 62) // item // sizes[i]:
            raise ValueError(f"{op}: shape {shape} in __cuda_array_interface__ is too large.")
        n *= sizes[i]
        if sizes[i] > 1 and (sizes[i] - 1) > ((<int64_t>1 << 62) // item - high) // max(strides[i], 1):
            raise ValueError(f"{op}: strides {given} in __cuda_array_interface__ reach too far.")
        high += (sizes[i] - 1) * strides[i] if sizes[i] > 1 else 0
    load()
    if n == 0:
        return new_empty(len(shape), sizes, dt, CUDA, get_current_device()), bool(readonly)
    if isinstance(pointer, bool) or not isinstance(pointer, int) or pointer <= 0:
        raise ValueError(f"{op}: address {pointer!r} in __cuda_array_interface__ of {n} elements is not in a GPU's memory.")
    address = pointer
    if address % item:
        raise ValueError(f"{op}: address {address:#x} in __cuda_array_interface__ is not aligned to the {item} bytes of an element. Copy the array first.")
    try:
        index = device_of_address(address)
        device_of_address(address + high * item + item - 1)
    except ValueError as error:
        raise ValueError(f"{op}: __cuda_array_interface__: {error}.") from None
    if version >= 3:
        try:
            wait_for(index, about.get("stream"))
        except (ValueError, TypeError) as error:
            raise type(error)(f"{op}: __cuda_array_interface__: {error}.") from None
    x = new_foreign(<char*>address, (high + 1) * item, <PyObject*>lender, let_go, CUDA, index, len(shape), sizes, strides, dt)
    Py_INCREF(lender)
    return x, bool(readonly)

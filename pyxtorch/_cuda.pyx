"""The GPU: driver, contexts, memory, kernels. Opened by the first use of device="cuda".

Nothing here knows the tape or a formula. The public names are in pyxtorch/cuda/; kernels borrow
what is in _cuda.pxd. Importing this module opens no library.
"""
import os as _os
import threading as _threading

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint32_t, uintptr_t
from libc.stdlib cimport calloc, free as c_free, malloc
from libc.string cimport memset, strcmp
from pyxtorch._core cimport *
from pyxtorch._cuda_program cimport need_nvrtc, open_library
from pyxtorch.kernels.elementwise cimport pyx_elementwise_kernels

from pyxtorch import _core
from pyxtorch._core import OutOfMemoryError
from pyxtorch._cuda_program import build_program

cdef extern from "<unistd.h>" nogil:
    int getpid()

cdef extern from "pyxtorch/cuda_allocator.h" namespace "pyx_cuda" nogil:
    cdef struct Cublas:
        int (*gemm)(void*, int, int, int, int, int, const void*, const void*, int, int, long long, const void*, int, int,
                    long long, const void*, void*, int, int, long long, int, int, int) noexcept nogil
    Driver driver
    Cublas cublas
    const char* find_driver(void* library)
    const char* find_cublas(void* library)
    Device* devices
    int device_count
    int owner_process
    int MAX_DEVICES
    int current_device
    int called_device
    void** current_stream
    cdef struct Failure:
        int code
        char* text
    Failure pending
    int c_fail "pyx_cuda::fail"(int code, const char* what)
    void fail_text(const char* text)
    int c_bind "pyx_cuda::bind"(int index)
    int c_launch "pyx_cuda::launch"(int index, void* function, unsigned blocks, unsigned threads, void** parameters)
    cdef struct Block:
        Address address
        int64_t size
    Pool* pools
    int c_device_of "pyx_cuda::device_of"(const void* address)
    Block* c_allocate "pyx_cuda::allocate"(int device, int64_t nbytes, void* stream)
    void c_release "pyx_cuda::release"(Block* b)
    void c_record_stream "pyx_cuda::record_stream"(Block* b, void* stream)
    void c_empty_cache "pyx_cuda::empty_cache"(int device)
    void* cublas_handle(int device)

# ---------------------------------------------------------------------------------- driver

_lock = _threading.RLock()

cdef int state = 0          # 0: not tried, 1: ready, -1: there is no GPU
cdef str why = ""


cdef int open_driver() except -1:
    """Open the driver once. Never raises for want of a GPU: `state` and `why` say it."""
    global state, why, device_count, owner_process
    cdef void* handle
    cdef const char* missing
    cdef int rc, n = 0, i, major = 0, minor = 0
    if state:
        return 0
    with _lock:
        if state:
            return 0
        problems = []
        handle = open_library("libcuda.so.1", problems)
        if handle == NULL:
            why = "the NVIDIA driver (libcuda.so.1) was not found"
            state = -1
            return 0
        missing = find_driver(handle)
        if missing != NULL:
            why = f"the NVIDIA driver is too old: it has no {missing.decode()}"
            state = -1
            return 0
        rc = driver.init(0)
        owner_process = getpid()
        if rc == 0:
            rc = driver.device_count(&n)
        if rc or n == 0:
            why = f"the NVIDIA driver reports no GPU (code {rc})"
            state = -1
            return 0
        device_count = min(n, MAX_DEVICES)
        for i in range(device_count):
            driver.device_get(&devices[i].handle, i)
            driver.device_attribute(&major, 75, devices[i].handle)
            driver.device_attribute(&minor, 76, devices[i].handle)
            driver.device_attribute(&devices[i].multiprocessors, 16, devices[i].handle)
            devices[i].capability = major * 10 + minor
        state = 1
    return 0


cdef int need_gpu() except -1:
    """Raise unless the GPU can be used by this process."""
    if state == 0:
        open_driver()
    if state < 0:
        raise RuntimeError(f"cuda: no GPU can be used: {why}. Use device='cpu', or see docs/gpu-status.md.")
    if owner_process != getpid():
        raise RuntimeError(
            "cuda: cannot be used in a forked subprocess once the parent has used it. Use the 'spawn' start method of multiprocessing."
        )
    return 0


cdef int raise_pending() except -1:
    """Raise what a kernel of this thread could not."""
    if pending.code:
        text = (<bytes>pending.text).decode(errors="replace")
        pending.code = 0
        raise RuntimeError(f"CUDA error: {text}")
    return 0


cdef int check(int rc, const char* what) except -1:
    if rc:
        c_fail(rc, what)
        raise_pending()
    return 0


cdef int use(int index) except -1:
    """Bind a device's context to this thread."""
    check_device(index)
    if c_bind(index):
        raise_pending()
    return 0


cdef struct Module:                 # as in _storage.pyx
    const pyx_table* (*find)(const char*) noexcept
    void (*enter)(int) noexcept
cdef Module module

_ready = False
_pycuda = []


def load():
    """Open the GPU side whole: driver, compiler, kernels. Returns this module."""
    global _ready
    if _ready:
        if owner_process != getpid():
            need_gpu()
        return _this
    need_gpu()
    with _lock:
        if _ready:
            return _this
        need_nvrtc()
        enter_pycuda()
        use(current_device)
        _core.set_cuda_storage(PyCapsule_New(<void*>cuda_storage, "pyxtorch.cuda_storage", NULL))
        __import__("pyxtorch.kernels.cuda")  # fills `families`
        module.find = find
        module.enter = enter
        _core.register_cuda_kernels(PyCapsule_New(&module, "pyxtorch.cuda_kernels", NULL))
        _ready = True
    return _this


def is_loaded():
    """Whether the GPU side is open, in this process."""
    return _ready and owner_process == getpid()


cdef int check_device(int index) except -1:
    need_gpu()
    if index < 0 or index >= device_count:
        raise RuntimeError(f"CUDA error: invalid device ordinal {index}: there are {device_count} device(s).")
    return 0


def check_index(int index):
    """Raise RuntimeError unless there is a GPU of this number."""
    check_device(index)


def enter_pycuda():
    """Where PyCUDA is installed, make the primary context its current one too, so that both can be used side by side.

    Only on the main thread, and never required: PYXTORCH_PYCUDA=0 leaves it out.
    """
    if _os.environ.get("PYXTORCH_PYCUDA") == "0" or _threading.current_thread() is not _threading.main_thread():
        return
    try:
        import pycuda.driver as cu
    except ImportError:
        return
    try:
        cu.init()
        context = cu.Device(current_device).retain_primary_context()
        context.push()
    except cu.Error:
        return
    import atexit

    def leave():
        context.pop()
        context.detach()

    atexit.register(leave)
    _pycuda.append(context)


# --------------------------------------------------------------------------------- kernels

cdef enum:
    MAX_FAMILIES = 32
cdef const char* family_names[MAX_FAMILIES]
cdef pyx_table family_tables[MAX_FAMILIES]
cdef int families = 0


cdef int register(const char* family, const void* table, size_t size, object dtypes) except -1:
    global families
    cdef pyx_table* about = &family_tables[families]
    if families == MAX_FAMILIES:
        raise RuntimeError("too many GPU kernel families")
    family_names[families] = family
    about.abi = KERNELS_ABI
    about.size = size
    about.dtypes = 0
    for code in dtypes:
        about.dtypes |= <uint32_t>1 << <int>code
    about.layouts = LAYOUT_ROWS
    about.kernels = table
    families += 1
    return 0


cdef const pyx_table* find(const char* family) noexcept:
    cdef int i
    for i in range(families):
        if strcmp(family_names[i], family) == 0:
            return &family_tables[i]
    return NULL


cdef int device_of_call() noexcept nogil:
    return called_device


cdef void enter(int index) noexcept:
    global called_device
    called_device = index


cdef int launch(int device, void* function, int64_t blocks, unsigned threads, void** parameters) noexcept nogil:
    if blocks <= 0:
        return 0
    return c_launch(device, function, <unsigned>(blocks if blocks < 0x7fffffff else 0x7fffffff), threads, parameters)


cdef int multiprocessors(int device) noexcept nogil:
    return devices[device].multiprocessors


cdef int64_t blocks_for(int64_t threads, int device) noexcept nogil:
    cdef int64_t blocks = (threads + THREADS - 1) // THREADS
    cdef int64_t most = <int64_t>devices[device].multiprocessors * 32
    return blocks if blocks < most else most


defined_kernels = []       # (source, {number: name expression}) of each family, by serial


cdef int define(Kernels* k, str source, dict names) except -1:
    cdef int i
    k.count = max(names) + 1
    k.found = <void**>calloc(<size_t>k.count * MAX_DEVICES, sizeof(void*))
    k.defined = <bint*>calloc(k.count, sizeof(bint))
    if k.found == NULL or k.defined == NULL:
        raise MemoryError()
    for i in names:
        k.defined[i] = True
    k.serial = len(defined_kernels)
    defined_kernels.append((source, names))
    return 0


cdef void* need_kernel(Kernels* k, int device, int number) noexcept with gil:
    source, names = defined_kernels[k.serial]
    cdef void* kernel = function(device, source, names[number])
    k.found[device * k.count + number] = kernel
    return kernel


cdef int start(Kernels* k, int device, int number, int64_t blocks, void** parameters) noexcept nogil:
    cdef void* kernel
    if number < 0 or number >= k.count or not k.defined[number]:
        return -1
    kernel = k.found[device * k.count + number]
    if kernel == NULL:
        kernel = need_kernel(k, device, number)
    if kernel != NULL:
        launch(device, kernel, blocks, THREADS, parameters)
    return 0


cdef int memcpy_device(char* to, const char* source, int64_t nbytes) noexcept nogil:
    cdef int a = c_device_of(to), b = c_device_of(source), rc
    if nbytes <= 0:
        return 0
    if c_bind(a):
        return -1
    if a == b:
        rc = driver.copy_on_device(<Address>to, <Address>source, nbytes, current_stream[a])
    else:
        if c_bind(b) or c_bind(a):
            return -1
        rc = driver.copy_peer(<Address>to, devices[a].context, <Address>source, devices[b].context, nbytes, current_stream[a])
    return c_fail(rc, b"cuMemcpyDtoDAsync") if rc else 0


cdef int memset_device(char* to, int value, int64_t nbytes) noexcept nogil:
    cdef int a = c_device_of(to), rc
    if nbytes <= 0:
        return 0
    if c_bind(a):
        return -1
    rc = driver.memory_set(<Address>to, value, nbytes, current_stream[a])
    return c_fail(rc, b"cuMemsetD8Async") if rc else 0


cdef int send(int device, void* to, const void* source, int64_t nbytes) noexcept nogil:
    cdef int rc
    if nbytes <= 0:
        return 0
    if c_bind(device):
        return -1
    rc = driver.copy_to_device(<Address>to, source, nbytes, current_stream[device])
    return c_fail(rc, b"cuMemcpyHtoDAsync") if rc else 0


cdef int bring(int device, void* to, const void* source, int64_t nbytes) noexcept nogil:
    cdef int rc
    if nbytes <= 0:
        return 0
    if c_bind(device):
        return -1
    rc = driver.copy_to_host(to, <Address>source, nbytes, current_stream[device])
    if rc == 0:
        rc = driver.stream_synchronize(current_stream[device])
    return c_fail(rc, b"cuMemcpyDtoHAsync") if rc else 0


cdef void fail(str text) noexcept:
    data = text.encode()
    fail_text(data)


cdef void* scratch(int device, int64_t nbytes, void** block) noexcept nogil:
    cdef Block* b
    block[0] = NULL
    if c_bind(device):
        return NULL
    b = c_allocate(device, nbytes if nbytes > 0 else 1, current_stream[device])
    if b == NULL:
        c_fail(2, b"scratch memory of a kernel")
        return NULL
    block[0] = b
    return <void*>b.address


cdef void scratch_free(void* block) noexcept nogil:
    if block != NULL:
        c_release(<Block*>block)


cdef int cublas_state = 0
cdef bint tf32 = False


cdef int load_cublas() noexcept:
    """Open cuBLAS on first use: it takes a quarter of a second."""
    global cublas_state
    cdef void* handle
    cdef const char* missing
    try:
        with _lock:
            if cublas_state == 0:
                problems = []
                handle = open_library("libcublas.so.13,12", problems)
                missing = find_cublas(handle) if handle != NULL else NULL
                if handle == NULL:
                    fail("cuBLAS (libcublas.so.13 or .12) was not found; install the wheel nvidia-cublas. " + "; ".join(problems))
                elif missing != NULL:
                    fail(f"cuBLAS is too old: it has no {missing.decode()}.")
                else:
                    cublas_state = 1
    except Exception as error:
        fail(str(error))
    return 0 if cublas_state == 1 else -1


def blas_handle(int device):
    """cuBLAS's handle of a GPU, as a number."""
    use(device)
    if load_cublas():
        raise_pending()
    return <size_t>cublas_handle(device)


cdef bint uses_tf32() noexcept nogil:
    return tf32


def allow_tf32(allow=None):
    """Let products of float32 be computed with TF32's 10 bits of mantissa, or not; gives what holds, at first False. None changes nothing."""
    global tf32
    tf32 = tf32 if allow is None else bool(allow)
    return bool(tf32)


cdef int gemm(int device, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int lda, int64_t stride_a,
              const void* b, int ldb, int64_t stride_b, const void* beta, void* c, int ldc, int64_t stride_c, int batch,
              int type, int compute) noexcept nogil:
    cdef void* handle
    cdef int rc
    if cublas_state != 1:
        with gil:
            rc = load_cublas()
        if rc:
            return -1
    if c_bind(device):
        return -1
    handle = cublas_handle(device)
    if handle == NULL:
        return -1
    rc = cublas.gemm(handle, ta, tb, m, n, k, alpha, a, type, lda, stride_a, b, type, ldb, stride_b, beta, c, type, ldc,
                     stride_c, batch, compute, -1)
    if rc:
        with gil:
            fail(f"cublasGemmStridedBatchedEx failed with status {rc} (m={m}, n={n}, k={k}, batch={batch})")
    return rc


_functions = {}     # (device, source, name expression): CUfunction
_images = []        # the driver may read a module's image later


def prepare(str source, names, device=None):
    """Compile and load kernels in one program: quicker than one after the other at their first use."""
    cdef void* module = NULL
    cdef void* f = NULL
    cdef int index = current_device if device is None else device
    load()
    use(index)
    with _lock:
        names = [n for n in names if (index, source, n) not in _functions]
        if not names:
            return
        cubin, mangled = build_program(source, names, devices[index].capability, get_device_name(index))
        check(driver.module_load(&module, PyBytes_AS_STRING(cubin)), b"cuModuleLoadData")
        _images.append(cubin)
        for name, lowered in mangled.items():
            word = lowered.encode()
            check(driver.module_function(&f, module, word), b"cuModuleGetFunction")
            _functions[index, source, name] = <uintptr_t>f


cdef void* function(int device, str source, str expression) noexcept:
    try:
        key = (device, source, expression)
        if key not in _functions:
            prepare(source, [expression], device)
        return <void*><uintptr_t>_functions[key]
    except Exception as error:
        fail(f"{expression}: {error}")
        return NULL


# --------------------------------------------------------------------------------- storage

cdef void release_storage(pyx_storage* s) noexcept:
    # After the interpreter's end the driver may be gone: the process gives its memory back anyway.
    if s.owner != NULL and owner_process == getpid():
        c_release(<Block*>s.owner)
    c_free(s)


cdef pyx_storage* cuda_storage(int64_t nbytes, int index) except NULL:
    cdef pyx_storage* s
    cdef Block* b = NULL
    cdef size_t available = 0, total = 0
    use(index)
    raise_pending()
    if nbytes > 0:
        b = c_allocate(index, nbytes, current_stream[index])
        if b == NULL:
            raise_pending()
            driver.memory_info(&available, &total)
            raise OutOfMemoryError(
                f"CUDA out of memory. Tried to allocate {size_text(nbytes)} ({nbytes} bytes). GPU {index} has a total capacity of "
                f"{size_text(total)} of which {size_text(available)} is free; {size_text(pools[index].statistics[4][0].current)} is in "
                f"use by tensors and {size_text(pools[index].statistics[5][0].current)} is reserved in all. Use smaller tensors or "
                "free some."
            )
    s = <pyx_storage*>malloc(sizeof(pyx_storage))
    if s == NULL:
        c_release(b)
        raise MemoryError()
    memset(s, 0, sizeof(pyx_storage))
    s.refcount = 1
    s.data = <char*>b.address if b != NULL else NULL
    s.nbytes = nbytes
    s.device_type = CUDA
    s.device_index = index
    s.resizable = 1
    s.owner = b
    s.release = release_storage
    return s


def size_text(nbytes):
    """A size as people write it."""
    for unit, step in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if nbytes >= step:
            return f"{nbytes / step:.2f} {unit}"
    return f"{nbytes} bytes"


cdef int to_device(TensorBase dst, TensorBase src) except -1:
    """Same number of bytes, both contiguous. Pageable memory is staged by the driver before the call returns."""
    cdef int index = dst.dev_index, rc
    cdef size_t n = dst.n * itemsize_of(dst.dt)
    use(index)
    with nogil:
        rc = driver.copy_to_device(<Address>dst.ptr, src.ptr, n, current_stream[index])
    return check(rc, b"cuMemcpyHtoDAsync")


cdef int to_host(TensorBase dst, TensorBase src) except -1:
    cdef int index = src.dev_index, rc
    cdef size_t n = src.n * itemsize_of(src.dt)
    use(index)
    with nogil:
        rc = driver.copy_to_host(dst.ptr, <Address>src.ptr, n, current_stream[index])
        if rc == 0:
            rc = driver.stream_synchronize(current_stream[index])
    return check(rc, b"cuMemcpyDtoHAsync")


cdef int cast_into(TensorBase dst, TensorBase src) except -1:
    """dst = src on one device, by its own kernels; src is broadcast."""
    cdef pyx_strided walk
    cdef PyObject* operands[2]
    cdef pyx_elementwise_kernels* k = <pyx_elementwise_kernels*>kernel_tables(b"elementwise", sizeof(pyx_elementwise_kernels))[dst.dev]
    operands[0] = <PyObject*>dst
    operands[1] = <PyObject*>src
    walk_init(&walk, dst.nd, dst.sizes, 2, operands)
    enter_device(dst.dev, dst.dev_index, "copy")
    if k.cast(&walk):
        raise RuntimeError(f"copy: cannot convert {dtype_of(src.dt)!r} to {dtype_of(dst.dt)!r}.")
    return 0


cpdef int copy(TensorBase dst, TensorBase src) except -1:
    """dst = src between two devices: any dtypes and strides; src is broadcast."""
    cdef TensorBase there = src
    cdef TensorBase staged
    load()
    raise_pending()
    if dst.n == 0:
        return 0
    # On the side of the source: contiguous, of the dtype wanted.
    if not src.flags & CONTIGUOUS or src.dt != dst.dt:
        there = new_empty(src.nd, src.sizes, dst.dt, src.dev, src.dev_index)
        cast_into(there, src)
    # Across.
    staged = dst
    if not dst.flags & CONTIGUOUS or there.n != dst.n:
        staged = new_empty(there.nd, there.sizes, dst.dt, dst.dev, dst.dev_index)
    if dst.dev == src.dev:
        memcpy_device(staged.ptr, there.ptr, there.n * itemsize_of(there.dt))
        driver.stream_synchronize(current_stream[staged.dev_index])
    elif dst.dev == CUDA:
        to_device(staged, there)
    else:
        to_host(staged, there)
    # On the side of the target: broadcast, strided.
    if staged is not dst:
        cast_into(dst, staged)
    return raise_pending()


cdef int keep_for(TensorBase x, void* stream) except -1:
    if x.st.owner != NULL and x.st.release == release_storage:
        c_record_stream(<Block*>x.st.owner, stream)
    return 0


# --------------------------------------------------------------------------------- devices

cdef Driver* the_driver = &driver
cdef Device* the_devices = devices
cdef Pool* the_pools = pools


cdef void** streams_of_thread() noexcept:
    return current_stream


cdef bint of_this_process() noexcept:
    return owner_process == getpid()


def is_available():
    """Whether a GPU can be used."""
    open_driver()
    return state == 1


def reason():
    """Why no GPU can be used; empty if one can."""
    open_driver()
    return why


def count_devices():
    """How many GPUs there are; 0 without a driver."""
    open_driver()
    return device_count if state == 1 else 0


def get_current_device():
    """The thread's current GPU."""
    need_gpu()
    return current_device


def py_current_device():
    load()
    return current_device


def set_current_device(int index):
    """Make a GPU the thread's current one."""
    global current_device
    use(index)
    current_device = index


def get_device_name(int index):
    cdef char name[256]
    check_device(index)
    check(driver.device_name(name, 256, devices[index].handle), b"cuDeviceGetName")
    return (<bytes>name).decode(errors="replace")


def synchronize(int index):
    """Wait until the GPU has done all work of this process."""
    cdef int rc
    use(index)
    with nogil:
        rc = driver.context_synchronize()
    check(rc, b"cuCtxSynchronize")
    raise_pending()


def empty_cache():
    """Give all cached GPU memory back to the driver."""
    cdef int i
    if state != 1 or owner_process != getpid():
        return
    for i in range(device_count):
        if devices[i].context != NULL:
            use(i)
            c_empty_cache(i)


class _Loader:
    """What the core holds: loads the GPU side when a CUDA tensor is first made."""

    def __call__(self):
        load()
        return self

    current_device = staticmethod(py_current_device)


_this = _Loader()
_core.set_cuda_loader(_this)

"""The GPU: libraries, contexts, streams, memory, programs. Opened by the first use of device="cuda".

Nothing here knows the tape or a formula. The public names are in pyxtorch/cuda/; kernels borrow
what is in _cuda.pxd. Importing this module opens no library.
"""
import hashlib as _hashlib
import os as _os
import re as _re
import threading as _threading
from pathlib import Path as _Path

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport free as c_free
from libc.stdlib cimport calloc, malloc
from libc.string cimport memset, strcmp
from pyxtorch._core cimport *

from pyxtorch import _core
from pyxtorch._core import OutOfMemoryError

cdef extern from "<dlfcn.h>" nogil:
    void* dlopen(const char* name, int mode)
    char* dlerror()
    int RTLD_NOW, RTLD_LOCAL, RTLD_NOLOAD

cdef extern from "<unistd.h>" nogil:
    int getpid()

cdef extern from "pyxtorch/cuda_allocator.h" namespace "pyx_cuda" nogil:
    ctypedef uintptr_t Address
    cdef struct Driver:
        int (*init)(unsigned) noexcept nogil
        int (*driver_version)(int*) noexcept nogil
        int (*device_count)(int*) noexcept nogil
        int (*device_get)(int*, int) noexcept nogil
        int (*device_name)(char*, int, int) noexcept nogil
        int (*device_attribute)(int*, int, int) noexcept nogil
        int (*device_memory)(size_t*, int) noexcept nogil
        int (*context_synchronize)() noexcept nogil
        int (*memory_info)(size_t*, size_t*) noexcept nogil
        int (*copy_to_device)(Address, const void*, size_t, void*) noexcept nogil
        int (*copy_to_host)(void*, Address, size_t, void*) noexcept nogil
        int (*copy_on_device)(Address, Address, size_t, void*) noexcept nogil
        int (*copy_peer)(Address, void*, Address, void*, size_t, void*) noexcept nogil
        int (*memory_set)(Address, unsigned char, size_t, void*) noexcept nogil
        int (*stream_create)(void**, unsigned, int) noexcept nogil
        int (*stream_destroy)(void*) noexcept nogil
        int (*stream_synchronize)(void*) noexcept nogil
        int (*stream_query)(void*) noexcept nogil
        int (*stream_wait_event)(void*, void*, unsigned) noexcept nogil
        int (*event_create)(void**, unsigned) noexcept nogil
        int (*event_destroy)(void*) noexcept nogil
        int (*event_record)(void*, void*) noexcept nogil
        int (*event_query)(void*) noexcept nogil
        int (*event_synchronize)(void*) noexcept nogil
        int (*event_elapsed)(float*, void*, void*) noexcept nogil
        int (*module_load)(void**, const void*) noexcept nogil
        int (*module_function)(void**, void*, const char*) noexcept nogil
    cdef struct Nvrtc:
        int (*version)(int*, int*) noexcept nogil
        int (*arch_count)(int*) noexcept nogil
        int (*archs)(int*) noexcept nogil
        int (*create)(void**, const char*, const char*, int, const char**, const char**) noexcept nogil
        int (*destroy)(void**) noexcept nogil
        int (*add_name)(void*, const char*) noexcept nogil
        int (*compile)(void*, int, const char**) noexcept nogil
        int (*lowered_name)(void*, const char*, const char**) noexcept nogil
        int (*log_size)(void*, size_t*) noexcept nogil
        int (*log)(void*, char*) noexcept nogil
        int (*cubin_size)(void*, size_t*) noexcept nogil
        int (*cubin)(void*, char*) noexcept nogil
    cdef struct Cublas:
        int (*gemm)(void*, int, int, int, int, int, const void*, const void*, int, int, long long, const void*, int, int,
                    long long, const void*, void*, int, int, long long, int, int, int) noexcept nogil
    Driver driver
    Nvrtc nvrtc
    Cublas cublas
    const char* find_driver(void* library)
    const char* find_nvrtc(void* library)
    const char* find_cublas(void* library)
    cdef struct Device:
        int handle, capability, multiprocessors
        void* context
    Device* devices
    int device_count
    int owner_process
    int MAX_DEVICES, NOT_READY
    int current_device
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
    cdef struct Statistic:
        int64_t current, peak, allocated, freed
    cdef cppclass Pool:
        Statistic[9][3] statistics
        int64_t retries, failures, limit
    Pool* pools
    int c_device_of "pyx_cuda::device_of"(const void* address)
    Block* c_allocate "pyx_cuda::allocate"(int device, int64_t nbytes, void* stream)
    void c_release "pyx_cuda::release"(Block* b)
    void c_record_stream "pyx_cuda::record_stream"(Block* b, void* stream)
    void c_empty_cache "pyx_cuda::empty_cache"(int device)
    void* cublas_handle(int device)

cdef extern from "pyxtorch/kernels/elementwise.h" nogil:
    ctypedef struct pyx_elementwise_kernels:
        int (*cast)(const pyx_strided* walk) noexcept nogil


# ------------------------------------------------------------------------------- libraries

_lock = _threading.RLock()


def library_paths(str name):
    """Where a library of NVIDIA's may lie, in the order in which it is looked for.

    Packages of the namespace `nvidia` (CUDA 13 keeps all in nvidia/cu13/lib, CUDA 12 a folder for
    each library), then what the dynamic linker finds, then $CUDA_PATH. A library that the process
    has loaded already is used before any of these.
    """
    from importlib.util import find_spec

    stem, _, version = name.partition(".so.")
    names = [f"{stem}.so.{v}" for v in (version.split(",") if version else [])]
    found = []
    try:
        spec = find_spec("nvidia")
    except (ImportError, ValueError):
        spec = None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for n in names:
            found += sorted(map(str, _Path(folder).glob(f"*/lib/{n}")), reverse=True)
    found += names
    for variable in ("CUDA_PATH", "CUDA_HOME"):
        if _os.environ.get(variable):
            found += [f"{_os.environ[variable]}/lib64/{n}" for n in names]
    return names, found


cdef void* open_library(str name, list problems) except? NULL:
    """NULL, with the linker's words in `problems`, where there is none."""
    cdef void* handle
    cdef char* text
    names, paths = library_paths(name)
    for path in names:
        handle = dlopen(path.encode(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD)
        if handle != NULL:
            return handle
    for path in paths:
        if "nvrtc" in path and "/" in path:
            # Old wheels of NVRTC do not find their second library by themselves.
            for extra in sorted(_Path(path).parent.glob("libnvrtc-builtins.so.*")):
                if ".alt." not in extra.name:
                    dlopen(str(extra).encode(), RTLD_NOW | RTLD_LOCAL)
        handle = dlopen(path.encode(), RTLD_NOW | RTLD_LOCAL)
        if handle != NULL:
            return handle
        text = dlerror()
        if text != NULL:
            problems.append((<bytes>text).decode(errors="replace"))
    return NULL


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
    check_index(index)
    if c_bind(index):
        raise_pending()
    return 0


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
        from pyxtorch.kernels import cuda as _  # noqa: F401  fills `families`
        _core.register_cuda_kernels(PyCapsule_New(<void*>find, "pyxtorch.cuda_kernels", NULL))
        _ready = True
    return _this


def is_loaded():
    """Whether the GPU side is open, in this process."""
    return _ready and owner_process == getpid()


cpdef int check_index(int index) except -1:
    """Raise RuntimeError unless there is a GPU of this number."""
    need_gpu()
    if index < 0 or index >= device_count:
        raise RuntimeError(f"CUDA error: invalid device ordinal {index}: there are {device_count} device(s).")
    return 0


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
cdef const void* family_tables[MAX_FAMILIES]
cdef int families = 0


cdef int register(const char* family, const void* table) except -1:
    global families
    if families == MAX_FAMILIES:
        raise RuntimeError("too many GPU kernel families")
    family_names[families] = family
    family_tables[families] = table
    families += 1
    return 0


cdef const void* find(const char* family) noexcept:
    cdef int i
    for i in range(families):
        if strcmp(family_names[i], family) == 0:
            return family_tables[i]
    return NULL


cdef int pointer_device(const void* address) noexcept nogil:
    return c_device_of(address)


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


cdef bint tf32 = False


cdef bint uses_tf32() noexcept nogil:
    return tf32


def allows_tf32():
    """Whether products of float32 may be computed with TF32's 10 bits of mantissa (not unless set)."""
    return bool(tf32)


def allow_tf32(allow):
    """Let products of float32 be computed with TF32's 10 bits of mantissa."""
    global tf32
    tf32 = bool(allow)


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


# -------------------------------------------------------------------------------- programs

cdef int nvrtc_state = 0


cdef int need_nvrtc() except -1:
    global nvrtc_state
    cdef void* handle
    cdef const char* missing
    if nvrtc_state:
        return 0
    problems = []
    handle = open_library("libnvrtc.so.13,12", problems)
    if handle == NULL:
        raise RuntimeError(
            "cuda: NVIDIA's run-time compiler (libnvrtc.so.13 or .12) was not found; install the wheel nvidia-cuda-nvrtc. "
            + "; ".join(problems)
        )
    missing = find_nvrtc(handle)
    if missing != NULL:
        raise RuntimeError(f"cuda: NVRTC is too old: it has no {missing.decode()}.")
    nvrtc_state = 1
    return 0


def nvrtc_version():
    """(major, minor) of NVRTC."""
    cdef int major = 0, minor = 0
    need_nvrtc()
    nvrtc.version(&major, &minor)
    return major, minor


def nvrtc_archs():
    """The compute capabilities (80, 90, ...) that NVRTC makes machine code for."""
    cdef int n = 0
    cdef int archs[256]
    need_nvrtc()
    nvrtc.arch_count(&n)
    nvrtc.archs(archs)
    return [archs[i] for i in range(min(n, 256))]


# The C++ types in memory, by dtype code.
C_TYPES = ("bool", "pyx_u8", "pyx_i8", "pyx_i16", "pyx_i32", "pyx_i64", "pyx::f16", "pyx::bf16", "float", "double",
           "pyx::c64", "pyx::c128")
_here = _Path(__file__).parent
_includes = _here / "include" if (_here / "include").is_dir() else _here.parent / "include"
_texts = {}


def program_source(str name):
    """The text of kernels/cuda/`name` and, by name, of all headers that it includes.

    Includes are rewritten to whole names, because NVRTC does not look beside the including header.
    """
    import posixpath

    if name in _texts:
        return _texts[name]
    headers = {}

    def take(path, at):
        def whole(match):
            target = match.group(1)
            if not target.startswith("pyxtorch/"):
                target = posixpath.normpath(posixpath.join(at, target))
            if target not in headers and (_includes / target).is_file():
                headers[target] = ""
                headers[target] = take(_includes / target, posixpath.dirname(target))
            return f'#include "{target}"'

        return _re.sub(r'#include "([^"]+)"', whole, path.read_text(encoding="utf-8"))

    text = take(_here / "kernels" / "cuda" / name, "pyxtorch/kernels")
    _texts[name] = text, headers
    return _texts[name]


def compile_program(str text, dict headers, names, int arch, options=()):
    """CUDA C++ to machine code for compute capability `arch` (90 for 9.0).

    Args:
        names: C++ name expressions of the kernels that the program is to have.

    Returns:
        (cubin, {name expression: name in the cubin}, log).

    Raises:
        RuntimeError: the compiler's log, where it fails.
    """
    cdef void* program = NULL
    cdef const char* lowered
    cdef size_t size = 0
    cdef int rc, i
    cdef const char** c_texts
    cdef const char** c_names
    cdef const char* c_options[16]
    need_nvrtc()
    source = text.encode()
    keys = [k.encode() for k in headers]
    values = [v.encode() for v in headers.values()]
    flags = [o.encode() for o in (f"--gpu-architecture=sm_{arch}", "--std=c++17", *options)]
    wanted = [n.encode() for n in names]
    c_texts = <const char**>malloc(2 * (len(keys) + 1) * sizeof(char*))
    c_names = c_texts + len(keys) + 1
    for i in range(len(keys)):
        c_texts[i] = values[i]
        c_names[i] = keys[i]
    for i in range(len(flags)):
        c_options[i] = flags[i]
    try:
        rc = nvrtc.create(&program, source, b"pyxtorch.cu", len(keys), c_texts, c_names)
        if rc:
            raise RuntimeError(f"cuda: nvrtcCreateProgram failed with code {rc}.")
        for name in wanted:
            nvrtc.add_name(program, name)
        i = len(flags)
        with nogil:
            rc = nvrtc.compile(program, i, c_options)
        nvrtc.log_size(program, &size)
        log = bytearray(max(size, 1))
        nvrtc.log(program, log)
        message = bytes(log).rstrip(b"\0").decode(errors="replace")
        if rc:
            raise RuntimeError(f"cuda: NVRTC failed with code {rc} for sm_{arch}, {list(names)[:4]}:\n{message[:4000]}")
        mangled = {}
        for name in wanted:
            lowered = NULL
            if nvrtc.lowered_name(program, name, &lowered) or lowered == NULL:
                raise RuntimeError(f"cuda: NVRTC knows no kernel {name.decode()}.")
            mangled[name.decode()] = (<bytes>lowered).decode()
        nvrtc.cubin_size(program, &size)
        cubin = PyBytes_FromStringAndSize(NULL, size)
        nvrtc.cubin(program, PyBytes_AS_STRING(cubin))
        return cubin, mangled, message
    finally:
        c_free(c_texts)
        if program != NULL:
            nvrtc.destroy(&program)


def cache_folder():
    """Where compiled GPU programs are kept: $PYXTORCH_CACHE, else pyxtorch/ in the user's cache folder."""
    given = _os.environ.get("PYXTORCH_CACHE")
    if given:
        return _Path(given) / "cuda"
    return _Path(_os.environ.get("XDG_CACHE_HOME") or _Path.home() / ".cache") / "pyxtorch" / "cuda"


def target_arch(int capability):
    """The capability to compile for: the device's own, or the nearest lower of its generation."""
    archs = nvrtc_archs()
    fitting = [a for a in archs if a <= capability and a // 10 == capability // 10]
    if not fitting:
        raise RuntimeError(f"cuda: NVRTC {nvrtc_version()} makes no code for compute capability {capability // 10}.{capability % 10}; it knows {archs}.")
    return max(fitting)


def _write(path, data):
    """Whole or not at all; a cache that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{_os.getpid()}.{_threading.get_ident()}")
        temporary.write_bytes(data)
        _os.replace(temporary, path)
    except OSError:
        pass


def build_program(str source, names, int capability, str device_name=""):
    """(cubin, {name expression: name in the cubin}) of kernels of kernels/cuda/`source`, by way of the cache on disk."""
    import json

    text, headers = program_source(source)
    arch = target_arch(capability)
    names = sorted(names)
    key = _hashlib.sha256(repr((text, sorted(headers.items()), names, nvrtc_version(), arch, device_name, _os.environ.get("PYXEMU_FLAGS"))).encode()).hexdigest()
    path = cache_folder() / key[:2] / key
    try:
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        digest, data = data[8:40], data[40:]
        if digest == _hashlib.sha256(data).digest():
            return data[size:], json.loads(data[:size])
    except OSError:
        pass
    cubin, mangled, _ = compile_program(text, headers, names, arch)
    head = json.dumps(mangled).encode()
    data = head + cubin
    _write(path, len(head).to_bytes(8, "little") + _hashlib.sha256(data).digest() + data)
    return cubin, mangled


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
    cdef pyx_elementwise_kernels* k = <pyx_elementwise_kernels*>kernel_tables(b"elementwise")[dst.dev]
    operands[0] = <PyObject*>dst
    operands[1] = <PyObject*>src
    walk_init(&walk, dst.nd, dst.sizes, 2, operands)
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


def record_stream(TensorBase x not None, Stream stream not None):
    """Keep the memory of `x` from reuse until the work that `stream` has now is done."""
    if x.dev != CUDA:
        raise RuntimeError("record_stream: is for CUDA tensors; this one is on the CPU.")
    if x.st.owner != NULL and x.st.release == release_storage:
        c_record_stream(<Block*>x.st.owner, stream.handle)


# --------------------------------------------------------------------------------- devices

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


def driver_version():
    """The CUDA version that the driver supports, as 1000 * major + 10 * minor."""
    cdef int v = 0
    need_gpu()
    driver.driver_version(&v)
    return v


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
    check_index(index)
    check(driver.device_name(name, 256, devices[index].handle), b"cuDeviceGetName")
    return (<bytes>name).decode(errors="replace")


def device_info(int index):
    """Figures of a GPU: total memory, capability, multiprocessors, limits."""
    cdef size_t total = 0
    cdef int value = 0
    check_index(index)
    check(driver.device_memory(&total, devices[index].handle), b"cuDeviceTotalMem")
    info = {"name": get_device_name(index), "total_memory": total, "major": devices[index].capability // 10,
            "minor": devices[index].capability % 10, "multi_processor_count": devices[index].multiprocessors}
    for name, number in (("max_threads_per_block", 1), ("shared_memory_per_block", 8), ("warp_size", 10),
                         ("max_threads_per_multi_processor", 39), ("L2_cache_size", 38)):
        driver.device_attribute(&value, number, devices[index].handle)
        info[name] = value
    return info


def synchronize(int index):
    """Wait until the GPU has done all work of this process."""
    cdef int rc
    use(index)
    with nogil:
        rc = driver.context_synchronize()
    check(rc, b"cuCtxSynchronize")
    raise_pending()


def mem_get_info(int index):
    """(free, total) bytes of GPU memory."""
    cdef size_t available = 0, total = 0
    use(index)
    check(driver.memory_info(&available, &total), b"cuMemGetInfo")
    return available, total


def empty_cache():
    """Give all cached GPU memory back to the driver."""
    cdef int i
    if state != 1 or owner_process != getpid():
        return
    for i in range(device_count):
        if devices[i].context != NULL:
            use(i)
            c_empty_cache(i)


_STATISTICS = ("allocation", "segment", "active", "inactive_split", "allocated_bytes", "reserved_bytes", "active_bytes",
               "inactive_split_bytes", "requested_bytes")


def memory_stats(int index):
    """All statistics of the GPU's caching allocator, by PyTorch's names."""
    cdef int i, k
    cdef Statistic* s
    check_index(index)
    stats = {}
    for i in range(9):
        for k, pool in enumerate(("all", "large_pool", "small_pool")):
            s = &pools[index].statistics[i][k]
            name = f"{_STATISTICS[i]}.{pool}"
            stats[f"{name}.current"] = s.current
            stats[f"{name}.peak"] = s.peak
            stats[f"{name}.allocated"] = s.allocated
            stats[f"{name}.freed"] = s.freed
    stats["num_alloc_retries"] = pools[index].retries
    stats["num_ooms"] = pools[index].failures
    return dict(sorted(stats.items()))


def reset_peak_memory_stats(int index):
    """Count peaks from now on."""
    cdef int i, k
    check_index(index)
    for i in range(9):
        for k in range(3):
            pools[index].statistics[i][k].peak = pools[index].statistics[i][k].current


def reset_accumulated_memory_stats(int index):
    """Count allocations, retries and failures from now on."""
    cdef int i, k
    check_index(index)
    for i in range(9):
        for k in range(3):
            pools[index].statistics[i][k].allocated = pools[index].statistics[i][k].freed = 0
    pools[index].retries = pools[index].failures = 0


def set_memory_limit(int index, nbytes):
    """Let tensors use at most this many bytes of the GPU; None: no limit."""
    check_index(index)
    pools[index].limit = 0x7fffffffffffffff if nbytes is None else nbytes


# ------------------------------------------------------------------------ streams and events

@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
cdef class Stream:
    """A queue of GPU work. Work of one stream runs in order; streams run beside each other.

    Args:
        device: the GPU (default: the current one).
        priority: lower numbers run first.
    """
    cdef void* handle
    cdef readonly int device_index
    cdef bint owned
    cdef list before

    def __init__(self, device=None, int priority=0):
        cdef int index
        load()
        if device is None:
            self.device_index = current_device
        else:
            if parse_device(device, &index) != CUDA:
                raise ValueError(f"Stream: expected a CUDA device, not {device}.")
            self.device_index = index
        use(self.device_index)
        check(driver.stream_create(&self.handle, 1, priority), b"cuStreamCreateWithPriority")
        self.owned = True
        self.before = []

    def __dealloc__(self):
        if self.owned and self.handle != NULL and owner_process == getpid():
            if current_stream[self.device_index] == self.handle:
                current_stream[self.device_index] = NULL
            driver.stream_destroy(self.handle)

    @property
    def device(self):
        return device_of_index(self.device_index)

    @property
    def cuda_stream(self):
        """The driver's handle, as an integer."""
        return <uintptr_t>self.handle

    def synchronize(self):
        """Wait until all work of the stream is done."""
        cdef int rc
        use(self.device_index)
        with nogil:
            rc = driver.stream_synchronize(self.handle)
        check(rc, b"cuStreamSynchronize")
        raise_pending()

    def query(self):
        """Whether all work of the stream is done."""
        cdef int rc
        use(self.device_index)
        rc = driver.stream_query(self.handle)
        if rc == NOT_READY:
            return False
        check(rc, b"cuStreamQuery")
        return True

    def record_event(self, Event event=None):
        """Record an event (a new one if none is given) after the work that the stream has now."""
        if event is None:
            event = Event()
        event.record(self)
        return event

    def wait_event(self, Event event not None):
        """Work given to this stream from now on waits for the event."""
        event.wait(self)

    def wait_stream(self, Stream stream not None):
        """Work given to this stream from now on waits for all work that `stream` has now."""
        self.wait_event(stream.record_event())

    def __enter__(self):
        if self.before is None:
            self.before = []
        self.before.append((current_device, get_current_stream(self.device_index)))
        set_current_device(self.device_index)
        set_current_stream(self)
        return self

    def __exit__(self, *error):
        device, stream = self.before.pop()
        set_current_stream(stream)
        set_current_device(device)

    def __eq__(self, other):
        return isinstance(other, Stream) and self.handle == (<Stream>other).handle and self.device_index == (<Stream>other).device_index

    def __hash__(self):
        return hash((<uintptr_t>self.handle, self.device_index))

    def __repr__(self):
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


cdef device device_of_index(int index):
    return _core.device("cuda", index)


_thread = _threading.local()    # keeps the Python objects of current streams alive


def get_current_stream(int index):
    """The stream that new work of this thread goes to on a GPU."""
    cdef Stream s
    check_index(index)
    kept = getattr(_thread, "streams", None)
    if kept is not None and index in kept:
        return kept[index]
    s = Stream.__new__(Stream)
    s.device_index = index
    s.handle = current_stream[index]
    return s


def default_stream(int index):
    """A GPU's default stream (the legacy stream 0, as PyTorch's)."""
    cdef Stream s = Stream.__new__(Stream)
    check_index(index)
    s.device_index = index
    return s


def set_current_stream(Stream stream not None):
    """Send new work of this thread to a stream."""
    if not hasattr(_thread, "streams"):
        _thread.streams = {}
    _thread.streams[stream.device_index] = stream
    current_stream[stream.device_index] = stream.handle


@cython.binding(False)
cdef class Event:
    """A mark in a stream: to wait for, or to take times by.

    Args:
        enable_timing: whether `elapsed_time` will be asked for.
        blocking: whether `synchronize` sleeps instead of spinning.
    """
    cdef void* handle
    cdef unsigned flags
    cdef int device_index

    def __init__(self, enable_timing=False, blocking=False, interprocess=False):
        if interprocess:
            raise RuntimeError("Event: events between processes are not supported; leave interprocess=False.")
        self.flags = (0 if enable_timing else 2) | (1 if blocking else 0)
        self.device_index = -1

    def __dealloc__(self):
        if self.handle != NULL and owner_process == getpid():
            driver.event_destroy(self.handle)

    def record(self, Stream stream=None):
        """Mark the place where a stream (default: the current one) is now."""
        load()
        if stream is None:
            stream = get_current_stream(current_device)
        use(stream.device_index)
        if self.handle == NULL:
            check(driver.event_create(&self.handle, self.flags), b"cuEventCreate")
            self.device_index = stream.device_index
        elif self.device_index != stream.device_index:
            raise RuntimeError(f"Event.record: the event belongs to cuda:{self.device_index}, the stream to cuda:{stream.device_index}.")
        check(driver.event_record(self.handle, stream.handle), b"cuEventRecord")

    def wait(self, Stream stream=None):
        """Let work given to a stream (default: the current one) from now on wait for this event."""
        load()
        if stream is None:
            stream = get_current_stream(current_device)
        if self.handle != NULL:
            use(stream.device_index)
            check(driver.stream_wait_event(stream.handle, self.handle, 0), b"cuStreamWaitEvent")

    def query(self):
        """Whether the work before the mark is done."""
        cdef int rc
        if self.handle == NULL:
            return True
        rc = driver.event_query(self.handle)
        if rc == NOT_READY:
            return False
        check(rc, b"cuEventQuery")
        return True

    def synchronize(self):
        """Wait until the work before the mark is done."""
        cdef int rc
        if self.handle == NULL:
            return
        with nogil:
            rc = driver.event_synchronize(self.handle)
        check(rc, b"cuEventSynchronize")
        raise_pending()

    def elapsed_time(self, Event end_event not None):
        """Milliseconds from this mark to another; both with enable_timing=True, and both passed."""
        cdef float ms = 0
        if (self.flags | end_event.flags) & 2:
            raise ValueError("Event.elapsed_time: both events must be created with enable_timing=True.")
        if self.handle == NULL or end_event.handle == NULL:
            raise ValueError("Event.elapsed_time: both events must be recorded first.")
        check(driver.event_elapsed(&ms, self.handle, end_event.handle), b"cuEventElapsedTime")
        return ms

    def __repr__(self):
        return f"<torch.cuda.Event {<uintptr_t>self.handle:#x}>"


def dlpack_stream(int index):
    """This thread's current stream on a GPU as DLPack counts: 1 is the legacy default stream."""
    load()
    check_index(index)
    return <uintptr_t>current_stream[index] or 1


def let_wait(int index, stream):
    """Let a borrower's stream, as DLPack counts, wait for the work of this thread's current stream.

    Args:
        stream: None or 1: the legacy default stream; 2: the default stream of each thread; -1: nothing
            has to wait; else a handle.
    """
    cdef void* borrower
    cdef Event event
    if stream == -1:
        return
    if stream == 0:
        raise ValueError("__dlpack__: stream 0 is ambiguous; use 1 (legacy default) or 2 (default of each thread).")
    borrower = NULL if stream is None or stream == 1 else <void*><uintptr_t>stream
    load()
    use(index)
    if borrower == current_stream[index]:
        return
    event = Event()
    event.record(get_current_stream(index))
    check(driver.stream_wait_event(borrower, event.handle, 0), b"cuStreamWaitEvent")


class _Loader:
    """What the core holds: loads the GPU side when a CUDA tensor is first made."""

    def __call__(self):
        load()
        return self

    current_device = staticmethod(py_current_device)


_this = _Loader()
_core.set_cuda_loader(_this)

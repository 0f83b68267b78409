"""NVIDIA's libraries found and opened, and GPU programs compiled by NVRTC, with a cache on disk. Needs no GPU.

Importing this module opens no library.
"""
import hashlib as _hashlib
import os as _os
import re as _re
import threading as _threading
from pathlib import Path as _Path

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdlib cimport free as c_free
from libc.stdlib cimport malloc
from pyxtorch._dtype cimport FLOAT16, FLOAT8_E5M2

cdef extern from "<dlfcn.h>" nogil:
    void* dlopen(const char* name, int mode)
    char* dlerror()
    int RTLD_NOW, RTLD_LOCAL, RTLD_NOLOAD

cdef extern from "pyxtorch/cuda_driver.h" namespace "pyx_cuda" nogil:
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
    Nvrtc nvrtc
    const char* find_nvrtc(void* library)


# ------------------------------------------------------------------------------- libraries

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
C_TYPES = ("bool", "pyx_u8", "pyx_u16", "pyx_u32", "pyx_u64", "pyx_i8", "pyx_i16", "pyx_i32", "pyx_i64", *[f"pyx::f8<{code}>" for code in range(FLOAT8_E5M2, FLOAT16)], "pyx::f16",
           "pyx::bf16", "float", "double", "pyx::c32", "pyx::c64", "pyx::c128")
_here = _Path(__file__).parent
_includes = _here / "include" if (_here / "include").is_dir() else _here.parent / "include"
_texts = {}


def program_source(str name):
    """The text of kernels/cuda/`name` and, by name, of all headers that it includes."""
    if name not in _texts:
        _texts[name] = with_headers((_here / "kernels" / "cuda" / name).read_text(encoding="utf-8"))
    return _texts[name]


def with_headers(str text):
    """A program's text and, by name, all headers of the package that it includes.

    Includes are rewritten to whole names, because NVRTC does not look beside the including header.
    """
    import posixpath

    headers = {}

    def take(text, at):
        def whole(match):
            target = match.group(1)
            if not target.startswith("pyxtorch/"):
                target = posixpath.normpath(posixpath.join(at, target))
            if target not in headers and (_includes / target).is_file():
                headers[target] = ""
                headers[target] = take((_includes / target).read_text(encoding="utf-8"), posixpath.dirname(target))
            return f'#include "{target}"'

        return _re.sub(r'#include "([^"]+)"', whole, text)

    return take(text, "pyxtorch/kernels"), headers


def compile_program(str text, dict headers, names, int arch, options=(), str title="pyxtorch.cu"):
    """CUDA C++ to machine code for compute capability `arch` (90 for 9.0).

    Args:
        names: C++ name expressions of the kernels that the program is to have.
        title: what the compiler calls the program in its messages.

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
    if len(flags) > 16:
        raise ValueError(f"cuda: at most 14 options for the compiler, got {len(options)}.")
    wanted = [n.encode() for n in names]
    program_name = title.encode()
    c_texts = <const char**>malloc(2 * (len(keys) + 1) * sizeof(char*))
    if c_texts == NULL:
        raise MemoryError()
    c_names = c_texts + len(keys) + 1
    for i in range(len(keys)):
        c_texts[i] = values[i]
        c_names[i] = keys[i]
    for i in range(len(flags)):
        c_options[i] = flags[i]
    try:
        rc = nvrtc.create(&program, source, program_name, len(keys), c_texts, c_names)
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
    return build_text(*program_source(source), names, capability, device_name)


def build_text(str text, dict headers, names, int capability, str device_name="", options=(), str title="pyxtorch.cu"):
    """The same of a program's text and headers."""
    import json

    arch = target_arch(capability)
    names = sorted(names)
    kind = text, sorted(headers.items()), names, nvrtc_version(), arch, device_name, _os.environ.get("PYXEMU_FLAGS"), options
    key = _hashlib.sha256(repr(kind).encode()).hexdigest()
    path = cache_folder() / key[:2] / key
    try:
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        digest, data = data[8:40], data[40:]
        if digest == _hashlib.sha256(data).digest():
            return data[size:], json.loads(data[:size])
    except OSError:
        pass
    cubin, mangled, _ = compile_program(text, headers, names, arch, options, title)
    head = json.dumps(mangled).encode()
    data = head + cubin
    _write(path, len(head).to_bytes(8, "little") + _hashlib.sha256(data).digest() + data)
    return cubin, mangled

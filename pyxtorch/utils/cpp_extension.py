"""Modules in C, C++ and Cython, compiled against pyxtorch's own headers: as packages (setuptools), or while a program runs.

The names are those of torch.utils.cpp_extension. What needs torch's headers (torch/extension.h, ATen, pybind11) does not compile:
a module takes tensors by pyxtorch/capi.h, or by `cimport pyxtorch`, or is a plain function (`pyxtorch.ffi`).
"""
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pyxtorch

__all__ = ["BuildExtension", "CppExtension", "compiler", "include_paths", "is_ninja_available", "library_paths", "load", "load_inline"]  # noqa: F822

_OF_TORCH = re.compile(r"#\s*include\s*[<\"]((?:torch|ATen|c10|pybind11|TH|THC)/[^>\"]*|TH\.h|THC\.h)[>\"]")
_FLAGS = ["-O2", "-fPIC"]


def compiler():
    """The path of the C++ compiler, $CXX or g++; None if there is none."""
    return shutil.which(os.environ.get("CXX", "g++").split()[-1])


def include_paths(device_type="cpu", *args):
    """The folders with the headers that modules include: pyxtorch's own."""
    return [pyxtorch.get_include()]


def library_paths(device_type="cpu", *args):
    """The folders with libraries to link with: none, as everything comes by the capsule."""
    return []


def is_ninja_available():
    """False: ninja is not used."""
    return False


def CppExtension(name, sources, *args, **kwargs):
    """A setuptools.Extension of C++ (or C, or Cython) sources with pyxtorch's headers."""
    from setuptools import Extension

    kwargs["include_dirs"] = [*kwargs.get("include_dirs", []), *include_paths()]
    kwargs.setdefault("language", "c++")
    arguments = kwargs.get("extra_compile_args") or []
    kwargs["extra_compile_args"] = ["-std=c++17", *(arguments.get("cxx", []) if isinstance(arguments, dict) else arguments)]
    return Extension(name, [os.fspath(s) for s in sources], *args, **kwargs)


def __getattr__(name):
    if name == "BuildExtension":  # setuptools is imported only where a package is built
        globals()[name] = _build_extension()
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _build_extension():
    from setuptools.command.build_ext import build_ext

    class BuildExtension(build_ext):
        """setuptools' build_ext, with Cython's sources translated as C++ against pyxtorch's declarations."""

        @classmethod
        def with_options(cls, **options):
            """The class itself: the options are those of PyTorch's builds."""
            return cls

        def build_extension(self, ext):
            folder = Path(self.build_temp)
            ext.sources = [_translated(s, folder) for s in ext.sources]
            _refuse_torch(ext.name, ext.sources)
            super().build_extension(ext)

    return BuildExtension


def _refuse_torch(name, sources):
    for source in sources:
        found = _OF_TORCH.search(Path(source).read_text(errors="replace"))
        if found:
            raise RuntimeError(f"{name}: {source} includes {found[1]}, a header of torch, which pyxtorch does not have. Take tensors by pyxtorch/capi.h, "
                               "by Cython's `cimport pyxtorch`, or write a plain C function for pyxtorch.ffi.load.")  # fmt: skip


def _run(command, name):
    done = subprocess.run(list(map(os.fspath, command)), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Error building extension {name!r}: {' '.join(map(os.fspath, command))}\n{(done.stdout + done.stderr)[-6000:]}")


def _translated(source, folder):
    """A source in C or C++: of Cython's, what Cython makes of it, in `folder`."""
    source = Path(source)
    if source.suffix != ".pyx":
        return os.fspath(source)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (source.stem + ".cpp")
    _run([sys.executable, "-m", "cython", "--cplus", "-3", "-I", Path(pyxtorch.__file__).parent.parent, "-o", target, source], source.stem)
    return os.fspath(target)


def _library(name, sources, folder, cflags=(), ldflags=(), include=(), suffix=None, verbose=False):
    """Compile sources into one shared object in `folder`; the one that is there, if nothing has changed."""
    found = compiler()
    if found is None:
        raise RuntimeError("cpp_extension: there is no C++ compiler ($CXX or g++).")
    folder.mkdir(parents=True, exist_ok=True)
    sources = [_translated(s, folder) for s in sources]
    _refuse_torch(name, sources)
    includes = [*include_paths(), *map(os.fspath, include), sysconfig.get_paths()["include"]]
    standard = ["-x", "c", "-std=gnu11"] if all(s.endswith(".c") for s in sources) else ["-std=c++17"]
    command = [found, *standard, *_FLAGS, "-shared", *(f"-I{i}" for i in includes), *cflags, *sources]
    key = hashlib.sha256(repr((command, ldflags, [Path(s).read_bytes() for s in sources], pyxtorch.__version__, pyxtorch.api.version)).encode()).hexdigest()
    target = folder / (name + (suffix or sysconfig.get_config_var("EXT_SUFFIX")))
    stamp = folder / f"{name}.key"
    if not (target.exists() and stamp.exists() and stamp.read_text() == key):
        if verbose:
            print(f"compiling {name}: {' '.join(command)}")
        fresh = folder / f"{target.name}.{os.getpid()}"
        _run([*command, "-o", fresh, *ldflags], name)
        os.replace(fresh, target)
        stamp.write_text(key)
    return target


def _folder(name, given):
    if given is not None:
        return Path(given)
    base = os.environ.get("TORCH_EXTENSIONS_DIR")
    if base is None:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyxtorch" / "extensions"
    return Path(base) / name


def _imported(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(name, sources, extra_cflags=None, extra_cuda_cflags=None, extra_sycl_cflags=None, extra_ldflags=None, extra_include_paths=None, build_directory=None,
         verbose=False, with_cuda=None, with_sycl=None, is_python_module=True, is_standalone=False, keep_intermediates=True):  # fmt: skip
    """Compile and import a module: of C or C++ with a `PyInit_name` of its own, or of Cython (.pyx).

    Args:
        build_directory: where it is built and kept; by default below $TORCH_EXTENSIONS_DIR, or the user's cache folder.
        is_python_module: False: a library of plain functions, whose path is given back, for `pyxtorch.ffi.load`.
    Raises:
        RuntimeError: there is no compiler, it fails (with its words), or a source includes torch's headers.
    """
    sources = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if with_cuda or any(os.fspath(s).endswith((".cu", ".cuh")) for s in sources):
        raise RuntimeError(f"cpp_extension.load: {name}: kernels for CUDA cannot be added; sources in C and C++ can.")
    path = _library(name, sources, _folder(name, build_directory), extra_cflags or (), extra_ldflags or (), extra_include_paths or (), verbose=verbose)
    return _imported(name, path) if is_python_module else os.fspath(path)


def load_inline(name, cpp_sources, cuda_sources=None, sycl_sources=None, functions=None, extra_cflags=None, extra_cuda_cflags=None, extra_sycl_cflags=None,
                extra_ldflags=None, extra_include_paths=None, build_directory=None, verbose=False, with_cuda=None, with_sycl=None, is_python_module=True,
                with_pytorch_error_handling=True, keep_intermediates=True, use_pch=False, no_implicit_headers=False):  # fmt: skip
    """Compile C++ that is given as text.

    Args:
        functions: names of plain functions in it, such as `void add(const float* x, const float* y, float* out, int64_t n)`, or a
            dict of those to their shapes (`pyxtorch.ffi.load`): they become operations. Without them the source has a `PyInit_name`.
    Returns:
        the module; with `functions` an object that has them.
    Raises:
        RuntimeError: as for `load`, or a function is not found in the source.
    """
    if cuda_sources:
        raise RuntimeError(f"cpp_extension.load_inline: {name}: kernels for CUDA cannot be added; sources in C and C++ can.")
    texts = [cpp_sources] if isinstance(cpp_sources, str) else list(cpp_sources)
    text = "#include <stdint.h>\n" + "\n".join(texts)
    functions = [functions] if isinstance(functions, str) else functions
    shapes = functions if isinstance(functions, dict) else dict.fromkeys(functions or ())
    prototypes = {f: _prototype(text, f) for f in shapes}
    text = "".join(f'extern "C" {p};\n' for p in prototypes.values()).join(["#include <stdint.h>\n", text])
    folder = _folder(name, build_directory)
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{name}_source.cpp"
    if not source.exists() or source.read_text() != text:
        source.write_text(text)
    path = _library(name, [source], folder, extra_cflags or (), extra_ldflags or (), extra_include_paths or (), verbose=verbose)
    if not is_python_module:
        return os.fspath(path)
    return _Functions(name, path, prototypes, shapes) if shapes else _imported(name, path)


def _prototype(text, name):
    found = re.search(rf"^[^\S\n]*(?:extern\s+\"C\"\s+)?((?:void|int|int32_t)\s+{re.escape(name)}\s*\([^()]*\))\s*[{{;]", text, re.M)
    if not found:
        raise RuntimeError(f"cpp_extension: there is no function {name!r} in the source that gives void or int and takes pointers and numbers.")
    return " ".join(found[1].split())


class _Functions:
    """A compiled library's plain functions as operations."""

    def __init__(self, name, path, prototypes, shapes):
        from pyxtorch import ffi

        self.__name__, self.__file__ = name, os.fspath(path)
        for function, prototype in prototypes.items():
            setattr(self, function, ffi.load(path, prototype, shapes=shapes[function]))

"""torch.utils.ffi of early PyTorch: C code compiled into a module of functions. They take plain pointers, not THTensor."""
import os
import re
from pathlib import Path

__all__ = ["create_extension"]

_MODULE = '''"""Written by pyxtorch.utils.ffi.create_extension."""
from pathlib import Path
from pyxtorch import ffi

_library = Path(__file__).with_name({library!r})
'''


class _Extension:
    """What `create_extension` gives: `build()` makes the module."""

    def __init__(self, name, prototypes, sources, folder, base, options):
        self.name, self.folder, self._prototypes = name, folder, prototypes
        self._sources, self._base, self._options = sources, base, options

    def build(self):
        """Compile, and write the module: a library with a Python file of the same name beside it, which loads its functions."""
        from pyxtorch.utils import cpp_extension

        package, _, stem = self.name.rpartition(".")
        folder = self.folder.joinpath(*package.split(".")) if package else self.folder
        folder.mkdir(parents=True, exist_ok=True)
        if package:
            (folder / "__init__.py").touch()
        library = cpp_extension._library(f"lib{stem}", self._sources, folder, self._options, [], [self._base], suffix=".so")
        lines = [f'{name} = ffi.load(_library, "{prototype}")\n' for name, prototype in self._prototypes.items()]
        (folder / f"{stem}.py").write_text(_MODULE.format(library=library.name) + "".join(lines))
        return os.fspath(folder / f"{stem}.py")


def create_extension(name, headers, sources, verbose=True, with_cuda=False, package=False, relative_to=".", **kwargs):
    """Functions of C as a module: `create_extension("_ext.my_lib", ["src/my_lib.h"], ["src/my_lib.c"], relative_to=__file__).build()`.

    The headers declare them, as `pyxtorch.ffi.load` takes them: `int my_add(const float* x, const float* y, float* out, int64_t n);`.
    Then `_ext.my_lib.my_add(x, y)` gives the result, and `my_add(x, y, out)` writes it, as it was done with THFloatTensor.

    Args:
        name: the module's, with its package; it is written beside `relative_to`.
        define_macros, include_dirs, extra_compile_args: as in setuptools.
    Raises:
        ImportError: `with_cuda`, or a header that takes THTensor, which there is none of.
        ValueError: a header declares no function that can be called.
    """
    base = Path(relative_to)
    base = base.parent if base.suffix == ".py" else base
    if with_cuda:
        raise ImportError(f"torch.utils.ffi cannot build {name!r} for CUDA: there is no THCTensor, and kernels for CUDA cannot be added.")
    prototypes = {}
    for header in headers:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", (base / header).read_text(), flags=re.S)
        if re.search(r"\bTHC?\w*Tensor\b", text):
            raise ImportError(
                f"torch.utils.ffi cannot build {name!r}: there is no THTensor in C, which {header} takes. Let the functions take pointers and sizes, "
                "(const float* x, float* out, int64_t n), or write them in Cython, which cimports pyxtorch."
            )
        for found in re.finditer(r"((?:void|int|int32_t)\s+(\w+)\s*\([^()]*\))\s*;", text):
            prototypes[found[2]] = " ".join(found[1].split())
    if not prototypes:
        raise ValueError(f"create_extension: no header of {list(headers)} declares a function such as 'int add(const float* x, float* out, int64_t n);'.")
    options = [f"-D{k}={v}" if v is not None else f"-D{k}" for k, v in kwargs.get("define_macros") or ()]
    options += [f"-I{d}" for d in kwargs.get("include_dirs") or ()] + list(kwargs.get("extra_compile_args") or ())
    return _Extension(name, prototypes, [os.fspath(base / s) for s in sources], base, base, options)

"""A stub of the NVIDIA driver to link against where there is none.

    python tools/gpu/mkstub.py INCLUDE OUT      OUT/libcuda.so, from INCLUDE/cuda.h and cudaProfiler.h

PyCUDA links with -lcuda and looks every driver function up at once, so the stub defines each name that
the headers declare; its SONAME is the real library's, which is what is loaded at run time.
"""
import re
import subprocess
import sys
from pathlib import Path

HEADERS = ("cuda.h", "cudaProfiler.h")


def names(include):
    """The functions that the headers declare, with their versions' suffixes."""
    found = set()
    for header in HEADERS:
        found |= set(re.findall(r"\b(cu[A-Z]\w*)\b", (Path(include) / header).read_text(errors="replace")))
    return sorted(n for n in found if not n.endswith("_st"))


def main(include, out):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    not_supported = 100  # CUDA_ERROR_NO_DEVICE
    source = "\n".join(f"int {name}(void) {{ return {not_supported}; }}" for name in names(include))
    command = ["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-Wl,-soname,libcuda.so.1", "-o", str(out / "libcuda.so")]
    subprocess.run(command, input=source.encode(), check=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

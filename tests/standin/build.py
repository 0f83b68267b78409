"""Builds the stand-in GPU libraries with g++ and loads them into this process.

Loaded libraries are found by their names before any other, so nothing of the package knows of them.
"""
import ctypes
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARIES = (("driver.cpp", "libcuda.so.1"), ("nvrtc.cpp", "libnvrtc.so.13"), ("cublas.cpp", "libcublas.so.13"), ("nccl.cpp", "libnccl.so.2"))


def build():
    """The folder of the libraries, made if the sources have changed."""
    sources = b"".join((HERE / name).read_bytes() for name in ("pyxemu.h", *(name for name, _ in LIBRARIES)))
    key = hashlib.sha256(sources + str(HERE).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"pyxtorch-standin-{key}"
    if not (folder / "done").exists():
        folder.mkdir(exist_ok=True)
        for source, name in LIBRARIES:
            subprocess.run(
                ["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", f'-DPYXEMU_FOLDER="{HERE}"',
                 f'-DPYXEMU_BUILD="{key}"',
                 f"-Wl,-soname,{name}", "-o", str(folder / name), str(HERE / source),
                 *([str(folder / "libcuda.so.1")] if source in ("cublas.cpp", "nccl.cpp") else []), "-ldl"],
                check=True,
            )
        (folder / "done").touch()
    return folder


def load():
    """Build, and load all of them; before pyxtorch first uses device="cuda"."""
    folder = build()
    return [ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL) for _, name in LIBRARIES]


if __name__ == "__main__":
    sys.stdout.write(f"{build()}\n")

"""Build PyCUDA's two extension modules with all cores, without its setup.py and without a toolkit.

    python tools/gpu/build_pycuda.py SOURCE OUT INCLUDE STUBS

SOURCE: an unpacked source archive; OUT/pycuda: the package; INCLUDE: where cuda.h and cudaProfiler.h lie;
STUBS: the folder of libcuda.so (tools/gpu/mkstub.py). cuRAND is left out.
"""
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

BOOST = Path("bpl-subset/bpl_subset")
DEFINED = (
    "BOOST_ALL_NO_LIB=1", "BOOST_THREAD_BUILD_DLL=1", "BOOST_THREAD_DONT_USE_CHRONO=1", "BOOST_MULTI_INDEX_DISABLE_SERIALIZATION=1",
    "BOOST_PYTHON_SOURCE=1", "boost=pycudaboost", "PYGPU_PACKAGE=pycuda", "PYGPU_PYCUDA=1", "NDEBUG",
)
OWN = ("src/cpp/cuda.cpp", "src/cpp/bitlog.cpp", "src/wrapper/mempool.cpp", "src/wrapper/wrap_cudadrv.cpp")
STRUCT = "src/wrapper/_pvt_struct_v3.cpp"


def sources():
    """All that goes into _driver: Boost's part and PyCUDA's."""
    threads = BOOST / "libs/thread/src"
    boost = [p for p in (BOOST / "libs").rglob("*.cpp") if threads not in p.parents]
    boost += [p for p in (threads / "pthread").glob("*.cpp") if "once_atomic" not in p.name]
    return [*boost, *map(Path, OWN)]


def main(source, out, include, stubs):
    out, include, stubs = (Path(p).resolve() for p in (out, include, stubs))
    os.chdir(source)
    if not (BOOST / "pycudaboost").exists():
        (BOOST / "pycudaboost").symlink_to("boost")
    folders = ("src/cpp", BOOST, include, numpy.get_include(), sysconfig.get_paths()["include"])
    flags = ["-O1", "-g0", "-w", "-fPIC", "-pthread", *(f"-D{d}" for d in DEFINED), *(f"-I{f}" for f in folders)]

    def compiled(path):
        target = f"{path}.o"
        subprocess.run(["g++", *flags, "-c", str(path), "-o", target], check=True)
        return target

    paths = sorted([*sources(), Path(STRUCT)], key=lambda p: -p.stat().st_size)  # the longest first
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = dict(zip(map(str, paths), pool.map(compiled, paths)))
    struct = objects.pop(STRUCT)
    shutil.copytree("pycuda", out / "pycuda", dirs_exist_ok=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    for name, parts in (("_driver", [*objects.values(), f"-L{stubs}", "-lcuda"]), ("_pvt_struct", [struct])):
        subprocess.run(["g++", "-shared", "-pthread", *parts, "-o", str(out / "pycuda" / f"{name}{suffix}")], check=True)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])

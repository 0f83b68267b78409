"""Build: every .pyx, every .py that has a .pxd beside it, and the CPU kernels once for each instruction level.

Nothing is listed: extensions are found by their files. Incremental: a file is compiled again when
it, or anything it includes or cimports, is newer than its object. Environment:
PYXTORCH_JOBS (compilers at once), PYXTORCH_LEVELS (such as v4: only these levels),
PYXTORCH_CFLAGS (added to every compilation, for sanitizers), PYXTORCH_WARNINGS=1 (show them).
"""
import fcntl
import os
import platform
import re
import shlex
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
INCLUDE = ROOT / "include"
KERNELS = "pyxtorch/kernels/cpu"
X86 = platform.machine() in ("x86_64", "AMD64")
VECTOR_BYTES = {"v2": 16, "v3": 32, "v4": 64, "base": 16}
LEVELS = os.environ.get("PYXTORCH_LEVELS", "v2,v3,v4").split(",") if X86 else ["base"]

# Nothing of ours throws, so nothing is written for unwinding: a twentieth of the size. For C stacks in a debugger, build with
# PYXTORCH_CFLAGS="-g -fasynchronous-unwind-tables".
COMMON = ["-std=c++17", "-g0", "-fPIC", "-fvisibility=hidden", "-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]
EXTRA = shlex.split(os.environ.get("PYXTORCH_CFLAGS", ""))      # last, so that they win
CYTHON_FLAGS = ["-O2", "-w"]
# Small rather than fast, a third less: what waits for a kernel, LAPACK, a file or a device, not for its own instructions.
COLD = ("ops/linalg", "ops/fft", "ops/special", "ops/sort", "ops/rnn", "ops/pool", "ops/conv", "ops/norm", "ops/scan", "ops/attention",
        "ops/embedding", "ops/random", "ops/reduce_statistics", "ops/reduce_norm", "ops/matmul_contract", "ops/index_masked",
        "ops/index_gather", "ops/index_slices", "ops/create_exchange", "ops/elementwise_pair", "ops/shape_memory", "ops/shape_pad",
        "ops/shape_join", "ops/shape_stack", "ops/shape_diagonal", "ops/_memory", "ops/sparse", "_cuda", "kernels/cuda", "distributed",
        "serialization", "_dlpack", "_tensor_str", "_events", "amp", "_recorder", "_listen", "_tape/forward")
KERNEL_FLAGS = ["-O3", "-Wall", "-Wno-unknown-pragmas", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"]
DIRECTIVES = {
    "language_level": 3, "binding": True, "embedsignature": True, "embedsignature.format": "clinic", "auto_pickle": False,
    "boundscheck": True, "wraparound": True, "initializedcheck": False, "cdivision": True,
}


def level_flags(level):
    march = [f"-march=x86-64-{level}"] if level != "base" else []
    wide = ["-mprefer-vector-width=512"] if level == "v4" else []
    if level == "v2":   # processors of before 2013: vectors, but a quarter less code
        wide = ["-O2", "-ftree-vectorize"]
    number = level[1:] if level != "base" else "0"
    return [*march, *wide, f"-DPYX_LEVEL={number}", f"-DPYX_LEVEL_NS={level}", f"-DPYX_VECTOR_BYTES={VECTOR_BYTES[level]}",
            f"-DPYX_MODULE=_{level}"]


def module_name(path):
    return ".".join(path.with_suffix("").parts)


def cython_sources():
    os.chdir(ROOT)
    pure = [p.with_suffix(".py") for p in Path("pyxtorch").rglob("*.pxd")     # pure Python mode
            if p.with_suffix(".py").exists() and p.stem not in ("__init__", "_interface")]       # these declare for others
    return sorted([*Path("pyxtorch").rglob("*.pyx"), *pure])


def extensions():
    made = [Extension(module_name(p), [str(p)], language="c++") for p in cython_sources()]
    kernels = sorted(str(p) for p in Path(KERNELS).glob("*.cpp"))
    return made + [Extension(f"{KERNELS.replace('/', '.')}._{level}", kernels, language="c++") for level in LEVELS]


class Compilation:
    """Runs compilers, several at once, and remembers what failed."""

    def __init__(self, build, compiler):
        self.build, self.compiler, self.failed = Path(build), compiler, []
        self.pool = ThreadPoolExecutor(int(os.environ.get("PYXTORCH_JOBS") or os.cpu_count() or 1))

    def run(self, command, about, target=None):
        """Run a compiler. `target` is dated to the start, so that an edit meanwhile is seen the next time."""
        start = time.time()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            self.failed.append(about)
            print(f"--- {about} failed:\n{(done.stdout + done.stderr)[-8000:]}", file=sys.stderr, flush=True)
        elif done.stderr.strip() and os.environ.get("PYXTORCH_WARNINGS"):
            print(done.stderr.strip()[-2000:], file=sys.stderr, flush=True)
        if target and done.returncode == 0:
            os.utime(target, (start, start))
        return done.returncode == 0

    def compile(self, source, target, flags):
        """Compile `source` unless `target` is newer than it and all that it includes."""
        depends = target.with_suffix(".d")
        stamp = target.with_suffix(".flags")
        command = [*self.compiler, *COMMON, *flags, f"-I{INCLUDE}", f"-I{sysconfig.get_paths()['include']}", *EXTRA]
        if target.exists() and depends.exists() and stamp.exists() and stamp.read_text() == shlex.join(command):
            text = depends.read_text().partition(":")[2].replace("\\\n", " ")
            if newer_than(target, [source, *shlex.split(text)]):
                return True
        target.parent.mkdir(parents=True, exist_ok=True)
        print("compiling", source, *[f for f in flags if f.startswith("-march")], flush=True)
        ok = self.run([*command, "-MMD", "-MF", str(depends), "-c", str(source), "-o", str(target)], f"compiling {source}", target)
        if ok:
            stamp.write_text(shlex.join(command))
        return ok

    def link(self, objects, target):
        if target.exists() and newer_than(target, objects):
            return True
        target.parent.mkdir(parents=True, exist_ok=True)
        strip = [] if EXTRA else ["-s"]
        # Under another name first: a process that has the old one open keeps it.
        fresh = target.with_name(target.name + ".new")
        ok = self.run([*self.compiler, "-shared", *EXTRA, *map(str, objects), "-o", str(fresh), "-lpthread", *strip], f"linking {target}")
        if ok:
            os.replace(fresh, target)
        return ok

    def cython(self, path):
        """Translate `path` unless its .cpp is newer than it and every .pxd it cimports, and made with these directives."""
        target = self.build / "cython" / path.with_suffix(".cpp")
        stamp = target.with_suffix(".flags")
        options = [x for k, v in DIRECTIVES.items() for x in ("-X", f"{k}={v}")]
        command = [sys.executable, "-m", "cython", "--cplus", "-3", *options, "-I", ".", "-o", str(target), str(path)]
        if target.exists() and stamp.exists() and stamp.read_text() == shlex.join(options) and newer_than(target, cimported(path)):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        print("cythonizing", path, flush=True)
        if not self.run(command, f"cythonizing {path}", target):
            return None
        stamp.write_text(shlex.join(options))
        return target


def newer_than(target, sources):
    age = target.stat().st_mtime
    return all(os.path.exists(s) and os.path.getmtime(s) <= age for s in sources)


def cimported(path, seen=None):
    """`path` and, transitively, the .pxd files that it cimports."""
    seen = {path} if seen is None else seen
    for part in (path, path.with_suffix(".pxd")):
        if not part.exists():
            continue
        seen.add(part)
        text = part.read_text()
        for name in re.findall(r"(?:from|cimport)\s+(?:cython\.cimports\.)?(pyxtorch[\w.]*)", text):
            pxd = Path(*name.split(".")).with_suffix(".pxd")
            if pxd.exists() and pxd not in seen:
                cimported(pxd, seen)
    return seen


class Build(build_ext):
    def run(self):
        os.chdir(ROOT)
        build = Path(self.build_temp).parent if not os.environ.get("PYXTORCH_BUILD") else Path(os.environ["PYXTORCH_BUILD"])
        build = build / f"{sysconfig.get_config_var('SOABI')}"
        build.mkdir(parents=True, exist_ok=True)
        with open(build / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.compile_all(build)

    def compile_all(self, build):
        compiler = shlex.split(os.environ.get("CXX", "g++"))
        work = Compilation(build, compiler)
        jobs = []
        for level in LEVELS:
            sources = sorted(Path(KERNELS).glob("*.cpp"), key=lambda p: -p.stat().st_size)
            jobs.append((level, [(s, build / level / (s.stem + ".o")) for s in sources]))
        futures = {}
        for level, pairs in jobs:
            futures[level] = [work.pool.submit(work.compile, s, o, [*KERNEL_FLAGS, *level_flags(level)]) for s, o in pairs]
        done = [work.pool.submit(self.extension, work, path) for path in cython_sources()]
        for level, pairs in jobs:
            ready = [o for (s, o), f in zip(pairs, futures[level]) if f.result()]
            work.link(ready, self.place(f"{KERNELS.replace('/', '.')}._{level}"))
        for future in done:
            future.result()
        if work.failed:
            raise SystemExit("build failed: " + "; ".join(work.failed))
        # Public names follow the families' tables. What is built for a sanitizer cannot simply be imported.
        if self.inplace and not EXTRA and Path("tools/names.py").exists():
            subprocess.run([sys.executable, "tools/names.py"], check=True)

    def place(self, name):
        return Path(self.get_ext_fullpath(name))

    def extension(self, work, path):
        cpp = work.cython(path)
        if cpp is None:
            return
        target = work.build / "objects" / path.with_suffix(".o")
        cold = str(path.relative_to("pyxtorch")).startswith(COLD)
        throws = ["-fexceptions", "-funwind-tables"] if "from libcpp" in path.read_text() else []   # C++'s containers, for want of memory
        if work.compile(cpp, target, [*(["-Os", "-w"] if cold else CYTHON_FLAGS), *throws]):
            work.link([target], self.place(module_name(path)))


class Package(build_py):
    """Also installs the C headers, inside the package."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for header in INCLUDE.rglob("*.h*"):
                target = Path(self.build_lib) / "pyxtorch" / "include" / header.relative_to(INCLUDE)
                target.parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(str(header), str(target))


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_ext": Build, "build_py": Package})

"""Compile the GPU kernels with NVRTC, for each compute capability asked for; needs no GPU.

An elementwise kernel is what it computes times how it walks its operands: without --all each computation is compiled for
contiguous operands, and the two strided walks in float32 alone.

    python tools/gpu/compile.py --arch 80,90 --jobs 2
    python tools/gpu/compile.py --all            every formula and cast in all three ways of walking

Prints registers, shared memory and spills of the heaviest kernels; exits with 1 if a kernel fails to
compile or spills registers. Needs the package (built) and libnvrtc, such as the wheel nvidia-cuda-nvrtc.
"""
import argparse
import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor

BATCH = 64  # kernels in a program: enough to share its headers, few enough to share out the work


def kernels(every=False):
    """[(source, [name expressions])] of the kernels that the package can launch."""
    import pyxtorch
    import pyxtorch.kernels.cuda  # noqa: F401  fills defined_kernels
    from pyxtorch import _cuda
    from pyxtorch.kernels.cuda import elementwise

    found = [(source, list(dict.fromkeys(names.values()))) for source, names in _cuda.defined_kernels]  # bool and uint8 share some
    if every:
        names = [*elementwise.kernel_names(), *elementwise.cast_names()]
    else:
        names = [*elementwise.kernel_names(variants=(0,)), *elementwise.kernel_names((pyxtorch.float32.code,), (1, 2)),
                 *elementwise.cast_names(variants=(0,))]
    return [*found, (elementwise.SOURCE, list(dict.fromkeys(names)))]  # some dtypes are moved as integers of their size


def batches(every=False):
    for source, names in kernels(every):
        for first in range(0, len(names), BATCH):
            yield source, names[first : first + BATCH]


def compile_batch(task):
    """(figures of each kernel, bytes of machine code, the error or None)"""
    from pyxtorch import _cuda_program

    source, names, arch = task
    text, headers = _cuda_program.program_source(source)
    try:
        cubin, mangled, log = _cuda_program.compile_program(text, headers, names, arch, ("--ptxas-options=-v",))
    except RuntimeError as error:
        return [], 0, str(error)
    return figures(log, {lowered: name for name, lowered in mangled.items()}), len(cubin), None


def figures(log, names):
    """[(name, registers, bytes spilled, bytes of shared memory)] of the named kernels, from the assembler's report."""
    found = []
    for part in log.split("Compiling entry function '")[1:]:
        lowered = part.partition("'")[0]
        if lowered not in names:
            continue  # one that is no template, in a batch that did not ask for it
        spilled = sum(int(n) for n in re.findall(r"(\d+) bytes spill", part))
        registers = re.search(r"Used (\d+) registers", part)
        shared = re.search(r"(\d+) bytes smem", part)
        found.append((names[lowered], int(registers[1]) if registers else 0, spilled, int(shared[1]) if shared else 0))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--arch", default="80,90", help="compute capabilities, such as 80,90")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--in-turn", action="store_true", help="each program for one of the architectures only, in turn")
    parser.add_argument("--all", action="store_true", help="also what differs only in how operands are walked")
    args = parser.parse_args()
    from pyxtorch import _cuda_program

    start = time.perf_counter()
    archs = [int(a) for a in args.arch.split(",")]
    print(f"NVRTC {'.'.join(map(str, _cuda_program.nvrtc_version()))}")
    programs = list(enumerate(batches(args.all)))
    tasks = [(*batch, arch) for turn, arch in enumerate(archs) for i, batch in programs if not args.in_turn or i % len(archs) == turn]
    with ProcessPoolExecutor(args.jobs) as pool:
        results = list(pool.map(compile_batch, tasks))
    bad = 0
    for arch in archs:
        mine = [(task, result) for task, result in zip(tasks, results) if task[2] == arch]
        rows = [row for _, (found, _, _) in mine for row in found]
        size = sum(n for _, (_, n, _) in mine)
        failed = [error for _, (_, _, error) in mine if error]
        spilling = [row for row in rows if row[2]]
        print(f"sm_{arch}: {len(rows)} kernels, {size / 2**20:.1f} MiB, {len(failed)} programs failed, {len(spilling)} kernels spill")
        for name, registers, spilled, shared in sorted(rows, key=lambda r: (-r[2], -r[1]))[:5]:
            print(f"    {registers:3d} registers, {spilled} bytes spilled, {shared} bytes shared: {name}")
        for error in failed:
            print(error)
        missing = 0 if failed else sum(len(task[1]) for task, _ in mine) - len(rows)
        if missing:
            print(f"the assembler reported on {missing} kernels less than were asked for")
        bad += len(failed) + len(spilling) + missing
    print(f"{time.perf_counter() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""How long importing the package takes, against NumPy (which it does not import before an array comes).

    python benchmarks/imports.py [--runs 20]

Each line is timed in processes of its own, NumPy and the package by turns; the shortest run counts, since whatever else the
machine does only adds. Ends with 1 where a line takes more than its share of `import numpy`.
"""
import argparse
import subprocess
import sys

LIMITS = {"import pyxtorch": 0.8, "import pyxtorch.nn, pyxtorch.optim": 1.3}
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def seconds(line):
    return float(subprocess.run([sys.executable, "-c", TIMED.format(line)], capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description="How long imports take, against NumPy's")
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    lines = ("import numpy", *LIMITS)
    best = dict.fromkeys(lines, float("inf"))
    for _ in range(runs):
        for line in lines:
            best[line] = min(best[line], seconds(line))
    slow = False
    for line in lines:
        share, limit = best[line] / best["import numpy"], LIMITS.get(line)
        slow |= limit is not None and share > limit
        print(f"{line:36s} {best[line] * 1e3:7.1f} ms  {share:5.2f} of NumPy" + (f", at most {limit}" if limit else ""))
    sys.exit(slow)


if __name__ == "__main__":
    main()

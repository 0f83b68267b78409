"""Runs the scripts of this folder, each in a process of its own, by `python -m pyxtorch.run`; called by `make test-ecosystem`.

    python tests/ecosystem/run.py [package ...]
"""
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT = 300  # seconds for a script
# No script reaches for the network.
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"}


def run(script):
    """How it ended ("" if well, otherwise what it printed), and the seconds."""
    begin = time.perf_counter()
    try:
        done = subprocess.run([sys.executable, "-m", "pyxtorch.run", str(script)], env=os.environ | ENVIRONMENT, timeout=LIMIT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")  # fmt: skip
        output = done.stdout[-6000:] + f"\nexit status {done.returncode}" if done.returncode else ""
    except subprocess.TimeoutExpired as late:
        output = f"{(late.stdout or b'').decode(errors='replace')[-3000:]}\nstopped after {LIMIT} seconds"
    return output, time.perf_counter() - begin


def main(names):
    """Run all scripts, or those of the packages named; the number of those that failed."""
    if importlib.util.find_spec("torch") is not None:
        raise SystemExit("tests/ecosystem: torch is installed here; these scripts are to run without it (make test-ecosystem)")
    scripts = {path.stem.removeprefix("run_"): path for path in sorted(HERE.glob("run_*.py"))}
    unknown = [name for name in names if name not in scripts]
    if unknown:
        raise SystemExit(f"tests/ecosystem: no script for {', '.join(unknown)}; there are {', '.join(scripts)}")
    failed = 0
    for name in names or scripts:
        output, seconds = run(scripts[name])
        failed += bool(output)
        print(f"{'FAILED' if output else 'passed'} {seconds:6.1f} s  {name}", flush=True)
        if output:
            print("    " + output.strip().replace("\n", "\n    "), flush=True)
    print(f"{len(names or scripts) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))

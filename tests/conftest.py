"""New memory is full of NaNs in the tests, so that what is read before it was written shows."""
import os
import sys

import pytest

os.environ.setdefault("PYXTORCH_CPU_FILL", "1")
sys.path.append(os.path.dirname(__file__))      # for what tests share, such as tape_helpers.py

WATCHED = next((name for name in ("asan", "tsan") if f"lib{name}" in os.environ.get("LD_PRELOAD", "")), None)    # `make test-sanitize`, `make test-threads`


def pytest_runtest_setup(item):
    for mark in item.iter_markers("unsanitized"):
        if WATCHED in mark.kwargs.get("under", ("asan", "tsan")):
            pytest.skip(f"under sanitizers: {mark.args[0]}")

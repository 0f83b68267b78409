"""New memory is full of NaNs in the tests, so that what is read before it was written shows."""
import os
import sys

os.environ.setdefault("PYXTORCH_CPU_FILL", "1")
sys.path.append(os.path.dirname(__file__))      # for what tests share, such as tape_helpers.py

"""New memory is full of NaNs in the tests, so that what is read before it was written shows."""
import os

os.environ.setdefault("PYXTORCH_CPU_FILL", "1")

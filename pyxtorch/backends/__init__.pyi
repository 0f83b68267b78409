# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

cpu: _t.Any
cuda: _t.Any
cudnn: _t.Any
def get_cpu_capability() -> _b.str: ...
mkl: _t.Any
mkldnn: _t.Any
mps: _t.Any
openmp: _t.Any

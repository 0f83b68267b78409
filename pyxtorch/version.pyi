# Written by tools/stubs.py; do not edit.
import builtins as _b

cuda: None
debug: _b.bool
git_version: _b.str
hip: None
rocm: None
torch: _b.str
xpu: None

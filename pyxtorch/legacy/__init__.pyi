# Written by tools/stubs.py; do not edit.



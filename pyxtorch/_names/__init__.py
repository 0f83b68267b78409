"""Where public names come from: generated files of imports (tools/names.py)."""

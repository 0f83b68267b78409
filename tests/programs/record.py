"""Write figures.json anew: what the programs say by PyTorch itself. `python record.py` in an environment with torch 2.13."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def figures(text):
    """What a program has said: figures by name."""
    return {name: float(value) for name, value in (line.split() for line in text.splitlines() if len(line.split()) == 2)}


def main():
    said = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(HERE.glob("*.py")):
            if path.name in ("record.py", "same.py", "test_programs.py"):
                continue
            program = Path(folder) / path.name
            program.write_text(path.read_text().replace("import pyxtorch as torch", "import torch").replace("pyxtorch", "torch"))
            done = subprocess.run([sys.executable, "-W", "ignore", str(program)], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(HERE)})
            if done.returncode:
                print(f"{path.name} fails by PyTorch: {done.stderr.strip().splitlines()[-1]}")
            found = figures(done.stdout)
            if found:
                said[path.stem] = found
    (HERE / "figures.json").write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()

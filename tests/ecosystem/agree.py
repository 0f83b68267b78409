"""What the scripts share: figures compared with PyTorch's, and weights and data that are the same under both."""
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

FIGURES = Path(__file__).with_name("figures.json")
SCRIPT = Path(sys.argv[0]).stem.removeprefix("run_")
known = json.loads(FIGURES.read_text())
RECORD = os.environ.get("RECORD") == "1"
if RECORD and "pyxtorch" in sys.modules:
    raise SystemExit("figures are recorded from PyTorch")


def agree(what, value, expected=None, rtol=1e-4, atol=1e-5):
    """Print `value`, a number or numbers, and raise AssertionError unless it is close to what is expected.

    That is `expected`, or PyTorch 2.13's figure: the one that this script, run with torch and RECORD=1, wrote to figures.json.
    """
    value = np.asarray(value.detach().tolist() if isinstance(value, torch.Tensor) else value)
    with np.printoptions(precision=7, threshold=40):
        print(f"{what}: {value}")
    if expected is None and RECORD:
        known.setdefault(SCRIPT, {})[what] = json.loads(json.dumps(value.tolist()), parse_float=lambda text: float(f"{float(text):.7g}"))
        lines = ",\n".join(f' "{name}": {{\n' + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in known[name].items()) + "\n }" for name in sorted(known))
        FIGURES.write_text("{\n" + lines + "\n}\n")
    expected = known[SCRIPT][what] if expected is None else expected
    np.testing.assert_allclose(value, expected, rtol=rtol, atol=atol, err_msg=what)


def numbers(*shape, seed=0):
    """A float32 tensor of normal numbers, of a stream that NumPy promises not to change."""
    return torch.from_numpy(np.asarray(np.random.RandomState(seed).standard_normal(shape), np.float32))


def whole(high, *shape, seed=0):
    """An int64 tensor of numbers below `high`."""
    return torch.from_numpy(np.random.RandomState(seed).randint(0, high, shape))


@torch.no_grad()
def fill(module, seed=0):
    """Fill the parameters with numbers that do not depend on torch's random stream, of the sizes that initialisation gives; returns `module`.

    Parameters of two and more dimensions become normal with variance 1 / (elements per output), biases and other vectors
    lie around 0 and 1, as they do around the identity of a normalisation.
    """
    for place, (name, parameter) in enumerate(module.named_parameters()):
        values = numbers(*parameter.shape, seed=seed + place)
        if parameter.dim() > 1:
            values /= (parameter.numel() / len(parameter)) ** 0.5
        else:
            values = 0.02 * values + (0 if name.endswith("bias") else 1)
        parameter.copy_(values)
    return module

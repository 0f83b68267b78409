"""Writes pyxtorch/_names/torch-2.13.txt, the documented public names of the installed torch, by module.

    python tools/torch_names.py

`python -m pyxtorch.run --names` compares pyxtorch with that file. How it counts: the modules are those with a page in the
reference of torch 2.13, without distributed, cuda, quantisation, and what is for one other device or compiler (mps, xpu, mtia,
onnx, backends, nativert) or for building torch's own extensions (utils.cpp_extension). Of a module count the names in its
`__all__`; where it has none, and in `torch`, whose list is mostly made by a loop over what C++ has, those that are defined there and
say what they do: a docstring of their own, or no function or class at all (a constant, a dtype). Of a class that has a page with its
members count the methods and attributes with a docstring. A thing that has several names counts once for each. Names of quantisation
and of other devices in these modules are left out (LEFT_OUT).
"""
import importlib
import inspect
import re
import types
import warnings
from pathlib import Path

import torch

TARGET = Path(__file__).resolve().parent.parent / "pyxtorch" / "_names" / "torch-2.13.txt"
MODULES = """
torch torch.Tensor torch.Generator torch.UntypedStorage torch.nn torch.nn.Module torch.optim.Optimizer torch.nn.functional torch.nn.init torch.nn.utils torch.nn.utils.rnn torch.nn.utils.parametrize
torch.nn.utils.parametrizations torch.nn.utils.prune torch.nn.utils.stateless torch.nn.attention torch.nn.attention.bias
torch.nn.attention.flex_attention torch.nn.parallel torch.nn.parameter torch.optim torch.optim.lr_scheduler torch.optim.swa_utils
torch.autograd torch.autograd.forward_ad torch.autograd.function torch.autograd.functional torch.autograd.gradcheck
torch.autograd.grad_mode torch.autograd.graph torch.autograd.profiler torch.amp torch.accelerator torch.compiler torch.cpu
torch.distributions torch.distributions.constraints torch.distributions.transforms torch.distributions.kl
torch.distributions.constraint_registry torch.export torch.fft torch.func torch.futures torch.fx torch.hub torch.jit torch.library
torch.linalg torch.masked torch.monitor torch.multiprocessing torch.nested torch.overrides torch.package torch.profiler
torch.quasirandom torch.random torch.return_types torch.serialization torch.signal.windows torch.sparse torch.special torch.storage
torch.testing torch.torch_version torch.types torch.utils torch.utils.benchmark torch.utils.checkpoint torch.utils.data
torch.utils.data.distributed torch.utils.deterministic torch.utils.dlpack torch.utils.flop_counter torch.utils.hooks
torch.utils.mobile_optimizer torch.utils.model_zoo torch.utils.module_tracker torch.utils.tensorboard torch.version torch.__config__
torch.__future__
""".split()


LEFT_OUT = re.compile(r"(fake_)?quantize|quantized|dequantize|q_(per|scale|zero)|qu?int\d|qscheme$|int_repr$|(is_)?(ipu|hpu|mps|mtia|xla|xpu)$|validate_hpu")


def is_documented(value):
    """Whether something says what it is, or is a plain value."""
    if isinstance(value, types.ModuleType):
        return False
    if not callable(value) and not inspect.isdatadescriptor(value):
        return True
    text = getattr(value, "__doc__", None)
    return isinstance(text, str) and bool(text) and text != getattr(type(value), "__doc__", None) and text != object.__doc__ and not text.startswith("Alias for field number")


def is_own(value, path):
    """Whether the module `path`, which has no `__all__`, offers the value, rather than having imported it for itself."""
    home = getattr(value, "__module__", None)
    if not isinstance(home, str) or (home == "torch" and path == "torch.nn.functional"):
        return callable(value) and not isinstance(value, type)
    return home.startswith((path, "torch._C", "torch.testing._")) or path == "torch.__future__"


def names_of(path):
    """The documented names of one module or class."""
    try:
        owner = importlib.import_module(path)
    except ModuleNotFoundError:
        owner = getattr(importlib.import_module(path.rpartition(".")[0]), path.rpartition(".")[2])
        return [n for n in dir(owner) if not n.startswith("_") and is_documented(inspect.getattr_static(owner, n))]
    listed = getattr(owner, "__all__", None)
    if path == "torch":
        listed = sorted({*listed, *(n for n in dir(owner) if isinstance(getattr(owner, n), torch.dtype | torch.layout | torch.memory_format))})
    elif listed is not None:
        return sorted({n for n in listed if hasattr(owner, n)})
    else:
        listed = [n for n in dir(owner) if not n.startswith("_") and is_own(getattr(owner, n), path)]
    return [n for n in listed if hasattr(owner, n) and is_documented(getattr(owner, n))]


def main():
    warnings.simplefilter("ignore")
    found = {path: [n for n in names_of(path) if not LEFT_OUT.match(n) and (n != "Tensor" or path == "torch")] for path in MODULES if path not in ("torch.utils.tensorboard",)}
    # The writer needs a package that may not be installed: its names are those of its own list.
    found["torch.utils.tensorboard"] = ["FileWriter", "RecordWriter", "SummaryWriter"]
    lines = [f"# Written by tools/torch_names.py from torch {torch.__version__.partition('+')[0]}; do not edit. Module, then its documented names."]
    for path in sorted(found):
        lines.append(f"{path}: {' '.join(found[path])}")
    TARGET.write_text("\n".join(lines) + "\n")
    print(f"{TARGET.name}: {sum(map(len, found.values()))} names of {len(found)} modules")
    for path in sorted(found):
        print(len(found[path]), path)


if __name__ == "__main__":
    main()

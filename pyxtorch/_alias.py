"""pyxtorch under the name of torch, in this process and in those that it starts (docs/run.md).

Here, a finder in front of all others gives for `torch.nn` the module `pyxtorch.nn` itself. In processes to come, the folder
`_as_torch`, which comes first in PYTHONPATH and on `sys.path`, holds a package `torch` of one file that installs the same
finder, and what `importlib.metadata` reads of it. Until somebody imports torch the folder does nothing; no file outside of
the package is written, so that an installed torch stays as it is. In the same way `pyxtorch.vision` is torchvision, which
cannot work without the torch that it was built for.
"""
import importlib
import importlib.util
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType

from pyxtorch.version import torch as VERSION

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "_as_torch")

# Classes that say they are of another module than the one that they are written in: torch's module, ours, the names (or all).
CLASSES = (
    ("torch", "pyxtorch.tensor", ""),
    ("torch", "pyxtorch._size", ""),
    ("torch", "pyxtorch._dtype", ""),
    ("torch", "pyxtorch._numbers", ""),
    ("torch", "pyxtorch._storage", "OutOfMemoryError"),
    ("torch._C", "pyxtorch.ops.random", "Generator"),
    ("torch._C", "pyxtorch._gate", "DisableTorchFunction DisableTorchFunctionSubclass"),
    ("torch.autograd.function", "pyxtorch.autograd", "Function"),
    ("torch.autograd.variable", "pyxtorch.autograd", "Variable"),
    ("torch.autograd.grad_mode", "pyxtorch._tape.modes", "no_grad enable_grad set_grad_enabled inference_mode"),
    ("torch.autograd.graph", "pyxtorch._tape.graph", "Node"),
    ("torch.utils.hooks", "pyxtorch._tape.hooks", "RemovableHandle"),
    ("torch.utils.checkpoint", "pyxtorch.utils._selective_checkpoint", "CheckpointPolicy SelectiveCheckpointContext"),
    ("torch.masked", "pyxtorch._masked_tensor", "MaskedTensor"),
    ("torch.utils._python_dispatch", "pyxtorch._dispatch", "TorchDispatchMode"),
    ("torch.nn.modules.activation", "pyxtorch.nn.modules.attention", "MultiheadAttention"),
    ("torch.distributions.transforms", "pyxtorch.distributions._transform", ""),
    ("torch.optim.adamw", "pyxtorch.optim.adam", "AdamW"),
    ("torch.optim", "pyxtorch.optim.adaptive", "Adafactor"),
    ("torch.optim", "pyxtorch.optim.asgd", "Muon"),
    *(("torch.optim.lr_scheduler", f"pyxtorch.optim.lr_scheduler.{part}", "") for part in ("combined", "cyclic", "multiplying", "plateau", "scheduler")),
)
# The same for modules of torch that are not there: in the place of each stands the module of ours that has those classes.
MODULES = (
    ("torch.nn.modules.adaptive", "pyxtorch.nn.modules.loss", "AdaptiveLogSoftmaxWithLoss"),
    ("torch.nn.modules.linear_cross_entropy_options", "pyxtorch.nn.modules.loss", "LinearCrossEntropyOptions"),
    ("torch.nn.modules.channelshuffle", "pyxtorch.nn.modules.rearrange", "ChannelShuffle"),
    ("torch.nn.modules.distance", "pyxtorch.nn.modules.rearrange", "CosineSimilarity PairwiseDistance"),
    ("torch.nn.modules.flatten", "pyxtorch.nn.modules.linear", "Flatten Unflatten"),
    ("torch.nn.modules.fold", "pyxtorch.nn.modules.rearrange", "Fold Unfold"),
    ("torch.nn.modules.instancenorm", "pyxtorch.nn.modules.batchnorm",
     "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d"),
    ("torch.nn.modules.pixelshuffle", "pyxtorch.nn.modules.rearrange", "PixelShuffle PixelUnshuffle"),
    ("torch.nn.modules.upsampling", "pyxtorch.nn.modules.rearrange", "Upsample UpsamplingBilinear2d UpsamplingNearest2d"),
    ("torch.jit._script", "pyxtorch.jit._modules", "RecursiveScriptModule ScriptFunction ScriptModule"),
    ("torch.jit._trace", "pyxtorch.jit._modules", "TopLevelTracedModule TracedModule"),
    *((f"torch.optim.{name.lower()}", "pyxtorch.optim.adaptive", name) for name in ("Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "Rprop")),
)  # fmt: skip
ROOTS = {"torch": "pyxtorch", "torchvision": "pyxtorch.vision"}  # packages of theirs, and what they are here
_OWN = {"pyxtorch._alias", "pyxtorch.run"}  # they keep their names: a process that is being started finds them before torch
_HOMES = {f"{ours}.{name}": theirs for theirs, ours, names in CLASSES + MODULES for name in names.split() or ["*"]}
_MOVED = {theirs: ours for theirs, ours, _ in MODULES}


def as_torch():
    """Let `import torch` give pyxtorch, in this process and in every process that it starts.

    To be called before torch is imported, best as the first line of a program. Everything of `torch` is then what it is in
    pyxtorch: one module under two names. Processes started later find it by `sys.path` and the environment variable PYTHONPATH.

    Raises:
        RuntimeError: torch itself is already imported here.
    """
    install()
    _tell_children()


def install():
    """The same for this process alone, which finds the folder on its path."""
    package = importlib.import_module("pyxtorch")
    importlib.import_module("pyxtorch.return_types")  # results are of its classes, whether it is imported or not
    if any(type(finder) is Finder for finder in sys.meta_path):
        return
    for root in ROOTS:
        there = sys.modules.get(root)
        if there is not None and getattr(there, "__file__", None) != os.path.join(FOLDER, root, "__init__.py"):
            raise RuntimeError(f"as_torch: {root} is already imported, from {getattr(there, '__file__', 'somewhere')}. Call as_torch() before that.")
    from pyxtorch import _gate
    from pyxtorch.torch_version import TorchVersion

    sys.meta_path.insert(0, Finder())
    _gate.call_operations("torch")
    package.__version__ = TorchVersion(VERSION)
    loaded = [name for name in sys.modules if name == "pyxtorch" or name.startswith("pyxtorch.")]
    for serve in (_mirror, _rename):
        for name in loaded:
            serve(name)


def _tell_children():
    """Put the folder first on the paths of processes to come; and pyxtorch's, last, where they would not find it."""
    paths = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != FOLDER]
    root = os.path.dirname(HERE)
    found = PathFinder.find_spec("pyxtorch", [*paths, *sys.path])
    if found is None or not found.origin or os.path.dirname(os.path.abspath(found.origin)) != HERE:
        paths.append(root)
        sys.path.append(root)
    os.environ["PYTHONPATH"] = os.pathsep.join([FOLDER, *paths])
    if FOLDER not in sys.path:
        sys.path.insert(1, _Folder(FOLDER))  # after the folder of the program, as in a process that reads PYTHONPATH


class _Folder(str):
    """The folder as an entry of `sys.path`, which `multiprocessing` hands to a spawned process before the main module runs there.

    Reading it back installs the finder: a torch.py beside the program cannot come first.
    """

    __slots__ = ()

    def __reduce__(self):
        return _unpickled, (str(self),)


def _unpickled(folder):
    install()
    return _Folder(folder)


# ---------------------------------------------------------------------------- modules


class Finder(MetaPathFinder):
    """Finds torch.x as pyxtorch.x, and sees to it that modules of pyxtorch that are loaded later get both names."""

    def find_spec(self, name, path=None, target=None):
        """The spec of a module of torch or pyxtorch; None for others, and for what is not there."""
        if name == "torch":  # only after somebody has taken it out of sys.modules
            return ModuleSpec(name, _Same("pyxtorch"), origin=os.path.join(HERE, "__init__.py"), is_package=True)
        if name.partition(".")[0] in ROOTS:
            ours = _ours(name)
            spec = ours and importlib.util.find_spec(ours)
            return spec and ModuleSpec(name, _Same(ours), origin=spec.origin, is_package=spec.submodule_search_locations is not None)
        if name.startswith("pyxtorch.") and name not in _OWN:
            spec = PathFinder.find_spec(name, path)
            if spec is not None and spec.loader is not None:
                _after(spec.loader, name)
            return spec
        return None


def _ours(name):
    """What torch.x is called here, or None."""
    root, point, rest = name.partition(".")
    ours = ROOTS[root] + point + rest
    try:
        return ours if importlib.util.find_spec(ours) else _MOVED.get(name)
    except ModuleNotFoundError:  # its parent is not there
        return _MOVED.get(name)


def _theirs(name):
    """What a module of pyxtorch is called in torch, or torchvision."""
    root = "torchvision" if name == "pyxtorch.vision" or name.startswith("pyxtorch.vision.") else "torch"
    return root + name[len(ROOTS[root]):]


class _Same(Loader):
    """Loads a module of torch by importing it under its own name."""

    def __init__(self, ours):
        self.ours = ours

    def exec_module(self, module):
        sys.modules[module.__spec__.name] = importlib.import_module(self.ours)

    def get_code(self, name):
        """For `python -m torch.x`."""
        return importlib.util.find_spec(self.ours).loader.get_code(self.ours)


def _after(loader, name):
    """Let `loader` give the module both names as soon as it has run."""
    run = loader.exec_module

    def exec_module(module):
        del loader.exec_module
        run(module)
        _mirror(name)
        _rename(name)

    loader.exec_module = exec_module


def _mirror(name):
    """Give a module of pyxtorch, and the modules of torch whose names it has, their places in `sys.modules`."""
    module = sys.modules[name]
    if name in _OWN:
        return
    sys.modules[_theirs(name)] = module
    for theirs in (t for t, ours in _MOVED.items() if ours == name):
        sys.modules[theirs] = module
        above, _, leaf = theirs.rpartition(".")
        vars(sys.modules["pyx" + above]).setdefault(leaf, module)


def _rename(name):
    """Let a module, and the classes and functions that it defines, say that they are of torch: `repr`, `__module__`, pickles."""
    from pyxtorch._sources import rename

    if name in _OWN:
        return
    module = sys.modules[name]
    theirs = _theirs(name)
    kinds = type if name.startswith("pyxtorch.ops.") else type | FunctionType  # functions of the families: see Operation.family
    for key, value in list(vars(module).items()):
        if not isinstance(value, kinds) or value.__module__ != name or not value.__name__ == key:
            continue
        moved = _HOMES.get(f"{name}.{key}") or (None if key.startswith("_") else _HOMES.get(f"{name}.*")) if isinstance(value, type) else None
        if isinstance(value, FunctionType) or value.__flags__ & (1 << 9):  # Py_TPFLAGS_HEAPTYPE: what a class statement makes
            value.__module__ = moved or theirs
        elif moved:
            rename(value, moved)
        home = sys.modules.get(moved)
        if home is not None and not hasattr(home, key):
            setattr(home, key, value)
    module.__name__ = theirs

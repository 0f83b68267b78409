"""pyxtorch under the name of torch: `python -m pyxtorch.run`, `as_torch`, and what processes started from there see."""
import importlib.metadata
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import pyxtorch
from pyxtorch import _alias, vision
from pyxtorch._names import missing

ROOT = str(Path(pyxtorch.__file__).resolve().parent.parent)


def python(*arguments, cwd, path=(), flags=()):
    """Run the interpreter; `path` comes first in PYTHONPATH."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env["PYTHONPATH"] = os.pathsep.join([*map(str, path), ROOT])
    return subprocess.run([sys.executable, *flags, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, env=env, timeout=120)


def run(folder, text, *arguments, name="program.py", path=()):
    """Write a program and run it on pyxtorch; it must end well. What it printed, line by line."""
    (folder / name).write_text(textwrap.dedent(text))
    done = python("-m", "pyxtorch.run", folder / name, *arguments, cwd=folder, path=path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


# ------------------------------------------------------------------------------- modules


def test_each_module_is_one_under_two_names(tmp_path):
    run(tmp_path, """
        import sys
        import torch
        import torch.nn.functional as F
        import torch.autograd.functional
        import torch.optim.lr_scheduler
        import torch.utils.data.dataloader
        import torch.nn.modules.instancenorm, torch.optim.adagrad
        from torch import nn
        from torch.nn import Linear
        import importlib, importlib.util, pkgutil
        import pyxtorch
        assert torch is pyxtorch and sys.modules["torch.nn"] is sys.modules["pyxtorch.nn"] is nn
        assert sys.modules["torch.autograd.functional"] is torch.autograd.functional
        assert importlib.import_module("torch.linalg") is torch.linalg
        assert torch.special.__name__ == "torch.special" and sys.modules["torch.special"] is torch.special    # by attribute alone
        assert importlib.util.find_spec("torch") and importlib.util.find_spec("torch.fft") and importlib.util.find_spec("torch.nope") is None
        assert torch.nn.modules.instancenorm.InstanceNorm2d is nn.InstanceNorm2d and torch.optim.adagrad.Adagrad is torch.optim.Adagrad
        assert "torch.nn.functional" in {m.name for m in pkgutil.walk_packages(torch.__path__, "torch.")}
        assert callable(torch.autograd.gradcheck)       # the function, in front of the module of its name
        import torch.autograd.gradcheck
        assert callable(torch.autograd.gradcheck)
        both = [n for n in sys.modules if n.startswith("torch") and "pyxtorch" + n[5:] in sys.modules]
        assert len(both) > 100 and all(sys.modules[n] is sys.modules["pyxtorch" + n[5:]] for n in both)
    """)


def test_versions_and_metadata(tmp_path):
    run(tmp_path, """
        import importlib.metadata as metadata
        assert metadata.version("torch") == "2.13.0" and metadata.requires("torch") == ["pyxtorch"]
        assert metadata.metadata("torch")["Name"] == "torch" and "torch" in metadata.packages_distributions()["torch"]
        assert metadata.distribution("torch").read_text("top_level.txt").strip() == "torch"
        import torch
        assert torch.__version__ == "2.13.0" and torch.__version__ >= (2, 1) and torch.__version__ < "2.100" and torch.version.cuda is None
        assert torch.version.__version__ == torch.torch_version.__version__ == "2.13.0"
    """)
    found = {d.name: d for d in importlib.metadata.distributions(path=[_alias.FOLDER])}
    assert {name: d.version for name, d in found.items()} == {"torch": _alias.VERSION, "torchvision": vision.__version__}
    assert all(Path(d.locate_file(f)).exists() for d in found.values() for f in d.files)


def test_torchvision(tmp_path):
    """It is pyxtorch.vision, in the program and in what it starts, whichever of the two packages is imported first."""
    run(tmp_path, """
        import importlib.metadata as metadata, importlib.util, pickle, subprocess, sys
        import torchvision
        from torchvision import datasets, transforms
        from torchvision.models.resnet import BasicBlock, resnet18
        import torchvision.transforms.functional as F
        import torch, pyxtorch.vision
        assert torchvision is pyxtorch.vision and sys.modules["torchvision.transforms"] is sys.modules["pyxtorch.vision.transforms"] is transforms
        assert metadata.version("torchvision") == torchvision.__version__ and importlib.util.find_spec("torchvision.nope") is None
        assert BasicBlock.__module__ == resnet18.__module__ == "torchvision.models.resnet" and torchvision.__name__ == "torchvision"
        assert pickle.loads(pickle.dumps(resnet18)) is resnet18 and F.hflip(torch.eye(2)[None])[0, 0, 1] == 1
        code = "import torchvision, torch, pyxtorch; assert torchvision is pyxtorch.vision and torch is pyxtorch; import torchvision.ops"
        subprocess.run([sys.executable, "-c", code], check=True)
        try:
            import torchvision.nope
        except ModuleNotFoundError as error:
            assert "torchvision.nope" in str(error)
    """)


def test_types_and_pickles_have_the_names_of_torch(tmp_path):
    run(tmp_path, """
        import inspect, pickle, sys
        import torch
        from torch import nn
        assert repr(torch.Tensor) == "<class 'torch.Tensor'>" and type(torch.ones(1)).__module__ == "torch"
        for thing, home in ((nn.Linear, "torch.nn.modules.linear"), (nn.Parameter, "torch.nn.parameter"), (torch.device, "torch"), (torch.Size, "torch"),
                            (torch.dtype, "torch"), (torch.optim.Adagrad, "torch.optim.adagrad"), (torch.optim.AdamW, "torch.optim.adamw"),
                            (nn.MultiheadAttention, "torch.nn.modules.activation"), (torch.no_grad, "torch.autograd.grad_mode"),
                            (torch.optim.lr_scheduler.StepLR, "torch.optim.lr_scheduler"), (type(torch.max(torch.ones(1), 0)), "torch.return_types"),
                            (torch.nn.functional.relu, "torch.nn.functional"), (torch.add, "torch"), (torch.Generator, "torch._C")):
            assert thing.__module__ == home, (thing, thing.__module__)
            assert pickle.loads(pickle.dumps(thing)) is thing
        assert torch.typename(nn.ReLU()) == "torch.nn.modules.activation.ReLU" and torch.relu.family == "elementwise"
        assert inspect.getsourcefile(torch.Tensor.backward).endswith(("tensor.pyx", ".py"))
        data = pickle.dumps(nn.Linear(2, 2))
        assert b"torch.nn.modules.linear" in data and b"pyxtorch.nn" not in data
        torch.save(nn.Sequential(nn.Linear(2, 2), nn.InstanceNorm1d(2)), "whole.pt")
        torch.save({"x": torch.ones(2)}, "state.pt")
    """)
    whole = pyxtorch.load(tmp_path / "whole.pt", weights_only=False)
    assert type(whole[0]) is pyxtorch.nn.Linear and pyxtorch.load(tmp_path / "state.pt")["x"].tolist() == [1.0, 1.0]
    pyxtorch.save(pyxtorch.nn.Linear(2, 2), tmp_path / "plain.pt")
    run(tmp_path, "import torch\nassert type(torch.load('plain.pt', weights_only=False)) is torch.nn.Linear")


def test_every_class_is_where_it_says(tmp_path):
    """What `__module__` and `__qualname__` name is that class: or pickles could not be read."""
    lines = run(tmp_path, """
        import importlib, pkgutil, sys, warnings
        warnings.simplefilter("ignore")
        import torch
        for info in pkgutil.walk_packages(torch.__path__, "torch."):
            if not info.name.startswith(("torch.kernels", "torch._cuda", "torch.run", "torch.utils.tensorboard")):
                importlib.import_module(info.name)
        seen, wrong = 0, []
        for module in {id(m): m for n, m in sys.modules.items() if n.startswith("torch")}.values():
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__.split(".")[0] == "torch" and "<locals>" not in value.__qualname__:
                    seen += 1
                    found = importlib.import_module(value.__module__)
                    for part in value.__qualname__.split("."):
                        found = getattr(found, part, None)
                    if found is not value:
                        wrong.append(f"{value.__module__}.{value.__qualname__}")
        print(seen, *sorted(set(wrong)))
    """)
    count, _, wrong = lines[0].partition(" ")
    assert int(count) > 500 and not wrong, wrong


def test_what_is_not_there_says_so(tmp_path):
    lines = run(tmp_path, """
        import torch
        for name in ("torch.nope", "torch.nn.nope", "torch.nn.functional.nope", "torch.utils.nope"):
            try:
                eval(name)
            except AttributeError as error:
                print(error)
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                print(error)
    """)
    assert lines[0] == "module 'torch' has no attribute 'nope'" and lines[1] == "No module named 'torch.nope'"
    assert len(lines) == 8 and all("nope" in line and "pyxtorch" not in line for line in lines), lines


# ------------------------------------------------------------------------------- processes


CHILDREN = """
    import multiprocessing, os, subprocess, sys
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

    class Where(Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            import torch
            return [torch.__version__ == "2.13.0" and "pyxtorch" in torch.__file__, type(torch.ones(1)).__module__ == "torch"]

    def look(net):
        from importlib.metadata import version
        assert type(net).__module__ in ("__main__", "__mp_main__") and type(net.layer) is nn.Linear
        return torch.__file__, version("torch"), type(net.layer.weight).__module__

    if __name__ == "__main__":
        ours = torch.__file__, "2.13.0", "torch.nn.parameter"
        for how in ("fork", "spawn", "forkserver"):
            with multiprocessing.get_context(how).Pool(1) as pool:
                assert pool.map(look, [Net()]) == [ours], how
        for how in ("fork", "spawn"):
            batches = list(DataLoader(Where(), batch_size=2, num_workers=1, multiprocessing_context=how))
            assert all(part.all() for batch in batches for part in batch), how
        code = "import torch.nn.functional as F, torch; print(torch.__file__, torch.__version__, F.relu.__module__)"
        for where in (os.getcwd(), "/"):
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=where)
            assert done.stdout.split() == [torch.__file__, "2.13.0", "torch.nn.functional"], done
        code = "from importlib.metadata import version; from importlib.util import find_spec; print(version('torch'), find_spec('torch').name)"
        assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["2.13.0", "torch"]
        print("done", *sys.argv[1:])
"""


def test_every_process_that_a_program_starts(tmp_path):
    assert run(tmp_path, CHILDREN, "a", "b") == ["done a b"]


def test_the_same_after_as_torch(tmp_path):
    (tmp_path / "program.py").write_text("import pyxtorch\npyxtorch.as_torch()\npyxtorch.as_torch()\n" + textwrap.dedent(CHILDREN))
    done = python("program.py", "x", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "done x\n"), done.stderr


def test_a_program_named_torch(tmp_path):
    """`import torch` in torch.py, and beside one, gives pyxtorch: here, and in processes that are forked and spawned."""
    text = CHILDREN.replace("for where in (os.getcwd(), \"/\")", "for where in (\"/\",)").replace(
        "subprocess.check_output([sys.executable, \"-c\", code], text=True)", "subprocess.check_output([sys.executable, \"-c\", code], text=True, cwd=\"/\")")
    assert run(tmp_path, text, name="torch.py") == ["done"]
    (tmp_path / "torch").mkdir()
    assert run(tmp_path, text) == ["done"]


def test_another_torch_is_not_touched(tmp_path):
    """One that is installed: pyxtorch stands in front of it where it was asked to, and nowhere else."""
    other = tmp_path / "site"
    (other / "torch").mkdir(parents=True)
    (other / "torch" / "__init__.py").write_text("__version__ = '9.9'\n")
    (other / "torch-9.9.dist-info").mkdir()
    (other / "torch-9.9.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9.9\n")
    before = sorted((str(p), p.stat().st_mtime_ns) for p in other.rglob("*"))
    look = "import torch\nfrom importlib.metadata import version\nprint(torch.__version__, version('torch'))\n"
    assert run(tmp_path, look, path=[other]) == ["2.13.0 2.13.0"]
    assert python("program.py", cwd=tmp_path, path=[other]).stdout.split() == ["9.9", "9.9"]
    late = "import torch, pyxtorch\ntry:\n    pyxtorch.as_torch()\nexcept RuntimeError as error:\n    print(error)\nprint(torch.__version__)\n"
    (tmp_path / "late.py").write_text(late)
    lines = python("late.py", cwd=tmp_path, path=[other]).stdout.splitlines()
    assert lines[0].startswith(f"as_torch: torch is already imported, from {other}") and lines[1] == "9.9"
    # An interpreter that inherits the path and has no pyxtorch gets the torch that it has.
    stand_in = tmp_path / "elsewhere" / "_as_torch"
    (stand_in / "torch").mkdir(parents=True)
    (stand_in / "torch" / "__init__.py").write_text(Path(_alias.FOLDER, "torch", "__init__.py").read_text())
    code = f"import sys; sys.path[:0] = [{str(stand_in)!r}, {str(other)!r}]; sys.modules['pyxtorch'] = None; " + look.replace("\n", "; ").strip("; ")
    assert python("-c", code, cwd=tmp_path).stdout.split()[0] == "9.9"
    assert sorted((str(p), p.stat().st_mtime_ns) for p in other.rglob("*") if "__pycache__" not in str(p) and p.name != "torch") == [b for b in before if not b[0].endswith("torch")]


# ------------------------------------------------------------------------------- as `python program.py`


PROGRAMS = {
    "what it sees": """
        import sys
        print(__name__, __file__, __package__, __spec__, __doc__, sys.argv, sys.path[0], sorted(k for k in globals() if k not in ("sys", "__annotations__")))
        print(sys.modules["__main__"].__dict__ is globals(), type(__loader__).__name__)
    """,
    "exit code": "raise SystemExit(3)",
    "exit message": "import sys; sys.exit('so long')",
    "error": "def f():\n    return 1 / 0\nf()",
    "error in another": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('x')",
    "no python": "x = = 3",
    "at exit": "import atexit\natexit.register(lambda: print('end', __name__))",
}  # fmt: skip


@pytest.mark.parametrize("what", PROGRAMS)
def test_as_python_runs_it(tmp_path, what):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "program.py").write_text(textwrap.dedent(PROGRAMS[what]))
    plain = python("inner/program.py", "a", "-m", cwd=tmp_path)
    ours = python("-m", "pyxtorch.run", "inner/program.py", "a", "-m", cwd=tmp_path)
    assert (ours.returncode, ours.stdout, ours.stderr) == (plain.returncode, plain.stdout, plain.stderr)


@pytest.mark.parametrize("form", ["package", "module", "folder", "archive"])
def test_as_python_runs_packages_folders_and_archives(tmp_path, form):
    text = "import sys\nprint(__name__, __package__, __spec__ and __spec__.name, __file__, sys.argv, sys.path[0])\nraise SystemExit(4)\n"
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    for name in ("package/__main__.py", "package/module.py"):
        (tmp_path / name).write_text(text)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", text)
    arguments = {"package": ["-m", "package"], "module": ["-m", "package.module"], "folder": ["package"], "archive": ["archive.zip"]}[form]
    plain, ours = python(*arguments, "a", cwd=tmp_path), python("-m", "pyxtorch.run", *arguments, "a", cwd=tmp_path)
    assert ours.returncode == plain.returncode == 4 and ours.stdout == plain.stdout, ours.stderr


def test_what_cannot_be_run(tmp_path):
    for arguments, words in ((["nope.py"], "can't open file"), (["-m", "nope"], "No module named nope"), (["-m"], "needs the name"), (["-x"], "unknown option"),
                             ([str(tmp_path)], "can't find '__main__'")):  # fmt: skip
        done = python("-m", "pyxtorch.run", *arguments, cwd=tmp_path)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr, done
    assert "program.py" in python("-m", "pyxtorch.run", cwd=tmp_path).stdout


# ------------------------------------------------------------------------------- names


def test_names_lists_what_is_missing(tmp_path):
    done = python("-m", "pyxtorch.run", "--names", "torch.linalg", "torch.package", cwd=tmp_path)
    assert done.returncode == 0 and "torch.linalg: 42 of 42" in done.stdout and "PackageExporter" in done.stdout, done
    whole = missing.report().splitlines()
    there, _, count, *_ = whole[-1].split()
    assert int(count) == sum(map(len, missing.documented().values())) > 2400 and int(there) == int(count) - sum(map(len, missing.missing().values()))
    assert "no names are listed" in python("-m", "pyxtorch.run", "--names", "nope", cwd=tmp_path).stderr


def test_the_list_is_that_of_torch(tmp_path):
    """What the list says torch has, torch has."""
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13."):
        pytest.skip("another torch")
    code = """
import torch
from pyxtorch._names import missing
print([f"{path}.{name}" for path, names in missing.documented().items() for name in names
       if path.count(".") < 2 and not hasattr(torch if path == "torch" else getattr(torch, path[6:], torch), name)])
"""
    done = python("-c", code, cwd=tmp_path)  # other tests may have changed the torch that is imported here
    assert done.stdout.strip() == "[]", done


def test_nothing_of_it_is_imported_with_pyxtorch(tmp_path):
    code = "import sys, pyxtorch; print([m for m in sys.modules if m in ('pyxtorch._alias', 'pyxtorch.run', 'torch', 'pyxtorch._names.missing', 'importlib.metadata')])"
    assert python("-c", code, cwd=tmp_path).stdout.strip() == "[]"

"""torch.hub: models of a folder that says in its hubconf.py how to make them, and files of weights by their address."""
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import pyxtorch

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # the beginning of the SHA-256 in a file's name, as in resnet18-5c106cde.pth
_CONF = "hubconf.py"
_folder = None


def get_dir():
    """Where downloaded files are kept: what `set_dir` said, else $TORCH_HOME/hub, else $XDG_CACHE_HOME/torch/hub, else ~/.cache/torch/hub."""
    if _folder is not None:
        return _folder
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.join(os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))), "hub")


def set_dir(d):
    """Keep them in the folder `d`."""
    global _folder
    _folder = os.path.expanduser(d)


@contextmanager
def _on_path(folder):
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _conf(repo, source):
    """The module hubconf.py of a folder, and the folder. A repository of GitHub has to have been put into `get_dir()` before."""
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    folder = Path(repo).expanduser()
    if source == "github":
        name, _, ref = str(repo).partition(":")
        owner, _, project = name.partition("/")
        places = [Path(get_dir()) / f"{owner}_{project}_{one}" for one in ([ref.replace("/", "_")] if ref else ["main", "master"])]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            raise RuntimeError(f"hub: the repository {repo!r} is not in {get_dir()}, and repositories are not downloaded. Clone it, and pass its folder with source='local'.")
    if not (folder / _CONF).is_file():
        raise FileNotFoundError(f"hub: no {_CONF} in {str(folder)!r}")
    with _on_path(str(folder)):
        spec = importlib.util.spec_from_file_location("hubconf", folder / _CONF)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module, str(folder)


def _entry(module, name):
    if not isinstance(name, str):
        raise ValueError("Invalid input: model should be a string of function name")
    missing = [package for package in getattr(module, "dependencies", ()) if importlib.util.find_spec(package) is None]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    function = getattr(module, name, None)
    if function is None or not callable(function):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return function


def list(github, force_reload=False, skip_validation=False, trust_repo="check", verbose=True, source="github"):  # noqa: A001
    """The names of what a hubconf.py offers: its functions without a leading underscore."""
    if Path(github).expanduser().is_dir():
        source = "local"
    module, _ = _conf(github, source)
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def help(github, model, force_reload=False, skip_validation=False, trust_repo="check", source="github"):  # noqa: A001
    """The docstring of one of them."""
    if Path(github).expanduser().is_dir():
        source = "local"
    return _entry(_conf(github, source)[0], model).__doc__


def load(repo_or_dir, model, *args, source="github", trust_repo="check", force_reload=False, verbose=True, skip_validation=False, **kwargs):
    """What the function `model` of a folder's hubconf.py returns for these arguments. The folder's code is run.

    Args:
        repo_or_dir: with source="local" a folder; with "github", "owner/name" or "owner/name:branch", which has to be in `get_dir()` already.
    Raises:
        RuntimeError: the repository is not there, has no such function, or needs packages that are not installed.
    """
    module, folder = _conf(repo_or_dir, source)
    with _on_path(folder):
        return _entry(module, model)(*args, **kwargs)


def download_url_to_file(url, dst, hash_prefix=None, progress=True):
    """Write what an address gives into the file `dst`, which is there when it is complete and not before.

    Raises:
        RuntimeError: its SHA-256 does not begin with `hash_prefix`.
    """
    from urllib.request import Request, urlopen

    target, digest = os.path.expanduser(dst), hashlib.sha256()
    with urlopen(Request(url, headers={"User-Agent": "pyxtorch.hub"})) as source:
        part = tempfile.NamedTemporaryFile(dir=os.path.dirname(os.path.abspath(target)), delete=False)  # noqa: SIM115
        try:
            with part:
                while block := source.read(1 << 20):
                    part.write(block)
                    digest.update(block)
            if hash_prefix is not None and not digest.hexdigest().startswith(hash_prefix):
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}")')
            shutil.move(part.name, target)
        finally:
            if os.path.exists(part.name):
                os.remove(part.name)


def load_state_dict_from_url(url, model_dir=None, map_location=None, progress=True, check_hash=False, file_name=None, weights_only=True):
    """`load` of the file at an address, which is downloaded unless it is in `model_dir` (default `get_dir()`/checkpoints) already.

    Args:
        check_hash: the name of the file ends with the beginning of its SHA-256, as in resnet18-5c106cde.pth.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.path.expanduser(model_dir)
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, path, found[1] if found else None, progress)
    return pyxtorch.load(path, map_location=map_location, weights_only=weights_only)

"""Reading a file that the user trusts, `load(weights_only=False)`: Python's own machine, which imports and calls what the file names."""
import importlib
import io
from pickle import UnpicklingError


def unpickle(data, place, find, load_storage, pickle_module, options):
    """The object in the pickle that starts at `place` of `data`, and the place where it ends.

    Args:
        find: `find(module, name)` gives what stands for a name of torch, or None.
        load_storage: `load_storage(persistent id)`.
        pickle_module: whose Unpickler reads: `pickle`, or one that can do more.
        options: keyword arguments of that Unpickler.
    Raises:
        UnpicklingError: the pickle is damaged.
        AttributeError, ImportError: it names what is not here.
    """

    class Unpickler(pickle_module.Unpickler):
        def find_class(self, module, name):
            found = find(module, name)
            return super().find_class(module, name) if found is None else found

        def persistent_load(self, identity):
            return load_storage(identity)

    stream = io.BytesIO(data)
    stream.seek(place)
    try:
        return Unpickler(stream, **options).load(), stream.tell()
    except EOFError as error:
        raise UnpicklingError(f"load: the pickle of {len(data)} bytes ends in the middle.") from error


def ours(module, name, layers):
    """What is called `module.name` in PyTorch, by its name here; None for what is not of torch.

    Args:
        layers: classes and functions of `nn` by name, as their files are divided otherwise in PyTorch.
    Raises:
        AttributeError: there is none.
    """
    if module.split(".")[0] not in ("torch", "pyxtorch"):
        return None
    try:
        found = importlib.import_module("pyxtorch" + module[module.index("torch") + len("torch"):])
        for part in name.split("."):
            found = getattr(found, part)
        return found
    except (ImportError, AttributeError):
        if name in layers and ".nn.modules." in module:
            return layers[name]
        raise AttributeError(f"load: the file names {module}.{name}, which pyxtorch does not have.") from None

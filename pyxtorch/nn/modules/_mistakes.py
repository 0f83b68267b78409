"""What errors of modules say of what was given, and what to write instead."""
from pyxtorch import Tensor

AS_PARAMETER = ". A tensor to be trained is nn.Parameter(tensor); to change the values, copy into it under no_grad()"


def type_name(value):
    """The type of a value, as errors name it."""
    return getattr(type(value), "__module__", "") + "." + type(value).__name__ if isinstance(value, Tensor) else type(value).__name__


class NotYet:
    """What a class has in the place of an attribute that `Module.__init__` makes: reading it before that is an error."""

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        kind = type(instance).__name__
        raise AttributeError(f"'{kind}' object has no attribute '{self.name}': {kind}.__init__ has not called super().__init__(), which comes first.")


def not_a_module(owner, given):
    """Something else is added to a module as a child."""
    if isinstance(given, type):
        return f"{given.__name__} is a class, not a module: write {given.__name__}(...)"
    if isinstance(given, (list, tuple)):
        return f"{type_name(given)} is not a Module subclass: {type(owner).__name__} takes the modules themselves, *{type(given).__name__}"
    if callable(given):
        name = getattr(given, "__qualname__", type(given).__name__)
        return f"{name} is a function; it is not a Module subclass. Call it in forward, or use the module that does the same, as nn.ReLU() does what relu does"
    return f"{type_name(given)} is not a Module subclass"


def what_does_not_fit(missing, unexpected):
    """A line for `load_state_dict` where all names differ by a beginning; None if they do not."""
    for names, others, advice in ((unexpected, missing, "take it away from the keys"), (missing, unexpected, "add it to the keys")):
        for key in names[:1]:
            for other in others:
                if key.endswith("." + other):
                    prefix = key[: -len(other)]
                    if all(name.startswith(prefix) for name in names) and {name[len(prefix):] for name in names} == set(others):
                        whose = " The state is one of a module in DataParallel or DistributedDataParallel." if prefix == "module." and names is unexpected else ""
                        return f'The names differ by "{prefix}": {advice}.{whose}'
    return None


def instead_of(given):
    """What to write where this is given as a state dict."""
    if isinstance(given, (str, bytes)) or hasattr(given, "__fspath__"):
        return " Read the file first: load_state_dict(torch.load(path))."
    if hasattr(given, "state_dict"):
        return " Take its state: .state_dict()."
    return ""

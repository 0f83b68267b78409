"""Calling a module with other parameters than its own."""
from contextlib import contextmanager


def _owner(module, path):
    """The module that has the tensor at `path`, the dict it is in, and its name there."""
    parent, _, name = path.rpartition(".")
    owner = module.get_submodule(parent)
    for members in (owner._parameters, owner._buffers):
        if name in members:
            return members, name
    raise KeyError(path)


@contextmanager
def _swapped(module, tensors, tie_weights, strict):
    given = dict(tensors)
    places = {}
    names = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}
    if tie_weights:
        tied = {}
        for path, tensor in names.items():
            if tensor is not None:
                tied.setdefault(id(tensor), []).append(path)
        for paths in tied.values():
            values = {id(given[p]): given[p] for p in paths if p in given}
            if len(values) > 1:
                raise ValueError(f"functional_call got multiple values for keys {sorted(p for p in paths if p in given)}, which are tied. Consider using tie_weights=False")
            for value in values.values():
                given.update(dict.fromkeys(paths, value))
    unexpected, missing = set(given) - set(names), set(names) - set(given)
    if strict and (unexpected or missing):
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}: unexpected {sorted(unexpected)}, missing {sorted(missing)}.")
    for path, value in given.items():
        if path in names:
            places[path] = (*_owner(module, path), value)
    before = {path: members[name] for path, (members, name, _) in places.items()}
    try:
        for members, name, value in places.values():
            members[name] = value
        yield
    finally:
        for path, (members, name, _) in places.items():
            members[name] = before[path]


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """module(*args, **kwargs) with the given tensors in the place of its own.

    Args:
        parameters_and_buffers: paths to tensors, or a tuple of such dicts.
        args: tuple, or the only argument.
        tie_weights: a tensor that the module has twice is replaced in both places.
        strict: complain of paths missing or too many.
    """
    if isinstance(parameters_and_buffers, (tuple, list)):
        merged = {}
        for part in parameters_and_buffers:
            twice = set(merged) & set(part)
            if twice:
                raise ValueError(f"{sorted(twice)[0]} appears in multiple dictionaries; behavior of functional call is ambiguous")
            merged.update(part)
        parameters_and_buffers = merged
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, parameters_and_buffers, tie_weights, strict):
        return module(*args, **(kwargs or {}))

"""Which sizes of the inputs of an exported program may differ from those of the example."""
import dataclasses
import math

from pyxtorch import Tensor
from pyxtorch.utils._pytree import tree_flatten, tree_map

__all__ = ["AdditionalInputs", "Constraint", "Dim", "ShapesCollection", "dims"]


class _Hint:
    """Dim.AUTO, Dim.DYNAMIC and Dim.STATIC."""

    def __init__(self, name, min=None, max=None):
        self.name, self.min, self.max = name, min, max

    def __call__(self, min=None, max=None):
        return _Hint(self.name, min, max)

    def __repr__(self):
        return f"DimHint({self.name})"


class Dim:
    """A size that may be any number from `min` to `max`; sizes of one Dim, or of one name, are equal.

    `Dim.AUTO`: open where the program allows it; `Dim.DYNAMIC`: open, or an error; `Dim.STATIC`: that of the example.

    Raises:
        ValueError: there is no number between the two.
    """

    AUTO, DYNAMIC, STATIC = _Hint("AUTO"), _Hint("DYNAMIC"), _Hint("STATIC")

    def __init__(self, name, *, min=None, max=None):
        if not name.isidentifier():
            raise AssertionError(f"Dim name must be a valid identifier, got {name}")
        self.__name__, self.min, self.max = name, 0 if min is None else min, math.inf if max is None else max
        if self.max <= self.min:
            raise AssertionError(f"Cannot create Dim with inconsistent min={min}, max={max}")

    def __repr__(self):
        return f"Dim({self.__name__!r}, min={self.min}{'' if self.max == math.inf else f', max={self.max}'})"


def dims(*names, min=None, max=None):
    """Several of them."""
    return tuple(Dim(name, min=min, max=max) for name in names)


@dataclasses.dataclass
class Constraint:
    """A size of an input of an exported program: the input's number, the dimension, and what it may be."""

    input: int
    dim: int
    min: int
    max: float
    name: str | None = None


class ShapesCollection:
    """Dims by tensor: `shapes[x] = {0: Dim("batch")}`, for `export(..., dynamic_shapes=shapes)`."""

    def __init__(self):
        self._shapes = {}

    def __setitem__(self, t, shape):
        if not isinstance(t, Tensor):
            raise AssertionError(f"Cannot assign shape to non-tensor type {type(t)}")
        known = self._shapes.get(id(t))
        if known is not None and known[1] != shape:
            raise AssertionError(f"Shapes assigned to input tensor are not consistent: {known[1]} and {shape}")
        self._shapes[id(t)] = (t, shape)

    def __getitem__(self, t):
        return self._shapes.get(id(t), (t, {}))[1]

    def __len__(self):
        return len(self._shapes)

    def dynamic_shapes(self, m, args, kwargs=None):
        """The same in the form of the arguments: what each tensor's sizes may be, None where nothing was said."""
        used = set()

        def of(t):
            used.add(id(t))
            return self._shapes[id(t)][1] if isinstance(t, Tensor) and id(t) in self._shapes else None

        found = [tree_map(of, a) for a in args], {k: tree_map(of, a) for k, a in (kwargs or {}).items()}
        if set(self._shapes) - used:
            raise ValueError("Some tensors that were assigned shapes were not found in args.")
        return by_name(m, found[0], found[1])


class AdditionalInputs:
    """Further example arguments; sizes in which they differ from the first are open."""

    def __init__(self):
        self._examples = []

    def add(self, args, kwargs=None):
        """One more example."""
        if not isinstance(args, tuple):
            raise AssertionError(f"Representation of args={args} is not a tuple")
        self._examples.append((args, kwargs or {}))

    def dynamic_shapes(self, m, args, kwargs=None):
        """In the form of the arguments: Dim.DYNAMIC for each size in which the examples differ."""
        first, spec = tree_flatten((args, kwargs or {}))
        found = [[None] * x.dim() if isinstance(x, Tensor) else None for x in first]
        for other in self._examples:
            leaves, other_spec = tree_flatten(other)
            if other_spec != spec:
                raise ValueError("AdditionalInputs: an example has another structure than the first.")
            for sizes, a, b in zip(found, first, leaves):
                for i in range(len(sizes or ())):
                    if a.shape[i] != b.shape[i]:
                        sizes[i] = Dim.DYNAMIC
        by_leaf = iter(found)
        shaped = tree_map(lambda _: next(by_leaf), (args, kwargs or {}))
        return by_name(m, *shaped)

    def verify(self, ep):
        """Run the exported program on all examples; its errors are raised."""
        for args, kwargs in self._examples:
            ep.module()(*args, **kwargs)


def by_name(m, args, kwargs):
    """What belongs to the arguments as a dict from the parameters' names."""
    import inspect

    names = list(inspect.signature(m.forward if hasattr(m, "forward") else m).parameters)
    return {**dict(zip(names, args)), **kwargs}


def constraints_of(shapes, names, leaves_of):
    """A list of (number of the input, dimension, Dim or hint) from `dynamic_shapes` in any of its forms.

    Args:
        names: the parameters' names, in order. leaves_of: dict from these to nests in which tensors are replaced by (number, tensor).
    """
    if shapes is None:
        return []
    if not isinstance(shapes, dict):
        shapes = dict(zip(names, shapes))
    unknown = set(shapes) - set(leaves_of)
    if unknown:
        raise ValueError(f"export: dynamic_shapes names {sorted(unknown)}, but the arguments are {list(leaves_of)}.")
    found = []

    def walk(spec, given, path):
        if spec is None:
            return
        if isinstance(given, _Input):
            pairs = spec.items() if isinstance(spec, dict) else enumerate(spec)
            for dim, what in pairs:
                if what is None or isinstance(what, int):
                    continue
                if not isinstance(what, (Dim, _Hint)):
                    raise ValueError(f"export: the size {path}[{dim}] is to be {what!r}; expected a Dim, Dim.AUTO, Dim.DYNAMIC, Dim.STATIC or None.")
                if not -given.tensor.dim() <= dim < given.tensor.dim():
                    raise ValueError(f"export: {path} has {given.tensor.dim()} dimensions, and dynamic_shapes names dimension {dim}.")
                found.append((given.number, dim % given.tensor.dim(), what))
        elif isinstance(given, dict):
            for key, inner in spec.items():
                walk(inner, given[key], f"{path}[{key!r}]")
        elif isinstance(given, (list, tuple)):
            for i, inner in enumerate(spec):
                walk(inner, given[i], f"{path}[{i}]")

    for name, spec in shapes.items():
        walk(spec, leaves_of[name], name)
    return found


class _Input:
    """A tensor among the inputs, with its number."""

    def __init__(self, number, tensor):
        self.number, self.tensor = number, tensor


def numbered(args_by_name):
    """The arguments with each tensor replaced by itself and its number among the leaves."""
    counter = iter(range(1 << 30))

    def leaf(x):
        number = next(counter)
        return _Input(number, x) if isinstance(x, Tensor) else x

    return {name: tree_map(leaf, value) for name, value in args_by_name.items()}

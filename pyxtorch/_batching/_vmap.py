"""vmap itself: arguments become batched values, the function runs once, and what it returns becomes tensors with the batch where it is wanted."""
import functools

import pyxtorch
from pyxtorch._batching._calls import replaced
from pyxtorch._batching._functions import generated
from pyxtorch._batching._values import Level, Refused, batched, expanded, levels_of, running, wrap
from pyxtorch._compound import innermost
from pyxtorch.overrides import TorchFunctionMode
from pyxtorch.utils._pytree import _broadcast_to_and_flatten, tree_flatten, tree_unflatten

_RANDOM = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap or perform the randomness "
    "operation out of vmap"
)  # fmt: skip


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """A function that maps `func` over a dimension of its arguments: results are stacked along `out_dims`.

    `func` runs once, on values that stand for all slices: each operation runs on all of them at once (docs/func.md). So its control flow may
    not depend on elements.

    Args:
        in_dims: the dimension to map over, for each argument (a tuple) or for all of them; None: the same for each slice.
            It may follow the containers of arguments. Arguments given by name are the same for each slice.
        out_dims: where results have the batch; for all of them or for each. None for a result that is the same for all slices.
        randomness: "error", "different" or "same" random numbers for the slices.
        chunk_size: how many slices at once; None: all.
    Raises:
        ValueError: the arguments do not fit in_dims, or each other; or the results do not fit out_dims.
        RuntimeError: random numbers were drawn where `randomness` is "error"; or control flow depends on elements.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    @functools.wraps(func, updated=())
    def wrapped(*args, **kwargs):
        leaves, spec, dims, count = _inputs(name, in_dims, args)
        if chunk_size is None or count <= chunk_size:
            return _mapped(func, leaves, spec, dims, kwargs, count, out_dims, randomness, name)
        before = pyxtorch.get_rng_state()
        chunks = []
        for start in range(0, count, chunk_size):
            if randomness == "same":
                pyxtorch.set_rng_state(before)
            n = min(chunk_size, count - start)
            part = [x if d is None else x.narrow(d, start, n) for x, d in zip(leaves, dims)]
            chunks.append(tree_flatten(_mapped(func, part, spec, dims, kwargs, n, out_dims, randomness, name)))
        out_spec = chunks[0][1]
        places = _places(out_dims, out_spec, name)
        columns = zip(*[found for found, _ in chunks])
        return tree_unflatten([ys[0] if place is None else pyxtorch.cat(ys, place) for ys, place in zip(columns, places)], out_spec)

    return wrapped


vmap.__module__ = "pyxtorch.func"       # where it is public


def _inputs(name, in_dims, args):
    """(leaves, their structure, the dimension of each, the size of the batch)."""
    if not isinstance(in_dims, int | tuple) or isinstance(in_dims, bool):
        raise ValueError(f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially nested) tuple matching the structure of "
                         f"inputs, got: {type(in_dims)}.")  # fmt: skip
    if not args:
        raise ValueError(f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with no inputs.")
    flat = _flat(in_dims, args)
    leaves, spec = (args, None) if flat else tree_flatten(args)
    dims = ((in_dims,) * len(args) if isinstance(in_dims, int) else in_dims) if flat else _broadcast_to_and_flatten(in_dims, spec, is_leaf=lambda x: x is None)
    if dims is None:
        raise ValueError(f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of inputs, {spec}.")
    sizes = set()
    for x, dim in zip(leaves, dims):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for an input but in_dim must be either an integer dimension or None.")
        if not isinstance(x, pyxtorch.Tensor):
            raise ValueError(f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for an input but the input is of type {type(x)}. "
                             "We cannot vmap over non-Tensor arguments, please use None as the respective in_dim")  # fmt: skip
        if not -x.dim() <= dim < x.dim():
            raise ValueError(f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for some input, but that input is a Tensor of "
                             f"dimensionality {x.dim()} so expected in_dim to satisfy -{x.dim()} <= in_dim < {x.dim()}.")  # fmt: skip
        sizes.add(x.shape[dim])
    if len(sizes) != 1:
        reason = f"Expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)}" if sizes else "got no dimension to map over"
        raise ValueError(f"vmap: {reason} for the mapped dimension.")
    return leaves, spec, dims, sizes.pop()


def _flat(in_dims, args):
    """Whether all arguments are tensors, none in a container, and in_dims is for them."""
    for x in args:
        if not isinstance(x, pyxtorch.Tensor):
            return False
    return isinstance(in_dims, int) or len(in_dims) == len(args) and all(d is None or type(d) is int for d in in_dims)


def _places(out_dims, spec, name):
    places = _broadcast_to_and_flatten(out_dims, spec, is_leaf=lambda x: x is None)
    if places is None:
        raise ValueError(f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of outputs, {spec}.")
    return places


def _mapped(func, leaves, spec, dims, kwargs, count, out_dims, randomness, name, strict=False):
    with Level(count, randomness, strict) as level:
        inside = [x if d is None else wrap(x if d == 0 else x.movedim(d, 0), level) for x, d in zip(leaves, dims)]
        before = _place_of_generator() if randomness == "error" else None
        args = inside if spec is None else tree_unflatten(inside, spec)
        if randomness == "different":
            with _Drawing(level):
                result = func(*args, **kwargs)
        else:
            result = func(*args, **kwargs)
        if before is not None and before != _place_of_generator():
            raise RuntimeError(_RANDOM)
        if isinstance(result, pyxtorch.Tensor) and (out_dims is None or type(out_dims) is int):
            return _outside(result, out_dims, level, leaves, name)
        found, out_spec = tree_flatten(result)
        for y in found:
            if not isinstance(y, pyxtorch.Tensor):
                raise ValueError(f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(y)}. Did you mean to set out_dims= to None for output?")
        places = _places(out_dims, out_spec, name)
        return tree_unflatten([_outside(y, place, level, leaves, name) for y, place in zip(found, places)], out_spec)


def _place_of_generator():
    generator = pyxtorch.default_generator
    return generator.get_offset(), generator.initial_seed()


def _outside(y, place, level, leaves, name):
    parts = batched(y)
    if parts is not None and parts.level is level:
        if place is None:
            raise ValueError(f"vmap({name}, ...): `{name}` can not return a batched value where out_dim is None. Give the dimension in out_dims.")
        physical = parts.physical
    else:
        if parts is not None and parts.level not in running():
            raise RuntimeError(f"vmap: `{name}` returned a value that was batched by a vmap which has ended.")
        if parts is None and y.is_meta and not running()[:-1] and not any(isinstance(x, pyxtorch.Tensor) and x.is_meta for x in leaves):
            raise RuntimeError(f"vmap: `{name}` returned a meta tensor: something looked for the memory of a batched value, which has none.")
        if place is None:
            return y
        physical = y.unsqueeze(0).expand(level.size, *y.shape)
    if place == 0:
        return physical
    if not -physical.dim() <= place < physical.dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [{-physical.dim()}, {physical.dim() - 1}], but got {place})")
    return physical.movedim(0, place)


class _Drawing(TorchFunctionMode):
    """Random tensors that depend on no batched value are drawn for each slice."""

    SIZED = ("rand", "randn", "randint", "normal", "randperm")
    OF_ONE = ("bernoulli", "multinomial", "poisson", "rand_like", "randn_like", "randint_like", "rrelu", "gumbel_softmax", "normal")

    def __init__(self, level):
        super().__init__()
        self.level = level

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        given = [x for x in (*args, *kwargs.values()) if isinstance(x, pyxtorch.Tensor)]
        if not any(self.level in levels_of(x) for x in given):
            if name in self.SIZED and not given:
                return wrap(pyxtorch.stack([func(*args, **kwargs) for _ in range(self.level.size)]), self.level)
            if given and (name in self.OF_ONE or (name.endswith("dropout") and name != "native_dropout")):
                first = given[0]
                levels = sorted([*levels_of(first), self.level], key=lambda level: level.number)
                full = expanded(first, levels)
                args, kwargs = replaced(args, lambda x: full if x is first else x), {k: full if v is first else v for k, v in kwargs.items()}
        return func(*args, **kwargs)


# ------------------------------------------------------------------------- functions of the user's

class VmapInfo(tuple):
    """What a user's `Function.vmap` is told: `batch_size` and `randomness`."""

    def __new__(cls, batch_size, randomness):
        return tuple.__new__(cls, (batch_size, randomness))

    batch_size = property(lambda self: self[0])
    randomness = property(lambda self: self[1])


def apply(cls, args):
    """`Function.apply` with batched values among the arguments: the class's own rule, or one that it lets be made (`_functions`)."""
    level = innermost(args, {})

    def here(x):
        parts = batched(x)
        return parts is not None and parts.level is level

    own = cls.__dict__.get("vmap") or next((base.__dict__["vmap"] for base in cls.__mro__ if "vmap" in base.__dict__ and base.__module__ != "pyxtorch.autograd"), None)
    if getattr(cls, "generate_vmap_rule", False):
        if own is not None:
            raise RuntimeError(f"{cls.__name__} has both generate_vmap_rule=True and a vmap staticmethod. Keep one of them.")
        return generated(cls, level, args)
    if own is None:
        raise Refused(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the vmap staticmethod "
            "(info, in_dims, *args), or set generate_vmap_rule=True."
        )
    trees = [tree_flatten(x) for x in args]
    in_dims = tuple(tree_unflatten([0 if here(x) else None for x in leaves], spec) for leaves, spec in trees)
    raw = [tree_unflatten([batched(x).physical if here(x) else x for x in leaves], spec) for leaves, spec in trees]
    returned = cls.vmap(VmapInfo(level.size, level.randomness), in_dims, *raw)
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise RuntimeError(f"Expected the vmap staticmethod of {cls.__name__} to have two returns: (output, out_dims).")
    output, out_dims = returned
    leaves, spec = tree_flatten(output)
    places = _places(out_dims, spec, cls.__name__)
    return tree_unflatten([y if d is None or not isinstance(y, pyxtorch.Tensor) else wrap(y.movedim(d, 0), level) for y, d in zip(leaves, places)], spec)

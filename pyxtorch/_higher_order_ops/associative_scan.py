"""Cumulative results of any associative function."""
import pyxtorch
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["associative_scan"]


def associative_scan(combine_fn, xs, dim, reverse=False, combine_mode="pointwise"):
    """y[0] = x[0], y[i] = combine_fn(y[i - 1], x[i]) along `dim`, for tensors or containers of tensors.

    Args:
        combine_fn: takes two and gives one of the structure of `xs`; associative.
        xs: tensors of one shape.
        reverse: from the end to the beginning.
        combine_mode: "pointwise": combine_fn computes element by element, and is called 2 log2(n) times with many places at once;
            "generic": it is called with slices of one place, without `dim`.
    Raises:
        ValueError: no function, no such mode, no tensors, or other shapes, dtypes or structure.
        IndexError: no such dimension.
    """
    if not callable(combine_fn):
        raise ValueError(f"Combine_fn must be a callable, but got {combine_fn}")
    if combine_mode not in ("pointwise", "generic"):
        raise ValueError(f"Combine_mode must either 'pointwise' or 'generic', but got {combine_mode}")
    leaves, spec = tree_flatten(xs)
    if not leaves or not all(isinstance(x, pyxtorch.Tensor) and x.shape == leaves[0].shape for x in leaves):
        raise ValueError("associative_scan: expected a tensor, or containers of tensors of one shape.")
    if not -leaves[0].dim() <= dim < leaves[0].dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [{-leaves[0].dim()}, {leaves[0].dim() - 1}], but got {dim})")
    dim %= leaves[0].dim()
    if leaves[0].shape[dim] == 0:
        raise ValueError(f"associative_scan: dimension {dim} has size 0; there is nothing to begin with.")

    def combine(a, b):
        found, structure = tree_flatten(combine_fn(tree_unflatten(a, spec), tree_unflatten(b, spec)))
        if structure != spec or any(y.shape != x.shape or y.dtype != x.dtype for x, y in zip(b, found)):
            raise ValueError("associative_scan: combine_fn must give the structure, shapes and dtypes that it takes.")
        return found

    if reverse:
        leaves = [x.flip(dim) for x in leaves]
    found = _scan(combine, leaves, dim) if combine_mode == "pointwise" else _one_after_the_other(combine, leaves, dim)
    return tree_unflatten([x.flip(dim) for x in found] if reverse else found, spec)


def _one_after_the_other(combine, leaves, dim):
    results = []
    for slices in zip(*(x.unbind(dim) for x in leaves)):
        results.append(combine(results[-1], list(slices)) if results else list(slices))
    return [pyxtorch.stack(places, dim) for places in zip(*results)]


def _scan(combine, leaves, dim):
    """Pairs of neighbours are combined and scanned, which is every second result; one more combination gives those between (Blelloch 1990)."""
    n = leaves[0].shape[dim]
    if n == 1:
        return leaves
    every = (slice(None),) * dim

    def part(tensors, *bounds):
        return [x[(*every, slice(*bounds))] for x in tensors]

    odd = _scan(combine, combine(part(leaves, 0, n - 1, 2), part(leaves, 1, None, 2)), dim)
    first = part(leaves, 0, 1)
    if n > 2:
        even = combine(part(odd, 0, (n - 1) // 2), part(leaves, 2, None, 2))
        first = [pyxtorch.cat(both, dim) for both in zip(first, even)]
    pairs = [pyxtorch.stack([a[(*every, slice(0, n // 2))], b], dim + 1).flatten(dim, dim + 1) for a, b in zip(first, odd)]
    return pairs if n % 2 == 0 else [pyxtorch.cat([p, a[(*every, slice(n // 2, None))]], dim) for p, a in zip(pairs, first)]

"""Stacking, splitting and combining by rule: hstack, hsplit, atleast_2d, meshgrid, block_diag and their kin."""
import itertools
import math

from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport unsqueezed

from pyxtorch.ops import create, shape_join as joins


cdef list tensors_of(object tensors, str op, str name="tensors"):
    """A non-empty sequence of tensors, as a list."""
    if isinstance(tensors, Variable):
        raise TypeError(f"{op}(): argument '{name}' must be tuple of Tensors, not Tensor. Put it into a list.")
    found = list(tensors)
    if not found:
        raise RuntimeError(f"{op} expects a non-empty TensorList")
    for i, x in enumerate(found):
        if not isinstance(x, Variable):
            raise TypeError(f"{op}(): expected Tensor as element {i} in argument '{name}', but got {type(x).__name__}")
    return found


# ------------------------------------------------------------------------------- atleast_nd

cdef Variable raised1(Variable x):
    return x if x.nd >= 1 else unsqueezed(x, 0)


cdef Variable raised2(Variable x):
    return x if x.nd >= 2 else unsqueezed(raised1(x), 0)


cdef Variable raised3(Variable x):
    return x if x.nd >= 3 else unsqueezed(raised2(x), 2)


cdef object raised(tuple tensors, int nd):
    single = len(tensors) == 1 and isinstance(tensors[0], Variable)
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    out = []
    for i, x in enumerate(tensors):
        x = checked(x, f"atleast_{nd}d", f"tensors[{i}]")
        out.append(raised1(x) if nd == 1 else raised2(x) if nd == 2 else raised3(x))
    return out[0] if single else tuple(out)


def atleast_1d(*tensors):
    """A view of one tensor, or views of several, with at least one dimension."""
    return raised(tensors, 1)


def atleast_2d(*tensors):
    """A view of one tensor, or views of several, with at least two dimensions; new ones come first."""
    return raised(tensors, 2)


def atleast_3d(*tensors):
    """A view of one tensor, or views of several, with at least three dimensions: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    return raised(tensors, 3)


# ------------------------------------------------------------------------- stacking, splitting

def hstack(tensors, *, out=None):
    """Tensors side by side: joined along dimension 1, or 0 where they have one dimension."""
    parts = [raised1(x) for x in tensors_of(tensors, "hstack")]
    return joins.cat(parts, 0 if (<Variable>parts[0]).nd == 1 else 1, out=out)


def vstack(tensors, *, out=None):
    """Tensors on top of each other: joined along dimension 0, a 1-d one being a row."""
    return joins.cat([raised2(x) for x in tensors_of(tensors, "vstack")], 0, out=out)


def dstack(tensors, *, out=None):
    """Tensors behind each other: joined along dimension 2, after `atleast_3d`."""
    return joins.cat([raised3(x) for x in tensors_of(tensors, "dstack")], 2, out=out)


def column_stack(tensors, *, out=None):
    """As hstack, each 0-d or 1-d tensor being a column."""
    parts = [x if (<Variable>x).nd > 1 else x.reshape(-1, 1) for x in tensors_of(tensors, "column_stack")]
    return joins.cat(parts, 1, out=out)


cdef object split_along(Variable x, object indices_or_sections, int least, int dim, str op):
    if x.nd < least:
        raise RuntimeError(f"torch.{op} requires a tensor with at least {least} dimension, but got a tensor with {x.nd} dimensions!")
    if isinstance(indices_or_sections, int):
        n = x.sizes[dim]
        if indices_or_sections <= 0 or n % indices_or_sections:
            raise RuntimeError(
                f"torch.{op} attempted to split along dimension {dim}, but the size of the dimension {n} is not divisible by the "
                f"split_size {indices_or_sections}! Use tensor_split for unequal parts."
            )
    return joins.tensor_split(x, indices_or_sections, dim)


def hsplit(Variable input not None, indices_or_sections):
    """Views split along dimension 1 (0 of a 1-d tensor), at indices or into equal sections."""
    return split_along(input, indices_or_sections, 1, 0 if input.nd <= 1 else 1, "hsplit")


def vsplit(Variable input not None, indices_or_sections):
    """Views split along dimension 0, at indices or into equal sections."""
    return split_along(input, indices_or_sections, 2, 0, "vsplit")


def dsplit(Variable input not None, indices_or_sections):
    """Views split along dimension 2, at indices or into equal sections."""
    return split_along(input, indices_or_sections, 3, 2, "dsplit")


# ------------------------------------------------------------------------------- combinations

def meshgrid(*tensors, indexing=None):
    """Coordinates of a grid: tensor i of the result varies along dimension i only, with the values of tensors[i].

    Args:
        tensors: 0-d or 1-d, of one dtype; given one by one or as a sequence.
        indexing: "ij" (default), or "xy": dimensions 0 and 1 change places.
    Returns: views, a tuple.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    cdef list found = tensors_of(tensors, "meshgrid")
    if indexing is not None and not isinstance(indexing, str):
        raise TypeError(f"meshgrid(): argument 'indexing' must be str, not {type(indexing).__name__}")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for x in found:
        if (<Variable>x).nd > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got one of shape {list(shape_of(<Variable>x))}")
        if (<Variable>x).dt != (<Variable>found[0]).dt:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
        same_device(<Variable>found[0], <Variable>x, "meshgrid")
    if indexing is None:
        import warnings
        warnings.warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument. Write indexing='ij' for what it does now.",
                      stacklevel=1)
    swap = indexing == "xy" and len(found) > 1
    if swap:
        found[0], found[1] = found[1], found[0]
    sizes = [(<Variable>x).n for x in found]
    grid = [x.reshape([-1 if k == i else 1 for k in range(len(found))]).expand(sizes) for i, x in enumerate(found)]
    if swap:
        grid[0], grid[1] = grid[1], grid[0]
    return tuple(grid)


def cartesian_prod(*tensors):
    """All ways to take one element of each 1-d tensor: shape (product of lengths, number of tensors).

    Of a single tensor it is this tensor.
    """
    for x in tensors_of(tensors, "cartesian_prod"):
        if (<Variable>x).nd != 1:
            raise RuntimeError(f"cartesian_prod: Expect a 1D vector, but got shape {list(shape_of(<Variable>x))}")
    if len(tensors) == 1:
        return tensors[0]
    return joins.stack([g.reshape(-1) for g in meshgrid(*tensors, indexing="ij")], 1)


def combinations(Variable input not None, r=2, with_replacement=False):
    """All combinations of r elements of a 1-d tensor, in the order of `itertools`: shape (number, r)."""
    if input.nd != 1:
        raise RuntimeError(f"combinations: Expect a 1D vector, but got shape {list(shape_of(input))}")
    if r < 0:
        raise RuntimeError(f"combinations: Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    count = math.comb(input.n + r - 1, r) if with_replacement and input.n else math.comb(input.n, r)
    if count * r >= 1 << 32:
        raise RuntimeError(f"combinations: there are {count} combinations of {r} out of {input.n} elements, more than can be laid out. Choose fewer.")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = list(itertools.chain.from_iterable(choose(range(input.n), r))) if count else []
    index = create.tensor(places, dtype=dtype_of(INT64), device=input.device)
    return input.index_select(0, index).reshape(count, r)


def block_diag(*tensors):
    """The matrix with the given ones (or rows, or numbers) along its diagonal, zeros elsewhere."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if not tensors:
        return create.empty(1, 0)
    blocks = []
    for i, x in enumerate(tensors_of(tensors, "block_diag")):
        if (<Variable>x).nd > 2:
            raise RuntimeError(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {(<Variable>x).nd} dimensions")
        same_device(<Variable>tensors[0], <Variable>x, "block_diag")
        blocks.append(raised2(x))
    width = sum([(<Variable>b).sizes[1] for b in blocks])
    rows = []
    before = 0
    for b in blocks:
        height, own = shape_of(<Variable>b)
        rows.append(joins.cat([b.new_zeros(height, before), b, b.new_zeros(height, width - before - own)], 1))
        before += own
    return joins.cat(rows, 0)


row_stack = vstack
# PyTorch's "unsafe" forms leave out the tie between parts and whole; here the tie costs nothing.
unsafe_split = joins.split
unsafe_split_with_sizes = joins.split_with_sizes
unsafe_chunk = joins.chunk

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "hstack", "vstack", "dstack", "column_stack", "row_stack", "hsplit", "vsplit", "dsplit",
    "meshgrid", "cartesian_prod", "combinations", "block_diag", "unsafe_split", "unsafe_split_with_sizes", "unsafe_chunk",
]
methods = {
    name: globals()[name]
    for name in ("hsplit", "vsplit", "dsplit", "unsafe_split", "unsafe_split_with_sizes", "unsafe_chunk")
}

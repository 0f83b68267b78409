"""What a sparse tensor is: a compound tensor (pyxtorch/_compound.pyx) of index tensors and a tensor of values.

The tensor itself has a shape, a dtype and a place in the graph; its elements are in its `Sparse`. Two operations lead the tape
from one to the other: `values_of` gives the values as a recorded strided tensor, `build` makes a sparse tensor of such. All
that is done to sparse tensors is written between these two, in operations on strided tensors, which have gradients already.
"""
import pyxtorch as torch
from pyxtorch._compound import Parts, compound, parts_of
from pyxtorch._gate import name_of
from pyxtorch.autograd import Function

COO, CSR, CSC = torch.sparse_coo, torch.sparse_csr, torch.sparse_csc
COMPRESSED = (CSR, CSC)
# How PyTorch calls a layout in messages.
NAMES = {torch.strided: "Strided", COO: "Sparse", CSR: "SparseCsr", CSC: "SparseCsc", torch.sparse_bsr: "SparseBsr", torch.sparse_bsc: "SparseBsc"}


class Sparse(Parts):
    """The parts of a sparse tensor.

    layout sparse_coo: `indices` (sparse_dim, nnz) of int64, one column for each element; `values` (nnz, *dense dims). The same
    index may be there several times (their sum counts) unless `coalesced`, which also says that the columns are in order.
    layout sparse_csr, sparse_csc: `indices` is (compressed, plain): where each row (column) begins, and the columns (rows) of
    the elements, int32 or int64; `values` (nnz, *dense dims).
    """

    def __init__(self, layout, indices, values, coalesced=False):
        self.layout, self.indices, self.values, self.coalesced = layout, indices, values, coalesced

    @property
    def nnz(self):
        return self.values.shape[0]

    @property
    def dense_dim(self):
        return self.values.ndim - 1

    def handler(self, func):
        from pyxtorch.sparse._table import find

        return find(func, self)

    def backend(self):
        return f"{NAMES[self.layout]}CPU"


def refuse(func, parts):
    raise NotImplementedError(
        f"Could not run '{name_of(func)}' with arguments from the '{parts.backend()}' backend: it is not there for tensors of layout "
        f"{parts.layout!r}. Use it on .to_dense(), or on .values()."
    )


def expected(x, layouts, op, what):
    """The parts of `x`; RuntimeError if its layout is none of these."""
    parts = parts_of(x)
    if parts is None or parts.layout not in layouts:
        raise RuntimeError(f"{op} expected {what} tensor layout but got {NAMES[x.layout]}")
    return parts


def bare(layout, indices, values, shape, coalesced=False):
    """A sparse tensor of these parts, unchecked and off the tape."""
    x = torch.empty(tuple(shape), dtype=values.dtype, device="meta")
    return compound(x, Sparse(layout, indices, values.detach(), coalesced or (layout is COO and values.shape[0] < 2)))


class Build(Function):
    """From values to the sparse tensor that has them."""

    @staticmethod
    def forward(ctx, values, layout, indices, shape, coalesced):
        ctx.set_materialize_grads(False)
        y = bare(layout, indices, values, shape, coalesced)
        ctx.pattern = (parts_of(y), tuple(shape))
        return y

    @staticmethod
    def backward(ctx, g):
        from pyxtorch.sparse._convert import at_pattern

        return None if g is None else at_pattern(g, *ctx.pattern), None, None, None, None


class Values(Function):
    """From a sparse tensor to its values."""

    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.pattern = (parts_of(x), tuple(x.shape))
        return ctx.pattern[0].values.detach()

    @staticmethod
    def backward(ctx, g):
        parts, shape = ctx.pattern
        return None if g is None else build(parts.layout, parts.indices, g, shape, parts.coalesced)


def recorded(x):
    return x.requires_grad and torch.is_grad_enabled()


def build(layout, indices, values, shape, coalesced=False):
    """The sparse tensor of these parts, unchecked; its gradient is that of `values`."""
    if recorded(values):
        return Build.apply(values, layout, indices, tuple(shape), coalesced)
    return bare(layout, indices, values, shape, coalesced)


def values_of(x):
    """The values of a sparse tensor; the gradient goes back as a sparse tensor of the same indices."""
    return Values.apply(x) if recorded(x) else parts_of(x).values.detach()


def with_values(x, values):
    """A sparse tensor of the pattern of `x` with other values."""
    parts = parts_of(x)
    return build(parts.layout, parts.indices, values, x.shape, parts.coalesced)


def rows(ids, values, count, without=-1):
    """A COO tensor of `count` rows: the rows of `values` (*shape of ids, width) at `ids`, but for the id `without`."""
    width = values.shape[-1]
    values, ids = values.reshape(-1, width), ids.reshape(-1)
    if without >= 0:
        keep = (ids != without).nonzero().reshape(-1)
        values, ids = values.index_select(0, keep), ids.index_select(0, keep)
    return build(COO, ids.unsqueeze(0), values, (count, width))


# ------------------------------------------------------------------------------------- invariants

class _State:
    checking = False


class check_sparse_tensor_invariants:
    """Whether the constructors look at everything that must hold of a sparse tensor's indices: enable, disable, or a context.

    That indices lie within the tensor is looked at always, as reading elsewhere must not happen. What costs more (that
    the columns of a row of a CSR tensor are in order and distinct, that `is_coalesced=True` is true) is looked at when enabled.

        with torch.sparse.check_sparse_tensor_invariants():
            torch.sparse_csr_tensor(...)
    """

    @staticmethod
    def is_enabled():
        return _State.checking

    @staticmethod
    def enable():
        _State.checking = True

    @staticmethod
    def disable():
        _State.checking = False

    def __init__(self, enable=True):
        self.state, self.saved = enable, None

    def __enter__(self):
        if self.saved is not None:
            raise RuntimeError("This context manager instance is already activated. Use a different context manager instance for context nesting.")
        self.saved = _State.checking
        _State.checking = self.state

    def __exit__(self, kind, error, trace):
        _State.checking, self.saved = self.saved, None

    def __call__(self, function):
        import functools

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with type(self)(self.state):
                return function(*args, **kwargs)

        return wrapped


def thorough(check_invariants):
    return _State.checking if check_invariants is None else bool(check_invariants)


# ----------------------------------------------------------------------------------- constructors

def _tensor(data, dtype=None):
    """`data` as a strided tensor on the CPU."""
    x = data if isinstance(data, torch.Tensor) else torch.tensor(data, dtype=dtype, device="cpu")
    if parts_of(x) is not None:
        raise RuntimeError(f"sparse tensor: indices and values must be strided tensors, not of layout {x.layout!r}.")
    if dtype is not None and x.dtype is not dtype:
        x = x.to(dtype)
    return x


def _placed(values, dtype, device, op):
    """The values in the dtype asked for; sparse tensors lie on the CPU."""
    values = _tensor(values, dtype)
    if torch.device(device if device is not None else values.device).type != "cpu" or values.device.type != "cpu":
        raise RuntimeError(f"{op}: sparse tensors lie on the CPU; device={device or values.device} is not there for them.")
    return values


def _finished(x, requires_grad):
    return x.requires_grad_() if requires_grad else x


def _sizes(size, op):
    size = tuple(size)
    for n in size:
        if not hasattr(n, "__index__"):
            raise TypeError(f"{op}(): argument 'size' must be tuple of ints, but found element of type {type(n).__name__}")
    return tuple(int(n) for n in size)


def coo_tensor(indices, values=None, size=None, dtype=None, device=None, requires_grad=False, check_invariants=None, is_coalesced=None):
    """See pyxtorch.sparse_coo_tensor."""
    op = "sparse_coo_tensor"
    if values is None:
        if indices is not None and size is not None:
            raise TypeError(f"{op}: values are missing.")
        size = _sizes(indices if size is None else size, op)
        values = torch.empty(0, dtype=dtype, device="cpu")
        indices = torch.empty((len(size), 0), dtype=torch.int64, device="cpu")
    values = _placed(values, dtype, device, op)
    indices = _tensor(indices).to(torch.int64)
    if indices.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}")
    if values.ndim == 0:
        values = values.reshape(1)
    sparse_dim, nnz = indices.shape
    if values.shape[0] != nnz:
        raise RuntimeError(f"indices and values must have same nnz, but got nnz from indices: {nnz}, nnz from values: {values.shape[0]}")
    low, high = ((indices.amin(1).tolist(), indices.amax(1).tolist()) if nnz and sparse_dim else ([0] * sparse_dim, [-1] * sparse_dim))
    if size is None:
        size = (*[h + 1 for h in high], *values.shape[1:])
    size = _sizes(size, op)
    if len(size) != sparse_dim + values.ndim - 1:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = {sparse_dim}, dense_dim = {values.ndim - 1}"
        )
    for d in range(sparse_dim):
        if low[d] < 0:
            raise RuntimeError(f"found negative index {low[d]} for dim {d}")
        if high[d] >= size[d] and nnz:
            raise RuntimeError(f"size is inconsistent with indices: for dim {d}, size is {size[d]} but found index {high[d]}")
    if tuple(values.shape[1:]) != size[sparse_dim:]:
        raise RuntimeError(f"values has incorrect size, expected {[nnz, *size[sparse_dim:]]}, got {list(values.shape)}")
    x = build(COO, indices, values, size, bool(is_coalesced))
    if is_coalesced and thorough(check_invariants):
        from pyxtorch.sparse._convert import flat_of

        flat = flat_of(indices, size)
        if not bool((flat[1:] > flat[:-1]).all()):
            raise RuntimeError("cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor")
    return _finished(x, requires_grad)


def compressed_tensor(compressed, plain, values, size, layout, op, dtype=None, device=None, requires_grad=False, check_invariants=None):
    """See pyxtorch.sparse_compressed_tensor."""
    if layout not in COMPRESSED:
        found = "none" if layout is None else NAMES.get(layout, layout)
        raise RuntimeError(f"{op} expected sparse compressed tensor layout but got {found}; the layouts here are sparse_csr and sparse_csc.")
    values = _placed(values, dtype, device, op)
    compressed, plain = _tensor(compressed), _tensor(plain)
    kinds = "row", "col"
    (across, along) = kinds if layout is CSR else kinds[::-1]       # the dimension that is compressed, and the other
    first, second = f"c{across}_indices", f"{along}_indices"
    if compressed.dtype is not plain.dtype:
        raise RuntimeError(f"{first} and {second} must have the same dtype, but got {compressed.dtype!r} and {plain.dtype!r}, respectively")
    if plain.dtype not in (torch.int32, torch.int64):
        raise RuntimeError(f"{first} and {second} must be an int32 or int64 type, but got: {plain.dtype!r}")
    if compressed.ndim != plain.ndim:
        raise RuntimeError(f"{first} and {second} dimensionalities must be equal but got {compressed.ndim} and {plain.ndim}, respectively")
    if plain.ndim != 1:
        raise RuntimeError(f"{op}: {first} must have one dimension, not {compressed.ndim}: batches of sparse matrices are not there. Use one tensor for each.")
    nnz = values.shape[0] if values.ndim else 0
    if plain.shape[0] != nnz:
        raise RuntimeError(f"{second}.shape[-1] must be equal to nnz (={nnz}) as defined by values.shape[0], but got {plain.shape[0]}")
    if compressed.shape[0] < 1:
        raise RuntimeError(f"{first} must have at least one element, but has none.")
    if nnz and int(plain.min()) < 0:
        raise RuntimeError(f"`0 <= {second} < n{along}s` is not satisfied.")
    if size is None:
        lengths = compressed.shape[0] - 1, int(plain.max()) + 1 if nnz else 0
        size = (*(lengths if layout is CSR else lengths[::-1]), *values.shape[1:])
    size = _sizes(size, op)
    if len(size) != values.ndim + 1:
        raise RuntimeError(
            f"tensor dimensionality must be sum of batch, base, and dense dimensionalities (=0 + 2 + {values.ndim - 1}) but got {len(size)}"
        )
    lines, width = size[:2] if layout is CSR else size[1::-1]
    if compressed.shape[0] != lines + 1:
        raise RuntimeError(f"{first}.shape[-1] must be equal to the number of {'rows' if layout is CSR else 'columns'} + 1 (={lines + 1}), but got {compressed.shape[0]}")
    if tuple(values.shape[1:]) != size[2:]:
        raise RuntimeError(f"values.shape[1:] must be the dense dimensions {list(size[2:])}, but got {list(values.shape[1:])}")
    if nnz and int(plain.max()) >= width:
        raise RuntimeError(f"`0 <= {second} < n{along}s` is not satisfied.")
    if int(compressed[0]) != 0:
        raise RuntimeError(f"`{first}[..., 0] == 0` is not satisfied.")
    if int(compressed[-1]) != nnz:
        raise RuntimeError(f"`{first}[..., -1] == nnz` is not satisfied.")
    counts = compressed[1:] - compressed[:-1]
    if lines and bool((counts < 0).any()):
        raise RuntimeError(f"`0 <= {first}[..., 1:] - {first}[..., :-1] <= n{along}s` is not satisfied.")
    if thorough(check_invariants) and nnz:
        line = torch.repeat_interleave(torch.arange(lines), counts)
        place = line * width + plain
        if not bool((place[1:] > place[:-1]).all()):
            raise RuntimeError(
                f"`{second}[..., {first}[..., i - 1]:{first}[..., i]] for all i = 1, ..., n{across}s are sorted and distinct along the "
                "last dimension values` is not satisfied."
            )
    return _finished(build(layout, (compressed, plain), values, size), requires_grad)

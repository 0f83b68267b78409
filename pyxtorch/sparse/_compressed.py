"""Row numbers to compressed ones and back, by the names that packages call them by."""
import pyxtorch as torch

__all__ = ["_convert_indices_from_coo_to_csr", "_convert_indices_from_csr_to_coo"]


def _one_dimension(what, x):
    if not isinstance(x, torch.Tensor) or x.dtype not in (torch.int32, torch.int64) or x.dim() != 1:
        described = f"{x.dim()} dimensions of {x.dtype}" if isinstance(x, torch.Tensor) else type(x).__name__
        raise RuntimeError(f"{what}: expected a tensor of int32 or int64 of one dimension, got {described}.")
    return x


def _convert_indices_from_coo_to_csr(input, size, *, out_int32=False):
    """Sorted numbers below `size` to the places where the elements of each begin: `size` + 1 numbers.

    Raises:
        RuntimeError: other dtypes or dimensions, or a number outside.
    """
    input = _one_dimension("_convert_indices_from_coo_to_csr", input)
    if input.numel() and not (0 <= input.min() and input.max() < size):
        raise RuntimeError(f"_convert_indices_from_coo_to_csr: indices must be at least 0 and below {size}, got {input.min().item()} to {input.max().item()}.")
    dtype = torch.int32 if out_int32 else torch.int64
    ends = torch.bincount(input, minlength=size).cumsum(0)
    return torch.cat([ends.new_zeros(1), ends]).to(dtype)


def _convert_indices_from_csr_to_coo(crow_indices, col_indices, *, out_int32=False, transpose=False):
    """(2, nnz): the number of the row of each element above that of its column; `transpose`: below.

    Raises:
        RuntimeError: other dtypes or dimensions, or ends that do not fit the columns.
    """
    crow = _one_dimension("_convert_indices_from_csr_to_coo", crow_indices)
    columns = _one_dimension("_convert_indices_from_csr_to_coo", col_indices)
    counts = crow.diff()
    if not crow.numel() or crow[0] != 0 or crow[-1] != columns.numel() or (counts < 0).any():
        raise RuntimeError(f"_convert_indices_from_csr_to_coo: crow_indices must rise from 0 to the number of columns, {columns.numel()}.")
    rows = torch.repeat_interleave(torch.arange(counts.numel(), device=crow.device), counts)
    both = (columns, rows) if transpose else (rows, columns)
    return torch.stack([x.to(torch.int32 if out_int32 else torch.int64) for x in both])

"""Products of groups of rows or columns, each with a matrix of its own."""


def _torch():
    """The public namespace: operations of families that come later."""
    import pyxtorch

    return pyxtorch


def grouped_mm(mat_a, mat_b, *, offs=None, bias=None, out_dtype=None):
    """Products of groups: group g ends at `offs[g]`.

    Args:
        mat_a, mat_b: (M, K) and (G, K, N): groups of rows, gives (M, N). (G, M, K) and (K, N): groups of columns, gives (M, N).
            (M, K) and (K, N): groups of the terms of the sum, gives (G, M, N). (G, M, K) and (G, K, N): no `offs`.
        offs: int32 tensor of G ends. out_dtype: the dtype of the result; that of mat_a by default.
    Raises:
        RuntimeError: `offs` is missing or too many, or sizes do not fit..
    """
    if bias is not None:
        raise RuntimeError("grouped_mm: a bias is not taken; add it to the result.")
    if (offs is None) != (mat_a.dim() == 3 and mat_b.dim() == 3):
        raise RuntimeError("grouped_mm: offs says where groups end; it goes with at least one matrix, and not with two stacks of matrices.")
    if offs is None:
        result = mat_a @ mat_b
        return result if out_dtype is None else result.to(out_dtype)
    ends = [int(e) for e in offs]
    groups = list(zip([0, *ends[:-1]], ends))
    length = {(2, 3): mat_a.shape[0], (3, 2): mat_b.shape[-1], (2, 2): mat_a.shape[-1]}.get((mat_a.dim(), mat_b.dim()))
    if length is None:
        raise RuntimeError(f"grouped_mm: expected matrices or stacks of them, got {mat_a.dim()} and {mat_b.dim()} dimensions.")
    if any(a > b for a, b in groups) or (ends and ends[-1] > length):
        raise RuntimeError(f"grouped_mm: offs {ends} must not fall, nor go beyond {length}.")
    stack = mat_a if mat_a.dim() == 3 else mat_b if mat_b.dim() == 3 else None
    if stack is not None and len(stack) != len(ends):
        raise RuntimeError(f"grouped_mm: {len(stack)} matrices for {len(ends)} groups.")
    if mat_a.dim() == 2 and mat_b.dim() == 3:
        parts = [mat_a[a:b] @ m for (a, b), m in zip(groups, mat_b)]
        parts.append(mat_a.new_zeros(length - (ends[-1] if ends else 0), mat_b.shape[-1]))
        result = _torch().cat(parts)
    elif mat_a.dim() == 3:
        parts = [m @ mat_b[:, a:b] for (a, b), m in zip(groups, mat_a)]
        parts.append(mat_a.new_zeros(mat_a.shape[1], length - (ends[-1] if ends else 0)))
        result = _torch().cat(parts, 1)
    else:
        result = _torch().stack([mat_a[:, a:b] @ mat_b[a:b] for a, b in groups])
    return result if out_dtype is None else result.to(out_dtype)


functional = ["grouped_mm"]

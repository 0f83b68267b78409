"""torch.nn._reduction: the old arguments of losses, and the numbers that stand for reductions."""
import warnings

__all__ = ["get_enum", "legacy_get_enum", "legacy_get_string"]

_NUMBERS = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def get_enum(reduction):
    """0 for "none", 1 for "mean", 2 for "sum"; ValueError for anything else."""
    if reduction not in _NUMBERS:
        raise ValueError(f"{reduction} is not a valid value for reduction: it is one of 'none', 'mean' and 'sum'.")
    return _NUMBERS[reduction]


def legacy_get_string(size_average, reduce, emit_warning=True):
    """What `size_average` and `reduce` mean, as a reduction."""
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    if emit_warning:
        warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=4)
    return reduction


def legacy_get_enum(size_average, reduce, emit_warning=True):
    """The number of what `size_average` and `reduce` mean."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))

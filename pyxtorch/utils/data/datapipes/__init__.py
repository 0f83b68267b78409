"""Data pipes: datasets that are put together of small steps, `IterableWrapper(x).map(f).shuffle().batch(4)`."""
from pyxtorch.utils.data.datapipes import iter, map  # noqa: A004

__all__ = ["iter", "map"]

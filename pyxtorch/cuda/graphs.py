"""CUDA graphs, which are not recorded here: what programs ask of them before they use one."""

__all__ = ["CUDAGraph", "graph", "is_current_stream_capturing"]


class _NotMade:
    def __new__(cls, *args, **kwargs):
        raise RuntimeError(f"{cls.__name__}: CUDA graphs are not recorded by pyxtorch. Run the operations themselves.")


class CUDAGraph(_NotMade):
    """A recording of GPU work, for annotations and `isinstance`; there is none.

    Raises:
        RuntimeError: always where one is to be made, as in PyTorch without CUDA.
    """


class graph(_NotMade):
    """The context in which work is recorded; as CUDAGraph."""


def is_current_stream_capturing():
    """Whether the current stream's work is being recorded: never."""
    return False

"""torch.utils.ffi of early PyTorch, which compiled C code against its C structures of tensors: these are not there."""

__all__ = ["create_extension"]


def create_extension(name, headers, sources, verbose=True, with_cuda=False, package=False, relative_to=".", **kwargs):
    """Of early PyTorch, for C code that takes a THFloatTensor.

    Raises:
        ImportError: always, as in PyTorch since 1.0: the error says what to use.
    """
    raise ImportError(
        f"torch.utils.ffi cannot build {name!r}: there is no THTensor in C. Write the function in Cython, which cimports pyxtorch "
        "(pyxtorch.get_include() has the headers), or take tensor.data_ptr() by ctypes or cffi."
    )

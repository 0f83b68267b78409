"""torch.__config__: how the package was built."""
__all__ = ["parallel_info", "show"]


def show():
    """A text: what the package stands on, and which kernels are in use."""
    import numpy
    import scipy

    import pyxtorch
    from pyxtorch.kernels import cpu

    return (f"pyxtorch, with the names of PyTorch {pyxtorch.version.torch}\n  - NumPy {numpy.__version__}, SciPy {scipy.__version__}\n"
            f"  - CPU kernels of level {cpu.level} ({pyxtorch.backends.cpu.get_cpu_capability()})\n"
            "  - GPU: NVRTC and cuBLAS, opened when they are first used\n")  # fmt: skip


def parallel_info():
    """A text: how many threads there are."""
    import os

    import pyxtorch

    threads = f"get_num_threads() : {pyxtorch.get_num_threads()}\n\tget_num_interop_threads() : {pyxtorch.get_num_interop_threads()}"
    return f"pyxtorch's pool of threads:\n\t{threads}\nstd::thread::hardware_concurrency() : {os.cpu_count()}\nOMP_NUM_THREADS : {os.environ.get('OMP_NUM_THREADS', '[not set]')}\n"

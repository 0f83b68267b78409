"""torch.backends.openmp: OpenMP is not used."""
__all__ = ["is_available"]


def is_available():
    """False: this library is not used."""
    return False

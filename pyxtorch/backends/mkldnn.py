"""torch.backends.mkldnn: oneDNN is not used."""
__all__ = ["is_available"]


def is_available():
    """False: this library is not used."""
    return False


enabled = False  # a switch that is kept

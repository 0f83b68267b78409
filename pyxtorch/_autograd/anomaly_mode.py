"""torch.autograd.anomaly_mode: stop backward at the first gradient that is not a number."""
from pyxtorch.autograd import is_anomaly_enabled, set_anomaly

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Whether backward raises RuntimeError, naming the operation, where one gives nan: from now on, or in a `with` block.

    Args:
        mode: whether to look. Looking reads every gradient, so it is slow.
        check_nan: False: do not look after all.
    """

    def __init__(self, mode, check_nan=True):
        self.before = is_anomaly_enabled()
        set_anomaly(bool(mode and check_nan))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        set_anomaly(self.before)


class detect_anomaly:
    """`with detect_anomaly(): ...` looks for nan in backward; see set_detect_anomaly."""

    def __init__(self, check_nan=True):
        self.check_nan = check_nan

    def __enter__(self):
        self.before = is_anomaly_enabled()
        set_anomaly(bool(self.check_nan))

    def __exit__(self, *exc):
        set_anomaly(self.before)

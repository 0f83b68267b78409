"""torch.autograd.anomaly_mode: stop backward at a gradient that is not a number, and say where it came from."""
import threading

from pyxtorch._tape.sites import Changes, tell_watchers
from pyxtorch.autograd import is_anomaly_enabled, set_anomaly

__all__ = ["detect_anomaly", "set_detect_anomaly"]

def _explain(kind, *run):
    from pyxtorch.autograd.blaming import explain

    explain(kind, *run)


_notes = threading.local()  # this thread's Changes
_look_for_inf = False


def _switch(mode, inf):
    """Turn anomaly mode on or off; whether it looked for inf before."""
    global _look_for_inf
    before, _look_for_inf = _look_for_inf, inf
    changes = mode != is_anomaly_enabled()
    set_anomaly(mode, _explain if mode else None)
    if changes:
        tell_watchers(mode)
    changes = _notes.__dict__.get("changes")
    if changes is not None:
        changes.stop()
    _notes.changes = Changes() if mode else None
    if mode:
        _notes.changes.start()
    return before


def looks_for_inf():
    """Whether gradients that are infinite are errors, too."""
    return _look_for_inf


class set_detect_anomaly:
    """Whether backward raises RuntimeError where it gives nan: from now on, or in a `with` block.

    The error names the operation, its inputs, the module, and the line of the program (`autograd.blame`). Only the gradients that
    backward gives are looked at; where one has nan, the graph is run again to find out where it began.

    Args:
        mode: whether to look.
        check_nan: False: do not look after all.
        check_inf: infinite gradients are errors, too. PyTorch does not have it.
    """

    def __init__(self, mode, check_nan=True, check_inf=False):
        self.before = is_anomaly_enabled()
        self.inf = _switch(bool(mode and (check_nan or check_inf)), bool(check_inf))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        _switch(self.before, self.inf)


class detect_anomaly:
    """`with detect_anomaly(): ...` looks for nan in backward; see set_detect_anomaly."""

    def __init__(self, check_nan=True, check_inf=False):
        self.check_nan, self.check_inf = check_nan, check_inf

    def __enter__(self):
        self.before = is_anomaly_enabled()
        self.inf = _switch(bool(self.check_nan or self.check_inf), bool(self.check_inf))

    def __exit__(self, *exc):
        _switch(self.before, self.inf)

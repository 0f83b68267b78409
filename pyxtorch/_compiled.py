"""`compile(f)`: which call is recorded, which is replayed, and which runs as it is (docs/compile.md)."""
import os
import warnings

from pyxtorch._guards import hook_tables, leaves_of
from pyxtorch._recorder import Miss, Recording, recording_here
from pyxtorch.autograd import Variable
from pyxtorch.nn.modules._hooks import everywhere
from pyxtorch.optim.optimizer import _global_post_hooks, _global_pre_hooks

# Hooks of all modules and of all optimisers: while any hangs, nothing is recorded or replayed.
hook_tables.extend((everywhere, _global_pre_hooks, _global_post_hooks))

MOST = 64           # recordings that a function keeps
TRIES = 4           # recordings of one signature that may differ before it runs as it is
MISSES = 16         # recordings in a row, without a replay between them, after which it does, too
_off = os.environ.get("PYXTORCH_COMPILE") == "0"


def _key(leaves):
    """The signature of a call."""
    return tuple(
        (tuple(x.shape), x.stride(), x.dtype, str(x.device), x.requires_grad) if isinstance(x, Variable)
        else (type(x), x) if isinstance(x, (int, float, bool, str, type(None), tuple)) else id(x)
        for x in leaves
    )  # fmt: skip


class _Signature:
    """What is known of the calls with one signature."""

    def __init__(self):
        self.last, self.failures, self.misses, self.reason, self.eager, self.replayed = None, 0, 0, None, False, 0


class Compiled:
    """A function with the recordings of its calls."""

    def __init__(self, function):
        self.function = function
        self.ready, self.signatures = [], {}
        self.counts = {"replayed": 0, "recorded": 0, "eager": 0}

    def __call__(self, *args, **kwargs):
        if _off or recording_here():
            return self.function(*args, **kwargs)
        leaves, _ = leaves_of(args, kwargs)
        ready = self.ready
        for i, r in enumerate(ready):
            if r.accepts(leaves):
                try:
                    result = r.replay(leaves)
                except Miss:
                    self.counts["eager"] += 1
                    return self.function(*args, **kwargs)
                self.counts["replayed"] += 1
                if i:
                    ready.insert(0, ready.pop(i))
                return result
        return self._record(leaves, args, kwargs)

    def _record(self, leaves, args, kwargs):
        try:
            key = _key(leaves)
            known = self.signatures.get(key)
        except TypeError:  # something that cannot be hashed
            self.counts["eager"] += 1
            return self.function(*args, **kwargs)
        if known is None:
            if len(self.signatures) >= 4 * MOST:
                self.signatures.pop(next(iter(self.signatures)))
            known = self.signatures[key] = _Signature()
        if known.eager:
            self.counts["eager"] += 1
            return self.function(*args, **kwargs)
        self.counts["recorded"] += 1
        r, before = Recording(), known.last
        known.last = None
        r.record(self.function, args, kwargs, True, before)
        value = r.take()
        if r.why is not None:
            self._fail(known, r.why, 1 if r.why.startswith("it changes what") else 2)
        elif before is not None and before.same(r):
            wrong = r.trial(r.pre)
            if wrong:
                self._fail(known, f"a replay on trial differs from the call in {wrong}: something is computed outside the kernels", 2)
            else:
                self.ready.insert(0, r)
                del self.ready[MOST:]
                known.failures = 0
                known.misses = known.misses + 1 if self.counts["replayed"] == known.replayed else 1
                known.replayed = self.counts["replayed"]
                if known.misses > MISSES:
                    self._fail(known, f"it was recorded {MISSES} times, and each time something else that it depends on has changed", TRIES)
        else:
            known.last = r
            if before is not None:
                self._fail(known, "two calls with the same arguments did different things", 1)
                known.last = r
        return value

    def _fail(self, known, reason, weight):
        known.failures += weight
        known.reason = reason
        known.last = None
        if known.failures >= TRIES:
            known.eager = True
            if weight == TRIES:
                warnings.warn(f"compile: {self._name()} runs as it is from now on: {reason}.", stacklevel=4)

    def __getstate__(self):  # recordings are of this process and these tensors
        return {"function": self.function}

    def __setstate__(self, state):
        self.__init__(**state)

    def _name(self):
        return getattr(self.function, "__qualname__", type(self.function).__name__)

    def explain(self):
        """What became of the calls: a text for people to read."""
        c = self.counts
        lines = [f"{self._name()}: {c['replayed']} calls replayed, {c['recorded']} recorded, {c['eager']} as they are"]
        for r in self.ready:
            lines.append(f"  replayed: {r.calls} kernel calls, {r.pool} bytes of memory of its own, {len(r.guards)} guards")
            broken = r.guards.broken()
            if broken is not None:
                lines.append(f"    not now, as this has changed: {broken}")
        for s in self.signatures.values():
            if s.reason is not None and (s.eager or s.failures):
                lines.append(f"  {'as it is' if s.eager else 'not yet'}: {s.reason}")
        return "\n".join(lines)

    def reset(self):
        """Forget all recordings."""
        self.ready, self.signatures = [], {}

"""Autocast's state in each thread, and the casts.

The lists are data (`_lists.py`). A weight in float32, a leaf that requires grad, is cast once in a region: later operations get the same
cast tensor as long as the weight has not changed, and its gradients come together there on their way to the weight.
"""
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE
from pyxtorch._beneath cimport Caster, set_caster
from pyxtorch._compound cimport has_compound
from pyxtorch._core cimport BFLOAT16, CPU, CUDA, FLOAT16, FLOAT32, REQUIRES_GRAD, TensorBase, device, dtype as Dtype, dtype_code, dtype_of, is_floating
from pyxtorch.autograd cimport Variable, grad_enabled, state_of
from pyxtorch.ops.shape cimport to_dtype

import threading

from pyxtorch.amp import _lists

cdef enum:
    LOWER, FLOAT, UNLESS, WIDEST, MIXED, ROUNDED, BANNED, OPEN

cdef dict policies = {"lower": LOWER, "float": FLOAT, "unless": UNLESS, "widest": WIDEST, "mixed": MIXED, "rounded": ROUNDED, "banned": BANNED, "open": OPEN}
cdef tuple devices = ("cpu", "cuda")
cdef int[2] codes = [CPU, CUDA]


cdef dict table_of(str kind):
    """name: ((policy, condition or None), ...)."""
    table = {}
    for policy, names in _lists.LISTS[kind].items():
        for entry in names.split():
            name, _, condition = entry.partition(":")
            table[name] = (*table.get(name, ()), (policies[policy], _lists.CONDITIONS[condition] if condition else None))
    return table


cdef tuple tables = (table_of("cpu"), table_of("cuda"))


cdef int place_of(object kind) except -1:
    if not isinstance(kind, str):
        raise TypeError(f"autocast: device_type must be str, not {type(kind).__name__}")
    if kind not in devices:
        raise RuntimeError(f"autocast: unsupported device_type {kind!r}; there are lists for 'cpu' and 'cuda'.")
    return devices.index(kind)


cdef class State(Caster):
    """What autocast does in one thread."""
    cdef bint[2] on
    cdef int[2] lower
    cdef int round_to
    cdef bint caching
    cdef int nesting
    cdef dict cache         # id of a weight: (weight, its state when it was cast, the cast)
    cdef readonly list entered      # what `autocast` objects put back

    def __cinit__(self):
        self.on[:] = [False, False]
        self.lower[:] = [BFLOAT16, FLOAT16]
        self.caching = True
        self.cache = {}
        self.entered = []

    cdef list cast(self, str name, PyObject* const* args, Py_ssize_t n, PyObject* names):
        cdef list given = None
        cdef int at
        self.rounds = self.open = False
        for at in range(2):
            if self.on[at]:
                rules = (<dict>tables[at]).get(name)
                if rules is not None:
                    if given is None:
                        if out_given(args, n, names) or has_compound(args, n):     # other layouts: `sparse` sees to them
                            return None
                        given = [<object>args[i] for i in range(n)]
                    for policy, condition in <tuple>rules:
                        if condition is None or meets(condition, args, n, names):
                            self.apply(policy, at, given, name)
        return given

    cdef int apply(self, int policy, int at, list given, str name) except -1:
        cdef int dt = FLOAT32
        if policy == OPEN:
            self.open = True
            return 0
        if policy == BANNED:
            if has_eligible(given, codes[at]):
                raise RuntimeError(
                    f"torch.nn.functional.{name} and torch.nn.BCELoss are unsafe to autocast. Many models use a sigmoid layer right before the "
                    "binary cross entropy layer. In this case, combine the two layers using torch.nn.functional.binary_cross_entropy_with_logits "
                    "or torch.nn.BCEWithLogitsLoss, which are safe to autocast."
                )
            return 0
        if policy == LOWER:
            dt = self.lower[at]
        elif policy == UNLESS:
            for x in given:
                if isinstance(x, Dtype):
                    return 0
        elif policy == WIDEST:
            dt = widest(given, codes[at], self.lower[at], True)
        elif policy == MIXED:
            state = given[1] if len(given) > 1 else None
            if len(given) > 2 and isinstance(state, TensorBase) and not is_floating((<TensorBase>state).dt):
                state = given[2]        # of a packed sequence: its sizes come first
            dt = widest([state], codes[at], self.lower[at], False)
        if policy == ROUNDED and has_eligible(given, codes[at]):
            self.rounds, self.round_to = True, self.lower[at]
        self.cast_all(given, codes[at], dt, at, 2)
        return 0

    cdef object rounded(self, object result):
        return to_dtype(result, self.round_to)

    cdef int cast_all(self, list given, int dev, int dt, int at, int depth) except -1:
        cdef Py_ssize_t i
        cdef list inner
        for i in range(len(given)):
            x = given[i]
            if isinstance(x, TensorBase):
                if eligible(<TensorBase>x, dev) and (<TensorBase>x).dt != dt:
                    given[i] = self.cast_one(<Variable>x, dt, at)
            elif depth and isinstance(x, (list, tuple)):
                inner = list(x)
                self.cast_all(inner, dev, dt, at, depth - 1)
                if type(x) is list or type(x) is tuple:
                    given[i] = inner if type(x) is list else tuple(inner)
        return 0

    cdef Variable cast_one(self, Variable x, int dt, int at):
        if not (self.caching and dt == self.lower[at] and x.dt == FLOAT32 and x.flags & REQUIRES_GRAD and x._grad_fn is None and x._base is None):
            return to_dtype(x, dt)
        kept = self.cache.get(id(x))
        if kept is not None:
            y = <Variable>(<tuple>kept)[2]
            if (<tuple>kept)[1] == state_of(x) and y.dt == dt and (y.flags & REQUIRES_GRAD or not grad_enabled()):
                return y
        y = to_dtype(x, dt)
        self.cache[id(x)] = (x, state_of(x), y)
        return y


cdef inline bint eligible(TensorBase x, int dev) noexcept:
    return FLOAT16 <= x.dt <= FLOAT32 and x.dev == dev


cdef bint has_eligible(given, int dev):
    for x in given:
        if isinstance(x, TensorBase) and eligible(<TensorBase>x, dev):
            return True
    return False


cdef int widest(given, int dev, int lower, bint strict) except -1:
    """`lower`, or float32 where one of the tensors is that: it makes up for any half precision after it, as in PyTorch."""
    cdef int found = lower
    for x in given:
        if found == FLOAT32:
            break
        if isinstance(x, TensorBase):
            if eligible(<TensorBase>x, dev) and (<TensorBase>x).dt != lower:
                if strict and (<TensorBase>x).dt != FLOAT32:
                    raise RuntimeError(
                        f"Unexpected floating ScalarType in at::autocast::prioritize: {dtype_of((<TensorBase>x).dt)!r} in a region of "
                        f"{dtype_of(lower)!r}. Convert the tensor to the region's dtype or to float32."
                    )
                found = FLOAT32
        elif isinstance(x, (list, tuple)):
            found = widest(x, dev, lower, strict)
    return found


cdef bint out_given(PyObject* const* args, Py_ssize_t n, PyObject* names):
    if names == NULL:
        return False
    named = <tuple>names
    for i in range(len(named)):
        if named[i] == "out":
            return <object>args[n - len(named) + i] is not None
    return False


cdef bint meets(object condition, PyObject* const* args, Py_ssize_t n, PyObject* names) except -1:
    """Whether a call meets a condition. What the condition cannot take is left to the operation, which says what is wrong."""
    cdef Py_ssize_t named = 0 if names == NULL else PyTuple_GET_SIZE(<tuple>names)
    positional = [<object>args[i] for i in range(n - named)]
    keywords = {(<tuple>names)[i]: <object>args[n - named + i] for i in range(named)}
    try:
        return condition(*positional, **keywords)
    except (TypeError, AttributeError):
        return False


# -------------------------------------------------------------------------------------- this thread's state, for Python

_threads = threading.local()


cdef State mine():
    try:
        return <State>_threads.state
    except AttributeError:
        _threads.state = state = State()
        return state


cdef int switch(State state, int at, bint enabled) except -1:
    state.on[at] = enabled
    return set_caster(state if state.on[0] or state.on[1] else None)


def is_autocast_available(device_type):
    """Whether there are lists for a type of device."""
    if not isinstance(device_type, str):
        raise TypeError(f"is_autocast_available: device_type must be str, not {type(device_type).__name__}")
    return device_type in devices


def is_autocast_enabled(device_type="cuda"):
    """Whether operations on this type of device are autocast in this thread; never on those of PyTorch's that pyxtorch does not have."""
    if isinstance(device_type, str) and device_type not in devices:
        device(device_type)                      # an error where PyTorch does not know it either
        return False
    return mine().on[place_of(device_type)]


def set_autocast_enabled(device_type, enabled=None):
    """Switch autocast on or off in this thread; `set_autocast_enabled(enabled)` is about "cuda"."""
    if enabled is None:
        device_type, enabled = "cuda", device_type
    if not isinstance(enabled, bool):
        raise TypeError(f"set_autocast_enabled: enabled must be bool, not {type(enabled).__name__}")
    switch(mine(), place_of(device_type), enabled)


def get_autocast_dtype(device_type):
    """The dtype of this thread's regions on a type of device: bfloat16 on "cpu" and float16 on "cuda" unless it was set."""
    return dtype_of(mine().lower[place_of(device_type)])


def set_autocast_dtype(device_type, dtype):
    """Set the dtype of this thread's regions on a type of device."""
    state = mine()
    at = place_of(device_type)
    state.lower[at] = dtype_code(dtype)


def is_autocast_cache_enabled():
    """Whether weights are cast once in a region."""
    return mine().caching


def set_autocast_cache_enabled(enabled):
    """Whether weights are cast once in a region, or anew for each operation."""
    if not isinstance(enabled, bool):
        raise TypeError(f"set_autocast_cache_enabled: enabled must be bool, not {type(enabled).__name__}")
    mine().caching = enabled


def clear_autocast_cache():
    """Forget the casts of weights. Leaving the outermost region does."""
    mine().cache.clear()


def autocast_increment_nesting():
    """Count one region more in this thread, and return how many there are."""
    state = mine()
    state.nesting += 1
    return state.nesting


def autocast_decrement_nesting():
    """Count one region less in this thread, and return how many there are."""
    state = mine()
    state.nesting -= 1
    return state.nesting


def enter_region(str kind, bint enabled, lower, bint caching):
    """Put a region into force in this thread, and remember what was."""
    state = mine()
    at = place_of(kind)
    code = dtype_code(lower)
    state.entered.append((at, state.on[at], state.lower[at], state.caching))
    state.lower[at] = code
    state.caching = caching
    state.nesting += 1
    switch(state, at, enabled)


def leave_region():
    """Put back what was before the region entered last."""
    state = mine()
    at, enabled, lower, caching = state.entered.pop()
    state.nesting -= 1
    if state.nesting <= 0:
        state.cache.clear()
    state.lower[at] = lower
    state.caching = caching
    switch(state, at, enabled)

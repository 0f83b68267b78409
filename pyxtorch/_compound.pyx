"""Compound tensors: those whose elements lie in other tensors, as a sparse one's do.

The tensor itself has a shape, a dtype, a place in the graph, and no memory: it lies on the device meta. Its `Parts` say what is done
with it: the gate (_gate.pyx), which every operation passes, asks them. docs/architecture.md, "Sparse tensors".
"""
cimport cython
from cpython.object cimport PyObject
from pyxtorch._beneath cimport watch
from pyxtorch._core cimport CONTIGUOUS, META, TensorBase, adopt, bump, new_empty

cdef extern from "Python.h":
    int PyList_Check(PyObject*)
    int PyTuple_Check(PyObject*)
    PyObject** PySequence_Fast_ITEMS(PyObject*)
    Py_ssize_t PySequence_Fast_GET_SIZE(PyObject*)

cdef int compounds = 0          # how many `Parts` live


@cython.binding(False)
cdef class Parts:
    """What a compound tensor (a sparse one) consists of: as long as it lives, operations look at their arguments.

    A subclass has a method `handler(func)`: the function that does what `func`, called as in `__torch_function__`, does for
    such tensors; None where the operation itself is right; an error where there is nothing of the kind.
    """

    def __cinit__(self):
        global compounds
        compounds += 1
        watch(1)

    def __dealloc__(self):
        global compounds
        compounds -= 1
        watch(-1)

    def handler(self, func):
        raise NotImplementedError(f"{func!r}: is not there for {type(self).__name__}.")


def compound(TensorBase x not None, Parts parts not None):
    """Make a meta tensor that nobody has used yet a compound one. Returns it."""
    x.flags = (x.flags & ~CONTIGUOUS) | COMPOUND
    x._extra = {"parts": parts}
    return x


def parts_of(x):
    """What a compound tensor consists of; None for any other object."""
    if isinstance(x, TensorBase) and (<TensorBase>x).flags & COMPOUND:
        return (<TensorBase>x)._extra["parts"]
    return None


def change_parts(TensorBase x not None, TensorBase y not None):
    """Give a compound tensor the parts, the shape and the dtype of another one, as an operation in place does."""
    if not x.flags & y.flags & COMPOUND:
        raise TypeError("change_parts: both must be compound tensors.")
    adopt(x, y)
    x._extra["parts"] = y._extra["parts"]
    bump(x)


def put_grad(TensorBase x not None, g):
    """Set `.grad` without a look at what it is."""
    x._grad = g


@cython.binding(False)
cdef class Slices(Parts):
    """What a batched value consists of (pyxtorch/_batching): all slices as one tensor, the batch as dimension 0, and the level it is of."""
    cdef readonly object physical, level

    def __init__(self, physical, level):
        self.physical = physical
        self.level = level


def shell(Slices parts not None):
    """The compound tensor that has the shape and the dtype of one slice."""
    cdef TensorBase x = parts.physical
    cdef TensorBase y
    if x.nd == 0:
        raise ValueError("shell: a number has no slices.")
    y = new_empty(x.nd - 1, x.sizes + 1, x.dt, META, 0)
    y.flags = (y.flags & ~CONTIGUOUS) | COMPOUND
    y._extra = {"parts": parts}
    return y


def slices_of(x):
    """The `Slices` of a batched value; None for any other object."""
    if isinstance(x, TensorBase) and (<TensorBase>x).flags & COMPOUND:
        parts = (<TensorBase>x)._extra["parts"]
        return parts if isinstance(parts, Slices) else None
    return None


def alike(tuple args, level):
    """`args` with physical tensors in place of values batched at `level`, if all tensors have one dtype and number of dimensions; else None."""
    cdef TensorBase x
    cdef int nd = -1
    cdef int dt = 0
    cdef list found = []
    for a in args:
        if isinstance(a, TensorBase):
            x = a
            if nd < 0:
                nd, dt = x.nd, x.dt
            elif nd != x.nd or dt != x.dt:
                return None
            if x.flags & COMPOUND:
                parts = x._extra["parts"]
                if isinstance(parts, Slices) and (<Slices>parts).level is level:
                    a = (<Slices>parts).physical
        elif isinstance(a, (list, tuple)):
            return None
        found.append(a)
    return found


cdef Slices last_among(values, int depth, Slices last):
    for x in values:
        if isinstance(x, TensorBase):
            if (<TensorBase>x).flags & COMPOUND:
                parts = (<TensorBase>x)._extra["parts"]
                if isinstance(parts, Slices) and (last is None or (<Slices>parts).level.number > last.level.number):
                    last = parts
        elif depth and isinstance(x, (list, tuple)):
            last = last_among(x, depth - 1, last)
    return last


def innermost(tuple args, dict kwargs):
    """The innermost level that a batched value among these arguments, or in lists among them, is of; None if there is none."""
    cdef Slices last = last_among(args, 2, None)
    if kwargs:
        last = last_among(kwargs.values(), 2, last)
    return None if last is None else last.level


# ------------------------------------------------------------------------ operations on batched values

cdef type batches = None


def batches_are(type kind not None):
    """Take the class whose instances `wrap` makes."""
    global batches
    batches = kind


def wrap(physical, level):
    """The shell of a tensor whose dimension 0 is the batch of `level`."""
    cdef Slices parts = batches.__new__(batches)
    if not isinstance(physical, TensorBase):
        raise TypeError(f"wrap: expected a tensor, got {type(physical).__name__}.")
    parts.physical = physical
    parts.level = level
    return shell(parts)


def wrap_all(result, level):
    """The same for the tensors in what an operation returns."""
    if isinstance(result, TensorBase):
        return wrap(result, level)
    if type(result) is tuple:
        return tuple([wrap_all(y, level) for y in result])
    if type(result) is list:
        return [wrap_all(y, level) for y in result]
    if isinstance(result, tuple):
        return type(result)._make([wrap_all(y, level) for y in result])
    return result


cdef class Plain:
    """A result of a rule that is the same for all slices, or is a batched value already."""
    cdef readonly object value

    def __init__(self, value):
        self.value = value


@cython.binding(False)
cdef class Call:
    """One call of an operation at one level, made by a `Runner`: what rules ask about its arguments."""
    cdef readonly object func, level, name, size

    cdef Slices parts(self, x):
        if isinstance(x, TensorBase) and (<TensorBase>x).flags & COMPOUND:
            parts = (<TensorBase>x)._extra["parts"]
            if isinstance(parts, Slices) and (<Slices>parts).level is self.level:
                return parts
        return None

    def is_batched(self, x):
        return self.parts(x) is not None

    def raw(self, x):
        """The physical tensor of a value batched at this level; anything else as it is."""
        cdef Slices parts = self.parts(x)
        return x if parts is None else parts.physical

    def lead(self, x):
        """The physical tensor with the batch as dimension 0; of what is not batched, expanded."""
        cdef Slices parts = self.parts(x)
        if parts is not None:
            return parts.physical
        return x.unsqueeze(0).expand(self.size, *x.shape) if isinstance(x, TensorBase) else x

    def aligned(self, x, int rank):
        """The physical tensor of a value as if it had `rank` dimensions: ones stand after the batch."""
        cdef Slices parts = self.parts(x)
        if parts is None:
            return x
        x = parts.physical
        cdef int missing = rank + 1 - (<TensorBase>x).nd
        return x.reshape(self.size, *[1] * missing, *x.shape[1:]) if missing > 0 else x


cdef class Runner:
    """What runs instead of an operation on batched values: its rule.

    Args: title: its name in messages. composed: the rule is called with the batched values themselves. broadcast: where all tensors have
        one dtype and number of dimensions, the operation is right on physical tensors.
    """
    cdef object func, rule, name, title
    cdef bint composed, broadcast

    def __init__(self, func, name, rule, title, bint composed, bint broadcast):
        self.func, self.name, self.rule, self.title, self.composed, self.broadcast = func, name, rule, title, composed, broadcast

    def __call__(self, *args, **kwargs):
        level = innermost(args, kwargs)
        cdef Call call
        if kwargs and kwargs.get("out") is not None:
            raise RuntimeError(f"{self.title}: out= variants are not supported by vmap. Use the operation without out=.")
        if level is None:
            raise RuntimeError(f"{self.title}: batched values lie too deep among the arguments.")
        if self.composed:
            return self.rule(*args, **kwargs)
        if self.broadcast and not kwargs:
            physical = alike(args, level)
            if physical is not None:
                return wrap_all(self.func(*physical), level)
        call = Call.__new__(Call)
        call.func, call.level, call.name, call.size = self.func, level, self.name, level.size
        result = self.rule(call, *args, **kwargs)
        return (<Plain>result).value if type(result) is Plain else wrap_all(result, level)


cdef Parts compound_among(PyObject* const* args, Py_ssize_t n, int depth):
    """The parts of the first compound tensor among `args` or in lists among them; None if there is none."""
    cdef Py_ssize_t i
    cdef Parts parts = None
    for i in range(n):
        if args[i] == NULL:
            continue
        if isinstance(<object>args[i], TensorBase):
            if (<TensorBase>args[i]).flags & COMPOUND:
                return (<TensorBase>args[i])._extra["parts"]
        elif depth and (PyList_Check(args[i]) or PyTuple_Check(args[i])):
            parts = compound_among(PySequence_Fast_ITEMS(args[i]), PySequence_Fast_GET_SIZE(args[i]), depth - 1)
            if parts is not None:
                return parts
    return None


cdef bint has_compound(PyObject* const* args, Py_ssize_t n) except -1:
    return compounds and compound_among(args, n, 2) is not None


cdef object compound_handler(object func, str attribute, PyObject* const* args, Py_ssize_t n):
    cdef Parts parts = compound_among(args, n, 2) if compounds else None
    if parts is None:
        return None
    return parts.handler(func if attribute is None else getattr(func, attribute))


cdef object compound_slot(object func, tuple args, bint comparison):
    cdef Parts parts = compound_among(PySequence_Fast_ITEMS(<PyObject*>args), len(args), 2)
    other = args[len(args) - 1]
    if comparison and not (isinstance(other, TensorBase) or hasattr(other, "__float__") or hasattr(other, "__complex__")):
        return NotImplemented
    return parts.handler(func)(*args)

"""The gate: every public operation is an `Operation`, through which overrides pass.

Three kinds of code may want to see an operation instead of its running at once: a subclass of Tensor, or a foreign class,
with `__torch_function__`, and a mode that this thread has entered. `pyx_watching` counts the reasons there are to look: live
classes that override and have had an instance, and entered modes. While it is 0 an operation costs one load, one branch and one
call more than the function that it wraps. Otherwise the arguments are looked at, and whoever overrides is asked, in PyTorch's
order: the mode entered last, then arguments from left to right, subclasses before their superclasses.

Foreign classes cannot be counted before they are seen. They are found where the operation raises an error, as it must on what
is no tensor: if an argument then turns out to override, its class is counted from there on, and it is asked.

Operators, indexing and other C slots of Tensor, and attributes, are led here by `guard`. So no operation needs to know of this.
"""
cimport cython
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from pyxtorch._beneath cimport anything_beneath, dispatching, run_beneath, taken_over_by, watch_by
from pyxtorch._compound cimport compound_handler, compound_slot, has_compound
from pyxtorch._core cimport TensorBase

import weakref

cdef extern from "Python.h":
    ctypedef PyObject* (*vectorcallfunc)(PyObject*, PyObject* const*, size_t, PyObject*)
    ctypedef PyObject* (*ternaryfunc)(PyObject*, PyObject*, PyObject*)
    object call_vector "PyVectorcall_Call"(PyObject*, PyObject*, PyObject*)
    Py_ssize_t PyVectorcall_NARGS(size_t)
    object method_new "PyMethod_New"(PyObject*, PyObject*)
    void PyErr_Fetch(PyObject**, PyObject**, PyObject**)
    void PyErr_Restore(PyObject*, PyObject*, PyObject*)
    void Py_XDECREF(PyObject*)
    PyObject* PyErr_Occurred()
    int PyList_Check(PyObject*)
    int PyTuple_Check(PyObject*)
    PyObject** PySequence_Fast_ITEMS(PyObject*)
    Py_ssize_t PySequence_Fast_GET_SIZE(PyObject*)
    bint PyType_IsSubtype(PyTypeObject*, PyTypeObject*)
    PyTypeObject* Py_TYPE(PyObject*)

cdef extern from "pyxtorch/gate.h":
    int pyx_watching
    PyObject* pyx_modes
    int pyx_silent
    int pyx_around
    PyTypeObject* pyx_tensor
    PyObject* pyx_disabled
    PyObject* pyx_override_name
    PyObject* pyx_override(PyObject* x)
    ctypedef PyObject* (*pyx_slot_call)(int, void*, PyObject*, PyObject*, PyObject*)
    pyx_slot_call pyx_watched_slot
    vectorcallfunc pyx_watched_call
    vectorcallfunc pyx_after_error
    void pyx_prepare(PyObject* operation)
    ctypedef struct pyx_call:
        PyObject* self
        size_t n
        PyObject* names
        int kind
        void* raw
        PyObject* third
        bint mine
    PyObject* pyx_run_operation(void* call, PyObject* const* args) noexcept
    PyObject* pyx_run_slot(void* call, PyObject* const* args) noexcept


# --------------------------------------------------------------------------- who overrides

cdef dict counted = {}      # id of a class that overrides -> weak reference to it


def watch(cls):
    """Look at arguments as long as this class lives."""
    global pyx_watching
    key = id(cls)
    if key in counted:
        return

    def gone(_):
        global pyx_watching
        if counted.pop(key, None) is not None:
            pyx_watching -= 1

    counted[key] = weakref.ref(cls, gone)
    pyx_watching += 1


def instance_made(cls):
    """A tensor of a subclass is made: whether there is somebody more to ask."""
    if id(cls) not in counted and getattr(cls, "__torch_function__", None) is not <object>pyx_disabled:
        watch(cls)


def disabled_torch_function(func, types, args=(), kwargs=None):
    """The `__torch_function__` of classes that override nothing, such as Parameter: operations return plain tensors."""
    cdef int before = set_silent(2)
    try:
        return func(*args, **(kwargs or {}))
    finally:
        set_silent(before)


pyx_override_name = <PyObject*>"__torch_function__"
Py_INCREF("__torch_function__")
pyx_disabled = <PyObject*>disabled_torch_function
Py_INCREF(disabled_torch_function)


cdef int set_silent(int level) noexcept:
    global pyx_silent
    cdef int before = pyx_silent
    pyx_silent = level
    return before


cdef int hush() noexcept:
    global pyx_silent, pyx_around
    cdef int before = pyx_silent + 4 * pyx_around
    pyx_around = pyx_silent
    pyx_silent = 3
    return before


cdef void unhush(int before) noexcept:
    global pyx_silent, pyx_around
    pyx_silent = before & 3
    pyx_around = before >> 2


cdef int hear() noexcept:
    return set_silent(pyx_around if pyx_silent == 3 else pyx_silent)


cdef inline bint entered() noexcept:
    """Whether a mode is in force."""
    return pyx_modes != NULL and PySequence_Fast_GET_SIZE(pyx_modes) != 0 and pyx_silent < 2


cdef int gather(list found, PyObject* const* args, Py_ssize_t n, int depth) except -1:
    """Add those of `args` to `found` that override, one for each class, in the order in which they are to be asked."""
    cdef Py_ssize_t i, j, at
    cdef PyObject* x
    for i in range(n):
        x = args[i]
        if pyx_override(x) != NULL:
            at = len(found)
            for j in range(len(found)):
                if type(<object>x) is type(found[j]):
                    at = -1
                    break
                if at == len(found) and issubclass(type(<object>x), type(found[j])):
                    at = j
            if at >= 0:
                found.insert(at, <object>x)
        elif depth and (PyList_Check(x) or PyTuple_Check(x)):
            gather(found, PySequence_Fast_ITEMS(x), PySequence_Fast_GET_SIZE(x), depth - 1)
    return 0


cdef bint anyone(PyObject* const* args, Py_ssize_t n, int depth) noexcept:
    """Whether one of `args` overrides, or an item of a list among them (or of a list in a list)."""
    cdef Py_ssize_t i
    for i in range(n):
        if pyx_override(args[i]) != NULL:
            return True
        if depth and (PyList_Check(args[i]) or PyTuple_Check(args[i])):
            if anyone(PySequence_Fast_ITEMS(args[i]), PySequence_Fast_GET_SIZE(args[i]), depth - 1):
                return True
    return False


cdef list overriding(PyObject* const* args, Py_ssize_t n):
    """Whom to ask; None if there is nobody, which is what to return fast."""
    cdef list found
    if pyx_silent or not anyone(args, n, 2):
        return None
    found = []
    gather(found, args, n, 2)
    return found


cdef object ask(object func, list found, tuple args, dict kwargs):
    """What the mode in force, or the first of `found` that knows how, makes of `func(*args, **kwargs)`."""
    found = found or []
    types = tuple([type(x) for x in found])
    refused = []
    if entered():
        modes = <list>pyx_modes
        mode = modes.pop()
        try:
            result = (<Mode>mode).called(func, types, args, kwargs)
        finally:
            modes.append(mode)
        if result is not NotImplemented:
            return result
        refused.append(f"mode object {mode!r}")
    for x in found:
        result = x.__torch_function__(func, types, args, kwargs)
        if result is not NotImplemented:
            return result
        refused.append(f"{'tensor subclass' if isinstance(x, TensorBase) else 'class'} {type(x)!r}")
    lines = "".join(f"\n\n  - {who}" for who in refused)
    raise TypeError(
        f"Multiple dispatch failed for {name_of(func)!r}; no implementation found for it on types that implement __torch_function__: "
        f"all of these handlers returned NotImplemented:{lines}"
    )


def name_of(func):
    """The public name of what an override is given, such as 'torch.add' or 'torch.Tensor.shape.__get__'."""
    from pyxtorch import _sources
    return _sources.name_of(func)


# ---------------------------------------------------------------------------------- modes

@cython.binding(False)
cdef class Mode:
    cdef object called(self, object func, tuple types, tuple args, dict kwargs):
        return self.__torch_function__(func, types, args, kwargs)

    def __enter__(self):
        push_mode(self)
        return self

    def __exit__(self, kind, error, trace):
        pop_mode()


def push_mode(Mode mode not None):
    """Put a mode into force in this thread."""
    global pyx_watching, pyx_modes
    if pyx_modes == NULL:
        modes = []
        Py_INCREF(modes)
        pyx_modes = <PyObject*>modes
    (<list>pyx_modes).append(mode)
    pyx_watching += 1


def pop_mode():
    """Take the mode entered last out of force, and return it."""
    global pyx_watching
    if pyx_modes == NULL or not <list>pyx_modes:
        raise RuntimeError("TorchFunctionMode: there is no mode to leave in this thread.")
    pyx_watching -= 1
    return (<list>pyx_modes).pop()


def entered_modes():
    """The modes of this thread, the one entered last at the end."""
    return [] if pyx_modes == NULL else list(<list>pyx_modes)


def entered_mode():
    """The mode that this thread entered last, or None."""
    return (<list>pyx_modes)[-1] if pyx_modes != NULL and <list>pyx_modes else None


@cython.binding(False)
cdef class _Silence:
    """A context in which overrides of this thread are at another level."""
    cdef list before
    level = 0

    def __cinit__(self):
        self.before = []

    def __enter__(self):
        level = self.level
        self.before.append(set_silent(level if level == 0 or level > pyx_silent else pyx_silent))
        return self

    def __exit__(self, kind, error, trace):
        set_silent(self.before.pop())


class DisableTorchFunctionSubclass(_Silence):
    """A context in which `__torch_function__` of arguments is not called; modes are."""
    level = 1


class DisableTorchFunction(_Silence):
    """A context in which neither `__torch_function__` of arguments nor modes are called."""
    level = 2


class EnableTorchFunction(_Silence):
    """A context in which overrides are heard, whatever the surroundings say."""
    level = 0


def torch_function_enabled():
    """Whether `__torch_function__` of arguments is called in this thread."""
    return pyx_silent == 0


# ------------------------------------------------------------------- for those who override in Python

def has_torch_function(relevant_args):
    """Whether one of these arguments overrides operations, or a mode is in force."""
    cdef tuple args = tuple(relevant_args)
    return entered() or (pyx_silent == 0 and anyone(&(<PyObject**>PySequence_Fast_ITEMS(<PyObject*>args))[0], len(args), 0))


def watching():
    """Whether there is any reason to look at arguments."""
    return pyx_watching != 0


def has_torch_function_variadic(*args):
    """`has_torch_function` of its arguments."""
    return has_torch_function(args)


def has_torch_function_unary(tensor):
    """`has_torch_function` of one argument."""
    return has_torch_function((tensor,))


def overloaded_args(relevant_args, get_type_fn=None):
    """The arguments to ask, in order: one for each class that overrides, subclasses before their superclasses."""
    cdef tuple args = tuple(relevant_args)
    cdef list found = []
    if pyx_silent == 0:
        gather(found, PySequence_Fast_ITEMS(<PyObject*>args), len(args), 0)
    return found


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """Hand a call of `public_api` to the mode in force, or to the `__torch_function__` of the relevant arguments.

    Raises:
        TypeError: everybody asked returned NotImplemented.
    """
    return ask(public_api, overloaded_args(relevant_args), args, kwargs)


# ------------------------------------------------------------------------------- operations

@cython.binding(False)
cdef class Operation:
    """A public operation: a function, or a method of Tensor, that can be overridden.

    Called like the function that it wraps (`__wrapped__`), whose signature, docstring and source it shows.
    `family` says which family of operations it is of.
    """
    cdef vectorcallfunc entry               # as pyx_operation in gate.h
    cdef vectorcallfunc call
    cdef void* code
    cdef PyObject* code_self
    cdef object function, flags, others
    cdef Py_ssize_t first_flag
    cdef str name, qualname, module
    cdef readonly str key           # its name beneath the gate
    cdef object __weakref__

    def __init__(self, function, str qualname not None, str module not None):
        if isinstance(function, Operation):
            function = (<Operation>function).function
        self.function = function
        pyx_prepare(<PyObject*>self)
        self.name = qualname.rpartition(".")[2]
        self.qualname = qualname
        self.module = module
        space = module.rpartition(".")[2]
        self.key = f"{space}_{self.name}" if space in ("linalg", "fft") else self.name

    def __call__(self, *args, **kwargs):
        return call_vector(<PyObject*>self, <PyObject*>args, <PyObject*>kwargs)

    def __get__(self, instance, owner):
        return self if instance is None else method_new(<PyObject*>self, <PyObject*>instance)

    def __repr__(self):
        return f"<operation {name_of(self)}>"

    def __reduce__(self):
        return self.qualname        # a name in a module, like any function

    def __getattr__(self, name):
        return getattr(self.function, name)

    @property
    def __name__(self):
        return self.name

    @property
    def __wrapped__(self):
        return self.function

    @property
    def family(self):
        home = getattr(self.function, "__module__", None) or ""
        return home.removeprefix("pyxtorch.ops.").partition("_")[0] if home.startswith("pyxtorch.ops.") else home.rpartition(".")[2] or "tensor"

    @property
    def __doc__(self):
        return self.function.__doc__

    @property
    def __text_signature__(self):
        return getattr(self.function, "__text_signature__", None)

    @property
    def __signature__(self):
        import inspect
        return inspect.signature(self.function)

    @property
    def __class__(self):
        """What `inspect` takes it for: a function, where its source can be shown."""
        if hasattr(self.function, "__code__") or hasattr(self.function, "__objclass__"):
            return _FunctionType
        return Operation

    @property
    def __code__(self):
        from pyxtorch._sources import code_of
        return code_of(self.function)


from types import FunctionType as _FunctionType


cdef object watched(PyObject* self, PyObject* const* args, size_t n, PyObject* names):
    """An operation is called while somebody may want to see it."""
    cdef Py_ssize_t count = PyVectorcall_NARGS(n)
    cdef pyx_call call
    cdef Py_ssize_t named = 0 if names == NULL else PyTuple_GET_SIZE(<tuple>names)
    cdef list found = None if (<Operation>self).name in FROM_DATA else overriding(args, count + named)
    cdef Py_ssize_t i
    cdef bint heard = found is not None or entered()
    handler = None if heard else taken_over_by(<object>self) if pyx_silent < 3 and dispatching() else compound_handler(<object>self, None, args, count + named)
    if not heard and handler is None:
        if anything_beneath():
            call.self, call.n, call.names = self, count, names
            return run_beneath((<Operation>self).key, pyx_silent < 3, pyx_run_operation, &call, args, count + named, names)
        return new_reference((<Operation>self).call(<PyObject*>(<Operation>self).function, args, n, names))
    positional = tuple([<object>args[i] for i in range(count)])
    kwargs = {<object>PyTuple_GET_ITEM(<tuple>names, i): <object>args[count + i] for i in range(named)}
    return ask(<object>self, found, positional, kwargs) if heard else handler(*positional, **kwargs)


cdef PyObject* after_error(PyObject* self, PyObject* const* args, size_t n, PyObject* names) noexcept:
    """An operation has raised an error: because an argument is of a class that overrides and was not known yet?"""
    if (<Operation>self).name in FROM_DATA or not newcomer(args, PyVectorcall_NARGS(n) + (0 if names == NULL else PyTuple_GET_SIZE(<tuple>names))):
        return NULL
    return (<vectorcallfunc><void*>watched)(self, args, n, names)


cdef bint newcomer(PyObject* const* args, Py_ssize_t n) noexcept:
    """Whether one of `args` overrides; then its class is counted from now on, and the error that is set is dropped."""
    cdef PyObject* kind
    cdef PyObject* value
    cdef PyObject* trace
    PyErr_Fetch(&kind, &value, &trace)
    found = None
    try:
        found = overriding(args, n)
        for x in found or ():
            watch(type(x))
    except Exception:       # a class that cannot be referred to weakly: its error stands
        found = None
    if found is None:
        PyErr_Restore(kind, value, trace)
        return False
    Py_XDECREF(kind)
    Py_XDECREF(value)
    Py_XDECREF(trace)
    return True


cdef extern from *:
    """
    static inline PyObject* pyx_given(PyObject* x) { return x; }
    static void pyx_make_callable(PyTypeObject* type, Py_ssize_t offset, descrgetfunc get) {
        type->tp_vectorcall_offset = offset;
        type->tp_call = PyVectorcall_Call;
        type->tp_descr_get = get;
        type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR;
        PyType_Modified(type);
    }
    static PyObject* pyx_bind(PyObject* self, PyObject* instance, PyObject* owner) {
        if (instance == NULL || instance == Py_None) { Py_INCREF(self); return self; }
        return PyMethod_New(self, instance);
    }
    """
    object new_reference "pyx_given"(PyObject* x)       # takes over the reference; NULL is an exception
    ctypedef PyObject* (*descrgetfunc)(PyObject*, PyObject*, PyObject*)
    PyObject* pyx_bind(PyObject*, PyObject*, PyObject*)
    void pyx_make_callable(PyTypeObject* type, Py_ssize_t offset, descrgetfunc get)


cdef extern from *:
    """
    static int pyx_set_attribute(PyTypeObject* type, PyObject* name, PyObject* value) { return PyDict_SetItem(type->tp_dict, name, value); }
    /* From here on a class as any other: users may set attributes on it. */
    static void pyx_open_type(PyTypeObject* type) {
        pyx_let_numbers_in(type);
        type->tp_flags &= ~Py_TPFLAGS_IMMUTABLETYPE;
        PyType_Modified(type);
    }
    """
    int set_attribute "pyx_set_attribute"(PyTypeObject* type, object name, object value) except -1
    void open_type "pyx_open_type"(PyTypeObject* type)


cdef str top = "pyxtorch"


def call_operations(str package not None):
    """Let operations say that they are of `package`."""
    global top
    top = package


def _module(Operation self):
    return top + self.module.removeprefix("pyxtorch")


def _qualname(Operation self):
    return self.qualname


cdef int make_callable() except -1:
    cdef Operation any_one = Operation.__new__(Operation)
    set_attribute(<PyTypeObject*>Operation, "__module__", property(_module))     # names that Cython has a use of its own for
    set_attribute(<PyTypeObject*>Operation, "__qualname__", property(_qualname))
    pyx_make_callable(<PyTypeObject*>Operation, <char*>&any_one.entry - <char*><PyObject*>any_one, pyx_bind)
    return 0


watch_by(&pyx_watching)
pyx_watched_call = <vectorcallfunc><void*>watched
pyx_after_error = after_error
make_callable()


def operations(str module, dict namespace, names):
    """Make operations of the functions that `names` stand for in a namespace: classes and constants stay what they are."""
    for name in names:
        value = namespace[name]
        if callable(value) and not isinstance(value, (type, Operation)) and name not in NO_OPERATIONS:
            namespace[name] = Operation(value, name, module)


# Makers of tensors from data of any kind: only modes see these, whatever the data are.
cdef frozenset FROM_DATA = frozenset(("tensor", "as_tensor", "asarray", "from_numpy", "frombuffer", "scalar_tensor"))

never_converted = set()     # see Tensor.__torch_function__; tensor.pyx fills it

# Functions of the namespaces that take no part in overriding.
NO_OPERATIONS = frozenset((
    "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state",
))


# ------------------------------------------------------------------- slots and attributes of Tensor

cdef extern from "pyxtorch/gate.h":
    ctypedef struct pyx_slot:
        int kind
        const char* key
        const char* reflected
    pyx_slot* pyx_slots
    int PYX_BINARY, PYX_TERNARY, PYX_COMPARE, PYX_ASSIGN, PYX_SLOT_COUNT
    object unguarded "pyx_unguarded"(int kind, void* raw, PyObject* a, PyObject* b, PyObject* c)
    int (*pyx_slot_newcomer)(PyObject*, PyObject*)
    void pyx_guard_slots(PyTypeObject* type)
    object pyx_slot_name(PyTypeObject* type, PyObject* alike, const char* name, bint is_matmul)
    ctypedef struct pyx_property:
        PyObject* descriptor
    object pyx_get(pyx_property* p, PyObject* self)
    int pyx_set(pyx_property* p, PyObject* self, PyObject* value) except -1
    ctypedef PyObject* (*pyx_get_call)(pyx_property*, PyObject*)
    ctypedef int (*pyx_set_call)(pyx_property*, PyObject*, PyObject*)
    pyx_get_call pyx_watched_get
    pyx_set_call pyx_watched_set
    int pyx_guard_attributes(PyTypeObject* type) except -1
    object pyx_new_attribute(PyTypeObject* type, const char* name, const char* doc, PyObject* function)


cdef tuple comparisons = ("lt", "le", "__eq__", "ne", "gt", "ge")         # by Python's numbers of them
cdef tuple mirrored = ("gt", "ge", "__eq__", "ne", "lt", "le")


cdef int slot_newcomer(PyObject* a, PyObject* b) noexcept:
    cdef PyObject* both[2]
    both[0] = a
    both[1] = b
    return newcomer(both, 2)


cdef str slot_key(int id, bint mine, PyObject* c):
    cdef int kind = pyx_slots[id].kind
    if kind == PYX_COMPARE:
        return (comparisons if mine else mirrored)[<int><Py_ssize_t>c]
    if kind == PYX_ASSIGN and c == NULL:
        return "__delitem__"
    name = slot_names[2 * id + mine]
    if name is None:
        name = slot_names[2 * id + mine] = (pyx_slots[id].key if mine or pyx_slots[id].reflected == NULL else pyx_slots[id].reflected).decode()
    return name


cdef list slot_names = [None] * (2 * PYX_SLOT_COUNT)


cdef object watched_slot(int id, void* raw, PyObject* a, PyObject* b, PyObject* c):
    """A slot of Tensor is called while somebody may want to see it."""
    cdef PyObject* args[3]
    cdef int kind = pyx_slots[id].kind
    cdef int count = 1 if b == NULL else 2
    cdef bint mine = isinstance(<object>a, TensorBase)
    cdef bint arithmetic = kind == PYX_BINARY or kind == PYX_TERNARY or kind == PYX_COMPARE
    cdef pyx_call call
    args[0] = a if mine else b
    args[1] = b if mine else a
    if kind == PYX_ASSIGN and c != NULL:
        args[2] = c
        count = 3
    found = overriding(args, count)
    heard = found is not None or entered()
    if not heard and (pyx_silent == 3 or not dispatching()) and not has_compound(args, count):
        if anything_beneath():
            call.n, call.kind, call.raw, call.third, call.mine = count, kind, raw, c, mine
            return run_beneath(slot_key(id, mine, c), pyx_silent < 3, pyx_run_slot, &call, args, count, NULL)
        return unguarded(kind, raw, a, b, c)
    key = getattr(<object>pyx_tensor, slot_key(id, mine, c))
    given = tuple([<object>args[i] for i in range(count)])
    if not heard:
        return taken_over_by(key)(*given) if pyx_silent < 3 and dispatching() else compound_slot(key, given, kind == PYX_COMPARE)
    try:
        return ask(key, found, given, {})
    except TypeError:
        if arithmetic:          # the other operand may know more
            return NotImplemented
        raise


cdef object watched_get(pyx_property* p, PyObject* self):
    cdef list found = overriding(&self, 1)
    if found is None and not entered():
        handler = compound_handler(<object>p.descriptor, "__get__", &self, 1)
        return pyx_get(p, self) if handler is None else handler(<object>self)
    return ask((<object>p.descriptor).__get__, found, (<object>self,), {})


cdef int watched_set(pyx_property* p, PyObject* self, PyObject* value) except -1:
    cdef list found = overriding(&self, 1)
    cdef PyObject* both[2]
    if found is None and not entered():
        both[0], both[1] = self, value
        handler = None if value == NULL else compound_handler(<object>p.descriptor, "__set__", both, 2)
        return pyx_set(p, self, value) if handler is None else handler(<object>self, <object>value) or 0
    if value == NULL:
        ask((<object>p.descriptor).__delete__, found, (<object>self,), {})
    else:
        ask((<object>p.descriptor).__set__, found, (<object>self, <object>value), {})
    return 0


pyx_watched_slot = <pyx_slot_call><void*>watched_slot
pyx_slot_newcomer = slot_newcomer
pyx_watched_get = <pyx_get_call><void*>watched_get
pyx_watched_set = <pyx_set_call><void*>watched_set

# Methods of Tensor that are no operations: what Python itself asks objects for, and what makes a class.
NO_METHODS = frozenset(("__new__", "__hash__", "__iter__", "__torch_function__", "_make_subclass", "as_subclass", "__dir__"))


def guard(type tensor, dict methods, dict attributes):
    """Put the gate in front of the class Tensor: its slots, attributes and methods, and `methods` and `attributes` added to it."""
    global pyx_tensor
    pyx_tensor = <PyTypeObject*>tensor
    Py_INCREF(tensor)
    added = {}
    pyx_guard_slots(<PyTypeObject*>tensor)
    pyx_guard_attributes(<PyTypeObject*>tensor)
    for name, value in vars(tensor).items():
        alike = int.__dict__.get(name)
        if type(alike) is type(int.__add__) and type(value) is type(str.join) and name != "__format__":
            added[name] = pyx_slot_name(<PyTypeObject*>tensor, <PyObject*>alike, b"", False)
        elif type(value) is type(str.join) and name not in NO_METHODS and name not in ("__matmul__", "__rmatmul__"):
            added[name] = Operation(value, "Tensor." + name, "pyxtorch")
    added["__matmul__"] = pyx_slot_name(<PyTypeObject*>tensor, <PyObject*>int.__add__, b"__matmul__", True)
    added["__rmatmul__"] = pyx_slot_name(<PyTypeObject*>tensor, <PyObject*>int.__radd__, b"__rmatmul__", True)
    for name, function in methods.items():
        added[name] = Operation(function, "Tensor." + name, "pyxtorch")
    for name, function in attributes.items():
        doc = function.__doc__
        attribute_texts.append((name.encode(), doc.encode()))
        added[name] = pyx_new_attribute(<PyTypeObject*>tensor, attribute_texts[-1][0], attribute_texts[-1][1], <PyObject*>function)
    for name, value in added.items():
        set_attribute(<PyTypeObject*>tensor, name, value)
    open_type(<PyTypeObject*>tensor)


cdef list attribute_texts = []      # C keeps pointers into these

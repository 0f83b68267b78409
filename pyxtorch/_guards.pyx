# cython: binding=False, embedsignature=False, boundscheck=False, wraparound=False
"""What a recorded step relies on: containers of Python, and tensors, as they were. Looked at before each replay."""
from cpython.object cimport PyObject
from libc.string cimport memcmp, memset
from libcpp.vector cimport vector  # no-cython-lint: setup.py lets what says so throw
from pyxtorch._core cimport *
from pyxtorch._tape.graph cimport Node
from pyxtorch._tape.modes cimport grad_enabled, inference_enabled, levels_open
from pyxtorch.autograd cimport Variable

from types import CellType

from pyxtorch import _dtype, _settings

cdef extern from *:
    """
    /* Changes whenever a dict does; 0 where Python has no such number (any more). */
    static inline uint64_t pyx_dict_tag(PyObject* d) {
    #if PY_VERSION_HEX < 0x030C0000
        return ((PyDictObject*)d)->ma_version_tag;
    #else
        return 0;
    #endif
    }
    static inline PyObject* pyx_dict_of_type(PyObject* t) { return ((PyTypeObject*)t)->tp_dict; }
    """
    uint64_t dict_tag "pyx_dict_tag"(PyObject* d)
    PyObject* dict_of_type "pyx_dict_of_type"(PyObject* t)
    object PyObject_GenericGetDict(object x, void* context)
    PyObject* PyCell_GET(object cell)
    PyObject* PyDict_GetItemWithError(object d, object key) except? NULL
    int PyDict_Next(object d, Py_ssize_t* at, PyObject** key, PyObject** value)

cdef enum:
    DICT, SEQUENCE, NAMES, CELL, ATTRIBUTES, SET, TENSOR, FUNCTION


cdef Seen seen_of(TensorBase x) noexcept:
    cdef Seen s
    cdef int i
    s.st, s.ptr, s.nd, s.dt, s.dev, s.flags, s.moves = x.st, x.ptr, x.nd, x.dt, x.dev, x.flags & LOOKED_AT, x.moves
    for i in range(min(<int>x.nd, 8)):
        s.dims[i] = x.sizes[i]
        s.dims[8 + i] = x.strides[i]
    return s


cdef bint same_geometry(TensorBase x, const Seen* s) noexcept:
    cdef int i
    if x.nd != s.nd or x.dt != s.dt or x.dev != s.dev or x.flags & LOOKED_AT != s.flags:
        return False
    for i in range(s.nd):
        if x.sizes[i] != s.dims[i] or x.strides[i] != s.dims[8 + i]:
            return False
    return True


cdef bint same_number(object a, object b):
    """Whether two plain values are the same, of one type and in all bits."""
    cdef double x, y
    if type(a) is not type(b):
        return False
    if type(a) is float:
        x, y = a, b
        return memcmp(&x, &y, 8) == 0
    if type(a) in (int, str, bytes):
        return a == b
    return False


cdef inline bint same(PyObject* a, PyObject* b):
    return a == b or same_number(<object>a, <object>b)


cdef class Guards:
    """Pairs of what was looked at, and what it held."""

    def __cinit__(self):
        self.objects, self.expected, self.paths = [], [], []

    cdef int add(self, int kind, object x, object expected, str path) except -1:
        self.objects.append(x)
        self.expected.append(expected)
        self.paths.append(path)
        self.kinds.push_back(kind)
        self.tags.push_back(0)
        cdef Seen s
        memset(&s, 0, sizeof(s))
        self.tensors.push_back(seen_of(<TensorBase>x) if kind == TENSOR else s)
        return 0

    def dict_(self, d, str path, skip=()):
        if not isinstance(d, dict):
            raise TypeError(f"guards: expected a dict, not {type(d).__name__}.")
        self.add(DICT, d, tuple([(k, None if k in skip else v, k in skip) for k, v in d.items()]), path)

    def class_(self, cls, str path):
        if not isinstance(cls, type):
            raise TypeError(f"guards: expected a class, not {cls!r}.")
        self.dict_(<object>dict_of_type(<PyObject*>cls), path)

    def sequence(self, x, str path):
        self.add(SEQUENCE, x, tuple(x), path)

    def set_(self, x, str path):
        self.add(SET, x, frozenset(x), path)

    def names(self, namespace, builtins, names, str path):
        if not isinstance(namespace, dict) or not isinstance(builtins, dict):
            raise TypeError("guards: expected dicts of names.")
        self.add(NAMES, namespace, (builtins, tuple([(n, namespace[n] if n in namespace else builtins.get(n)) for n in names])), path)

    def cell(self, x, str path):
        if type(x) is not CellType:
            raise TypeError(f"guards: expected a cell, not {x!r}.")
        self.add(CELL, x, (x.cell_contents,) if PyCell_GET(x) != NULL else (), path)

    def attributes(self, x, dict held, str path):
        self.add(ATTRIBUTES, x, (type(x), held), path)

    def function(self, f, str path):
        self.add(FUNCTION, f, (f.__code__, f.__defaults__, f.__kwdefaults__, f.__closure__), path)

    def tensor(self, Variable x not None, str path):
        self.add(TENSOR, x, None, path)

    cdef bint hold_one(self, Py_ssize_t i):
        cdef int kind = self.kinds[i]
        cdef object x = self.objects[i]
        cdef tuple expected
        cdef Py_ssize_t at = 0, k = 0
        cdef PyObject* key
        cdef PyObject* value
        cdef TensorBase t
        cdef uint64_t tag = 0
        if kind == TENSOR:
            t = <TensorBase>x
            return (t.ptr == self.tensors[i].ptr and t.st == self.tensors[i].st and t.moves == self.tensors[i].moves
                    and same_geometry(t, &self.tensors[i]) and t._grad_fn is None and t._extra is None
                    and (t.attributes == NULL or not <object>t.attributes))
        if kind == SET:
            return x == self.expected[i]
        expected = <tuple>self.expected[i]
        if kind == DICT:
            tag = dict_tag(<PyObject*>x)
            if tag and tag == self.tags[i]:
                return True
            if len(<dict>x) != len(expected):
                return False
            while PyDict_Next(x, &at, &key, &value):
                pair = <tuple>expected[k]
                k += 1
                if not same(key, <PyObject*>pair[0]) or not (pair[2] or same(value, <PyObject*>pair[1])):
                    return False
            self.tags[i] = tag
            return True
        if kind == SEQUENCE:
            if len(x) != len(expected):
                return False
            for k in range(len(expected)):
                item = x[k]
                if not same(<PyObject*>item, <PyObject*>expected[k]):
                    return False
            return True
        if kind == NAMES:
            tag = dict_tag(<PyObject*>x)
            if tag and tag == self.tags[i]:
                return True
            for name, held in <tuple>expected[1]:
                value = PyDict_GetItemWithError(x, name)
                if value == NULL:
                    value = PyDict_GetItemWithError(expected[0], name)
                if value == NULL:
                    if held is not None:
                        return False
                elif not same(value, <PyObject*>held):
                    return False
            self.tags[i] = tag
            return True
        if kind == CELL:
            value = PyCell_GET(x)
            return (value == NULL) == (len(expected) == 0) and (value == NULL or same(value, <PyObject*>expected[0]))
        if kind == FUNCTION:
            return x.__code__ is expected[0] and x.__defaults__ is expected[1] and x.__kwdefaults__ is expected[2] and x.__closure__ is expected[3]
        return type(x) is expected[0] and PyObject_GenericGetDict(x, NULL) is expected[1]

    cdef bint hold(self):
        cdef Py_ssize_t i
        for i in range(<Py_ssize_t>self.kinds.size()):
            if not self.hold_one(i):
                return False
        return True

    def broken(self):
        """How the first is reached that is not as it was; None: all are."""
        cdef Py_ssize_t i
        for i in range(<Py_ssize_t>self.kinds.size()):
            if not self.hold_one(i):
                return self.paths[i]
        return None

    def __len__(self):
        return len(self.objects)


# ------------------------------------------------------------------------------- signatures, modes

cdef tuple modes():
    """What operations ask beside their arguments."""
    return (grad_enabled(), inference_enabled(), levels_open(), default_dtype(), str(_dtype.get_default_device()), tuple(_settings._state.values()))


cdef int64_t extent(TensorBase x) noexcept:
    """Bytes from the first element to behind the last."""
    cdef int64_t last = 0
    cdef int i
    if x.n == 0:
        return 0
    for i in range(x.nd):
        last += (x.sizes[i] - 1) * x.strides[i]
    return (last + 1) * itemsize_of(x.dt)


cdef bint named(Variable x):
    return x.attributes != NULL and bool(<object>x.attributes)


cdef object flatten(object x, list leaves, list others):
    """The leaves of an argument: tensors, plain values, and marks of the structure; what else there is also goes to `others`."""
    t = type(x)
    if t is list or t is tuple:
        leaves.append((t, len(x)))
        for item in x:
            flatten(item, leaves, others)
    elif t is dict:
        leaves.append((t, tuple(x)))
        for item in x.values():
            flatten(item, leaves, others)
    else:
        leaves.append(x)
        if not isinstance(x, Variable) and t not in (int, float, bool, str, type(None)) and t.__name__ not in ("dtype", "device"):
            others.append(x)
    return leaves


def leaves_of(tuple args, dict kwargs):
    """(leaves, the objects among them that are neither tensors nor plain)."""
    cdef list leaves = [], others = []
    for x in args:
        flatten(x, leaves, others)
    if kwargs:
        flatten(kwargs, leaves, others)
    return leaves, others


cdef bint same_result(object a, object b):
    if type(a) is not type(b):
        return False
    if type(a) is tuple or type(a) is list:
        if len(a) != len(b):
            return False
        for x, y in zip(a, b):
            if not same_result(x, y):
                return False
        return True
    return a is b or same_number(a, b) or (not isinstance(a, Variable) and a == b)


hook_tables = []        # of hooks that hang on everything: `_compiled` knows them


cdef bint hooks_of_all():
    for table in hook_tables:
        if table:
            return True
    return False


# ------------------------------------------------------------------------------- graphs that have been run

cdef class Spent(Node):
    """Stands for a graph that has been run: `grad_fn` of a loss whose backward() was replayed."""
    def name(self):
        """The name of the node that it stands for."""
        return self.label

    cdef int send(self, object g) except -1:
        raise RuntimeError(
            f"{self.label}: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
            "The function that made it is compiled, and ran backward() itself. Specify retain_graph=True there if you need to.")


cdef bint spent(Node top):
    """Whether backward has run through the graph: something was saved, and all of it is released."""
    cdef list todo = [top]
    cdef bint saved = False
    cdef Node node
    cdef int i
    seen = set()
    while todo:
        node = <Node>todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if not type(node).__module__.startswith("pyxtorch") or node.n_saved and not node.released:
            return False
        saved |= node.n_saved > 0
        for i in range(node.n_inputs):
            target = node.edge(i)
            if isinstance(target, Node):
                todo.append(target)
    return saved

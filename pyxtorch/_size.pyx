"""Size, the class of a tensor's shape."""
from operator import index

from cpython.object cimport PyTypeObject

cdef extern from *:
    """
    /* A slice of a Size is a Size; an item is what a tuple gives, as fast. */
    static PyTypeObject* pyx_tuple_subclass = NULL;
    static PyObject* pyx_size_subscript(PyObject* self, PyObject* key) {
        PyObject* item = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
        if (item && PySlice_Check(key)) {
            Py_ssize_t n = PyTuple_GET_SIZE(item);
            PyObject* size = pyx_tuple_subclass->tp_alloc(pyx_tuple_subclass, n);
            if (size)
                for (Py_ssize_t i = 0; i < n; i++) {
                    PyObject* x = PyTuple_GET_ITEM(item, i);
                    Py_INCREF(x);
                    PyTuple_SET_ITEM(size, i, x);
                }
            Py_DECREF(item);
            return size;
        }
        return item;
    }
    static void pyx_set_size_class(PyTypeObject* type) {
        pyx_tuple_subclass = type;
        type->tp_as_mapping->mp_subscript = pyx_size_subscript;
        PyType_Modified(type);
    }
    """
    void pyx_set_size_class(PyTypeObject* type)


def whole(length, place):
    if isinstance(length, int) and not isinstance(length, bool):
        return length
    try:
        return index(length)
    except TypeError:
        raise TypeError(f"torch.Size() takes an iterable of 'int' (item {place} is '{type(length).__name__}'): give whole numbers.") from None


class Size(tuple):
    """The shape of a tensor: a tuple of integers with `numel()`.

    Raises:
        TypeError: an element is no integer, nor a tensor that holds one.
    """
    __slots__ = ()

    def __new__(cls, lengths=()):
        lengths = tuple(lengths)
        for place, length in enumerate(lengths):
            if type(length) is not int:
                lengths = lengths[:place] + tuple([whole(n, i) for i, n in enumerate(lengths[place:], place)])
                break
        return tuple.__new__(cls, lengths)

    def __repr__(self):
        return f"torch.Size({list(self)})"

    def numel(self):
        """How many elements a tensor of this shape has."""
        n = 1
        for length in self:
            n *= length
        return n

    def __add__(self, other):
        return Size(tuple(self) + tuple(other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other):
        return Size(tuple(other) + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times):
        return Size(tuple(self) * times)

    __rmul__ = __mul__

    def __reduce__(self):
        return Size, (tuple(self),)


pyx_set_size_class(<PyTypeObject*>Size)

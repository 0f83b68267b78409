"""Tensor: the class in the user's hands. Operators and methods, each one call into `ops`.

Methods are the operations' own functions, attached here from each family's `methods`.
"""
cimport cython
from cpython.float cimport PyFloat_Check
from cpython.long cimport PyLong_Check
from cpython.object cimport Py_EQ, Py_GT, Py_LE, Py_LT, Py_NE, PyObject, PyTypeObject
from pyxtorch._core cimport *
from pyxtorch._compound cimport COMPOUND
from pyxtorch._gate cimport set_silent
from pyxtorch._tape.views cimport grad_fn_of as _grad_fn_of, tracked
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops._factory cimport is_format
from pyxtorch.ops.elementwise cimport add_op, div_op, iadd_op, idiv_op, imul_op, isub_op, mul_op, sub_op

from pyxtorch import _gate
from pyxtorch._tape import backward as _tape
from pyxtorch.ops import _run  # gives the engine its operations  # no-cython-lint
from pyxtorch.ops import create as _create
from pyxtorch.ops import create_legacy
from pyxtorch.ops import elementwise as _elementwise
from pyxtorch.ops import elementwise_arithmetic as _arithmetic
from pyxtorch.ops import elementwise_compare as _compare
from pyxtorch.ops import index as _index
from pyxtorch.ops import shape as _views

cdef object _backward = _tape.backward
cdef object _div = _arithmetic.div
cdef object _pow = _arithmetic.pow
cdef object _legacy = create_legacy.legacy
cdef object _getitem = None
cdef object _setitem = None
cdef object _matmul = None
cdef object _view_as = _views.view_as
cdef object _repr = None
cdef set never_converted = _gate.never_converted        # attributes that are a tensor's own, of whatever class

cdef extern from *:
    """
    #include <string.h>
    static PyObject* pyx_constructor = NULL;
    /* Tensor(...) from Python: hand the call to `construct`. Operations do not come this way. */
    static PyObject* pyx_tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
        PyObject* call = PyTuple_New(3);
        if (!call) return NULL;
        PyObject* named = kwargs ? kwargs : Py_None;
        Py_INCREF(type); Py_INCREF(args); Py_INCREF(named);
        PyTuple_SET_ITEM(call, 0, (PyObject*)type);
        PyTuple_SET_ITEM(call, 1, args);
        PyTuple_SET_ITEM(call, 2, named);
        PyObject* result = PyObject_Call(pyx_constructor, call, NULL);
        Py_DECREF(call);
        return result;
    }
    static int pyx_tensor_init(PyObject* self, PyObject* args, PyObject* kwargs) { return 0; }
    static newfunc pyx_bare_new = NULL;
    static void pyx_set_constructor(PyTypeObject* type, PyTypeObject* variable, PyTypeObject* base, PyObject* function) {
        pyx_bare_new = base->tp_new;
        pyx_constructor = function;
        Py_INCREF(function);
        type->tp_new = pyx_tensor_new;
        variable->tp_new = pyx_tensor_new;
        type->tp_init = pyx_tensor_init;
        variable->tp_init = pyx_tensor_init;
        PyType_Modified(variable);
        PyType_Modified(type);
    }
    static PyObject* pyx_bare(PyTypeObject* type) {
        static PyObject* no_args = NULL;
        if (!no_args) no_args = PyTuple_New(0);
        return pyx_bare_new(type, no_args, NULL);
    }
    static int pyx_set_attributes_property(PyTypeObject* type, PyObject* value) {
        PyType_Modified(type);
        return PyDict_SetItemString(type->tp_dict, "__dict__", value);
    }
    """
    int pyx_set_attributes_property(PyTypeObject* type, object value) except -1
    Py_ssize_t references "Py_REFCNT"(PyObject*)
    object generic_dict "PyObject_GenericGetDict"(object self, void* context)
    void pyx_set_constructor(PyTypeObject* type, PyTypeObject* variable, PyTypeObject* base, PyObject* function)
    object pyx_bare(PyTypeObject* type)


cdef int warn_of_no_grad(Tensor self) except -1:
    """As PyTorch does where the gradient of what is no leaf is asked for."""
    if self.flags & RETAINS_GRAD or _grad_fn_of(self) is None:
        return 0
    import warnings
    warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during "
                  "autograd.backward(). If you indeed want it, call .retain_grad() on the tensor before backward; if it was meant to be a leaf, "
                  "look for the operation that it came from.", stacklevel=1)
    return 0


cdef inline bint operand(object x):
    return isinstance(x, Variable) or PyFloat_Check(x) or PyLong_Check(x) or is_number(x)


cdef object number_of(Variable x):
    if x.n != 1:
        raise ValueError(f"only one element tensors can be converted to Python scalars, and this one has {x.n}. Take one by its index, or use .tolist().")
    return item_of(x)


@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
cdef class Tensor(Variable):
    """An n-dimensional array that can be recorded: see the documentation of each method.

    Made by `tensor`, `zeros` and their like, and by every operation. `Tensor(2, 3)` gives an
    uninitialised one of the default dtype, `Tensor([1, 2])` one with this data.
    """

    __array_priority__ = 1000

    # ------------------------------------------------------------------------ attributes

    @property
    def shape(self):
        return size_of(self)

    @property
    def dtype(self):
        return dtype_of(self.dt)

    @property
    def device(self):
        return device_of(self.dev, self.dev_index)

    @property
    def ndim(self):
        return self.nd

    @property
    def _cdata(self):
        """The tensor's own address, by which libraries tell whether two names are one tensor."""
        return <size_t><void*>self

    @property
    def layout(self):
        return strided

    @property
    def requires_grad(self):
        return tracked(self)

    @requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    @property
    def grad(self):
        if self._grad is None and self.flags & REQUIRES_GRAD and self._grad_fn is not None:
            warn_of_no_grad(self)
        return self._grad

    @grad.setter
    def grad(self, value):
        cdef Variable g
        if value is not None:
            if not isinstance(value, Variable):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            g = value
            if g is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if g.dt != self.dt:
                raise RuntimeError(f"assigned grad has data of a different type: {dtype_of(g.dt)!r}, the tensor has {dtype_of(self.dt)!r}")
            if g.dev != self.dev:
                raise RuntimeError(f"assigned grad has data located on a different device: {g.device}, the tensor is on {self.device}")
            if not same_shape(g, self):
                raise RuntimeError(f"assigned grad has data of a different size: {list(shape_of(g))}, the tensor has {list(shape_of(self))}")
        self._grad = value

    @grad.deleter
    def grad(self):
        self._grad = None

    @property
    def grad_fn(self):
        return _grad_fn_of(self)

    @property
    def is_leaf(self):
        return _grad_fn_of(self) is None

    @property
    def data(self):
        return untracked(self)

    @data.setter
    def data(self, value):
        cdef Variable v = checked(value, "data", "value")
        if (is_floating(v.dt) or is_complex_code(v.dt)) != (is_floating(self.dt) or is_complex_code(self.dt)):
            raise RuntimeError(f"data: cannot assign a tensor of dtype {dtype_of(v.dt)!r} to one of {dtype_of(self.dt)!r}.")
        adopt(self, v)

    @property
    def _version(self):
        return self.st.version

    @property
    def output_nr(self):
        return (<TensorBase>self).output_nr

    @property
    def retains_grad(self):
        return (self.flags & RETAINS_GRAD) != 0

    @property
    def is_cuda(self):
        return self.dev == CUDA

    @property
    def is_cpu(self):
        return self.dev == CPU

    @property
    def is_sparse(self):
        return False

    @property
    def is_quantized(self):
        return False

    @property
    def is_meta(self):
        return self.dev == META

    @property
    def is_nested(self):
        return False

    @property
    def itemsize(self):
        return itemsize_of(self.dt)

    @property
    def nbytes(self):
        return self.n * itemsize_of(self.dt)

    @property
    def names(self):
        return (None,) * self.nd

    @property
    def _is_view_of(self):
        return self._base

    def size(self, dim=None):
        """The shape, or the length of one dimension."""
        if dim is None:
            return size_of(self)
        if self.nd == 0:
            raise IndexError("size: Dimension specified as 0 but tensor has no dimensions")
        return self.sizes[wrap_dim(dim, self.nd, "size")]

    def dim(self):
        """How many dimensions there are."""
        return self.nd

    ndimension = dim

    def numel(self):
        """How many elements there are."""
        return self.n

    nelement = numel

    def is_contiguous(self, memory_format=None):
        """Whether the elements lie in row-major order without gaps."""
        return (self.flags & CONTIGUOUS) != 0 if memory_format is None else is_format(self, memory_format, "is_contiguous")

    # ------------------------------------------------------------------------------ tape

    def requires_grad_(self, requires_grad=True):
        """Record (or no longer record) what is computed from this leaf.

        Raises:
            RuntimeError: not a leaf, or neither floating-point nor complex.
        """
        if requires_grad:
            if not (is_floating(self.dt) or is_complex_code(self.dt)):
                raise RuntimeError(f"only Tensors of floating point and complex dtype can require gradients, not {dtype_of(self.dt)!r}")
            if self.flags & INFERENCE:
                raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
            self.flags |= REQUIRES_GRAD
        else:
            if _grad_fn_of(self) is not None:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                    "in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            self.flags &= ~REQUIRES_GRAD
        return self

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Add the gradient of this tensor to `.grad` of the leaves it was made from (see autograd.backward)."""
        _backward((self,), None if gradient is None else (gradient,), retain_graph, create_graph, None, inputs)

    def register_hook(self, hook):
        """Call `hook(grad)` when this tensor's gradient is known."""
        return _tape.tensor_register_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Call `hook(self)` after a gradient was added to `.grad`."""
        return _tape.tensor_post_accumulate(self, hook)

    def retain_grad(self):
        """Keep `.grad` although this is no leaf."""
        _tape.tensor_retain_grad(self)

    # --------------------------------------------------------------------------- operators

    def __add__(self, other):
        return add_op(self, other)

    def __radd__(self, other):
        return add_op(other, self) if operand(other) else _create.reflected(_elementwise.add, other, self)

    def __iadd__(self, other):
        return iadd_op(self, other) if operand(other) else NotImplemented

    def __sub__(self, other):
        return sub_op(self, other)

    def __rsub__(self, other):
        return sub_op(other, self) if operand(other) else _create.reflected(_elementwise.sub, other, self)

    def __isub__(self, other):
        return isub_op(self, other) if operand(other) else NotImplemented

    def __mul__(self, other):
        return mul_op(self, other)

    def __rmul__(self, other):
        return mul_op(other, self) if operand(other) else _create.reflected(_elementwise.mul, other, self)

    def __imul__(self, other):
        return imul_op(self, other) if operand(other) else NotImplemented

    def __truediv__(self, other):
        return div_op(self, other)

    def __rtruediv__(self, other):
        return div_op(other, self) if operand(other) else _create.reflected(_div, other, self)

    def __rdiv__(self, other):
        return _div(other, self)

    def __itruediv__(self, other):
        return idiv_op(self, other) if operand(other) else NotImplemented

    def __floordiv__(self, other):
        return _arithmetic.floor_divide(self, other) if operand(other) else NotImplemented

    def __rfloordiv__(self, other):
        return _arithmetic.floor_divide(other, self) if operand(other) else _create.reflected(_arithmetic.floor_divide, other, self)

    def __ifloordiv__(self, other):
        return self.floor_divide_(other) if operand(other) else NotImplemented

    def __mod__(self, other):
        return _arithmetic.remainder(self, other) if operand(other) else NotImplemented

    def __rmod__(self, other):
        return _arithmetic.remainder(other, self) if operand(other) else _create.reflected(_arithmetic.remainder, other, self)

    def __imod__(self, other):
        return self.remainder_(other) if operand(other) else NotImplemented

    def __pow__(self, other, modulo):
        if modulo is not None:
            return NotImplemented
        return _pow(self, other) if operand(other) else NotImplemented

    def __rpow__(self, other, modulo):
        return _pow(other, self) if operand(other) else _create.reflected(_pow, other, self)

    def __ipow__(self, other):
        return self.pow_(other) if operand(other) else NotImplemented

    def __matmul__(self, other):
        return _matmul(self, other) if isinstance(other, Variable) else NotImplemented

    def __rmatmul__(self, other):
        return _matmul(other, self) if operand(other) else _create.reflected(_matmul, other, self)

    def __neg__(self):
        return _elementwise.neg(self)

    def __pos__(self):
        return _arithmetic.positive(self)

    def __abs__(self):
        return _arithmetic.abs(self)

    def __invert__(self):
        return _compare.bitwise_not(self)

    def __and__(self, other):
        return _compare.bitwise_and(self, other) if operand(other) else NotImplemented

    def __rand__(self, other):
        return _compare.bitwise_and(other, self) if operand(other) else _create.reflected(_compare.bitwise_and, other, self)

    def __iand__(self, other):
        return self.bitwise_and_(other) if operand(other) else NotImplemented

    def __or__(self, other):
        return _compare.bitwise_or(self, other) if operand(other) else NotImplemented

    def __ror__(self, other):
        return _compare.bitwise_or(other, self) if operand(other) else _create.reflected(_compare.bitwise_or, other, self)

    def __ior__(self, other):
        return self.bitwise_or_(other) if operand(other) else NotImplemented

    def __xor__(self, other):
        return _compare.bitwise_xor(self, other) if operand(other) else NotImplemented

    def __rxor__(self, other):
        return _compare.bitwise_xor(other, self) if operand(other) else _create.reflected(_compare.bitwise_xor, other, self)

    def __ixor__(self, other):
        return self.bitwise_xor_(other) if operand(other) else NotImplemented

    def __lshift__(self, other):
        return _compare.bitwise_left_shift(self, other) if operand(other) else NotImplemented

    def __rlshift__(self, other):
        return _compare.bitwise_left_shift(other, self) if operand(other) else _create.reflected(_compare.bitwise_left_shift, other, self)

    def __rshift__(self, other):
        return _compare.bitwise_right_shift(self, other) if operand(other) else NotImplemented

    def __rrshift__(self, other):
        return _compare.bitwise_right_shift(other, self) if operand(other) else _create.reflected(_compare.bitwise_right_shift, other, self)

    def __richcmp__(self, other, int op):
        if not operand(other):
            if not hasattr(other, "__array_interface__"):
                return NotImplemented
            other = _create.as_tensor_(other)       # an array: its own comparison leaves it to this one
        if op == Py_EQ:
            return _compare.eq(self, other)
        if op == Py_NE:
            return _compare.ne(self, other)
        if op == Py_LT:
            return _compare.lt(self, other)
        if op == Py_LE:
            return _compare.le(self, other)
        if op == Py_GT:
            return _compare.gt(self, other)
        return _compare.ge(self, other)

    def __hash__(self):
        return hash(<long long><PyObject*>self)

    # -------------------------------------------------------------------------- containers

    def __getitem__(self, index):
        return _getitem(self, index)

    def __setitem__(self, index, value):
        _setitem(self, index, value)

    def __len__(self):
        if self.nd == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.sizes[0]

    def __iter__(self):
        if self.nd == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))        # by its name, so that overrides see it

    def __contains__(self, item):
        if isinstance(item, Variable) or is_number(item):
            return bool((self == item).any())
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(item).__name__}.")

    def __reversed__(self):
        return self.flip(0) if self.nd else self

    # ------------------------------------------------------------------------ Python numbers

    def __bool__(self):
        if self.n != 1:
            if self.n == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError(f"Boolean value of Tensor with more than one value is ambiguous (it has {self.n}); use .any() or .all()")
        return bool(item_of(self))

    def __float__(self):
        return float(number_of(self))

    def __int__(self):
        return int(number_of(self))

    def __complex__(self):
        return complex(number_of(self))

    def __index__(self):
        if not (self.dt <= INT64 and self.n == 1):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(item_of(self))

    def __format__(self, spec):
        if self.nd == 0 and self.dev != META and (spec or type(self) is Tensor):
            return format(item_of(self), spec)
        return object.__format__(self, spec)

    def __round__(self, digits=0):
        return self.round(decimals=digits)

    def __repr__(self):
        global _repr
        if _repr is None:
            from pyxtorch._tensor_str import tensor_str
            _repr = tensor_str
        return _repr(self)

    # ------------------------------------------------------------------------------ exchange

    def __dir__(self):
        return sorted(set(object.__dir__(self)))

    @staticmethod
    def _make_subclass(cls, data, require_grad=False):
        return make_subclass(cls, data, require_grad)

    def as_subclass(self, cls):
        """The same memory, and the same place in the graph, as an instance of a subclass (or of Tensor itself)."""
        if not (isinstance(cls, type) and issubclass(cls, Tensor)):
            raise TypeError(f"as_subclass: cls must be a subclass of Tensor, not {cls!r}.")
        if self.flags & COMPOUND:
            raise RuntimeError(f"as_subclass: a tensor of layout {self.layout!r} has no view; use Tensor._make_subclass.")
        x = <Variable>_view_as(self, self)
        return x if cls is Tensor else taken_over(cls, x)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        """What an operation does whose arguments include an instance of `cls`, a subclass of Tensor: it runs, and gives instances of `cls`.

        A subclass that wants to see its operations has a `__torch_function__` of its own, which may call this one.
        """
        for kind in types:
            if not issubclass(cls, kind):
                return NotImplemented
        before = set_silent(1)
        try:
            result = func(*args, **(kwargs or {}))
        finally:
            set_silent(before)
        return result if cls is Tensor or func in never_converted else converted(result, cls, 1)


cdef Variable bare(object cls):
    """An instance of a subclass, without memory: there may be somebody more who wants to see operations."""
    cdef Variable y = <Variable>pyx_bare(<PyTypeObject*>cls)
    y.sizes = y.inline_dims
    _gate.instance_made(cls)
    if hasattr(cls, "__torch_dispatch__"):
        raise NotImplementedError(f"{cls.__name__}: __torch_dispatch__ of a subclass of Tensor is never called. Write __torch_function__, or a TorchDispatchMode.")
    return y


cdef object taken_over(object cls, Variable x):
    """An instance of a subclass in the place of `x`, which nobody else has."""
    cdef Variable y = bare(cls)
    adopt(y, x)
    y.flags = x.flags
    y.output_nr = x.output_nr
    y._grad_fn, y._base, y._extra, y._grad = x._grad_fn, x._base, x._extra, x._grad
    return y


cdef object converted(object result, object cls, int held):
    """What an operation returned, its tensors as instances of `cls`. `held`: how many references to it are known to us."""
    cdef bint changed = False
    cdef PyObject* p = <PyObject*>result
    if isinstance(result, Variable):
        if isinstance(result, cls):
            return result
        # A leaf stays who it is, its gradient arrives there; what only this function holds can be replaced.
        fresh = references(p) <= held and not ((<Variable>result).flags & REQUIRES_GRAD and (<Variable>result)._grad_fn is None)
        return taken_over(cls, <Variable>result if fresh else <Variable>_view_as(result, result))
    if isinstance(result, (tuple, list)):
        items, inner = [], 2 if references(p) <= held else 0
        for i in range(len(result)):
            item = result[i]
            new = converted(item, cls, inner) if isinstance(item, (Variable, tuple, list)) else item
            changed = changed or new is not item
            items.append(new)
        if changed:
            return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    return result


cdef object make_subclass(object cls, Variable data, bint requires_grad):
    if not issubclass(cls, Variable):
        raise TypeError(f"_make_subclass: {cls!r} is no subclass of Tensor.")
    cdef Variable y = bare(cls)
    adopt(y, data)
    if data.flags & COMPOUND:
        y.flags |= COMPOUND
        y._extra = {"parts": data._extra["parts"]}
    if requires_grad:
        if not (is_floating(y.dt) or is_complex_code(y.dt)):
            raise RuntimeError(f"only Tensors of floating point and complex dtype can require gradients, not {dtype_of(y.dt)!r}")
        y.flags |= REQUIRES_GRAD
    return y


def construct(cls, args, kwargs):
    """Tensor(2, 3), Tensor([1, 2]), Tensor(other), Variable(data, requires_grad=True), subclasses."""
    cdef Variable x
    kwargs = kwargs or {}
    if cls is Variable:
        names = dict(zip(("data", "requires_grad", "volatile"), args), **kwargs)
        x = checked(names.get("data"), "Variable", "data")
        x = x.detach() if x.flags & COMPOUND else <Variable>alias(x)
        if names.get("requires_grad"):
            if names.get("volatile"):
                raise RuntimeError("Variable can't be volatile and require_grad at the same time!")
            (<Tensor>x).requires_grad_(True)
        if names.get("volatile"):
            from pyxtorch._volatile import Volatile

            return make_subclass(Volatile, x, False)
        return x
    data = args[0] if args else kwargs.get("data", kwargs.get("other"))
    if isinstance(data, Variable) and (<Variable>data).flags & COMPOUND:
        raise TypeError(f"{cls.__name__}: cannot be made of a tensor of layout {data.layout!r}. Use it as it is, or .to_dense().")
    if isinstance(data, Variable) and len(args) <= 1:
        x = <Variable>alias(<Variable>data)     # of whatever dtype
    else:
        x = _legacy(dtype_of(default_dtype()), "cpu", args, kwargs)
    return x if cls is Tensor else make_subclass(cls, x, False)


# -------------------------------------------------------------------------- putting together

set_tensor_class(Tensor)
pyx_set_constructor(<PyTypeObject*>Tensor, <PyTypeObject*>Variable, <PyTypeObject*>TensorBase, <PyObject*>construct)


def _attributes(self):
    return generic_dict(self, NULL)


def _collect():
    """Give Tensor the methods and properties of all families, and put the gate in front of it."""
    global _getitem, _setitem, _matmul
    from pyxtorch._names import methods, properties
    _getitem, _setitem, _matmul = _index.getitem, _index.setitem, methods.matmul
    _gate.guard(
        Tensor, {name: getattr(methods, name) for name in methods.__all__}, {name: getattr(properties, name) for name in properties.__all__}
    )
    pyx_set_attributes_property(<PyTypeObject*>Tensor, property(_attributes))
    never_converted.update((Tensor.grad.__get__, Tensor._is_view_of.__get__))


_collect()

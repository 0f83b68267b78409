"""One result per element: the engine of these operations, arithmetic, comparison and logic.

The formulas are in include/pyxtorch/unary.h, binary.h and ternary.h; the mathematical functions
are in elementwise_math.pyx, the activations in elementwise_activation.pyx.
"""
from cpython.complex cimport PyComplex_Check
from cpython.float cimport PyFloat_Check
from cpython.long cimport PyLong_Check
from cpython.object cimport PyTypeObject
from pyxtorch._core cimport *
from pyxtorch.autograd cimport (
    Function, Variable, check_inplace, grad_enabled, record1, record2, record3, recording,
)
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport conj_of, expand_to, to_dtype

cdef extern from *:
    """
    static PyObject* pyx_no_args = NULL;
    static inline PyObject* pyx_make(PyTypeObject* type) {
        if (!pyx_no_args) pyx_no_args = PyTuple_New(0);
        return type->tp_new(type, pyx_no_args, NULL);
    }
    """
    object pyx_make(PyTypeObject* type)

# Below this many elements the inner loop runs at once, without splitting or releasing the GIL.
cdef enum:
    SMALL = 16384


cdef int formula(const char* name) except -1:
    cdef int f = elementwise_tables[CPU].formula(name)
    if f < 0:
        raise KeyError(f"no formula named {name.decode()!r} in include/pyxtorch/*.h")
    return f


cdef class Unary(Function):
    cdef int keep(self, Variable x, Variable y) except -1:
        return 0


cdef class Binary(Function):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        return 0


# --------------------------------------------------------------------------------- the engine

cdef object undefined(str op, int dt):
    return RuntimeError(f'"{op}" not implemented for {dtype_of(dt).name!r}: this operation is not defined for it. Convert with .to(dtype).')


cdef int walk_formula(int f, int dt, int nd, const int64_t* sizes, int count, PyObject** operands, const double* s, str op) except -1:
    cdef pyx_strided walk
    cdef pyx_elementwise_kernels* k
    cdef int failed
    cdef TensorBase y = <TensorBase>operands[0]
    if y.n == 0:
        return 0
    walk_init(&walk, nd, sizes, count, operands)
    k = <pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, y.dev, op)
    if y.n > SMALL:
        with nogil:
            failed = k.run(f, dt, &walk, s)
    else:
        failed = k.run(f, dt, &walk, s)
    if failed:
        raise undefined(op, dt)
    return 0


cdef bint direct_out(Variable out, int dt, Variable a, Variable b) noexcept:
    """Whether a kernel may write into `out` itself: right dtype and device, and no input half-way overlaps it."""
    if out.dt != dt or out.dev != a.dev or out.dev_index != a.dev_index:
        return False
    if b is not None and (out.dev != b.dev or out.dev_index != b.dev_index):
        return False
    if a.st == out.st and (a.ptr != out.ptr or not (a.flags & out.flags & CONTIGUOUS) or a.dt != dt or a.n != out.n):
        return False
    if b is not None and b.st == out.st and (b.ptr != out.ptr or not (b.flags & out.flags & CONTIGUOUS) or b.dt != dt or b.n != out.n):
        return False
    return True


cdef Variable formula1(int f, Variable x, const double* s, str op, Variable out=None):
    cdef int dt = elementwise_tables[CPU].result_dtype(f, x.dt)
    cdef Variable y
    cdef pyx_loop loop
    cdef char* data[2]
    cdef int64_t strides[2]
    cdef PyObject* operands[2]
    if dt < 0:
        raise undefined(op, x.dt)
    y = <Variable>new_like(x, dt) if out is None else out
    if x.n <= SMALL and x.flags & y.flags & CONTIGUOUS and x.dev == CPU:
        loop = elementwise_tables[CPU].loop(f, x.dt)
        if loop != NULL:
            data[0] = y.ptr
            data[1] = x.ptr
            strides[0] = itemsize_of(dt)
            strides[1] = itemsize_of(x.dt)
            loop(data, strides, x.n, s)
            return y
    operands[0] = <PyObject*>y
    operands[1] = <PyObject*>x
    walk_formula(f, x.dt, y.nd, y.sizes, 2, operands, s, op)
    return y


cdef inline int64_t step_of(Variable x, int64_t n) noexcept:
    """Bytes from each of n elements to the next in row-major order: 0 where all are one; -1 if there is no such step."""
    cdef int i
    if x.flags & CONTIGUOUS and x.n == n:
        return itemsize_of(x.dt)
    for i in range(x.nd):
        if x.strides[i] != 0:
            return -1
    return 0


cdef Variable formula2(int f, Variable a, Variable b, const double* s, str op, Variable out=None):
    cdef int dt = elementwise_tables[CPU].result_dtype(f, a.dt)
    cdef int64_t sizes[64]
    cdef int nd
    cdef Variable y
    cdef pyx_loop loop
    cdef char* data[3]
    cdef int64_t strides[3]
    cdef PyObject* operands[3]
    if dt < 0:
        raise undefined(op, a.dt)
    if a.dev != b.dev or a.dev_index != b.dev_index:
        # A number on the CPU goes anywhere.
        if b.nd == 0 and b.dev == CPU:
            b = b.to(device_of(a.dev, a.dev_index))
        elif a.nd == 0 and a.dev == CPU:
            a = a.to(device_of(b.dev, b.dev_index))
        else:
            same_device(a, b, op)
    if same_shape(a, b) or b.nd == 0:
        y = <Variable>new_like(a, dt) if out is None else out
        if a.n <= SMALL and a.dev == CPU and y.flags & CONTIGUOUS:
            loop = elementwise_tables[CPU].loop(f, a.dt)
            data[0] = y.ptr
            data[1] = a.ptr
            data[2] = b.ptr
            strides[0] = itemsize_of(dt)
            strides[1] = step_of(a, a.n)
            strides[2] = step_of(b, a.n)
            if loop != NULL and strides[1] >= 0 and strides[2] >= 0:
                loop(data, strides, a.n, s)
                return y
    else:
        nd = broadcast(a, b, sizes, op)
        y = <Variable>new_empty(nd, sizes, dt, a.dev, a.dev_index) if out is None else out
    operands[0] = <PyObject*>y
    operands[1] = <PyObject*>a
    operands[2] = <PyObject*>b
    walk_formula(f, a.dt, y.nd, y.sizes, 3, operands, s, op)
    return y


cdef Variable formula3(int f, Variable a, Variable b, Variable c, const double* s, str op, Variable out=None):
    """The compute dtype is that of the last operand (the first of `where` is bool)."""
    cdef int dt = elementwise_tables[CPU].result_dtype(f, c.dt)
    cdef int64_t sizes[64]
    cdef int nd
    cdef Variable y
    cdef PyObject* operands[4]
    if dt < 0:
        raise undefined(op, c.dt)
    same_device(a, b, op)
    same_device(a, c, op)
    nd = broadcast(a, b, sizes, op)
    y = <Variable>new_empty(nd, sizes, BOOL, CPU, 0) if not same_shape(a, c) or not same_shape(b, c) else None
    if y is not None:
        nd = broadcast(y, c, sizes, op)
    y = <Variable>new_empty(nd, sizes, dt, a.dev, a.dev_index) if out is None else out
    operands[0] = <PyObject*>y
    operands[1] = <PyObject*>a
    operands[2] = <PyObject*>b
    operands[3] = <PyObject*>c
    walk_formula(f, c.dt, y.nd, y.sizes, 4, operands, s, op)
    return y


cdef object unary(int f, object cls, object value, str op, int kind, object out, const double* s=NULL):
    cdef Variable x = checked(value, op, "input")
    cdef Variable y
    cdef Unary node
    if kind == FLOAT and x.dt < FLOAT16:
        x = to_dtype(x, default_dtype())
    if out is not None and isinstance(out, Variable) and not recording(x) and not recording(<Variable>out) and same_shape(x, <Variable>out) \
            and direct_out(<Variable>out, elementwise_tables[CPU].result_dtype(f, x.dt), x, None) and not overlaps_itself(<Variable>out):
        formula1(f, x, s, op, <Variable>out)
        bump(<Variable>out)
        return out
    y = formula1(f, x, s, op)
    if cls is not None and recording(x):
        node = <Unary>pyx_make(<PyTypeObject*>cls)
        record1(node, y, x)
        node.keep(x, y)
    return y if out is None else finish_out(y, out, op)


cdef inline Variable number_operand(object number, Variable like):
    return wrap_number(number, promote_number(like.dt, number), like.dev, like.dev_index)


cdef int number_formula(int f) noexcept:
    """The formula of one operand and a number for one of two operands; -1 if there is none."""
    return ADD_SCALAR if f == ADD or f == SUB else MUL_SCALAR if f == MUL else -1


cdef inline bint plain_number(Variable a, object number) noexcept:
    """Whether tensor and number meet in float32 or float64, where the number needs no tensor of its own."""
    return (a.dt == FLOAT32 or a.dt == FLOAT64) and (PyFloat_Check(number) or PyLong_Check(number))


cdef Variable with_number(int f, int g, object cls, Variable a, object number, str op, Variable out):
    """a + number, a - number or a * number; g is number_formula(f)."""
    cdef double s[1]
    cdef Variable r
    cdef Binary node
    s[0] = number
    if f == SUB:
        s[0] = -s[0]
    r = formula1(g, a, s, op, out)
    if out is None and recording(a):
        node = <Binary>pyx_make(<PyTypeObject*>cls)
        record1(node, r, a)
        node.n_inputs = 2       # the number is the other one
        if f == MUL:
            (<Mul>node).number = s[0]
            node.save(None)
    return r


cdef object operand_error(str op, object x):
    return TypeError(f"{op}(): argument must be Tensor or Number, not {type(x).__name__}")


cdef object binary(int f, object cls, object x, object y, str op, int kind, object out, const double* s=NULL):
    cdef Variable a, b, r
    cdef Binary node
    cdef int dt, g
    cdef int64_t sizes[64]
    cdef int nd
    cdef bint ra, rb
    if isinstance(x, Variable):
        a = <Variable>x
        if isinstance(y, Variable):
            b = <Variable>y
        elif out is None and plain_number(a, y) and (g := number_formula(f)) >= 0:
            return with_number(f, g, cls, a, y, op, None)
        elif is_number(y):
            b = number_operand(y, a)
        else:
            raise operand_error(op, y)
    elif isinstance(y, Variable):
        if not is_number(x):
            raise operand_error(op, x)
        b = <Variable>y
        if out is None and f != SUB and plain_number(b, x) and (g := number_formula(f)) >= 0:
            return with_number(f, g, cls, b, x, op, None)
        a = number_operand(x, b)
    elif (f == ADD or f == SUB or f == MUL or f == DIV or f == DIV_TRUNC or f == DIV_FLOOR) and is_number(x) and is_number(y):
        a = wrap_number(x, number_dtype(x), CPU, 0)
        b = wrap_number(y, number_dtype(y), CPU, 0)
    else:
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(x).__name__}")
    dt = a.dt if a.dt == b.dt else result_type_of(a, b)
    if kind == FLOAT and dt < FLOAT16:
        dt = default_dtype()
    if a.dt != dt:
        a = to_dtype(a, dt)
    if b.dt != dt:
        b = to_dtype(b, dt)
    ra = recording(a)
    rb = recording(b)
    if cls is None or not (ra or rb):
        if out is not None and isinstance(out, Variable) and not ((<Variable>out).flags & REQUIRES_GRAD) \
                and direct_out(<Variable>out, elementwise_tables[CPU].result_dtype(f, dt), a, b):
            nd = broadcast(a, b, sizes, op)
            if is_shape(<Variable>out, nd, sizes) and not overlaps_itself(<Variable>out):
                formula2(f, a, b, s, op, <Variable>out)
                bump(<Variable>out)
                return out
        r = formula2(f, a, b, s, op)
        return r if out is None else finish_out(r, out, op)
    if not same_shape(a, b):
        nd = broadcast(a, b, sizes, op)
        if ra:
            a = expand_to(a, nd, sizes, op)
        if rb:
            b = expand_to(b, nd, sizes, op)
    r = formula2(f, a, b, s, op)
    node = <Binary>pyx_make(<PyTypeObject*>cls)
    record2(node, r, a, b)
    node.keep(a, b, r)
    return r if out is None else finish_out(r, out, op)


cdef int tensors_only(object x, object y, str op, str second="other") except -1:
    """For operations of which PyTorch has no form with a number."""
    checked(x, op, "input")
    checked(y, op, second)
    return 0


cdef bint is_shape(TensorBase x, int nd, const int64_t* sizes) noexcept:
    cdef int i
    if x.nd != nd:
        return False
    for i in range(nd):
        if x.sizes[i] != sizes[i]:
            return False
    return True


cdef object binary_inplace(int f, object cls, Variable x, object y, str op, int kind, const double* s=NULL):
    """x = f(x, y) in place: straight into x's memory when nothing is recorded."""
    cdef Variable b
    cdef int64_t sizes[64]
    cdef int nd
    if isinstance(y, Variable):
        b = <Variable>y
        if b.dt == x.dt and not recording(x) and not recording(b) and x._base is None and elementwise_tables[CPU].result_dtype(f, x.dt) == x.dt \
                and (kind != FLOAT or x.dt >= FLOAT16) and direct_out(x, x.dt, b, None):
            if same_shape(x, b) or b.nd == 0:
                nd = 0
            else:
                nd = broadcast(x, b, sizes, op)
                if not is_shape(x, nd, sizes):
                    nd = -1
            if nd >= 0:
                check_inplace(x, op)
                formula2(f, x, b, s, op, x)
                bump(x)
                return x
    elif PyFloat_Check(y) or PyLong_Check(y):
        if not recording(x) and x._base is None and promote_number(x.dt, y) == x.dt and (kind != FLOAT or x.dt >= FLOAT16) \
                and elementwise_tables[CPU].result_dtype(f, x.dt) == x.dt:
            check_inplace(x, op)
            if plain_number(x, y) and number_formula(f) >= 0:
                with_number(f, number_formula(f), cls, x, y, op, x)
            else:
                formula2(f, x, wrap_number(y, x.dt, x.dev, x.dev_index), s, op, x)
            bump(x)
            return x
    return write_inplace(x, binary(f, cls, x, y, op, kind, None, s), op)


# -------------------------------------------------------------------------------- arithmetic

cdef int ADD = formula(b"add")
cdef int SUB = formula(b"sub")
cdef int MUL = formula(b"mul")
cdef int DIV = formula(b"div")
cdef int NEG = formula(b"neg")
cdef int ADD_SCALED = formula(b"add_scaled")
cdef int ADD_SCALAR = formula(b"add_scalar")
cdef int MUL_SCALAR = formula(b"mul_scalar")
cdef int ZERO_MUL = formula(b"zero_mul")
cdef int ZERO_DIV = formula(b"zero_div")


cdef class Add(Binary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        self.pass_grad(1, g)


cdef class Sub(Binary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        if self.needs(1):
            self.pass_grad(1, neg_t(g))


cdef class AddScaled(Binary):
    """a + alpha * b"""
    cdef object alpha

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        if self.needs(1):
            self.pass_grad(1, mul_number(g, self.alpha.conjugate()))


cdef class Mul(Binary):
    cdef double number      # the other operand where what was saved in its place is None

    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(b if self.e0 is not None else None)
        self.save(a if self.e1 is not None else None)

    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            b = self.saved(0)
            self.pass_grad(0, mul_number(g, self.number) if b is None else mul_t(g, conj_of(b)))
        if self.needs(1):
            self.pass_grad(1, mul_t(g, conj_of(self.saved(1))))


cdef class Div(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(b)
        if self.e1 is not None:
            self.save(a)

    cdef int vjp(self, Variable g) except -1:
        cdef Variable b = conj_of(self.saved(0))
        cdef Variable quotient = zero_div(g, b)
        self.pass_grad(0, quotient)
        if self.needs(1):
            self.pass_grad(1, neg_t(zero_mul(quotient, conj_of(div_t(self.saved(1), self.saved(0))))))


cdef class Neg(Unary):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, neg_t(g))


cdef class ZeroMul(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            self.pass_grad(0, zero_mul(g, conj_of(self.saved(1))))
        if self.needs(1):
            self.pass_grad(1, zero_mul(g, conj_of(self.saved(0))))


cdef class ZeroDiv(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        cdef Variable b = conj_of(self.saved(1))
        cdef Variable quotient = zero_div(g, b)
        self.pass_grad(0, quotient)
        if self.needs(1):
            self.pass_grad(1, neg_t(zero_mul(quotient, conj_of(zero_div(self.saved(0), self.saved(1))))))


cdef Variable add_t(Variable a, Variable b):
    return <Variable>binary(ADD, Add, a, b, "add", SAME, None)


cdef Variable mul_t(Variable a, Variable b):
    return <Variable>binary(MUL, Mul, a, b, "mul", SAME, None)


cdef Variable div_t(Variable a, Variable b):
    return <Variable>binary(DIV, Div, a, b, "div", FLOAT, None)


cdef Variable neg_t(Variable a):
    return <Variable>unary(NEG, Neg, a, "neg", SAME, None)


cdef Variable mul_number(Variable a, object number):
    return <Variable>binary(MUL, Mul, a, number, "mul", SAME, None)


cdef Variable zero_mul(Variable g, Variable x):
    return <Variable>binary(ZERO_MUL, ZeroMul, g, x, "mul", SAME, None)


cdef Variable zero_div(Variable g, Variable x):
    return <Variable>binary(ZERO_DIV, ZeroDiv, g, x, "div", FLOAT, None)


cdef object add_op(object x, object y):
    if type(x) is type(y) or known(x, y):
        return binary(ADD, Add, x, y, "add", SAME, None)
    return NotImplemented


cdef object sub_op(object x, object y):
    if type(x) is type(y) or known(x, y):
        return sub(x, y)
    return NotImplemented


cdef object mul_op(object x, object y):
    if type(x) is type(y) or known(x, y):
        return binary(MUL, Mul, x, y, "mul", SAME, None)
    return NotImplemented


cdef object div_op(object x, object y):
    if type(x) is type(y) or known(x, y):
        return binary(DIV, Div, x, y, "div", FLOAT, None)
    return NotImplemented


cdef object iadd_op(Variable x, object y):
    return binary_inplace(ADD, Add, x, y, "add_", SAME)


cdef object isub_op(Variable x, object y):
    return binary_inplace(SUB, Sub, x, y, "sub_", SAME)


cdef object imul_op(Variable x, object y):
    return binary_inplace(MUL, Mul, x, y, "mul_", SAME)


cdef object idiv_op(Variable x, object y):
    return binary_inplace(DIV, Div, x, y, "div_", FLOAT)


cdef bint known(object x, object y) noexcept:
    return (isinstance(x, Variable) or is_number(x)) and (isinstance(y, Variable) or is_number(y))


cdef object scaled(object x, object y, object alpha, str op, object out):
    """x + alpha * y"""
    cdef Variable a, b, r
    cdef double s[1]
    if isinstance(alpha, Variable):
        alpha = item_of(<Variable>alpha)
    if not is_number(alpha):
        raise TypeError(f"{op}(): argument 'alpha' must be Number, not {type(alpha).__name__}")
    a = x if isinstance(x, Variable) else None
    b = y if isinstance(y, Variable) else None
    if a is None and b is None:
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(x).__name__}")
    for number in (x, y):
        if not isinstance(number, Variable) and not is_number(number):
            raise operand_error(op, number)
    cdef int dt = result_type_of(a if a is not None else number_operand(x, b), b if b is not None else number_operand(y, a))
    if dt == BOOL and not isinstance(alpha, bool):
        raise RuntimeError(f"{op}: Boolean alpha only supported for Boolean results.")
    if is_integral(dt) and (PyFloat_Check(alpha) or PyComplex_Check(alpha)):
        raise RuntimeError(f"{op}: For integral input tensors, argument alpha must not be a floating point number, not {alpha}.")
    if PyComplex_Check(alpha) and not is_complex_code(dt):
        raise RuntimeError(f"{op}: For non-complex input tensors, argument alpha must not be a complex number, not {alpha}.")
    if is_floating(dt):
        s[0] = alpha
        r = <Variable>binary(ADD_SCALED, AddScaled, x, y, op, SAME, None, s)
        if isinstance(r._grad_fn, AddScaled):
            (<AddScaled>r._grad_fn).alpha = alpha
        return r if out is None else finish_out(r, out, op)
    return binary(ADD, Add, x, binary(MUL, Mul, y, alpha, op, SAME, None), op, SAME, out)


def add(input, other, *, alpha=1, out=None):
    """input + alpha * other, broadcast and promoted.

    Args:
        input, other: tensors or numbers; alpha: number.
    Raises:
        RuntimeError: the shapes do not broadcast.
    """
    if alpha is not 1 and alpha != 1:
        return scaled(input, other, alpha, "add", out)
    return binary(ADD, Add, input, other, "add", SAME, out)


def sub(input, other, *, alpha=1, out=None):
    """input - alpha * other, broadcast and promoted."""
    if (isinstance(input, Variable) and (<Variable>input).dt == BOOL) and (isinstance(other, bool) or (isinstance(other, Variable) and (<Variable>other).dt == BOOL)):
        raise RuntimeError(
            "sub: Subtraction, the `-` operator, with two bool tensors is not supported, use the `^` or `logical_xor()` operator instead."
        )
    if alpha is not 1 and alpha != 1:
        return scaled(input, other, -alpha, "sub", out)
    return binary(SUB, Sub, input, other, "sub", SAME, out)


def rsub(input, other, *, alpha=1):
    """other - alpha * input"""
    checked(input, "rsub", "input")
    if not isinstance(other, Variable) and not is_number(other):
        raise operand_error("rsub", other)
    return sub(other, input, alpha=alpha)


def mul(input, other, *, out=None):
    """input * other, broadcast and promoted."""
    return binary(MUL, Mul, input, other, "mul", SAME, out)


def neg(input, *, out=None):
    """-input; not for bool tensors."""
    if isinstance(input, Variable) and (<Variable>input).dt == BOOL:
        raise RuntimeError("neg: Negation, the `-` operator, on a bool tensor is not supported. Use the `~` or `logical_not()` operator instead.")
    return unary(NEG, Neg, input, "neg", SAME, out)


def positive(Variable input not None):
    """+input: the tensor itself; not for bool tensors."""
    if input.dt == BOOL:
        raise RuntimeError("positive: The `+` operator, on a bool tensor is not supported.")
    return input


cdef int DIV_TRUNC = formula(b"div_trunc")
cdef int DIV_FLOOR = formula(b"div_floor")
cdef int REMAINDER = formula(b"remainder")
cdef int FMOD = formula(b"fmod")


cdef class DivTrunc(Binary):
    """Piecewise constant: its gradient is zero."""
    cdef int vjp(self, Variable g) except -1:
        return 0


cdef class Remainder(Binary):
    """a - b * round(a / b), round being floor or trunc."""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        if self.needs(1):
            self.pass_grad(1, neg_t(zero_mul(g, <Variable>div(self.saved(0), self.saved(1), rounding_mode="floor"))))


cdef class Fmod(Remainder):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        if self.needs(1):
            self.pass_grad(1, neg_t(zero_mul(g, <Variable>div(self.saved(0), self.saved(1), rounding_mode="trunc"))))


cdef int zero_divisor(object input, object other, str op) except -1:
    """Integer division by zero is an error, found before the kernel would meet it."""
    cdef Variable b
    if isinstance(input, Variable) and (<Variable>input).dt > INT64:
        return 0
    if isinstance(other, Variable):
        b = other
        if b.dt <= INT64 and b.n and not b.all():
            raise RuntimeError(f"{op}: ZeroDivisionError: integer division by zero")
    elif isinstance(other, int) and other == 0:
        raise RuntimeError(f"{op}: ZeroDivisionError: integer division by zero")
    return 0


def div(input, other, *, rounding_mode=None, out=None):
    """input / other: true division, or rounded towards zero ("trunc") or down ("floor")."""
    if rounding_mode is None:
        return binary(DIV, Div, input, other, "div", FLOAT, out)
    if rounding_mode == "trunc":
        zero_divisor(input, other, "div")
        return binary(DIV_TRUNC, DivTrunc, input, other, "div", SAME, out)
    if rounding_mode == "floor":
        zero_divisor(input, other, "div")
        return binary(DIV_FLOOR, DivTrunc, input, other, "div", SAME, out)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")


def true_divide(input, other, *, out=None):
    """input / other"""
    return binary(DIV, Div, input, other, "div", FLOAT, out)


def floor_divide(input, other, *, out=None):
    """input // other, rounded down."""
    return div(input, other, rounding_mode="floor", out=out)


def remainder(input, other, *, out=None):
    """input - other * floor(input / other): the sign of `other`."""
    zero_divisor(input, other, "remainder")
    return binary(REMAINDER, Remainder, input, other, "remainder", SAME, out)


def fmod(input, other, *, out=None):
    """input - other * trunc(input / other): the sign of `input`."""
    checked(input, "fmod", "input")
    zero_divisor(input, other, "fmod")
    return binary(FMOD, Fmod, input, other, "fmod", SAME, out)


cdef int ABS = formula(b"abs")
cdef int SIGN = formula(b"sign")
cdef int SGN = formula(b"sgn")
cdef int SQUARE = formula(b"square")
cdef int POW = formula(b"pow")
cdef int POW_SCALAR = formula(b"pow_scalar")


cdef class Abs(Unary):
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, mul_t(g, <Variable>sgn(self.saved(0))))


def abs(input, *, out=None):
    """Absolute value; of a complex tensor a real one."""
    return unary(ABS, Abs, input, "abs", SAME, out)


cdef class Zero(Unary):
    """Piecewise constant: its gradient is zero."""
    cdef int vjp(self, Variable g) except -1:
        return 0


def sign(input, *, out=None):
    """-1, 0 or 1 by the sign."""
    if isinstance(input, Variable) and is_complex_code((<Variable>input).dt):
        raise RuntimeError("Unlike NumPy, torch.sign doesn't support complex tensors; use sgn.")
    return unary(SIGN, Zero, input, "sign", SAME, out)


cdef class Sgn(Unary):
    """x / |x|; the gradient of a complex input turns within the unit circle."""
    cdef int keep(self, Variable x, Variable y) except -1:
        if is_complex_code(x.dt):
            self.save(x)

    cdef int vjp(self, Variable g) except -1:
        if self.n_saved == 0:
            return 0
        x = self.saved(0)
        s = sgn(x)
        self.pass_grad(0, zero_div(<Variable>((g - (g * s.conj()).real * s)), <Variable>abs(x)))


def sgn(input, *, out=None):
    """x / |x|, and 0 for 0: `sign` that knows complex numbers."""
    return unary(SGN, Sgn, input, "sgn", SAME, out)


cdef class Square(Unary):
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, mul_t(g, conj_of(mul_number(self.saved(0), 2))))


def square(input, *, out=None):
    """input * input; of bools in int64."""
    if isinstance(input, Variable) and (<Variable>input).dt == BOOL:
        input = to_dtype(<Variable>input, INT64)
    return unary(SQUARE, Square, input, "square", SAME, out)


cdef class PowScalar(Unary):
    """x ** n, n a number."""
    cdef object n

    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        if self.n == 0:
            return 0
        self.pass_grad(0, zero_mul(g, conj_of(mul_number(<Variable>pow(self.saved(0), self.n - 1), self.n))))


cdef class Pow(Binary):
    """a ** b"""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)
        self.save_output(y)

    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        if self.needs(0):
            slope = where(b == 0, 0, b * pow(a, b - 1))
            self.pass_grad(0, zero_mul(g, conj_of(slope)))
        if self.needs(1):
            y = self.saved(2)
            flat = (a == 0) if is_complex_code((<Variable>b).dt) else (a == 0) & (b >= 0)
            self.pass_grad(1, zero_mul(g, conj_of(<Variable>where(flat, 0, y * a.log()))))


def pow(input, exponent, *, out=None):
    """input ** exponent, elementwise; either may be a number.

    Raises:
        RuntimeError: integers to a negative integer power.
    """
    cdef Variable x, y
    cdef double s[1]
    cdef PowScalar node
    if isinstance(input, Variable) and not isinstance(exponent, Variable):
        x = input
        if not is_number(exponent):
            raise operand_error("pow", exponent)
        if isinstance(exponent, bool):
            exponent = int(exponent)
        if PyLong_Check(exponent) and exponent < 0 and x.dt <= INT64:
            raise RuntimeError("pow: Integers to negative integer powers are not allowed.")
        if not PyComplex_Check(exponent) and x.dt >= FLOAT16:
            if exponent == 2:
                return square(x, out=out)
            if is_floating(x.dt) and exponent != 0:
                s[0] = exponent
                y = formula1(POW_SCALAR, x, s, "pow")
                if recording(x):
                    node = <PowScalar>PowScalar.__new__(PowScalar)
                    node.n = exponent
                    record1(node, y, x)
                    node.save(x)
                return y if out is None else finish_out(y, out, "pow")
        if exponent == 0 and x.dt >= FLOAT16 and recording(x):
            return finish_out(x * 0 + 1, out, "pow")
    return binary(POW, Pow, input, exponent, "pow", SAME, out)


def float_power(input, exponent, *, out=None):
    """input ** exponent in double precision (complex128 for complex)."""
    cdef bint z = False
    for v in (input, exponent):
        z = z or PyComplex_Check(v) or (isinstance(v, Variable) and is_complex_code((<Variable>v).dt))
    cdef int dt = COMPLEX128 if z else FLOAT64
    a = to_dtype(<Variable>input, dt) if isinstance(input, Variable) else input
    b = to_dtype(<Variable>exponent, dt) if isinstance(exponent, Variable) else exponent
    if not isinstance(a, Variable):
        checked(exponent, "float_power", "exponent")
        if not is_number(a):
            raise operand_error("float_power", a)
        a = wrap_number(a, dt, (<Variable>b).dev, (<Variable>b).dev_index)
    if out is not None and checked(out, "float_power", "out").dt != dt:
        raise RuntimeError(f"float_power: the base given to float_power_ has dtype {dtype_of((<Variable>out).dt).name} but the operation's result requires dtype {dtype_of(dt).name}")
    return pow(a, b, out=out)


# ----------------------------------------------------------------------- larger and smaller

cdef int MAXIMUM = formula(b"maximum")
cdef int MINIMUM = formula(b"minimum")
cdef int FMAX = formula(b"fmax")
cdef int FMIN = formula(b"fmin")


cdef class Extreme(Binary):
    """The chosen operand gets the gradient; equal ones half of it each."""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef object chosen(self, Variable a, Variable b):
        return a > b

    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        first = self.chosen(a, b)
        equal = a == b
        half = where(equal, mul_number(g, 0.5), 0)
        if self.needs(0):
            self.pass_grad(0, where(first, g, half))
        if self.needs(1):
            self.pass_grad(1, where(logical_or(first, equal), half, g))


cdef class Maximum(Extreme):
    pass


cdef class Minimum(Extreme):
    cdef object chosen(self, Variable a, Variable b):
        return a < b


cdef class Fmax(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        first = logical_or(a >= b, isnan(b))
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


cdef class Fmin(Fmax):
    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        first = logical_or(a <= b, isnan(b))
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


def maximum(input, other, *, out=None):
    """The larger of two elements; NaN if either is."""
    tensors_only(input, other, "maximum")
    return binary(MAXIMUM, Maximum, input, other, "maximum", SAME, out)


def minimum(input, other, *, out=None):
    """The smaller of two elements; NaN if either is."""
    tensors_only(input, other, "minimum")
    return binary(MINIMUM, Minimum, input, other, "minimum", SAME, out)


def fmax(input, other, *, out=None):
    """The larger of two elements; a number is preferred to NaN."""
    tensors_only(input, other, "fmax")
    return binary(FMAX, Fmax, input, other, "fmax", SAME, out)


def fmin(input, other, *, out=None):
    """The smaller of two elements; a number is preferred to NaN."""
    tensors_only(input, other, "fmin")
    return binary(FMIN, Fmin, input, other, "fmin", SAME, out)


# ---------------------------------------------------------------------------------- where

cdef int WHERE = formula(b"where")


cdef class Where(Function):
    cdef int vjp(self, Variable g) except -1:
        condition = self.saved(0)
        if self.needs(1):
            self.pass_grad(1, where(condition, g, 0))
        if self.needs(2):
            self.pass_grad(2, where(condition, 0, g))


cdef Variable where_t(Variable condition, Variable a, Variable b):
    cdef Variable y
    cdef Where node
    if condition.dt != BOOL:
        if condition.dt != UINT8:
            raise RuntimeError(f"where: expected condition to be a boolean tensor, but got a tensor with dtype {dtype_of(condition.dt)!r}")
        condition = to_dtype(condition, BOOL)
    cdef int dt = result_type_of(a, b)
    a = to_dtype(a, dt)
    b = to_dtype(b, dt)
    if a.dev != condition.dev and a.nd == 0:
        a = a.to(condition.device)
    if b.dev != condition.dev and b.nd == 0:
        b = b.to(condition.device)
    if recording(a) or recording(b):
        y = formula3(WHERE, condition, a, b, NULL, "where")
        a = expand_to(a, y.nd, y.sizes, "where") if recording(a) else a
        b = expand_to(b, y.nd, y.sizes, "where") if recording(b) else b
        node = <Where>Where.__new__(Where)
        record3(node, y, condition, a, b)
        node.save(condition)
        return y
    return formula3(WHERE, condition, a, b, NULL, "where")


def where(condition, input=None, other=None, *, out=None):
    """input where condition, else other; with a condition alone, `nonzero(as_tuple=True)`."""
    cdef Variable c = checked(condition, "where", "condition")
    if input is None and other is None:
        return c.nonzero(as_tuple=True)
    for v in (input, other):
        if not isinstance(v, Variable) and not is_number(v):
            raise operand_error("where", v)
    cdef Variable a, b
    if isinstance(input, Variable):
        a = input
    elif isinstance(other, Variable):
        a = number_operand(input, <Variable>other)
    else:
        a = wrap_number(input, number_dtype(input), c.dev, c.dev_index)
    b = other if isinstance(other, Variable) else number_operand(other, a)
    return finish_out(where_t(c, a, b), out, "where")


# ------------------------------------------------------------------------------- comparison

cdef int EQ = formula(b"eq")
cdef int NE = formula(b"ne")
cdef int LT = formula(b"lt")
cdef int LE = formula(b"le")
cdef int GT = formula(b"gt")
cdef int GE = formula(b"ge")
cdef int ISNAN = formula(b"isnan")


cdef object compare(int f, object input, object other, str op, object out):
    """Compare after promotion; a number beyond an integer dtype's range still compares rightly."""
    cdef Variable x = checked(input, op, "input")
    if PyLong_Check(other) and x.dt <= INT64:
        low, high = int_range(x.dt)
        if not low <= other <= high:
            x = to_dtype(x, FLOAT64)
            other = float("inf") if other > 0 else float("-inf")
            return binary(f, None, x, other, op, SAME, out)
    return binary(f, None, input, other, op, SAME, out)


cdef tuple int_range(int dt):
    if dt == BOOL or dt == INT64:
        return -(1 << 63), (1 << 63) - 1
    if dt == UINT8:
        return 0, 255
    bits = 8 * itemsize_of(dt)
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def eq(input, other, *, out=None):
    """input == other, elementwise, as bool."""
    return compare(EQ, input, other, "eq", out)


def ne(input, other, *, out=None):
    """input != other, elementwise, as bool."""
    return compare(NE, input, other, "ne", out)


def lt(input, other, *, out=None):
    """input < other, elementwise, as bool."""
    return compare(LT, input, other, "lt", out)


def le(input, other, *, out=None):
    """input <= other, elementwise, as bool."""
    return compare(LE, input, other, "le", out)


def gt(input, other, *, out=None):
    """input > other, elementwise, as bool."""
    return compare(GT, input, other, "gt", out)


def ge(input, other, *, out=None):
    """input >= other, elementwise, as bool."""
    return compare(GE, input, other, "ge", out)


def isnan(input, *, out=None):
    """Whether each element is NaN."""
    return unary(ISNAN, None, input, "isnan", SAME, out)


# ------------------------------------------------------------------------------ logic, bits

cdef int LOGICAL_AND = formula(b"logical_and")
cdef int LOGICAL_OR = formula(b"logical_or")
cdef int LOGICAL_XOR = formula(b"logical_xor")
cdef int LOGICAL_NOT = formula(b"logical_not")
cdef int BITWISE_AND = formula(b"bitwise_and")
cdef int BITWISE_OR = formula(b"bitwise_or")
cdef int BITWISE_XOR = formula(b"bitwise_xor")
cdef int BITWISE_NOT = formula(b"bitwise_not")
cdef int LEFT_SHIFT = formula(b"bitwise_left_shift")
cdef int RIGHT_SHIFT = formula(b"bitwise_right_shift")


def logical_and(input, other, *, out=None):
    """Whether both elements are nonzero."""
    tensors_only(input, other, "logical_and")
    return binary(LOGICAL_AND, None, input, other, "logical_and", SAME, out)


def logical_or(input, other, *, out=None):
    """Whether one of two elements is nonzero."""
    tensors_only(input, other, "logical_or")
    return binary(LOGICAL_OR, None, input, other, "logical_or", SAME, out)


def logical_xor(input, other, *, out=None):
    """Whether exactly one of two elements is nonzero."""
    tensors_only(input, other, "logical_xor")
    return binary(LOGICAL_XOR, None, input, other, "logical_xor", SAME, out)


def logical_not(input, *, out=None):
    """Whether each element is zero."""
    return unary(LOGICAL_NOT, None, input, "logical_not", SAME, out)


def bitwise_and(input, other, *, out=None):
    """input & other of integers or bools."""
    return binary(BITWISE_AND, None, input, other, "bitwise_and", SAME, out)


def bitwise_or(input, other, *, out=None):
    """input | other of integers or bools."""
    return binary(BITWISE_OR, None, input, other, "bitwise_or", SAME, out)


def bitwise_xor(input, other, *, out=None):
    """input ^ other of integers or bools."""
    return binary(BITWISE_XOR, None, input, other, "bitwise_xor", SAME, out)


def bitwise_not(input, *, out=None):
    """~input of integers or bools."""
    if isinstance(input, Variable) and (<Variable>input).dt == BOOL:
        return unary(LOGICAL_NOT, None, input, "bitwise_not", SAME, out)
    return unary(BITWISE_NOT, None, input, "bitwise_not", SAME, out)


def bitwise_left_shift(input, other, *, out=None):
    """input << other of integers."""
    return binary(LEFT_SHIFT, None, input, other, "bitwise_left_shift", SAME, out)


def bitwise_right_shift(input, other, *, out=None):
    """input >> other of integers."""
    return binary(RIGHT_SHIFT, None, input, other, "bitwise_right_shift", SAME, out)


# ------------------------------------------------------------------- three and more operands

def addcmul(input, tensor1, tensor2, *, value=1, out=None):
    """input + value * tensor1 * tensor2"""
    product = mul(tensor1, tensor2)
    return finish_out(add(input, product if value == 1 else mul(product, value)), out, "addcmul")


def addcdiv(input, tensor1, tensor2, *, value=1, out=None):
    """input + value * tensor1 / tensor2, for floating-point tensors."""
    cdef Variable a = checked(tensor1, "addcdiv", "tensor1")
    cdef Variable b = checked(tensor2, "addcdiv", "tensor2")
    checked(input, "addcdiv", "input")
    if a.dt <= INT64 and b.dt <= INT64:
        raise RuntimeError(
            "addcdiv: Integer division with addcdiv is no longer supported; use (input + value * trunc(tensor1 / tensor2)) for the old behaviour."
        )
    quotient = div(a, b)
    return finish_out(add(input, quotient if value == 1 else mul(quotient, value)), out, "addcdiv")


def lerp(input, end, weight, *, out=None):
    """input + weight * (end - input)"""
    cdef Variable a = checked(input, "lerp", "input")
    cdef Variable b = checked(end, "lerp", "end")
    if a.dt != b.dt:
        raise RuntimeError(f"lerp: expected dtype {dtype_of(a.dt).name} for `end` but got dtype {dtype_of(b.dt).name}")
    if isinstance(weight, Variable):
        if (<Variable>weight).dt != a.dt and (<Variable>weight).nd:
            raise RuntimeError(f"lerp: expected dtype {dtype_of(a.dt).name} for `weight` but got dtype {dtype_of((<Variable>weight).dt).name}")
        near = (abs(weight) if is_complex_code((<Variable>weight).dt) else abs(weight)) < 0.5
        gap = b - a
        return finish_out(where(near, a + weight * gap, b - gap * (1 - weight)), out, "lerp")
    gap = b - a
    near = (weight.real * weight.real + weight.imag * weight.imag if isinstance(weight, complex) else weight * weight) < 0.25
    return finish_out(a + gap * weight if near else b - gap * (1 - weight), out, "lerp")


cdef int CLAMP = formula(b"clamp_scalar")


cdef class Clamp(Unary):
    """min(max(x, low), high): the gradient flows where x lies between them, ends included."""
    cdef object low, high

    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        inside = None
        if self.low is not None:
            inside = x >= self.low
        if self.high is not None:
            inside = (x <= self.high) if inside is None else logical_and(inside, x <= self.high)
        self.pass_grad(0, where(inside, g, 0))


def clamp(input, min=None, max=None, *, out=None):
    """Elements below `min` or above `max` (numbers or tensors) become these.

    Raises:
        RuntimeError: neither is given, or the tensor is complex.
    """
    cdef Variable x = checked(input, "clamp", "input")
    cdef Variable y
    cdef double s[2]
    cdef Clamp node
    cdef int dt = x.dt
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    if is_complex_code(x.dt):
        raise RuntimeError("clamp: is not supported for complex types")
    if isinstance(min, Variable) or isinstance(max, Variable):
        r = x
        if min is not None:
            r = _clamp_below(r, min)
        if max is not None:
            r = _clamp_above(r, max)
        return finish_out(r, out, "clamp")
    for limit in (min, max):
        if limit is not None:
            if not is_number(limit):
                raise operand_error("clamp", limit)
            dt = promote_number(dt, limit)
    x = to_dtype(x, dt)
    if is_floating(dt):
        s[0] = float("-inf") if min is None else min
        s[1] = float("inf") if max is None else max
        y = formula1(CLAMP, x, s, "clamp")
    else:
        y = x
        if min is not None:
            y = <Variable>binary(MAXIMUM, None, y, min, "clamp", SAME, None)
        if max is not None:
            y = <Variable>binary(MINIMUM, None, y, max, "clamp", SAME, None)
    if min is not None and min != min or max is not None and max != max:
        fill_raw(y, float("nan"))
    if recording(x):
        node = <Clamp>Clamp.__new__(Clamp)
        node.low = min
        node.high = max
        record1(node, y, x)
        node.save(x)
    return finish_out(y, out, "clamp")


cdef class ClampBelow(Maximum):
    """maximum whose gradient goes to x where x equals the limit."""
    cdef int vjp(self, Variable g) except -1:
        first = self.saved(0) >= self.saved(1)
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


cdef class ClampAbove(Minimum):
    cdef int vjp(self, Variable g) except -1:
        first = self.saved(0) <= self.saved(1)
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


cdef object _clamp_below(object x, object limit):
    return binary(MAXIMUM, ClampBelow, x, limit, "clamp", SAME, None)


cdef object _clamp_above(object x, object limit):
    return binary(MINIMUM, ClampAbove, x, limit, "clamp", SAME, None)


def clamp_min(input, min, *, out=None):
    """Elements below `min` become it."""
    return clamp(input, min=min, out=out)


def clamp_max(input, max, *, out=None):
    """Elements above `max` become it."""
    return clamp(input, max=max, out=out)


# ----------------------------------------------------------------------------------- closeness

def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|input - other| <= atol + rtol * |other|, elementwise."""
    cdef Variable a = checked(input, "isclose", "input")
    cdef Variable b = checked(other, "isclose", "other")
    if a.dt != b.dt:
        raise RuntimeError(f"isclose: {dtype_of(a.dt).name} did not match {dtype_of(b.dt).name}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol must be 0 or more, but got rtol={rtol}, atol={atol}")
    close = eq(a, b)
    if equal_nan and a.dt >= FLOAT16:
        close = logical_or(close, logical_and(isnan(a), isnan(b)))
    if a.dt <= INT64:
        if rtol == 0 and atol == 0:
            return close
        a = to_dtype(a, FLOAT64)
        b = to_dtype(b, FLOAT64)
    a, b = a.detach(), b.detach()
    gap = abs(a - b)
    within = gap <= (abs(b) * rtol + atol)
    return logical_or(close, logical_and(within, gap != float("inf")))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements of two tensors are close (see isclose)."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(Variable input not None, Variable other not None):
    """Whether two tensors have the same shape and the same elements."""
    same_device(input, other, "equal")
    if not same_shape(input, other):
        return False
    return bool(eq(input, other).all())


# ------------------------------------------------------------------------------ in-place forms

def add_(Variable self not None, other, *, alpha=1):
    """self += alpha * other"""
    cdef double s[1]
    if alpha is 1 or alpha == 1:
        return binary_inplace(ADD, Add, self, other, "add_", SAME)
    if is_floating(self.dt) and isinstance(alpha, (int, float)):
        s[0] = alpha
        if isinstance(other, Variable) and not recording(self) and not recording(<Variable>other):
            return binary_inplace(ADD_SCALED, AddScaled, self, other, "add_", SAME, s)
    return write_inplace(self, add(self, other, alpha=alpha), "add_")


def sub_(Variable self not None, other, *, alpha=1):
    """self -= alpha * other"""
    if alpha is 1 or alpha == 1:
        return binary_inplace(SUB, Sub, self, other, "sub_", SAME)
    return add_(self, other, alpha=-alpha)


def mul_(Variable self not None, other):
    """self *= other"""
    return binary_inplace(MUL, Mul, self, other, "mul_", SAME)


def div_(Variable self not None, other, *, rounding_mode=None):
    """self /= other"""
    if rounding_mode is None:
        return binary_inplace(DIV, Div, self, other, "div_", FLOAT)
    return write_inplace(self, div(self, other, rounding_mode=rounding_mode), "div_")


def clamp_(Variable self not None, min=None, max=None):
    """`clamp` in place."""
    if not recording(self) and self._base is None and not isinstance(min, Variable) and not isinstance(max, Variable):
        check_inplace(self, "clamp_")
        return clamp(self, min, max, out=self)
    return recorded_clamp_(self, min, max)


def abs_(Variable self not None):
    """`abs` in place; not for complex tensors, whose absolute values are real."""
    if is_complex_code(self.dt):
        raise RuntimeError("In-place abs is not supported for complex tensors. Use abs.")
    return recorded_abs_(self)


def float_power_(Variable self not None, exponent):
    """`float_power` in place; self must be float64 or complex128 already."""
    cdef Variable y = <Variable>float_power(self, exponent)
    if y.dt != self.dt:
        raise RuntimeError(f"float_power_: the base has dtype {dtype_of(self.dt).name} but the operation's result requires dtype {dtype_of(y.dt).name}. Use float_power.")
    return write_inplace(self, y, "float_power_")


def zero_(Variable self not None):
    """Set every element to 0."""
    return fill_(self, 0)


def fill_(Variable self not None, value):
    """Set every element to `value`, a number or a 0-d tensor."""
    cdef Variable v
    check_inplace(self, "fill_")
    if isinstance(value, Variable):
        v = value
        if v.nd != 0:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {v.nd} dimensions.")
        return self.copy_(v)
    if grad_enabled() and (self.flags & REQUIRES_GRAD or self._base is not None):
        return self.copy_(wrap_number(value, self.dt, self.dev, self.dev_index))
    fill_raw(self, value)
    bump(self)
    return self


def fill(Variable input not None, value):
    """A tensor like `input` with every element `value`."""
    if isinstance(value, Variable):
        if (<Variable>value).nd != 0:
            raise RuntimeError(f"fill only supports 0-dimension value tensor but got tensor with {(<Variable>value).nd} dimensions.")
        return to_dtype(<Variable>value, input.dt).expand(shape_of(input)).clone()
    y = full_raw(input.nd, input.sizes, input.dt, input.dev, input.dev_index, value)
    if recording(input) and input.dt >= FLOAT16:
        return where(full_raw(0, NULL, BOOL, input.dev, input.dev_index, True), y, input)     # on the tape, with a gradient of 0
    return y


__all__ = [
    "add", "sub", "rsub", "mul", "div", "true_divide", "floor_divide", "remainder", "fmod", "neg", "positive", "abs", "sign",
    "sgn", "square", "pow", "float_power", "maximum", "minimum", "fmax", "fmin", "where", "eq", "ne", "lt", "le", "gt", "ge",
    "isnan", "logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor",
    "bitwise_not", "bitwise_left_shift", "bitwise_right_shift", "addcmul", "addcdiv", "lerp", "clamp", "clamp_min",
    "clamp_max", "isclose", "allclose", "equal", "fill", "subtract", "multiply", "divide", "negative", "absolute", "greater",
    "greater_equal", "less", "less_equal", "not_equal", "clip",
]
subtract, multiply, divide, negative, absolute = sub, mul, div, neg, abs
greater, greater_equal, less, less_equal, not_equal, clip = gt, ge, lt, le, ne, clamp

from pyxtorch.ops._common import inplace

recorded_abs_ = inplace(abs, "abs_")
recorded_clamp_ = inplace(clamp, "clamp_")     # of two steps where the bounds are tensors
methods = {name: globals()[name] for name in __all__ if name not in ("rsub", "where", "fill")}
methods["where"] = lambda self, condition, other: where(condition, self, other)
methods.update(add_=add_, sub_=sub_, mul_=mul_, div_=div_, clamp_=clamp_, zero_=zero_, fill_=fill_, subtract_=sub_, multiply_=mul_,
               divide_=div_, clip_=clamp_, abs_=abs_, absolute_=abs_, float_power_=float_power_)
for _name in __all__:
    if _name + "_" not in methods and _name not in ("isnan", "isclose", "allclose", "equal", "where", "rsub", "positive", "maximum", "minimum", "fmax", "fmin", "fill"):
        methods[_name + "_"] = inplace(globals()[_name], _name + "_")

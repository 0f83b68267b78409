"""One result per element: the engine of these operations, and what the operators + - * / call.

The formulas are in include/pyxtorch/unary.h, binary.h and ternary.h. Other parts of the family: comparison and logic
(elementwise_compare), the choice between values (elementwise_select), powers and remainders (elementwise_arithmetic),
mathematical functions of one operand (elementwise_math) and of two (elementwise_pair), activations (elementwise_activation).
"""
from cpython.complex cimport PyComplex_Check
from cpython.float cimport PyFloat_Check
from cpython.long cimport PyLong_Check
from cpython.object cimport PyTypeObject
from pyxtorch._core cimport *
from pyxtorch.autograd cimport DUAL, FOLLOWED, Function, Variable, adjoint, check_inplace, record1, record2, recording, tracked
from pyxtorch.ops._common cimport *
from pyxtorch.ops._inplace cimport before_change, write_inplace
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

    cdef list pushforward(self, list tangents, list outs):
        return adjoint(self, tangents, outs)


cdef class Binary(Function):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        return 0

    cdef list pushforward(self, list tangents, list outs):
        return adjoint(self, tangents, outs)


# --------------------------------------------------------------------------------- the engine

cdef object undefined(str op, int dt):
    return NotImplementedError(f'"{op}" not implemented for {dtype_of(dt).name!r}: this operation is not defined for it. Convert with .to(dtype).')


cdef int walk_formula(int f, int dt, int nd, const int64_t* sizes, int count, PyObject** operands, const double* s, str op) except -1:
    cdef pyx_strided walk
    cdef pyx_elementwise_kernels* k
    cdef int failed
    cdef TensorBase y = <TensorBase>operands[0]
    if y.n == 0:
        return 0
    walk_init(&walk, nd, sizes, count, operands)
    k = <pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, y, op)
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
    if same_memory(a, out) and (a.ptr != out.ptr or not (a.flags & out.flags & CONTIGUOUS) or a.dt != dt or a.n != out.n):
        return False
    if b is not None and same_memory(b, out) and (b.ptr != out.ptr or not (b.flags & out.flags & CONTIGUOUS) or b.dt != dt or b.n != out.n):
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
    if kind == FLOAT and x.dt <= INT64:
        x = to_dtype(x, default_dtype())
    if out is not None and isinstance(out, Variable) and not recording(x) and not recording(<Variable>out) and same_shape(x, <Variable>out) \
            and direct_out(<Variable>out, elementwise_tables[CPU].result_dtype(f, x.dt), x, None) and not overlaps_itself(<Variable>out):
        formula1(f, x, s, op, <Variable>out)
        bump(<Variable>out)
        return out
    y = formula1(f, x, s, op)
    if cls is not None and recording(x):
        node = <Unary>pyx_make(<PyTypeObject*>cls)
        node.keep(x, y)
        record1(node, y, x)
    return y if out is None else finish_out(y, out, op)


cdef Variable number_operand(object number, Variable like, int kind=SAME):
    """The number as a tensor. Where integers are computed in floating point (FLOAT), it is not cut to their range first."""
    cdef int dt = promote_number(like.dt, number)
    if kind == FLOAT and dt <= INT64:
        dt = default_dtype()
    return wrap_number(modulo(number, dt), dt, like.dev, like.dev_index)


cdef int number_formula(int f, bint number_first=False) noexcept:
    """The formula of one operand and a number for one of two operands; -1 if there is none."""
    if f == SUB and number_first:
        return RSUB_SCALAR
    return ADD_SCALAR if f == ADD or f == SUB else MUL_SCALAR if f == MUL else -1


cdef inline bint plain_number(Variable a, object number) noexcept:
    """Whether the number needs no tensor of its own; half precision meets it in float32, before it is rounded."""
    return is_floating(a.dt) and (PyFloat_Check(number) or PyLong_Check(number))


cdef Variable with_number(int f, int g, object cls, Variable a, object number, str op, Variable out):
    """a + number, a - number, number - a or a * number; g is number_formula(f, ...)."""
    cdef double s[1]
    cdef Variable r
    cdef Binary node
    if PyLong_Check(number):
        promote_number(a.dt, number)    # it has to fit
    s[0] = number
    if g == RSUB_SCALAR:
        cls = Rsub
    elif f == SUB:
        s[0] = -s[0]
    r = formula1(g, a, s, op, out)
    if out is None and recording(a):
        node = <Binary>pyx_make(<PyTypeObject*>cls)
        node.n_inputs = 1       # the number; a is added to it
        if f == MUL:
            (<Mul>node).number = s[0]
            node.save(None)
        record1(node, r, a)
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
            b = number_operand(y, a, kind)
        else:
            raise operand_error(op, y)
    elif isinstance(y, Variable):
        if not is_number(x):
            raise operand_error(op, x)
        b = <Variable>y
        if out is None and plain_number(b, x) and (g := number_formula(f, True)) >= 0:
            return with_number(f, g, cls, b, x, op, None)
        a = number_operand(x, b, kind)
    elif (f == ADD or f == SUB or f == MUL or f == DIV or f == DIV_TRUNC or f == DIV_FLOOR) and is_number(x) and is_number(y):
        a = wrap_number(x, number_dtype(x), CPU, 0)
        b = wrap_number(y, number_dtype(y), CPU, 0)
    else:
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(x).__name__}")
    dt = a.dt if a.dt == b.dt else result_type_of(a, b)
    if kind == FLOAT and dt <= INT64:
        dt = default_dtype()
    if a.dt != dt:
        a = to_dtype(a, dt)
    if b.dt != dt:
        b = to_dtype(b, dt)
    ra = recording(a)
    rb = recording(b)
    if cls is None or not (ra or rb):
        if out is not None and isinstance(out, Variable) and not tracked(<Variable>out) \
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
    if s != NULL:
        node.factor = s[0]
    node.keep(a, b, r)
    record2(node, r, a, b)
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
                and (kind != FLOAT or x.dt > INT64) and direct_out(x, x.dt, b, None):
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
        if not recording(x) and x._base is None and promote_number(x.dt, y) == x.dt and (kind != FLOAT or x.dt > INT64) \
                and elementwise_tables[CPU].result_dtype(f, x.dt) == x.dt:
            check_inplace(x, op)
            if plain_number(x, y) and number_formula(f) >= 0:
                with_number(f, number_formula(f), cls, x, y, op, x)
            else:
                formula2(f, x, number_operand(y, x), s, op, x)
            bump(x)
            return x
    return write_inplace(x, binary(f, cls, before_change(x) if x.flags & DUAL else x, y, op, kind, None, s), op)


# -------------------------------------------------------------------------------- arithmetic

cdef int ADD = formula(b"add")
cdef int SUB = formula(b"sub")
cdef int MUL = formula(b"mul")
cdef int DIV = formula(b"div")
cdef int DIV_TRUNC = formula(b"div_trunc")
cdef int DIV_FLOOR = formula(b"div_floor")
cdef int NEG = formula(b"neg")
cdef int ADD_SCALED = formula(b"add_scaled")
cdef int ADD_SCALAR = formula(b"add_scalar")
cdef int MUL_SCALAR = formula(b"mul_scalar")
cdef int RSUB_SCALAR = formula(b"rsub_scalar")
cdef int MUL_CONJ = formula(b"mul_conj")
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


cdef class Rsub(Binary):
    """number - a"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, neg_t(g))


cdef class AddScaled(Binary):
    """a + factor * b"""
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        if self.needs(1):
            self.pass_grad(1, mul_number(g, self.factor))


cdef class Mul(Binary):
    cdef double number      # the other operand where what was saved in its place is None

    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(b if a.flags & FOLLOWED else None)
        self.save(a if b.flags & FOLLOWED else None)

    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            b = self.saved(0)
            self.pass_grad(0, mul_number(g, self.number) if b is None else times(g, b))
        if self.needs(1):
            self.pass_grad(1, times(g, self.saved(1)))


cdef class MulConj(Binary):
    """a * conj(b), of complex numbers"""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            self.pass_grad(0, mul_t(g, self.saved(1)))
        if self.needs(1):
            self.pass_grad(1, mul_conj(self.saved(0), g))


cdef class Div(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(b)
        if b.flags & FOLLOWED:
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
            self.pass_grad(1, zero_mul(live(g, self.saved(0)), conj_of(self.saved(0))))


cdef class ZeroDiv(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        cdef Variable b = conj_of(self.saved(1))
        cdef Variable quotient = zero_div(g, b)
        self.pass_grad(0, quotient)
        if self.needs(1):
            quotient = zero_div(live(g, self.saved(0)), b)
            self.pass_grad(1, neg_t(zero_mul(quotient, conj_of(zero_div(self.saved(0), self.saved(1))))))


cdef Variable live(Variable gg, Variable g):
    """gg, and 0 where g is 0, whatever gg is there: for second derivatives, where both are gradients."""
    return zero_mul(<Variable?>(<object>g).ne(0).to(dtype_of(gg.dt)), gg)


cdef Variable times(Variable g, Variable b):
    """g * conj(b); of real numbers, 0 where g is 0."""
    return mul_conj(g, b) if is_complex_code(b.dt) or is_complex_code(g.dt) else zero_mul(g, b)


cdef Variable add_t(Variable a, Variable b):
    return <Variable>binary(ADD, Add, a, b, "add", SAME, None)


cdef Variable mul_t(Variable a, Variable b):
    return <Variable>binary(MUL, Mul, a, b, "mul", SAME, None)


cdef Variable mul_conj(Variable a, Variable b):
    if not is_complex_code(b.dt):
        return mul_t(a, b)
    return <Variable>binary(MUL_CONJ, MulConj, a, b, "mul", SAME, None)


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
    if x.dt == BOOL or boolean(y):
        raise no_bool_minus("sub_", x.dt == BOOL and boolean(y))
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
    if (dt == BOOL) != isinstance(alpha, bool):
        raise RuntimeError(f"{op}: Boolean alpha only supported for Boolean results.")
    if is_integral(dt) and (PyFloat_Check(alpha) or PyComplex_Check(alpha)):
        raise RuntimeError(f"{op}: For integral input tensors, argument alpha must not be a floating point number, not {alpha}.")
    if PyComplex_Check(alpha) and not is_complex_code(dt):
        raise RuntimeError(f"{op}: For non-complex input tensors, argument alpha must not be a complex number, not {alpha}.")
    if is_floating(dt):
        s[0] = alpha
        r = <Variable>binary(ADD_SCALED, AddScaled, x, y, op, SAME, None, s)
        return r if out is None else finish_out(r, out, op)
    return binary(ADD, Add, x, binary(MUL, Mul, y, alpha, op, SAME, None), op, SAME, out)


def add(input, other, *, alpha=1, out=None):
    """input + alpha * other, broadcast and promoted.

    Args:
        input, other: tensors or numbers; alpha: number.
    Raises:
        RuntimeError: the shapes do not broadcast.
    """
    if alpha is not 1 and (alpha is True or alpha != 1):
        return scaled(input, other, alpha, "add", out)
    return binary(ADD, Add, input, other, "add", SAME, out)


cdef inline bint boolean(object x) noexcept:
    return (<Variable>x).dt == BOOL if isinstance(x, Variable) else type(x) is bool


cdef object no_bool_minus(str op, bint both):
    return RuntimeError(
        f"{op}: Subtraction, the `-` operator, with {'two bool tensors' if both else 'a bool tensor'} is not supported, use the "
        f"`{'^' if both else '~'}` or `{'logical_xor' if both else 'logical_not'}()` operator instead, or convert with .int()."
    )


def sub(input, other, *, alpha=1, out=None):
    """input - alpha * other, broadcast and promoted."""
    if boolean(input) or boolean(other):
        raise no_bool_minus("sub", boolean(input) and boolean(other))
    if alpha is not 1 and alpha != 1:
        return scaled(input, other, -alpha, "sub", out)
    return binary(SUB, Sub, input, other, "sub", SAME, out)


def mul(input, other, *, out=None):
    """input * other, broadcast and promoted."""
    return binary(MUL, Mul, input, other, "mul", SAME, out)


def neg(input, *, out=None):
    """-input; not for bool tensors."""
    if isinstance(input, Variable) and (<Variable>input).dt == BOOL:
        raise RuntimeError("neg: Negation, the `-` operator, on a bool tensor is not supported. Use the `~` or `logical_not()` operator instead.")
    return unary(NEG, Neg, input, "neg", SAME, out)


cdef object quotient(object x, object y, object out):
    return binary(DIV, Div, x, y, "div", FLOAT, out)


def true_divide(input, other, *, out=None):
    """input / other"""
    return quotient(input, other, out)


# ------------------------------------------------------------------------------ in-place forms

def add_(Variable self not None, other, *, alpha=1):
    """self += alpha * other"""
    cdef double s[1]
    if alpha is 1 or (alpha is not True and alpha == 1):
        return binary_inplace(ADD, Add, self, other, "add_", SAME)
    if is_floating(self.dt) and isinstance(alpha, (int, float)):
        s[0] = alpha
        if isinstance(other, Variable) and not recording(self) and not recording(<Variable>other):
            return binary_inplace(ADD_SCALED, AddScaled, self, other, "add_", SAME, s)
    return write_inplace(self, add(self, other, alpha=alpha), "add_")


def sub_(Variable self not None, other, *, alpha=1):
    """self -= alpha * other"""
    if alpha is 1 or alpha == 1:
        return isub_op(self, other)
    return add_(self, other, alpha=-alpha)


def mul_(Variable self not None, other):
    """self *= other"""
    return binary_inplace(MUL, Mul, self, other, "mul_", SAME)


__all__ = ["add", "sub", "mul", "true_divide", "neg", "subtract", "multiply", "negative"]
subtract, multiply, negative = sub, mul, neg

from pyxtorch.ops._inplace import inplace

methods = {name: globals()[name] for name in __all__}
methods.update(add_=add_, sub_=sub_, mul_=mul_, subtract_=sub_, multiply_=mul_)
for _name in ("true_divide", "neg", "negative"):
    methods[_name + "_"] = inplace(globals()[_name], _name + "_")

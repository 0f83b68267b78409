"""The engine of the elementwise operations, and the arithmetic that other families call from C."""
from libc.stdint cimport int64_t
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Node, Variable

cdef class Unary(Function):
    """y = f(x). A subclass says what it keeps and how its gradient flows."""
    cdef int keep(self, Variable x, Variable y) except -1


cdef class Binary(Function):
    """y = f(a, b), equal dtypes, and equal shapes where an input is differentiated."""
    cdef double factor          # the first of the formula's own numbers, if it has any
    cdef int keep(self, Variable a, Variable b, Variable y) except -1

# What dtype an operation computes in
cdef enum:
    SAME = 0        # the promoted dtype of the operands
    FLOAT = 1       # integers become the default floating dtype

cdef int formula(const char* name) except -1        # the number of a formula; KeyError if there is none
# One formula over tensors: unrecorded. Equal dtypes, shapes that broadcast. `out` may be NULL-like None.
cdef Variable formula1(int f, Variable x, const double* s, str op, Variable out=*)
cdef Variable formula2(int f, Variable a, Variable b, const double* s, str op, Variable out=*)
cdef Variable formula3(int f, Variable a, Variable b, Variable c, const double* s, str op, Variable out=*)
# Complete operations: promotion, broadcasting, out=, recording by a node of class `cls` (None: no gradient).
cdef object unary(int f, object cls, object x, str op, int kind, object out, const double* s=*)
cdef object binary(int f, object cls, object x, object y, str op, int kind, object out, const double* s=*)

# The same into x's own memory where nothing is recorded.
cdef object binary_inplace(int f, object cls, Variable x, object y, str op, int kind, const double* s=*)

cdef Variable number_operand(object number, Variable like, int kind=*)      # a 0-d tensor that is weak in promotion
cdef object operand_error(str op, object x)                     # TypeError
cdef int tensors_only(object x, object y, str op, str second=*) except -1      # TypeError for numbers

cdef Variable add_t(Variable a, Variable b)
cdef Variable mul_t(Variable a, Variable b)
cdef Variable mul_number(Variable a, object number)
cdef Variable zero_mul(Variable g, Variable x)      # g * x, and 0 where g is 0, whatever x is
cdef Variable zero_div(Variable g, Variable x)      # g / x, and 0 where g is 0
cdef Variable neg_t(Variable a)
cdef object quotient(object x, object y, object out)            # div without rounding

# What the operators of Tensor call: NotImplemented for what is neither tensor nor number.
cdef object add_op(object x, object y)
cdef object sub_op(object x, object y)
cdef object mul_op(object x, object y)
cdef object div_op(object x, object y)
cdef object iadd_op(Variable x, object y)
cdef object isub_op(Variable x, object y)
cdef object imul_op(Variable x, object y)
cdef object idiv_op(Variable x, object y)

"""What the parts of the family share: arrays and tensors, checks, LAPACK routines, triangular systems."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable

cdef object any_nonzero(object a)
cdef object array(object x)
cdef tuple common_batch(object a, object b)
cdef object diag_of(object d)
cdef object diagonal(object x)
cdef object each(object a)
cdef object errors_of(str op, object info, str text)
cdef object lapack(str name, object dtype)
cdef tuple lu_arrays(object a)
cdef Variable matrix(object x, str op, str name=*, bint square=*, bint low=*)
cdef object mH(object x)
cdef object mT(object x)
cdef int need_precision(Variable a, str op) except -1
cdef object no_convergence(str op)
cdef object real_part(object x)
cdef int same_kind(Variable a, Variable b, str op) except -1
cdef object singular(str op, object a, str what)
cdef object solve_t(Variable a, Variable b, str op)
cdef Variable tensor(object a, Variable like, int dt=*)
cdef object triangular_t(Variable a, Variable b, bint upper, bint unit)
cdef object tril(object x, int k=*)
cdef object triu(object x, int k=*)

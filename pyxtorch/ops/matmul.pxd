"""Matrix products that other families call from C."""
from pyxtorch.autograd cimport Variable

# Complete operations: shapes checked, recorded.
cdef Variable matmul_t(Variable a, Variable b, str op)      # every rule of torch.matmul
cdef Variable linear_t(Variable input, Variable weight, Variable bias)     # bias may be None
# alpha a b + beta d of tensors of 2 dimensions or more (batches broadcast), unrecorded. `d` may be
# None; it must have the shape of the result and unit stride in its last dimension.
cdef Variable product_raw(Variable a, Variable b, Variable d, double complex alpha, double complex beta, str op)

# Checks
cdef Variable dims_needed(object x, int nd, str op, str name)       # x of nd dimensions, or the error
cdef object mismatch(str op, Variable a, Variable b)                # the error of sizes that do not fit

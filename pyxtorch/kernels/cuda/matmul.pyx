"""The family `matmul` on the GPU: products by cuBLAS."""
from libc.stdint cimport int64_t
from libc.string cimport memset
from pyxtorch._core cimport *
from pyxtorch._cuda cimport fail, gemm, device_of_call, register, scratch, scratch_free, uses_tf32
from pyxtorch.kernels.elementwise cimport *
from pyxtorch.kernels.matmul cimport *

cdef pyx_elementwise_kernels** elementwise = <pyx_elementwise_kernels**>kernel_tables(b"elementwise", sizeof(pyx_elementwise_kernels))

# cuBLAS's codes: cudaDataType_t, cublasComputeType_t, cublasOperation_t
cdef int TYPES[NUM_DTYPES]
TYPES[:] = [*[-1] * FLOAT16, 2, 14, 0, 1, -1, 4, 5]
cdef enum:
    COMPUTE_32F = 68
    COMPUTE_TF32 = 77
    COMPUTE_64F = 70
    LARGEST = 0x7fffffff


cdef int copy(int dtype, const void* source, int64_t row, int64_t column, int64_t batch_step, void* to, int64_t to_row,
              int64_t to_batch, int64_t rows, int64_t columns, int64_t batch) noexcept nogil:
    """Matrices with any strides (elements) into matrices with unit column stride."""
    cdef pyx_strided walk
    cdef int item = itemsize_of(dtype)
    memset(&walk, 0, sizeof(walk))
    walk.ndim = 3
    walk.noperands = 2
    walk.numel = rows * columns * batch
    walk.data[0], walk.data[1] = <char*>to, <char*>source
    walk.dtype[0] = walk.dtype[1] = dtype
    walk.shape[0], walk.shape[1], walk.shape[2] = columns, rows, batch
    walk.strides[0][0], walk.strides[0][1], walk.strides[0][2] = item, to_row * item, to_batch * item
    walk.strides[1][0], walk.strides[1][1], walk.strides[1][2] = column * item, row * item, batch_step * item
    return elementwise[CUDA].cast(&walk)


cdef struct Operand:
    const void* data
    int64_t step, batch     # leading dimension, and elements from matrix to matrix
    int turned              # whether its columns lie together, not its rows
    void* block             # scratch memory of a copy


cdef int operand(Operand* o, int device, int dtype, const void* data, int64_t row, int64_t column, int64_t batch_step, int64_t rows,
                 int64_t columns, int64_t batch) noexcept nogil:
    """A matrix as cuBLAS takes it: one stride is 1, the other at least as long as a line. Others are copied."""
    cdef void* packed
    o.block = NULL
    o.data = data
    o.batch = batch_step
    o.turned = 0
    # The stride of a dimension of one element means nothing.
    if rows == 1:
        row = columns if column == 1 else 1
    if columns == 1:
        column = rows if row == 1 and rows > 1 else 1
    if column == 1 and row >= columns:
        o.step = row
    elif row == 1 and column >= rows:
        o.turned = 1
        o.step = column
    else:
        packed = scratch(device, rows * columns * (batch if batch_step else 1) * itemsize_of(dtype), &o.block)
        if packed == NULL:
            return -1
        copy(dtype, data, row, column, batch_step, packed, columns, rows * columns, rows, columns, batch if batch_step else 1)
        o.data = packed
        o.step = columns
        o.batch = rows * columns if batch_step else 0
    if o.step < 1:
        o.step = 1
    return 0


cdef int run(int dtype, const pyx_gemm* p) noexcept nogil:
    cdef Operand a, b
    cdef int device, compute
    cdef float alpha32[2]
    cdef float beta32[2]
    cdef double beta[2]
    cdef bint double_precision = dtype == FLOAT64 or dtype == COMPLEX128
    cdef int64_t c_row = p.c_row if p.c_row > p.n else p.n
    if TYPES[dtype] < 0:
        return -1
    if p.m == 0 or p.n == 0 or p.batch == 0:
        return 0
    device = device_of_call()
    beta[0] = beta[1] = 0
    if p.d != NULL:
        beta[0], beta[1] = p.beta[0], p.beta[1]
        if p.d != p.c:
            copy(dtype, p.d, p.d_row, 1, p.d_batch, p.c, p.c_row, p.c_batch, p.m, p.n, p.batch)
    if operand(&a, device, dtype, p.a, p.a_row, p.a_col, p.a_batch, p.m, p.k, p.batch):
        return 0    # kept, and raised later
    if operand(&b, device, dtype, p.b, p.b_row, p.b_col, p.b_batch, p.k, p.n, p.batch):
        scratch_free(a.block)
        return 0
    if p.m > LARGEST or p.n > LARGEST or p.k > LARGEST or a.step > LARGEST or b.step > LARGEST or p.batch > LARGEST or c_row > LARGEST:
        with gil:
            fail(f"matmul: sizes of 2^31 and more are not supported on cuda: {p.batch} products of ({p.m}, {p.k}) and ({p.k}, {p.n}).")
    else:
        compute = COMPUTE_64F if double_precision else COMPUTE_TF32 if uses_tf32() else COMPUTE_32F
        alpha32[0], alpha32[1] = <float>p.alpha[0], <float>p.alpha[1]
        beta32[0], beta32[1] = <float>beta[0], <float>beta[1]
        # Column by column, C' = B' A': the operands change places.
        gemm(device, b.turned, a.turned, <int>p.n, <int>p.m, <int>p.k,
             <const void*>p.alpha if double_precision else <const void*>alpha32, b.data, <int>b.step, b.batch,
             a.data, <int>a.step, a.batch, <const void*>beta if double_precision else <const void*>beta32, p.c,
             <int>c_row, p.c_batch, <int>p.batch, TYPES[dtype], compute)
    scratch_free(a.block)
    scratch_free(b.block)
    return 0

cdef pyx_matmul_kernels table
table.gemm = run
register(b"matmul", &table, sizeof(pyx_matmul_kernels), [dt for dt in range(NUM_DTYPES) if TYPES[dt] >= 0])

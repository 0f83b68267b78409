"""Matrix products: mm, bmm, matmul, addmm and its kin, linear; sums over other dimensions are in matmul_contract.

One kernel multiplies matrices of any strides, so a transpose is never copied.
"""
from cpython.complex cimport PyComplex_Check
from cpython.float cimport PyFloat_Check
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record2, record3, recording
from pyxtorch.kernels.matmul cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops._precision cimport is_low
from pyxtorch.ops.elementwise cimport add_t, mul_number, mul_t
from pyxtorch.ops.shape cimport (
    conj_of, contiguous, expand_to, reshape_sizes, squeezed, sum_to, to_dtype, transposed, unsqueezed,
)

from pyxtorch.ops._precision import rounds_once

cdef pyx_matmul_kernels** tables = <pyx_matmul_kernels**>kernel_tables(b"matmul", sizeof(pyx_matmul_kernels))


# ------------------------------------------------------------------------------ unrecorded

cdef int run(pyx_gemm* p, int dt, Variable like, str op) except -1:
    cdef pyx_matmul_kernels* k = <pyx_matmul_kernels*>table_for(<void**>tables, like, op)
    cdef int failed
    # Small products are done before another thread could be let in.
    if p.m * p.n * (p.k + 1) * p.batch > 40000:
        with nogil:
            failed = k.gemm(dt, p)
    else:
        failed = k.gemm(dt, p)
    if failed == -1:
        raise NotImplementedError(f'{op}: "addmm_impl" not implemented for {dtype_of(dt).name!r}. Convert with .to(dtype).')
    if failed:
        raise RuntimeError(f"{op}: no memory for the scratch space of a product of ({p.m}, {p.k}) and ({p.k}, {p.n}).")
    return 0


cdef Variable product_raw(Variable a, Variable b, Variable d, double complex alpha, double complex beta, str op):
    cdef int64_t sizes[64]
    cdef int64_t index[64]
    cdef int64_t batch[64]          # merged batch dimensions and their strides
    cdef int64_t sa[64]
    cdef int64_t sb[64]
    cdef int64_t sd[64]
    cdef int64_t x, y, z, offset_a = 0, offset_b = 0, offset_c = 0, offset_d = 0
    cdef int nd = a.nd if a.nd > b.nd else b.nd
    cdef int i, j, nb = 0, item = itemsize_of(a.dt)
    cdef pyx_gemm p
    p.m = a.sizes[a.nd - 2]
    p.k = a.sizes[a.nd - 1]
    p.n = b.sizes[b.nd - 1]
    p.a_row, p.a_col = a.strides[a.nd - 2], a.strides[a.nd - 1]
    p.b_row, p.b_col = b.strides[b.nd - 2], b.strides[b.nd - 1]
    # A dimension of one element may have any stride: give it the one that the kernel likes.
    if p.k == 1:
        p.a_col = 1
        p.b_row = p.n if p.b_col == 1 else 1
    if p.n == 1 and p.b_row != 1:
        p.b_col = 1
    for i in range(nd - 2):
        x = a.sizes[a.nd - nd + i] if i >= nd - a.nd else 1
        y = b.sizes[b.nd - nd + i] if i >= nd - b.nd else 1
        if x != y and x != 1 and y != 1:
            raise RuntimeError(
                f"{op}: The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension {i}: "
                f"batches of {list(shape_of(a))} and {list(shape_of(b))} do not broadcast."
            )
        sizes[i] = y if x == 1 else x
        x = a.strides[a.nd - nd + i] if i >= nd - a.nd and x != 1 else 0
        y = b.strides[b.nd - nd + i] if i >= nd - b.nd and y != 1 else 0
        z = d.strides[i] if d is not None else 0
        if sizes[i] == 1:
            continue
        # Merge with the dimension before where all operands step evenly through both.
        if nb and sa[nb - 1] == x * sizes[i] and sb[nb - 1] == y * sizes[i] and (d is None or sd[nb - 1] == z * sizes[i]):
            batch[nb - 1] *= sizes[i]
            sa[nb - 1], sb[nb - 1], sd[nb - 1] = x, y, z
        else:
            batch[nb] = sizes[i]
            sa[nb], sb[nb], sd[nb] = x, y, z
            nb += 1
    sizes[nd - 2] = p.m
    sizes[nd - 1] = p.n
    cdef Variable c = <Variable>new_empty(nd, sizes, a.dt, a.dev, a.dev_index)
    if c.n == 0:
        return c
    p.d = NULL
    p.d_row = 0
    if d is not None:
        p.d = d.ptr
        p.d_row = d.strides[d.nd - 2] if d.sizes[d.nd - 2] != 1 else p.n
    p.c_row = p.n
    # One matrix on the right: the batch is more rows.
    if nb and sb[nb - 1] == 0 and (sa[nb - 1] == p.m * p.a_row or p.m == 1) and (d is None or sd[nb - 1] == p.m * p.d_row or p.m == 1):
        if p.m == 1:
            p.a_row = sa[nb - 1]
            p.d_row = sd[nb - 1]
        p.m *= batch[nb - 1]
        nb -= 1
    p.alpha[0], p.alpha[1] = alpha.real, alpha.imag
    p.beta[0], p.beta[1] = beta.real, beta.imag
    p.batch = 1
    p.a_batch = p.b_batch = p.c_batch = p.d_batch = 0
    if nb:
        nb -= 1
        p.batch = batch[nb]
        p.a_batch, p.b_batch, p.d_batch, p.c_batch = sa[nb], sb[nb], sd[nb], p.m * p.n
    for i in range(nb):
        index[i] = 0
    while True:
        p.a = a.ptr + offset_a * item
        p.b = b.ptr + offset_b * item
        p.c = c.ptr + offset_c * item
        if d is not None:
            p.d = d.ptr + offset_d * item
        run(&p, a.dt, a, op)
        offset_c += p.batch * p.m * p.n
        j = nb - 1
        while j >= 0:
            index[j] += 1
            offset_a += sa[j]
            offset_b += sb[j]
            offset_d += sd[j]
            if index[j] < batch[j]:
                break
            offset_a -= sa[j] * batch[j]
            offset_b -= sb[j] * batch[j]
            offset_d -= sd[j] * batch[j]
            index[j] = 0
            j -= 1
        if j < 0:
            return c


cdef int same_dtype(Variable a, Variable b, str op) except -1:
    if a.dt != b.dt:
        raise RuntimeError(
            f"{op}: expected m1 and m2 to have the same dtype, but got: {dtype_of(a.dt).name} != {dtype_of(b.dt).name}. "
            "Convert one with .to(dtype)."
        )
    if a.dev != b.dev or a.dev_index != b.dev_index:
        same_device(a, b, op)
    return 0


cdef object mismatch(str op, Variable a, Variable b):
    return RuntimeError(
        f"{op}: mat1 and mat2 shapes cannot be multiplied ({'x'.join(map(str, shape_of(a)))} and "
        f"{'x'.join(map(str, shape_of(b)))}): the last dimension of the first and the last but one of the second must agree."
    )


# ------------------------------------------------------------------------------ the operation

cdef inline Variable mH(Variable x):
    """Conjugate transpose of the last two dimensions, for gradients."""
    return conj_of(transposed(x, x.nd - 2, x.nd - 1))


cdef Variable rows_of(Variable x):
    """(..., k) as (rows, k)"""
    cdef int64_t sizes[2]
    if x.nd == 2:
        return x
    sizes[1] = x.sizes[x.nd - 1]
    sizes[0] = x.n // sizes[1] if sizes[1] else 0
    return reshape_sizes(x, 2, sizes, "matmul")


cdef Variable summed_product(Variable a, Variable b, Variable like):
    """a @ b, summed over the batches that `like` does not have; in half precision the sum is rounded, not its terms."""
    cdef bint wide = a.nd > like.nd or b.nd > like.nd
    cdef int i
    for i in range(like.nd - 2):
        wide = wide or like.sizes[i] == 1
    wide = wide and is_low(a.dt)
    cdef Variable c = product(to_dtype(a, FLOAT32), to_dtype(b, FLOAT32), "matmul") if wide else product(a, b, "matmul")
    return to_dtype(sum_to(c, like.nd, like.sizes), a.dt)


cdef Variable grad_left(Variable g, Variable b, Variable like):
    """Gradient of a in a @ b."""
    return summed_product(g, mH(b), like)


cdef Variable grad_right(Variable a, Variable g, Variable like):
    """Gradient of b in a @ b. Where one matrix served a batch, its gradient is one product."""
    if like.nd == 2 and a.nd > 2 and a.n and g.n:
        return product(mH(rows_of(a)), rows_of(g), "matmul")
    return summed_product(mH(a), g, like)


cdef class MatMul(Function):
    """c = a @ b, two or more dimensions, batches broadcast."""
    cdef int vjp(self, Variable g) except -1:
        cdef Variable a = self.saved(0), b = self.saved(1)
        if self.needs(0):
            self.pass_grad(0, grad_left(g, b, a))
        if self.needs(1):
            self.pass_grad(1, grad_right(a, g, b))

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable a = self.saved(0), b = self.saved(1)
        cdef Variable left = None, right = None
        if tangents[0] is not None:
            left = product(tangents[0], b, "matmul")
        if tangents[1] is not None:
            right = product(a, tangents[1], "matmul")
        return [left if right is None else right if left is None else add_t(left, right)]


cdef Variable product(Variable a, Variable b, str op):
    """a @ b, two or more dimensions, equal dtypes and inner sizes."""
    cdef Variable c = product_raw(a, b, None, 1, 0, op)
    cdef MatMul node
    if recording(a) or recording(b):
        node = <MatMul>MatMul.__new__(MatMul)
        node.save(a)
        node.save(b)
        record2(node, c, a, b)
    return c


cdef Variable matmul_t(Variable a, Variable b, str op):
    cdef Variable c
    cdef bint row, column
    if a.nd == 0 or b.nd == 0:
        raise RuntimeError(
            f"{op}: both arguments to matmul need to be at least 1D, but they are {a.nd}D and {b.nd}D. Use mul for numbers.")
    same_dtype(a, b, op)
    if a.sizes[a.nd - 1] != b.sizes[b.nd - 2 if b.nd > 1 else 0]:
        raise mismatch(op, a, b)
    row = a.nd == 1
    column = b.nd == 1
    if not (row or column):
        return product(a, b, op)
    c = product(unsqueezed(a, 0) if row else a, unsqueezed(b, 1) if column else b, op)
    if column:
        c = squeezed(c, c.nd - 1)
    if row:
        c = squeezed(c, c.nd - 1 if column else c.nd - 2)
    return c


cdef Variable dims_needed(object x, int nd, str op, str name):
    cdef Variable t = checked(x, op, name)
    if t.nd != nd:
        raise RuntimeError(f"{op}: {name} must be a {nd}D tensor, got {t.nd}D: {list(shape_of(t))}.")
    return t


def matmul(input, other, *, out=None):
    """The matrix product, by the number of dimensions.

    Args:
        input: (*, m, k) or (k,).
        other: (*, k, n) or (k,); batches broadcast. Equal dtypes.
    Returns:
        (*, m, n); a dimension is absent where its operand is one-dimensional.
    Raises:
        RuntimeError: inner sizes, batches or dtypes differ, or an operand is 0-d.
    Gradient:
        input: grad @ other^H; other: input^H @ grad; summed over broadcast batches.
    Example:
        >>> matmul(pyxtorch.eye(2), pyxtorch.tensor([1., 2.])).tolist()
        [1.0, 2.0]
    """
    cdef Variable c = matmul_t(checked(input, "matmul", "input"), checked(other, "matmul", "other"), "matmul")
    return c if out is None else finish_out(c, out, "matmul")


def mm(input, mat2, *, out=None):
    """The product of two matrices, (m, k) and (k, n); no broadcasting. Gradient as `matmul`."""
    cdef Variable c = matmul_t(dims_needed(input, 2, "mm", "self"), dims_needed(mat2, 2, "mm", "mat2"), "mm")
    return c if out is None else finish_out(c, out, "mm")


def bmm(input, mat2, *, out=None):
    """Products of matrices in pairs, (b, m, k) and (b, k, n); no broadcasting. Gradient as `matmul`."""
    cdef Variable a = dims_needed(input, 3, "bmm", "batch1")
    cdef Variable b = dims_needed(mat2, 3, "bmm", "batch2")
    if a.sizes[0] != b.sizes[0] or a.sizes[2] != b.sizes[1]:
        raise RuntimeError(
            f"bmm: Expected size for first two dimensions of batch2 tensor to be: [{a.sizes[0]}, {a.sizes[2]}] but got: "
            f"[{b.sizes[0]}, {b.sizes[1]}].")
    cdef Variable c = matmul_t(a, b, "bmm")
    return c if out is None else finish_out(c, out, "bmm")


def mv(input, vec, *, out=None):
    """A matrix (m, k) times a vector (k,). Gradient as `matmul`."""
    cdef Variable a = dims_needed(input, 2, "mv", "input")
    cdef Variable b = dims_needed(vec, 1, "mv", "vec")
    if a.sizes[1] != b.sizes[0]:
        raise RuntimeError(f"mv: size mismatch, got input ({a.sizes[0]}x{a.sizes[1]}), vec ({b.sizes[0]})")
    cdef Variable c = matmul_t(a, b, "mv")
    return c if out is None else finish_out(c, out, "mv")


cdef Variable dot_t(object input, object other, str op):
    cdef Variable a = checked(input, op, "input")
    cdef Variable b = checked(other, op, "tensor")
    if a.nd != 1 or b.nd != 1:
        raise RuntimeError(f"{op}: 1D tensors expected, but got {a.nd}D and {b.nd}D tensors.")
    if a.dt != b.dt:
        raise RuntimeError(
            f"{op}: expected both vectors to have same dtype, but found {dtype_of(a.dt).name} and {dtype_of(b.dt).name}.")
    if a.sizes[0] != b.sizes[0]:
        raise RuntimeError(
            f"{op}: inconsistent tensor size, expected tensor [{a.sizes[0]}] and src [{b.sizes[0]}] to have the same number of elements.")
    return matmul_t(a, b, op)


def dot(input, tensor, *, out=None):
    """sum(input * tensor) of two vectors of one length."""
    cdef Variable c = dot_t(input, tensor, "dot")
    return c if out is None else finish_out(c, out, "dot")


def vdot(input, other, *, out=None):
    """sum(conj(input) * other) of two vectors of one length."""
    cdef Variable c = dot_t(conj_of(checked(input, "vdot", "input")), other, "vdot")
    return c if out is None else finish_out(c, out, "vdot")


def outer(input, vec2, *, out=None):
    """input[i] * vec2[j] of two vectors, (n,) and (m,), as (n, m)."""
    cdef Variable a = checked(input, "outer", "input")
    cdef Variable b = checked(vec2, "outer", "vec2")
    if a.nd != 1 or b.nd != 1:
        raise RuntimeError(f"outer: Expected 1-D arguments self and vec2, but got {a.nd}-D and {b.nd}-D.")
    cdef Variable c = mul_t(unsqueezed(a, 1), b)
    return c if out is None else finish_out(c, out, "outer")


# ------------------------------------------------------------------------ with an addend

cdef class AddMatMul(Function):
    """c = beta * d + alpha * a @ b; d has the shape of c."""
    cdef object alpha
    cdef object beta

    cdef int vjp(self, Variable g) except -1:
        cdef Variable scaled = g
        cdef int dt = g.dt
        if self.needs(0):
            self.pass_grad(0, times(g, self.beta))
        if not (self.needs(1) or self.needs(2)) or self.alpha == 0:
            return 0
        cdef Variable a = self.saved(0), b = self.saved(1)
        if is_low(dt) and self.alpha != 1:      # scaled before it is rounded
            g, a, b = to_dtype(g, FLOAT32), to_dtype(a, FLOAT32), to_dtype(b, FLOAT32)
        scaled = times(g, self.alpha)
        if self.needs(1):
            self.pass_grad(1, to_dtype(grad_left(scaled, b, a), dt))
        if self.needs(2):
            self.pass_grad(2, to_dtype(grad_right(a, scaled, b), dt))


cdef Variable times(Variable g, object number):
    if number == 1:
        return g
    return mul_number(g, number.conjugate() if PyComplex_Check(number) else number)


cdef object plain(object number, int dt, str op, str name):
    """alpha or beta as a Python number that the dtype can hold."""
    if isinstance(number, Variable):
        number = item_of(<Variable>number)
    if not is_number(number):
        raise TypeError(f"{op}(): argument '{name}' must be Number, not {type(number).__name__}")
    if dt <= INT64 and (PyFloat_Check(number) or PyComplex_Check(number)):
        raise RuntimeError(f"{op}: For integral input tensors, argument {name} must not be a floating point number, not {number}.")
    if dt <= FLOAT64 and PyComplex_Check(number):
        raise RuntimeError(f"{op}: For non-complex input tensors, argument {name} must not be a complex number, not {number}.")
    return number


cdef object whole(object number, int dt):
    """Integers are scaled by the whole part, as PyTorch does."""
    return int(number) if dt <= INT64 else number


cdef Variable add_product(Variable d, Variable a, Variable b, object beta, object alpha, str op):
    """beta * d + alpha * a @ b; d broadcasts to the result."""
    cdef int64_t sizes[64]
    cdef int nd = a.nd if a.nd > b.nd else b.nd
    cdef int i
    cdef bint ra, rd
    cdef AddMatMul node
    cdef Variable c, e
    same_dtype(a, b, op)
    if d.dt != a.dt:
        raise RuntimeError(
            f"{op}: self and mat1 must have the same dtype, but got {dtype_of(d.dt).name} and {dtype_of(a.dt).name}.")
    same_device(d, a, op)
    if a.sizes[a.nd - 1] != b.sizes[b.nd - 2]:
        raise mismatch(op, a, b)
    beta = whole(plain(beta, FLOAT32 if a.dt <= INT64 else a.dt, op, "beta"), a.dt)
    alpha = whole(plain(alpha, FLOAT32 if a.dt <= INT64 else a.dt, op, "alpha"), a.dt)
    for i in range(nd - 2):
        sizes[i] = a.sizes[i]
    sizes[nd - 2] = a.sizes[a.nd - 2]
    sizes[nd - 1] = b.sizes[b.nd - 1]
    d = expand_to(d, nd, sizes, op)
    e = d
    if beta == 0:
        e = None        # not even its NaN counts
    elif d.strides[nd - 1] != 1 and sizes[nd - 1] > 1:
        e = dense(d)
    if alpha == 0:      # nor does that of the product
        c = full_raw(nd, sizes, a.dt, a.dev, a.dev_index, 0) if e is None else clone_raw(<Variable>mul_number(e.detach(), beta) if beta != 1 else e)
    else:
        c = product_raw(a, b, e, alpha, beta, op)
    rd = recording(d)
    ra = recording(a) or recording(b)
    if ra or rd:
        node = <AddMatMul>AddMatMul.__new__(AddMatMul)
        node.alpha = alpha
        node.beta = beta
        if ra:
            node.save(a)
            node.save(b)
        record3(node, c, d, a, b)
    return c


def addmm(input, mat1, mat2, *, beta=1, alpha=1, out=None):
    """beta * input + alpha * mat1 @ mat2, in one pass over the result.

    Args:
        input: broadcasts to (m, n); not read, NaN included, where beta is 0.
        mat1, mat2: (m, k) and (k, n).
    """
    cdef Variable c = add_product(checked(input, "addmm", "input"), dims_needed(mat1, 2, "addmm", "mat1"), dims_needed(mat2, 2, "addmm", "mat2"),
                                  beta, alpha, "addmm")
    return c if out is None else finish_out(c, out, "addmm")


def addmv(input, mat, vec, *, beta=1, alpha=1, out=None):
    """beta * input + alpha * mat @ vec; mat (m, k), vec (k,), input broadcasts to (m,)."""
    cdef Variable d = checked(input, "addmv", "input")
    cdef Variable a = dims_needed(mat, 2, "addmv", "mat")
    cdef Variable b = dims_needed(vec, 1, "addmv", "vec")
    if a.sizes[1] != b.sizes[0]:
        raise RuntimeError(f"addmv: size mismatch, got mat ({a.sizes[0]}x{a.sizes[1]}), vec ({b.sizes[0]})")
    if d.nd > 1 or d.n != 1 and d.n != a.sizes[0]:
        raise RuntimeError(f"addmv: size mismatch, got input {list(shape_of(d))}, mat ({a.sizes[0]}x{a.sizes[1]}), vec ({b.sizes[0]})")
    cdef Variable c = squeezed(add_product(unsqueezed(d, d.nd), a, unsqueezed(b, 1), beta, alpha, "addmv"), 1)
    return c if out is None else finish_out(c, out, "addmv")


@rounds_once
def addr(input, vec1, vec2, *, beta=1, alpha=1, out=None):
    """beta * input + alpha * outer(vec1, vec2)."""
    cdef Variable d = checked(input, "addr", "input")
    cdef Variable c = outer(dims_needed(vec1, 1, "addr", "vec1"), dims_needed(vec2, 1, "addr", "vec2"))
    cdef int dt = result_type_of(d, c)
    alpha = plain(alpha, dt if dt != BOOL else FLOAT32, "addr", "alpha")
    beta = plain(beta, dt if dt != BOOL else FLOAT32, "addr", "beta")
    d = expand_to(d, 2, c.sizes, "addr")
    if dt == BOOL:
        result = c & bool(alpha) | d & bool(beta)
    else:
        # What is multiplied by zero is not looked at, NaN included, nor is its gradient anything but 0.
        everywhere = full_raw(0, NULL, BOOL, c.dev, c.dev_index, True) if beta == 0 else None
        if alpha != 1:
            c = mul_number(c, alpha)
        if beta == 0:
            result = to_dtype(add_t(c, <Variable?>d.masked_fill(everywhere, 0)) if recording(d) else c, dt)
        else:
            result = add_t(c, d if beta == 1 else mul_number(d, beta))
    return result if out is None else finish_out(result, out, "addr")


def baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    """beta * input + alpha * bmm(batch1, batch2)."""
    cdef Variable a = dims_needed(batch1, 3, "baddbmm", "batch1")
    cdef Variable b = dims_needed(batch2, 3, "baddbmm", "batch2")
    if a.sizes[0] != b.sizes[0] or a.sizes[2] != b.sizes[1]:
        raise RuntimeError(
            f"baddbmm: Expected size for first two dimensions of batch2 tensor to be: [{a.sizes[0]}, {a.sizes[2]}] but got: "
            f"[{b.sizes[0]}, {b.sizes[1]}].")
    cdef Variable c = add_product(checked(input, "baddbmm", "input"), a, b, beta, alpha, "baddbmm")
    return c if out is None else finish_out(c, out, "baddbmm")


def addbmm(input, batch1, batch2, *, beta=1, alpha=1, out=None):
    """beta * input + alpha * (sum over the batch of batch1[i] @ batch2[i])."""
    cdef Variable a = dims_needed(batch1, 3, "addbmm", "batch1")
    cdef Variable b = dims_needed(batch2, 3, "addbmm", "batch2")
    if a.sizes[0] != b.sizes[0] or a.sizes[2] != b.sizes[1]:
        raise RuntimeError(
            f"addbmm: Expected size for first two dimensions of batch2 tensor to be: [{a.sizes[0]}, {a.sizes[2]}] but got: "
            f"[{b.sizes[0]}, {b.sizes[1]}].")
    # The sum over the batch is part of one long inner dimension.
    a = a.transpose(0, 1).reshape(a.sizes[1], a.sizes[0] * a.sizes[2])
    b = b.reshape(b.sizes[0] * b.sizes[1], b.sizes[2])
    cdef Variable c = add_product(checked(input, "addbmm", "input"), a, b, beta, alpha, "addbmm")
    return c if out is None else finish_out(c, out, "addbmm")


# -------------------------------------------------------------------------------- linear

cdef class Linear(Function):
    """y = x @ weight^T + bias"""
    cdef int vjp(self, Variable g) except -1:
        cdef Variable x = self.saved(0), w = self.saved(1)
        cdef Variable rows
        if self.needs(0):
            self.pass_grad(0, matmul_t(g, conj_of(w), "linear"))
        if self.needs(1):
            rows = rows_of(x)
            self.pass_grad(1, product(transposed(rows_of(g), 0, 1), conj_of(rows), "linear"))
        if self.needs(2):
            self.pass_grad(2, sum_to(g, 1, w.sizes))

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable x = self.saved(0), w = self.saved(1), y = outs[0]
        cdef Variable t = None, bias = tangents[2] if len(tangents) > 2 else None
        if tangents[0] is not None:
            t = linear_t(tangents[0], w, bias)
        elif tangents[1] is None:
            return [expand_to(bias, y.nd, y.sizes, "linear")]
        if tangents[1] is not None:
            more = linear_t(x, tangents[1], bias if t is None else None)
            t = more if t is None else add_t(t, more)
        return [t]


cdef Variable linear_t(Variable x, Variable w, Variable bias):
    cdef int64_t sizes[64]
    cdef int i, nd = x.nd
    cdef int64_t k
    cdef pyx_gemm p
    cdef Variable y, xs = x
    cdef Linear node
    if w.nd != 2 or nd == 0 or (bias is not None and (bias.nd != 1 or bias.sizes[0] != w.sizes[0])):
        return odd_linear(x, w, bias)
    same_dtype(x, w, "linear")
    k = x.sizes[nd - 1]
    if k != w.sizes[1]:
        raise RuntimeError(
            f"linear: mat1 and mat2 shapes cannot be multiplied ({x.n // k if k else 0}x{k} and {w.sizes[1]}x{w.sizes[0]}): "
            f"input {list(shape_of(x))} must have weight.shape[1] = {w.sizes[1]} columns.")
    for i in range(nd - 1):
        sizes[i] = x.sizes[i]
    sizes[nd - 1] = w.sizes[0]
    y = <Variable>new_empty(nd, sizes, x.dt, x.dev, x.dev_index)
    p.d = NULL
    p.d_row = 0
    if bias is not None:
        same_dtype(bias, w, "linear")
        if bias.strides[0] != 1 and bias.sizes[0] > 1:
            bias = contiguous(bias)
        p.d = bias.ptr
    if y.n:
        if nd > 2 and not x.flags & CONTIGUOUS or nd == 1 and x.strides[0] != 1:
            xs = dense(x)
        p.n = w.sizes[0]
        p.k = k
        p.m = y.n // p.n
        p.a = xs.ptr
        p.a_row = xs.strides[0] if nd == 2 else k
        p.a_col = xs.strides[nd - 1]
        p.b = w.ptr
        p.b_row, p.b_col = w.strides[1], w.strides[0]
        p.c = y.ptr
        p.c_row = p.n
        p.alpha[0] = p.beta[0] = 1
        p.alpha[1] = p.beta[1] = 0
        p.batch = 1
        p.a_batch = p.b_batch = p.c_batch = p.d_batch = 0
        run(&p, x.dt, x, "linear")
    if recording(x) or recording(w) or (bias is not None and recording(bias)):
        node = <Linear>Linear.__new__(Linear)
        node.save(x)
        node.save(w)
        if bias is None:
            record2(node, y, x, w)
        else:
            record3(node, y, x, w, bias)
    return y


cdef Variable odd_linear(Variable x, Variable w, Variable bias):
    """A weight of one dimension, or a bias that broadcasts."""
    if w.nd != 1 and w.nd != 2:
        raise RuntimeError(f"linear: weight must be a tensor of 1 or 2 dimensions, not of shape {list(shape_of(w))}.")
    if w.nd == 1 and bias is not None and bias.nd:
        raise RuntimeError(f"linear: a weight of 1 dimension takes a bias of 0, not of shape {list(shape_of(bias))}.")
    cdef Variable y = matmul_t(x, transposed(w, 0, 1) if w.nd == 2 else w, "linear")
    return y if bias is None else add_t(y, bias)


def linear(Variable input not None, Variable weight not None, Variable bias=None, *, out=None):
    """input @ weight^T + bias, the bias added as the product is stored.

    Args:
        input: (*, in_features).
        weight: (out_features, in_features), or (in_features,).
        bias: (out_features,) or None.
    Returns:
        (*, out_features).
    Raises:
        RuntimeError: sizes or dtypes differ.
    """
    y = linear_t(input, weight, bias)
    return y if out is None else finish_out(y, out, "linear")


__all__ = ["matmul", "mm", "bmm", "mv", "dot", "vdot", "outer", "ger", "addmm", "addmv", "addr", "baddbmm", "addbmm"]
ger = outer
functional = ["linear"]

from pyxtorch.ops._inplace import inplace

methods = {name: globals()[name] for name in __all__}
for _name in ("addmm", "addmv", "addr", "baddbmm", "addbmm"):
    methods[_name + "_"] = inplace(globals()[_name], _name + "_")

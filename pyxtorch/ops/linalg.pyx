# cython: wraparound=True, boundscheck=True
"""Linear algebra: factorisations and what follows from them, for matrices and batches of them.

LAPACK does the work, through numpy.linalg where that has the routine for batches, else through
scipy.linalg, which is imported on first use. Gradients are formulas over tensors, so they
differentiate again. Norms and products are in linalg_norm.pyx.

Sources of the gradients: Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); Murray, "Differentiation of the Cholesky decomposition" (2016);
Golub and Pereyra (1973) for the pseudo-inverse; Mathias (1996) for functions of matrices.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, grad_enabled, record1, record2, record_many, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport conj_of, transposed

from pyxtorch.ops import create, index_masked
from pyxtorch.ops._common import return_type


class _Lazy:
    """NumPy, imported when the first name of it is used."""

    def __getattr__(self, name):
        import numpy as module
        value = getattr(module, name)
        setattr(self, name, value)
        return value


numpy = _Lazy()


class LinAlgError(RuntimeError):
    """A matrix is singular, not positive-definite, or an iteration did not converge."""


return_types = {
    name: return_type(name, fields) for name, fields in (
        ("linalg_eigh", "eigenvalues eigenvectors"), ("linalg_eig", "eigenvalues eigenvectors"), ("linalg_svd", "U S Vh"), ("svd", "U S V"),
        ("linalg_qr", "Q R"), ("qr", "Q R"), ("linalg_slogdet", "sign logabsdet"), ("slogdet", "sign logabsdet"),
        ("linalg_inv_ex", "inverse info"), ("linalg_cholesky_ex", "L info"), ("linalg_solve_ex", "result info"),
        ("linalg_lu", "P L U"), ("lu_unpack", "P L U"), ("linalg_lu_factor", "LU pivots"), ("linalg_lu_factor_ex", "LU pivots info"),
        ("linalg_ldl_factor", "LD pivots"), ("linalg_ldl_factor_ex", "LD pivots info"),
        ("linalg_lstsq", "solution residuals rank singular_values"), ("geqrf", "a tau"), ("triangular_solve", "solution cloned_coefficient"),
    )
}


# --------------------------------------------------------------------------------- helpers

cdef inline object array(object x):
    """The tensor's memory as a NumPy array, off the tape."""
    if (<Variable>x).dev != CPU:
        raise RuntimeError("linalg: is not available on cuda tensors: LAPACK computes on the CPU. Move them with .cpu().")
    return (<Variable>x).detach().numpy()


cdef inline Variable tensor(object a, int dt=-1):
    """A tensor on (a contiguous copy of) an array."""
    cdef Variable x = <Variable>create.from_numpy(numpy.array(a, order="C", copy=None, ndmin=0))
    return <Variable>x.to(dtype_of(dt)) if dt >= 0 and x.dt != dt else x


cdef inline object mH(object x):
    cdef Variable t = x
    return conj_of(transposed(t, t.nd - 2, t.nd - 1))


cdef inline object mT(object x):
    cdef Variable t = x
    return transposed(t, t.nd - 2, t.nd - 1)


cdef object diag_of(object d):
    """(*, n) as diagonal matrices (*, n, n)"""
    return d.unsqueeze(-1) * create.eye(d.shape[-1], dtype=d.dtype)


cdef object diagonal(object x):
    return x.diagonal(0, -2, -1)


cdef object tril(object x, int k=0):
    return index_masked.tril(x, k)


cdef object triu(object x, int k=0):
    return index_masked.triu(x, k)


cdef object any_nonzero(object a):
    return bool(numpy.any(a))


cdef Variable matrix(object x, str op, str name="A", bint square=False, bint low=True):
    """`x` as matrices that LAPACK can take, or the right error."""
    cdef Variable a = checked(x, op, name)
    if a.nd < 2:
        raise RuntimeError(f"{op}: The input tensor {name} must have at least 2 dimensions, but it has shape {list(shape_of(a))}.")
    if square and a.sizes[a.nd - 1] != a.sizes[a.nd - 2]:
        raise RuntimeError(
            f"{op}: {name} must be batches of square matrices, but they are {a.sizes[a.nd - 2]} by {a.sizes[a.nd - 1]} matrices.")
    need_precision(a, op)
    return a


cdef int need_precision(Variable a, str op) except -1:
    if a.dt < FLOAT16:
        raise RuntimeError(f"{op}: Expected a floating point or complex tensor as input. Got {dtype_of(a.dt).name}; convert with .float().")
    if a.dt < FLOAT32:
        raise RuntimeError(f"{op}: Low precision dtypes not supported. Got {dtype_of(a.dt).name}; convert with .float().")
    return 0


cdef int same_kind(Variable a, Variable b, str op) except -1:
    if a.dt != b.dt:
        raise RuntimeError(
            f"{op}: Expected A and B to have the same dtype, but found A of type {dtype_of(a.dt).name} and B of type {dtype_of(b.dt).name} instead.")
    same_device(a, b, op)
    return 0


cdef object lapack(str name, object dtype):
    from scipy.linalg import lapack as routines
    return getattr(routines, {"f": "s", "d": "d", "F": "c", "D": "z"}[dtype.char] + name)


cdef object each(object a):
    """Matrices of a batch, one after the other."""
    return a.reshape((-1,) + a.shape[-2:]) if a.size or all(a.shape[-2:]) else numpy.zeros((int(numpy.prod(a.shape[:-2])),) + a.shape[-2:], a.dtype)


cdef tuple lu_arrays(object a):
    """LU factors, 1-based pivots, and info of every matrix."""
    m, n = a.shape[-2:]
    batch = a.shape[:-2]
    k = min(m, n)
    count = int(numpy.prod(batch))
    lu = numpy.array(a, copy=True).reshape((count, m, n))
    pivots = numpy.zeros((count, k), numpy.int32)
    info = numpy.zeros(count, numpy.int32)
    if k:
        getrf = lapack("getrf", a.dtype)
        for i in range(count):
            lu[i], p, info[i] = getrf(lu[i])
            pivots[i] = p + 1
    return lu.reshape(a.shape), pivots.reshape(batch + (k,)), info.reshape(batch)


cdef object singular(str op, object a, str what):
    """The error for a singular matrix, naming the one at fault."""
    info = lu_arrays(numpy.asarray(a))[2].reshape(-1)
    bad = numpy.flatnonzero(info)
    i = int(bad[0]) if bad.size else 0
    where = f"(Batch element {i}): " if a.ndim > 2 else ""
    element = int(info[i]) if bad.size else a.shape[-1]
    return LinAlgError(
        f"{op}: {where}The diagonal element {element} is zero, the {what} could not be completed because the input matrix is singular.")


cdef object errors_of(str op, object info, str text):
    bad = numpy.flatnonzero(info)
    i = int(bad[0])
    where = f"(Batch element {i}): " if info.ndim else ""
    return LinAlgError(f"{op}: {where}" + text.format(int(info.reshape(-1)[i])))


cdef object no_convergence(str op):
    return LinAlgError(f"{op}: The algorithm failed to converge because the input matrix is ill-conditioned or has NaN or infinity.")


# ------------------------------------------------------------------------------- inverse

cdef class Inv(Function):
    cdef int vjp(self, Variable g) except -1:
        y = mH(self.saved(0))
        self.pass_grad(0, -(y @ g @ y))


cdef tuple inv_both(object A, str op, bint check):
    cdef Variable a = matrix(A, op, "A", True)
    x = array(a)
    info = None
    try:
        y = numpy.linalg.inv(x)
    except numpy.linalg.LinAlgError:
        if check:
            raise singular(op, x, "inversion") from None
        info = lu_arrays(x)[2]
        y = numpy.empty_like(x)
        flat, source = y.reshape((-1,) + x.shape[-2:]), each(x)
        for i in range(len(source)):
            flat[i] = numpy.linalg.inv(source[i]) if not info.reshape(-1)[i] else numpy.nan
        y = flat.reshape(x.shape)
    if info is None:
        info = numpy.zeros(x.shape[:-2], numpy.int32)
    cdef Variable r = tensor(y, a.dt)
    cdef Inv node
    if recording(a):
        node = <Inv>Inv.__new__(Inv)
        record1(node, r, a)
        node.save_output(r)
    return r, tensor(info)


def inv(A, *, out=None):
    """The inverse of square matrices.

    Args:
        A: (*, n, n), floating point or complex.
    Raises:
        LinAlgError: a matrix is singular. RuntimeError: not square.
    Gradient:
        -Y^H grad Y^H, Y being the inverse.
    """
    return finish_out(inv_both(A, "linalg.inv", True)[0], out, "linalg.inv")


def inv_ex(A, *, check_errors=False, out=None):
    """`inv` and LAPACK's info code of every matrix (0: it was inverted), without raising."""
    return finish_out(return_types["linalg_inv_ex"](*inv_both(A, "linalg.inv_ex", check_errors)), out, "linalg.inv_ex")


# --------------------------------------------------------------------------------- solve

cdef class Solve(Function):
    """X = A^-1 B, one batch shape."""
    cdef int vjp(self, Variable g) except -1:
        a, x = self.saved(0), self.saved(1)
        gb = solve_t(mH(a), g, "linalg.solve")
        self.pass_grad(1, gb)
        if self.needs(0):
            self.pass_grad(0, -(gb @ mH(x)))


cdef object solve_t(Variable a, Variable b, str op):
    """Matrices of equal batch shape."""
    x = array(a)
    cdef Variable r
    try:
        r = tensor(numpy.linalg.solve(x, array(b)), a.dt)
    except numpy.linalg.LinAlgError:
        raise singular(op, x, "solve") from None
    cdef Solve node
    if recording(a) or recording(b):
        node = <Solve>Solve.__new__(Solve)
        record2(node, r, a, b)
        node.save(a)
        node.save_output(r)
    return r


cdef tuple common_batch(object a, object b):
    """Both expanded to one batch shape."""
    from pyxtorch.ops.shape import broadcast_shapes
    if a.shape[:-2] == b.shape[:-2]:
        return a, b
    batch = tuple(broadcast_shapes(tuple(a.shape[:-2]), tuple(b.shape[:-2])))
    return a.expand(batch + tuple(a.shape[-2:])), b.expand(batch + tuple(b.shape[-2:]))


def solve(A, B, *, left=True, out=None):
    """The solution X of A X = B (or, with left=False, X A = B).

    Args:
        A: (*, n, n).
        B: (*, n, k), or vectors (*, n) where B.shape == A.shape[:-1] (or B is 1-d).
    Raises:
        LinAlgError: A is singular. RuntimeError: sizes or dtypes differ.
    Gradient:
        B: A^-H grad; A: -(A^-H grad) X^H.
    """
    return finish_out(solve_any(A, B, left, "linalg.solve"), out, "linalg.solve")


cdef object solve_any(object A, object B, bint left, str op):
    cdef Variable a = matrix(A, op, "A", True)
    cdef Variable b = checked(B, op, "B")
    same_kind(a, b, op)
    vector = b.nd == 1 or (a.nd - 1 == b.nd and shape_of(b) == shape_of(a)[:-1])
    x, y = a, b
    if vector:
        if not left:
            raise RuntimeError(f"{op}: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)")
        y = y.unsqueeze(-1)
    n = a.sizes[a.nd - 1]
    if y.ndim < 2 or y.shape[-2 if left else -1] != n:
        raise RuntimeError(
            f"{op}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({a.sizes[a.nd - 2]}x{n} and {'x'.join(map(str, y.shape[-2:]))})")
    if not left:
        x, y = mT(x), mT(y)
    x, y = common_batch(x, y)
    r = solve_t(x, y, op)
    if not left:
        r = mT(r)
    return r.squeeze(-1) if vector else r


def solve_ex(A, B, *, left=True, check_errors=False, out=None):
    """`solve` and an info code for every matrix; raises for singular ones only if asked to."""
    cdef Variable a = matrix(A, "linalg.solve_ex", "A", True)
    info = lu_arrays(array(a))[2]
    if check_errors or not any_nonzero(info):
        r = solve_any(A, B, left, "linalg.solve_ex")
    else:
        r = B.new_full(shape_of(B), float("nan"))
    return finish_out(return_types["linalg_solve_ex"](r, tensor(info)), out, "linalg.solve_ex")


cdef class SolveTriangular(Function):
    cdef bint upper
    cdef bint unit

    cdef int vjp(self, Variable g) except -1:
        a, x = self.saved(0), self.saved(1)
        gb = triangular_t(mH(a), g, not self.upper, self.unit)
        self.pass_grad(1, gb)
        if self.needs(0):
            ga = -(gb @ mH(x))
            self.pass_grad(0, triu(ga, int(self.unit)) if self.upper else tril(ga, -int(self.unit)))


cdef object triangular_t(Variable a, Variable b, bint upper, bint unit):
    """A^-1 B for triangular A; equal batch shapes."""
    x, y = array(a), array(b)
    n, k = y.shape[-2:]
    z = numpy.array(y, copy=True).reshape((int(numpy.prod(y.shape[:-2])), n, k))
    if z.size:
        trtrs = lapack("trtrs", x.dtype)
        source = x.reshape((-1, n, n))
        for i in range(len(z)):
            z[i], info = trtrs(source[i], z[i], lower=not upper, unitdiag=unit)
            if info > 0:        # a zero on the diagonal: infinities, as division gives
                with numpy.errstate(all="ignore"):
                    z[i] = substitute(source[i], y.reshape((-1, n, k))[i], upper)
    cdef Variable r = tensor(z.reshape(y.shape), a.dt)
    cdef SolveTriangular node
    if recording(a) or recording(b):
        node = <SolveTriangular>SolveTriangular.__new__(SolveTriangular)
        node.upper = upper
        node.unit = unit
        record2(node, r, a, b)
        node.save(a)
        node.save_output(r)
    return r


cdef object substitute(object a, object b, bint upper):
    x = numpy.array(b, copy=True)
    n = len(x)
    order = range(n - 1, -1, -1) if upper else range(n)
    for i in order:
        rest = slice(i + 1, n) if upper else slice(0, i)
        x[i] = (b[i] - a[i, rest] @ x[rest]) / a[i, i]
    return x


def solve_triangular(A, B, *, upper, left=True, unitriangular=False, out=None):
    """The solution X of A X = B (left) or X A = B, A being triangular; the other half is not read.

    Args:
        A: (*, n, n); upper: which half; unitriangular: the diagonal counts as ones.
        B: (*, n, k) (left) or (*, k, n).
    """
    op = "linalg.solve_triangular"
    cdef Variable a = matrix(A, op, "A", True)
    cdef Variable b = matrix(B, op, "B")
    same_kind(a, b, op)
    if b.sizes[b.nd - (2 if left else 1)] != a.sizes[a.nd - 1]:
        raise RuntimeError(
            f"{op}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({a.sizes[a.nd - 2]}x{a.sizes[a.nd - 1]} and {b.sizes[b.nd - 2]}x{b.sizes[b.nd - 1]})")
    x, y = common_batch(a, b)
    if left:
        r = triangular_t(x, y, upper, unitriangular)
    else:
        r = mT(triangular_t(mT(x), mT(y), not upper, unitriangular))
    return finish_out(r, out, op)


def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False, *, out=None):
    """The older form of `solve_triangular`: (solution, a copy of A)."""
    cdef Variable a = matrix(A, "triangular_solve", "A", True)
    x, y = common_batch(a, matrix(b, "triangular_solve", "b"))
    if x.shape[-1] != y.shape[-2]:
        raise RuntimeError(f"triangular_solve: Incompatible matrix sizes for A {list(x.shape)} and b {list(y.shape)}.")
    r = triangular_t(mT(x), y, not upper, unitriangular) if transpose else triangular_t(x, y, upper, unitriangular)
    return finish_out(return_types["triangular_solve"](r, x.clone()), out, "triangular_solve")


# ------------------------------------------------------------------------------ Cholesky

cdef class Cholesky(Function):
    """Lower factor."""
    cdef int vjp(self, Variable g) except -1:
        low = self.saved(0)
        phi = tril(mH(low) @ g)
        phi = phi - diag_of(diagonal(phi)) / 2
        left = mH(triangular_t(mH(low), mH(triangular_t(mH(low), phi, True, False)), True, False))
        self.pass_grad(0, (left + mH(left)) / 2)


cdef tuple cholesky_both(object A, bint upper, str op, bint check):
    cdef Variable a = matrix(A, op, "A", True)
    source = mH(a) if upper else a      # the half that is not asked for is not read
    x = array(source)
    n = x.shape[-1]
    info = numpy.zeros(x.shape[:-2], numpy.int32)
    try:
        y = numpy.linalg.cholesky(x)
    except numpy.linalg.LinAlgError:
        potrf = lapack("potrf", x.dtype)
        flat = numpy.array(x, copy=True).reshape((-1, n, n))
        codes = info.reshape(-1)
        for i in range(len(flat)):
            flat[i], codes[i] = potrf(flat[i], lower=True, clean=True)
        info = codes.reshape(x.shape[:-2])
        y = flat.reshape(x.shape)
        if check:
            raise errors_of(op, info, "The factorization could not be completed because the input is not positive-definite "
                            "(the leading minor of order {} is not positive-definite).") from None
    cdef Variable r = tensor(y, a.dt)
    cdef Cholesky node
    if recording(a):
        node = <Cholesky>Cholesky.__new__(Cholesky)
        record1(node, r, <Variable>source)
        node.save_output(r)
    return (mH(r) if upper else r), tensor(info)


def cholesky(A, *, upper=False, out=None):
    """The triangular factor L of A = L L^H (or U of A = U^H U).

    Args:
        A: (*, n, n), symmetric (Hermitian) and positive-definite; one half is read.
    Raises:
        LinAlgError: a matrix is not positive-definite.
    """
    return finish_out(cholesky_both(A, upper, "linalg.cholesky", True)[0], out, "linalg.cholesky")


def cholesky_ex(A, *, upper=False, check_errors=False, out=None):
    """`cholesky` and an info code for every matrix, without raising."""
    return finish_out(return_types["linalg_cholesky_ex"](*cholesky_both(A, upper, "linalg.cholesky_ex", check_errors)), out, "linalg.cholesky_ex")


def cholesky_old(input, upper=False, *, out=None):
    """`linalg.cholesky` under its older name."""
    return finish_out(cholesky_both(input, upper, "cholesky", True)[0], out, "cholesky")


def cholesky_solve(B, L, upper=False, *, out=None):
    """The solution X of A X = B from the Cholesky factor L of A."""
    cdef Variable f = matrix(L, "cholesky_solve", "L", True)
    cdef Variable b = matrix(B, "cholesky_solve", "B")
    same_kind(f, b, "cholesky_solve")
    if f.sizes[f.nd - 1] != b.sizes[b.nd - 2]:
        raise RuntimeError(f"cholesky_solve: Incompatible matrix sizes for L {list(shape_of(f))} and B {list(shape_of(b))}.")
    x, y = common_batch(f, b)
    if upper:
        r = triangular_t(x, triangular_t(mH(x), y, False, False), True, False)
    else:
        r = triangular_t(mH(x), triangular_t(x, y, False, False), True, False)
    return finish_out(r, out, "cholesky_solve")


def cholesky_inverse(L, upper=False, *, out=None):
    """The inverse of A from its Cholesky factor L."""
    cdef Variable f = matrix(L, "cholesky_inverse", "L", True)
    half = triangular_t(f, create.eye(f.sizes[f.nd - 1], dtype=dtype_of(f.dt)).expand(shape_of(f)), upper, False)
    return finish_out(half @ mH(half) if upper else mH(half) @ half, out, "cholesky_inverse")


# ------------------------------------------------------------------------------------ QR

cdef class Qr(Function):
    """Reduced factors of tall matrices."""
    cdef int vjp_many(self, list grads) except -1:
        q, r = self.saved(0), self.saved(1)
        gq, gr = grads[0], grads[1]
        if gq is None and gr is None:
            return 0
        m = 0
        if gr is not None:
            m = gr @ mH(r)
        if gq is not None:
            m = m - mH(q) @ gq if gr is not None else -(mH(q) @ gq)
        m = triu(m)
        m = m + mH(m) - diag_of(real_part(diagonal(m)))
        rhs = q @ m
        if gq is not None:
            rhs = rhs + gq
        self.pass_grad(0, mH(triangular_t(r, mH(rhs), True, False)))


cdef object real_part(object x):
    """The real part in the same dtype."""
    return (x + conj_of(x)) / 2 if is_complex_code((<Variable>x).dt) else x


cdef tuple qr_raw(Variable a, str mode):
    x = array(a)
    if mode == "r":
        return None, tensor(numpy.linalg.qr(x, "r"), a.dt)
    q, r = numpy.linalg.qr(x, mode)
    return tensor(q, a.dt), tensor(r, a.dt)


cdef tuple qr_t(Variable a, str mode, str op):
    cdef Qr node
    m, n = a.sizes[a.nd - 2], a.sizes[a.nd - 1]
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"{op}: received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    if not recording(a):
        return qr_raw(a, mode)
    if mode == "r":
        raise RuntimeError(f"{op}: The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to require gradients through linalg.qr")
    if m < n:           # the first m columns give Q, the others follow
        q, r = qr_t(a[..., :m], "reduced", op)
        return q, products_cat(r, mH(q) @ a[..., m:])
    if mode == "complete" and m > n:
        raise RuntimeError(f"{op}: The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
    q, r = qr_raw(a, "reduced")
    node = <Qr>Qr.__new__(Qr)
    record_many(node, [q, r], [a])
    node.save_output(q)
    node.save_output(r)
    return q, r


cdef object products_cat(object a, object b):
    from pyxtorch.ops.shape_join import cat
    return cat([a, b], -1)


def qr(A, mode="reduced", *, out=None):
    """Q with orthonormal columns and triangular R with A = Q R.

    Args:
        A: (*, m, n).
        mode: "reduced", Q (*, m, k), R (*, k, n), k = min(m, n); "complete", Q (*, m, m); "r", no Q.
    Gradient:
        where the first k columns are independent; not of mode "r", nor "complete" with m > n.
    """
    cdef Variable a = matrix(A, "linalg.qr")
    q, r = qr_t(a, mode, "linalg.qr")
    if q is None:
        q = tensor(numpy.empty(0, array(a).dtype), a.dt)
    return finish_out(return_types["linalg_qr"](q, r), out, "linalg.qr")


def qr_old(input, some=True, *, out=None):
    """`linalg.qr` under its older name; some=False: complete."""
    return finish_out(return_types["qr"](*qr_t(matrix(input, "qr"), "reduced" if some else "complete", "qr")), out, "qr")


def geqrf(input, *, out=None):
    """LAPACK's compact QR: R in the upper half, Householder vectors below it, and their factors."""
    cdef Variable a = matrix(input, "geqrf")
    x = array(a)
    m, n = x.shape[-2:]
    k = min(m, n)
    count = int(numpy.prod(x.shape[:-2]))
    y = numpy.array(x, copy=True).reshape((count, m, n))
    tau = numpy.zeros((count, k), x.dtype)
    if k:
        routine = lapack("geqrf", x.dtype)
        for i in range(count):
            y[i], tau[i] = routine(y[i])[:2]
    return finish_out(return_types["geqrf"](tensor(y.reshape(x.shape), a.dt), tensor(tau.reshape(x.shape[:-2] + (k,)), a.dt)), out, "geqrf")


cdef object reflect(Variable a, Variable tau, object c, bint adjoint, bint forward):
    """Apply H_1 ... H_k (or adjoints) to c, last factor first unless `forward`."""
    cdef int64_t k = tau.sizes[tau.nd - 1]
    low = tril(a, -1) + create.eye(a.sizes[a.nd - 2], a.sizes[a.nd - 1], dtype=dtype_of(a.dt))
    for i in range(k) if forward else range(k - 1, -1, -1):
        v = low[..., :, i:i + 1]
        t = tau[..., i:i + 1].unsqueeze(-1)
        c = c - (conj_of(t) if adjoint else t) * (v @ (mH(v) @ c))
    return c


def householder_product(A, tau, *, out=None):
    """The first n columns of the product of Householder reflections I - tau_i v_i v_i^H.

    Args:
        A: (*, m, n), v_i in its columns below the diagonal, m >= n.
        tau: (*, k), k <= n.
    """
    op = "linalg.householder_product"
    cdef Variable a = matrix(A, op)
    cdef Variable t = checked(tau, op, "tau")
    m, n = a.sizes[a.nd - 2], a.sizes[a.nd - 1]
    if m < n:
        raise RuntimeError(f"{op}: input.shape[-2] must be greater than or equal to input.shape[-1], but they are {m} and {n}.")
    if t.nd != a.nd - 1 or t.sizes[t.nd - 1] > n:
        raise RuntimeError(f"{op}: input.shape[-1] must be greater than or equal to tau.shape[-1]: input {list(shape_of(a))}, tau {list(shape_of(t))}.")
    if shape_of(t)[:-1] != shape_of(a)[:-2]:
        raise RuntimeError(f"{op}: batch dimensions of tau {list(shape_of(t))} and input {list(shape_of(a))} must be equal.")
    same_kind(a, t, op)
    unit = create.eye(m, n, dtype=dtype_of(a.dt)).expand(shape_of(a))
    return finish_out(reflect(a, t, unit, False, False) if t.sizes[t.nd - 1] else a * 0 + unit, out, op)


def ormqr(input, tau, other, left=True, transpose=False, *, out=None):
    """Q other or other Q (or with Q^H), Q being given by `geqrf`'s result."""
    cdef Variable a = matrix(input, "ormqr", "input")
    cdef Variable t = checked(tau, "ormqr", "tau")
    cdef Variable c = matrix(other, "ormqr", "other")
    if c.sizes[c.nd - (2 if left else 1)] != a.sizes[a.nd - 2]:
        raise RuntimeError(f"ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2]: {list(shape_of(c))} and {list(shape_of(a))}.")
    if left:
        r = reflect(a, t, c, transpose, transpose)
    else:       # other Q = (Q^H other^H)^H
        r = mH(reflect(a, t, mH(c), not transpose, not transpose))
    return finish_out(r, out, "ormqr")


# ------------------------------------------------------------------------------------ LU

cdef class LuPlain(Function):
    """L and U of square A = L U, the pivoting done before."""
    cdef int vjp_many(self, list grads) except -1:
        low, up = self.saved(0), self.saved(1)
        phi = None
        if grads[0] is not None:
            phi = tril(mH(low) @ grads[0], -1)
        if grads[1] is not None:
            other = triu(grads[1] @ mH(up))
            phi = other if phi is None else phi + other
        if phi is None:
            return 0
        phi = mH(triangular_t(up, mH(phi), True, False))        # phi U^-H
        self.pass_grad(0, triangular_t(mH(low), phi, True, True))


cdef object permutation_of(object pivots, int64_t m):
    """Row i of P^T A is row order[i] of A."""
    batch = pivots.shape[:-1]
    order = numpy.empty(batch + (m,), numpy.int64)
    order[...] = numpy.arange(m)
    if pivots.size:
        flat, swaps = order.reshape((-1, m)), pivots.reshape((-1, pivots.shape[-1]))
        for i in range(len(flat)):
            row = flat[i]
            for j, p in enumerate(swaps[i]):
                if not 1 <= p <= m:
                    raise RuntimeError(f"lu_unpack: pivots passed to lu_unpack must be between 1 and {m}, but one is {p}.")
                row[j], row[p - 1] = row[p - 1], row[j]
    return order


cdef object permutation_matrix(object pivots, int64_t m, Variable like):
    order = permutation_of(pivots, m)
    p = numpy.zeros(order.shape + (m,), array(like).dtype)
    numpy.put_along_axis(p, order[..., None], 1, -1)        # rows of P^T
    return tensor(numpy.swapaxes(p, -1, -2), like.dt)


cdef tuple split_lu(Variable lu):
    """Unpacked L and U; a view operation, so it may be recorded."""
    m, n = lu.sizes[lu.nd - 2], lu.sizes[lu.nd - 1]
    k = min(m, n)
    low = tril(lu[..., :, :k], -1) + create.eye(m, k, dtype=dtype_of(lu.dt))
    return low, triu(lu[..., :k, :])


cdef tuple lu_t(Variable a):
    """(L, U, pivots as an array, info), recorded through the permuted matrix."""
    cdef LuPlain node
    cdef Variable square
    compact, pivots, info = lu_arrays(array(a))
    low, up = split_lu(tensor(compact, a.dt))
    if not recording(a):
        return low, up, pivots, info, tensor(compact, a.dt)
    m, n = a.sizes[a.nd - 2], a.sizes[a.nd - 1]
    k = min(m, n)
    permuted = mT(permutation_matrix(pivots, m, a)) @ a
    square = permuted[..., :k, :k]
    low_square, up_square = low[..., :k, :].clone(), up[..., :, :k].clone()
    node = <LuPlain>LuPlain.__new__(LuPlain)
    record_many(node, [low_square, up_square], [square])
    node.save_output(low_square)
    node.save_output(up_square)
    low, up = low_square, up_square
    from pyxtorch.ops.shape_join import cat
    if m > n:           # L2 = A2 U^-1
        low = cat([low, mT(triangular_t(mT(up), mT(permuted[..., k:, :]), False, False))], -2)
    if n > m:           # U2 = L^-1 A2
        up = cat([up, triangular_t(low, permuted[..., :, k:], False, True)], -1)
    lu = tril(low, -1) if m >= n else cat([tril(low, -1), low.new_zeros(tuple(low.shape[:-1]) + (n - k,))], -1)
    lu = lu + (up if n >= m else cat([up, up.new_zeros(tuple(up.shape[:-2]) + (m - k, n))], -2))
    return low, up, pivots, info, lu


cdef int need_pivot(bint pivot, str op) except -1:
    if not pivot:
        raise RuntimeError(f"{op}: LU without pivoting is not implemented on the CPU. Use pivot=True.")
    return 0


def lu_factor_ex(A, *, pivot=True, check_errors=False, out=None):
    """Compact LU, pivots (1-based rows swapped, int32), and an info code for every matrix."""
    op = "linalg.lu_factor_ex"
    cdef Variable a = matrix(A, op)
    need_pivot(pivot, op)
    parts = lu_t(a)
    if check_errors and any_nonzero(parts[3]):
        raise errors_of(op, parts[3], "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero.")
    return finish_out(return_types["linalg_lu_factor_ex"](parts[4], tensor(parts[2]), tensor(parts[3])), out, op)


def lu_factor(A, *, pivot=True, out=None):
    """Compact LU factors of A (L below the diagonal, U on and above it) and pivots, for `lu_solve`.

    Args:
        A: (*, m, n).
    Raises:
        LinAlgError: U is singular.
    """
    op = "linalg.lu_factor"
    cdef Variable a = matrix(A, op)
    need_pivot(pivot, op)
    parts = lu_t(a)
    if any_nonzero(parts[3]):
        raise errors_of(op, parts[3], "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero. "
                        "If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)")
    return finish_out(return_types["linalg_lu_factor"](parts[4], tensor(parts[2])), out, op)


def lu(A, *, pivot=True, out=None):
    """P, L and U with A = P L U; P a permutation matrix."""
    op = "linalg.lu"
    cdef Variable a = matrix(A, op)
    need_pivot(pivot, op)
    low, up, pivots, _, _ = lu_t(a)
    return finish_out(return_types["linalg_lu"](permutation_matrix(pivots, a.sizes[a.nd - 2], a), low, up), out, op)


def lu_old(A, pivot=True, get_infos=False, *, out=None):
    """(LU, pivots) or (LU, pivots, infos): `linalg.lu_factor` under its older name."""
    cdef Variable a = matrix(A, "lu")
    need_pivot(pivot, "lu")
    parts = lu_t(a)
    if not get_infos and any_nonzero(parts[3]):
        raise errors_of("lu", parts[3], "U[{0},{0}] is zero and using it on lu_solve would result in a division by zero.")
    if get_infos:
        return finish_out(return_types["linalg_lu_factor_ex"](parts[4], tensor(parts[2]), tensor(parts[3])), out, "lu")
    return finish_out(return_types["linalg_lu_factor"](parts[4], tensor(parts[2])), out, "lu")


def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True, *, out=None):
    """P, L and U from the result of `lu_factor`; empty where not asked for."""
    cdef Variable a = checked(LU_data, "lu_unpack", "LU_data")
    cdef Variable p = checked(LU_pivots, "lu_unpack", "LU_pivots")
    if a.nd < 2:
        raise RuntimeError(f"lu_unpack: LU_data must have at least 2 dimensions, not shape {list(shape_of(a))}.")
    if unpack_pivots and p.dt != INT32:
        raise RuntimeError(f"lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype. Got {dtype_of(p.dt)!r}.")
    m = a.sizes[a.nd - 2]
    if unpack_pivots and (p.nd != a.nd - 1 or p.sizes[p.nd - 1] != min(m, a.sizes[a.nd - 1])):
        raise RuntimeError(f"lu_unpack: LU_pivots {list(shape_of(p))} does not fit LU_data {list(shape_of(a))}.")
    empty = a.new_empty((0,))
    low, up = split_lu(a) if unpack_data else (empty, empty)
    permutation = permutation_matrix(array(p), m, a) if unpack_pivots else empty
    return finish_out(return_types["lu_unpack"](permutation, low, up), out, "lu_unpack")


def lu_solve(LU, pivots, B, *, left=True, adjoint=False, out=None):
    """The solution X of A X = B (or X A = B; adjoint: A^H) from `lu_factor`'s result for A."""
    op = "linalg.lu_solve"
    cdef Variable a = matrix(LU, op, "LU", True)
    cdef Variable p = checked(pivots, op, "pivots")
    cdef Variable b = matrix(B, op, "B")
    same_kind(a, b, op)
    n = a.sizes[a.nd - 1]
    if p.dt != INT32:
        raise RuntimeError(f"{op}: pivots should be a Tensor of scalar type torch.int32. Got {dtype_of(p.dt)!r}.")
    if shape_of(p) != shape_of(a)[:-1]:
        raise RuntimeError(f"{op}: Number of pivots per batch should be same as the dimension of the matrix: {list(shape_of(p))} and {list(shape_of(a))}.")
    if b.sizes[b.nd - (2 if left else 1)] != n:
        raise RuntimeError(f"{op}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} ({n}x{n} and {b.sizes[b.nd - 2]}x{b.sizes[b.nd - 1]})")
    x, y = common_batch(a, b)
    permutation = permutation_matrix(array(p), n, a)
    if not left:        # X A = B  is  A^H X^H = B^H
        y = mH(y)
    if adjoint != (not left):
        # A^H = U^H L^H P^T
        y = triangular_t(mH(x), triangular_t(mH(x), y, False, False), True, True)
        y = permutation @ y
    else:
        y = triangular_t(x, triangular_t(x, mT(permutation) @ y, False, True), True, False)
    return finish_out(y if left else mH(y), out, op)


def lu_solve_old(b, LU_data, LU_pivots, *, out=None):
    """`linalg.lu_solve` under its older name."""
    return lu_solve(LU_data, LU_pivots, b, out=out)


# --------------------------------------------------------------------------- determinant

cdef class Slogdet(Function):
    cdef int vjp_many(self, list grads) except -1:
        a, sign = self.saved(0), self.saved(1)
        gs, gl = grads[0], grads[1]
        complex_ = is_complex_code((<Variable>a).dt)
        if gl is None and not (complex_ and gs is not None):
            return 0
        c = gl
        if complex_:
            c = 0 if gl is None else gl + 0j
            if gs is not None:
                c = c - 1j * (conj_of(gs) * sign).imag
        self.pass_grad(0, mH(inv(a)) * c.unsqueeze(-1).unsqueeze(-1))


cdef tuple slogdet_t(object A, str op):
    cdef Variable a = matrix(A, op, "A", True)
    sign, value = numpy.linalg.slogdet(array(a))
    cdef Variable s = tensor(sign, a.dt), v = tensor(value, real_code(a.dt))
    cdef Slogdet node
    if recording(a):
        node = <Slogdet>Slogdet.__new__(Slogdet)
        record_many(node, [s, v], [a])
        node.save(a)
        node.save_output(s)
    return s, v


def slogdet(A, *, out=None):
    """Sign (or phase) and logarithm of the absolute value of the determinant: (*,) each.

    For a singular matrix they are 0 and -inf.
    """
    return finish_out(return_types["linalg_slogdet"](*slogdet_t(A, "linalg.slogdet")), out, "linalg.slogdet")


def slogdet_old(input, *, out=None):
    """`linalg.slogdet` under its older name."""
    return finish_out(return_types["slogdet"](*slogdet_t(input, "slogdet")), out, "slogdet")


def logdet(input):
    """The logarithm of the determinant: -inf where it is 0, NaN where it is negative."""
    sign, value = slogdet_t(input, "logdet")
    if is_complex_code((<Variable>sign).dt):
        return sign.log() + value
    return (value + sign.log()) if not grad_enabled() else value + sign.detach().log()


cdef class Det(Function):
    cdef int vjp(self, Variable g) except -1:
        a, d = self.saved(0), self.saved(1)
        self.pass_grad(0, (g.unsqueeze(-1).unsqueeze(-1)) * mH(adjugate(a, d)))


cdef object adjugate(object a, object d):
    """det(A) A^-1, also of singular matrices, whose adjugate the factors U adj(S) Vh give."""
    if not any_nonzero(array(d) == 0):
        try:
            return inv(a) * d.unsqueeze(-1).unsqueeze(-1)
        except LinAlgError:
            pass
    u, s, vh = svd(a)
    n = s.shape[-1]
    phase = det(u.detach()) * det(vh.detach())
    others = [s[..., [j for j in range(n) if j != i]].prod(-1) for i in range(n)]
    from pyxtorch.ops.shape_join import stack
    middle = stack(others, -1) if n else s
    return (mH(vh) * middle.unsqueeze(-2)) @ mH(u) * phase.unsqueeze(-1).unsqueeze(-1)


def det(A, *, out=None):
    """The determinant of square matrices (*, n, n), as (*,)."""
    cdef Variable a = matrix(A, "linalg.det", "A", True)
    cdef Variable d = tensor(numpy.linalg.det(array(a)), a.dt)
    cdef Det node
    if recording(a):
        node = <Det>Det.__new__(Det)
        record1(node, d, a)
        node.save(a)
        node.save_output(d)
    return finish_out(d, out, "linalg.det")


# --------------------------------------------------------------------------- eigenvalues

cdef object gaps(object values):
    """E[i][j] = v[j] - v[i], 1 on the diagonal."""
    return values.unsqueeze(-2) - values.unsqueeze(-1) + create.eye(values.shape[-1], dtype=values.dtype)


cdef object without_diagonal(object x):
    return x * (1 - create.eye(x.shape[-1], dtype=x.dtype))


cdef class Eigh(Function):
    cdef int vjp_many(self, list grads) except -1:
        w, v = self.saved(0), self.saved(1)
        gw, gv = grads[0], grads[1]
        if gv is None:
            if gw is not None:
                self.pass_grad(0, (v * gw.unsqueeze(-2)) @ mH(v))
            return 0
        inner = without_diagonal(mH(v) @ gv) / gaps(w)
        if gw is not None:
            inner = inner + diag_of(gw)
        self.pass_grad(0, v @ inner @ mH(v))


cdef tuple eigh_t(object A, object UPLO, str op):
    cdef Variable a = matrix(A, op, "A", True)
    side = UPLO.upper() if isinstance(UPLO, str) else UPLO
    if side not in ("L", "U"):
        raise RuntimeError(f"{op}: Expected UPLO argument to be 'L' or 'U', but got {UPLO!r}.")
    try:
        w, v = numpy.linalg.eigh(array(a), side)
    except numpy.linalg.LinAlgError:
        raise no_convergence(op) from None
    cdef Variable x = tensor(w, real_code(a.dt)), y = tensor(v, a.dt)
    cdef Eigh node
    if recording(a):
        node = <Eigh>Eigh.__new__(Eigh)
        record_many(node, [x, y], [a])
        node.save_output(x)
        node.save_output(y)
    return x, y


def eigh(A, UPLO="L", *, out=None):
    """Eigenvalues (ascending, real) and orthonormal eigenvectors of symmetric (Hermitian) matrices.

    Args:
        A: (*, n, n); UPLO: the half that is read.
    Gradient:
        of vectors only where the eigenvalues are distinct.
    """
    return finish_out(return_types["linalg_eigh"](*eigh_t(A, UPLO, "linalg.eigh")), out, "linalg.eigh")


def eigvalsh(A, UPLO="L", *, out=None):
    """The eigenvalues of symmetric (Hermitian) matrices, ascending."""
    return finish_out(eigh_t(A, UPLO, "linalg.eigvalsh")[0], out, "linalg.eigvalsh")


cdef class Eig(Function):
    cdef int vjp_many(self, list grads) except -1:
        cdef Variable w = self.saved(0), v = self.saved(1)
        gw, gv = grads[0], grads[1]
        if gw is None and gv is None:
            return 0
        if gv is not None:
            vh_gv = mH(v) @ gv
            inner = vh_gv - (mH(v) @ v) * real_part(diagonal(vh_gv)).unsqueeze(-2)
            inner = without_diagonal(inner) / conj_of(gaps(w))
            if gw is not None:
                inner = inner + diag_of(gw)
        else:
            inner = diag_of(gw)
        g = solve(mH(v), inner @ mH(v))
        self.pass_grad(0, g)


cdef tuple eig_t(object A, str op):
    cdef Variable a = matrix(A, op, "A", True)
    cdef int dt = complex_code(a.dt)
    cdef Variable c = <Variable>a.to(dtype_of(dt))      # its gradient takes the real part again
    x = array(a)
    if not numpy.isfinite(x).all():
        raise RuntimeError(f"{op}: input tensor should not contain infs or NaNs.")
    try:
        w, v = numpy.linalg.eig(x)
    except numpy.linalg.LinAlgError:
        raise no_convergence(op) from None
    cdef Variable p = tensor(w.astype(numpy.result_type(w, numpy.complex64)), dt)
    cdef Variable q = tensor(v.astype(numpy.result_type(v, numpy.complex64)), dt)
    cdef Eig node
    if recording(c):
        node = <Eig>Eig.__new__(Eig)
        record_many(node, [p, q], [c])
        node.save_output(p)
        node.save_output(q)
    return p, q


def eig(A, *, out=None):
    """Eigenvalues and eigenvectors of square matrices, always complex, in LAPACK's order."""
    return finish_out(return_types["linalg_eig"](*eig_t(A, "linalg.eig")), out, "linalg.eig")


def eigvals(A, *, out=None):
    """The eigenvalues of square matrices, complex."""
    return finish_out(eig_t(A, "linalg.eigvals")[0], out, "linalg.eigvals")


# ----------------------------------------------------------------------------------- SVD

cdef class Svd(Function):
    """Reduced factors."""
    cdef int vjp_many(self, list grads) except -1:
        u, s, vh = self.saved(0), self.saved(1), self.saved(2)
        gu, gs, gvh = grads[0], grads[1], grads[2]
        if gu is None and gvh is None:
            if gs is not None:
                self.pass_grad(0, (u * gs.unsqueeze(-2)) @ vh)
            return 0
        m, n, k = u.shape[-2], vh.shape[-1], s.shape[-1]
        gap = gaps(s * s)
        row, column = s.unsqueeze(-2), s.unsqueeze(-1)
        inner = 0
        skew_u = None
        if gu is not None:
            uh_gu = mH(u) @ gu
            skew_u = uh_gu - mH(uh_gu)
            inner = without_diagonal(skew_u) / gap * row
        if gvh is not None:
            v_gv = vh @ mH(gvh)
            skew_v = v_gv - mH(v_gv)
            inner = inner + column * (without_diagonal(skew_v) / gap)
        if gs is not None:
            inner = inner + diag_of(gs)
        if is_complex_code((<Variable>u).dt) and skew_u is not None:
            inner = inner + diag_of(diagonal(skew_u) / (2 * s))
        g = u @ inner @ vh
        if gu is not None and m > k:
            rest = gu / row
            g = g + (rest - u @ (mH(u) @ rest)) @ vh
        if gvh is not None and n > k:
            rest = gvh / column
            g = g + u @ (rest - (rest @ mH(vh)) @ vh)
        self.pass_grad(0, g)


cdef tuple svd_t(object A, bint full, str op):
    cdef Variable a = matrix(A, op)
    cdef Svd node
    x = array(a)
    try:
        u, s, vh = numpy.linalg.svd(x, full)
    except numpy.linalg.LinAlgError:
        raise no_convergence(op) from None
    cdef Variable p = tensor(u, a.dt), q = tensor(s, real_code(a.dt)), r = tensor(vh, a.dt)
    if not recording(a):
        return p, q, r
    k = q.sizes[q.nd - 1]
    cdef Variable ps = <Variable>p[..., :k].clone() if full else p
    cdef Variable rs = <Variable>r[..., :k, :].clone() if full else r
    node = <Svd>Svd.__new__(Svd)
    record_many(node, [ps, q, rs], [a])
    node.save_output(ps)
    node.save_output(q)
    node.save_output(rs)
    if full:
        from pyxtorch.ops.shape_join import cat
        ps = cat([ps, p[..., k:]], -1)
        rs = cat([rs, r[..., k:, :]], -2)
    return ps, q, rs


def svd(A, full_matrices=True, *, driver=None, out=None):
    """U, S (descending) and Vh with A = U diag(S) Vh.

    Args:
        A: (*, m, n). full_matrices: U (*, m, m) and Vh (*, n, n), else only min(m, n) columns and rows.
    Gradient:
        of U and Vh where the singular values are distinct and not 0; the columns that only
        full_matrices adds have none.
    """
    if driver is not None:
        raise RuntimeError("linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.")
    return finish_out(return_types["linalg_svd"](*svd_t(A, full_matrices, "linalg.svd")), out, "linalg.svd")


def svdvals(A, *, driver=None, out=None):
    """The singular values, descending."""
    cdef Variable a = matrix(A, "linalg.svdvals")
    if recording(a):
        s = svd_t(a, False, "linalg.svdvals")[1]
    else:
        try:
            s = tensor(numpy.linalg.svd(array(a), compute_uv=False), real_code(a.dt))
        except numpy.linalg.LinAlgError:
            raise no_convergence("linalg.svdvals") from None
    return finish_out(s, out, "linalg.svdvals")


def svd_old(input, some=True, compute_uv=True, *, out=None):
    """U, S and V (not Vh): `linalg.svd` under its older name."""
    if not compute_uv:
        x = matrix(input, "svd")
        m, n = x.shape[-2:]
        batch = tuple(x.shape[:-2])
        parts = (x.new_zeros(batch + (m, m)), svdvals(x), x.new_zeros(batch + (n, n)))
    else:
        u, s, vh = svd_t(input, not some, "svd")
        parts = (u, s, mH(vh))
    return finish_out(return_types["svd"](*parts), out, "svd")


def svd_lowrank(A, q=6, niter=2, M=None):
    """The q largest singular values and their vectors of A (or A - M): (U, S, V).

    They are taken from the whole decomposition, so `niter` is not needed.
    """
    x = A if M is None else A - M
    k = min(q if q is not None else 6, min(x.shape[-2:]))
    u, s, vh = svd_t(x, False, "svd_lowrank")
    return u[..., :k], s[..., :k], mH(vh)[..., :k]


def pca_lowrank(A, q=None, center=True, niter=2):
    """Principal components: `svd_lowrank` of A with its column means taken off."""
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"pca_lowrank: q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"pca_lowrank: niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


# ------------------------------------------------------------ pseudo-inverse, least squares

cdef class Pinv(Function):
    cdef int vjp(self, Variable g) except -1:
        a, p = self.saved(0), self.saved(1)
        ph, gh = mH(p), mH(g)
        r = -(ph @ g @ ph)
        r = r + (gh @ p - a @ (p @ (gh @ p))) @ ph
        r = r + ph @ (p @ gh - ((p @ gh) @ p) @ a)
        self.pass_grad(0, r)


cdef object tolerance(object value, object shape, object like):
    """atol or rtol as something that broadcasts against singular values (*, k)."""
    if isinstance(value, Variable):
        return array(value)[..., None] if (<Variable>value).nd else array(value)
    return numpy.asarray(value, dtype=numpy.float64)


cdef tuple cutoffs(object s, object atol, object rtol, int64_t m, int64_t n, str op):
    """The smallest singular value that counts: max(atol, rtol * largest)."""
    largest = s.max(-1, initial=0, keepdims=True) if s.size or s.shape[-1] == 0 else s[..., :1]
    if rtol is None:
        rtol = numpy.finfo(s.dtype).eps * max(m, n) if atol is None or not numpy.any(tolerance(atol, None, s) > 0) else 0.0
        if isinstance(atol, Variable) and atol.ndim:
            rtol = numpy.where(tolerance(atol, None, s) > 0, 0.0, numpy.finfo(s.dtype).eps * max(m, n))
    else:
        rtol = tolerance(rtol, None, s)
    limit = rtol * largest
    if atol is not None:
        limit = numpy.maximum(tolerance(atol, None, s), limit)
    return limit, largest


cdef object pinv_t(object A, object atol, object rtol, bint hermitian, str op):
    cdef Variable a = matrix(A, op, "A", hermitian)
    x = array(a)
    m, n = x.shape[-2:]
    if x.size == 0:
        y = numpy.zeros(x.shape[:-2] + (n, m), x.dtype)
    else:
        try:
            if hermitian:
                w, v = numpy.linalg.eigh(x)
                s = abs(w)
                keep = s > cutoffs(s, atol, rtol, m, n, op)[0]
                scale = numpy.where(keep, 1 / numpy.where(keep, w, 1), 0)
                y = (v * scale[..., None, :]) @ numpy.conj(numpy.swapaxes(v, -1, -2))
            else:
                u, s, vh = numpy.linalg.svd(x, False)
                keep = s > cutoffs(s, atol, rtol, m, n, op)[0]
                scale = numpy.where(keep, 1 / numpy.where(keep, s, 1), 0)
                y = (numpy.conj(numpy.swapaxes(vh, -1, -2)) * scale[..., None, :]) @ numpy.conj(numpy.swapaxes(u, -1, -2))
        except numpy.linalg.LinAlgError:
            raise no_convergence(op) from None
    cdef Variable r = tensor(y, a.dt)
    cdef Pinv node
    if recording(a):
        node = <Pinv>Pinv.__new__(Pinv)
        record1(node, r, a)
        node.save(a)
        node.save_output(r)
    return r


def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None, out=None):
    """The Moore-Penrose inverse of (*, m, n), as (*, n, m).

    Singular values up to max(atol, rtol * the largest) count as 0; rtol defaults to
    max(m, n) * eps, and to 0 where atol is given.
    """
    return finish_out(pinv_t(A, atol, rcond if rtol is None else rtol, hermitian, "linalg.pinv"), out, "linalg.pinv")


def pinverse(input, rcond=1e-15):
    """`linalg.pinv` under its older name."""
    return pinv_t(input, None, rcond, False, "pinverse")


def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None, out=None):
    """How many singular values exceed max(atol, rtol * the largest), as int64 (*,)."""
    op = "linalg.matrix_rank"
    cdef Variable a = matrix(A, op, "A", hermitian)
    if tol is not None:
        atol, rtol = tol, 0.0
    x = array(a)
    m, n = x.shape[-2:]
    if x.size == 0:
        return finish_out(tensor(numpy.zeros(x.shape[:-2], numpy.int64)), out, op)
    s = abs(numpy.linalg.eigvalsh(x)) if hermitian else numpy.linalg.svd(x, compute_uv=False)
    rank = (s > cutoffs(s, atol, rtol, m, n, op)[0]).sum(-1)
    return finish_out(tensor(numpy.asarray(rank, numpy.int64)), out, op)


def lstsq(A, B, rcond=None, *, driver=None, out=None):
    """Least squares: X with the smallest norm of A X - B.

    Args:
        A: (*, m, n); B: (*, m, k), or vectors (*, m).
        rcond: relative cut-off of singular values (drivers gelsd, gelss, gelsy).
        driver: "gelsy" (default), "gelsd", "gelss" or "gels" (full rank assumed).
    Returns:
        (solution, residuals, rank, singular_values); the last three empty where LAPACK's driver
        has none, residuals where A is not of full rank or m <= n.
    """
    op = "linalg.lstsq"
    cdef Variable a = matrix(A, op)
    cdef Variable b = checked(B, op, "B")
    same_kind(a, b, op)
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"{op}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), not {driver!r}.")
    driver = driver or "gelsy"
    vector = a.nd - 1 == b.nd and shape_of(b) == shape_of(a)[:-1]
    y = b.unsqueeze(-1) if vector else b
    m, n = a.sizes[a.nd - 2], a.sizes[a.nd - 1]
    if y.ndim < 2 or y.shape[-2] != m:
        raise RuntimeError(f"{op}: input.size(-2) should match other.size(-2): {list(shape_of(a))} and {list(shape_of(b))}.")
    x, y = common_batch(a, y)
    xa = array(x)
    limit = None if rcond is None else float(rcond)
    if limit is not None and limit < 0:
        limit = float(numpy.finfo(xa.dtype).eps)
    solution = pinv_t(x, None, limit, False, op) @ y
    s = numpy.linalg.svd(xa, compute_uv=False) if xa.size else numpy.zeros(xa.shape[:-2] + (min(m, n),), numpy.zeros(1, xa.dtype).real.dtype)
    rank = (s > cutoffs(s, None, limit, m, n, op)[0]).sum(-1) if s.size else numpy.zeros(xa.shape[:-2], numpy.int64)
    none = tensor(numpy.zeros(0, s.dtype), real_code(a.dt))
    residuals = solution.reshape(-1)[:0].abs()      # empty, but on the tape as the others are
    if m > n and driver != "gelsy" and (driver == "gels" or bool((numpy.asarray(rank) == n).all())):
        difference = x @ solution - y
        residuals = (difference * conj_of(difference)).sum(-2)
        if is_complex_code((<Variable>residuals).dt):
            residuals = residuals.real
    if vector:
        solution = solution.squeeze(-1)
    result = return_types["linalg_lstsq"](
        solution, residuals, tensor(numpy.zeros(0, numpy.int64)) if driver == "gels" else tensor(numpy.asarray(rank, numpy.int64)),
        tensor(s, real_code(a.dt)) if driver in ("gelsd", "gelss") else none)
    return finish_out(result, out, op)


# ------------------------------------------------------------------------ LDL, exponential

cdef tuple ldl_arrays(Variable a, bint hermitian):
    x = array(a)
    n = x.shape[-1]
    y = numpy.array(x, copy=True).reshape((int(numpy.prod(x.shape[:-2])), n, n))
    pivots = numpy.zeros(y.shape[:2], numpy.int32)
    info = numpy.zeros(len(y), numpy.int32)
    if n:
        routine = lapack("hetrf" if hermitian and is_complex_code(a.dt) else "sytrf", x.dtype)
        for i in range(len(y)):
            y[i], p, info[i] = routine(y[i], lower=True)
            pivots[i] = p
    y = numpy.tril(y)
    return y.reshape(x.shape), pivots.reshape(x.shape[:-1]), info.reshape(x.shape[:-2])


def ldl_factor_ex(A, *, hermitian=False, check_errors=False, out=None):
    """LAPACK's compact A = L D L^T (or L^H) of symmetric matrices, pivots, and info codes."""
    op = "linalg.ldl_factor_ex"
    ld, pivots, info = ldl_arrays(matrix(A, op, "A", True), hermitian)
    if check_errors and any_nonzero(info):
        raise errors_of(op, info, "The factorization could not be completed because the {}-th diagonal block is singular.")
    return finish_out(return_types["linalg_ldl_factor_ex"](tensor(ld), tensor(pivots), tensor(info)), out, op)


def ldl_factor(A, *, hermitian=False, out=None):
    """`ldl_factor_ex` that raises LinAlgError where D is singular."""
    op = "linalg.ldl_factor"
    ld, pivots, info = ldl_arrays(matrix(A, op, "A", True), hermitian)
    if any_nonzero(info):
        raise errors_of(op, info, "The factorization could not be completed because the {}-th diagonal block is singular.")
    return finish_out(return_types["linalg_ldl_factor"](tensor(ld), tensor(pivots)), out, op)


def ldl_solve(LD, pivots, B, *, hermitian=False, out=None):
    """The solution X of A X = B from `ldl_factor`'s result for A."""
    op = "linalg.ldl_solve"
    cdef Variable a = matrix(LD, op, "LD", True)
    cdef Variable b = matrix(B, op, "B")
    cdef Variable p = checked(pivots, op, "pivots")
    same_kind(a, b, op)
    if shape_of(p) != shape_of(a)[:-1] or is_floating(p.dt) or is_complex_code(p.dt):
        raise RuntimeError(f"{op}: Expected pivots of shape {list(shape_of(a)[:-1])} and an integer dtype, but got {list(shape_of(p))} of {dtype_of(p.dt)!r}.")
    if b.sizes[b.nd - 2] != a.sizes[a.nd - 1]:
        raise RuntimeError(f"{op}: Incompatible shapes of LD {list(shape_of(a))} and B {list(shape_of(b))}.")
    x, y = common_batch(a, b)
    n = a.sizes[a.nd - 1]
    xa = array(x).reshape((-1, n, n)) if n else array(x)
    ps = numpy.broadcast_to(array(p), array(x).shape[:-1]).reshape((-1, n)) if n else None
    if n and ((abs(ps) < 1) | (abs(ps) > n)).any():
        raise RuntimeError(f"{op}: pivots must be between 1 and {n} in absolute value.")
    z = numpy.array(array(y), copy=True)
    flat = z.reshape((-1,) + z.shape[-2:]) if z.size else z
    if z.size:
        for i in range(len(flat)):
            flat[i] = ldl_apply(xa[i], ps[i], flat[i], hermitian and is_complex_code(a.dt))
    return finish_out(tensor(flat.reshape(z.shape), a.dt), out, op)


cdef object ldl_apply(object ld, object pivots, object b, bint hermitian):
    """Forward and backward through LAPACK's interchanges (lower form), blocks of 1 or 2."""
    n = len(ld)
    x = numpy.array(b, copy=True)
    d = numpy.zeros_like(ld)
    steps = []
    k = 0
    while k < n:                        # P_k L_k ... : swap, then eliminate
        if pivots[k] > 0:
            q = pivots[k] - 1
            x[[k, q]] = x[[q, k]]
            x[k + 1:] -= numpy.outer(ld[k + 1:, k], x[k])
            d[k, k] = ld[k, k].real if hermitian else ld[k, k]
            steps.append((k, 1, q))
            k += 1
        else:
            q = -pivots[k] - 1
            x[[k + 1, q]] = x[[q, k + 1]]
            x[k + 2:] -= ld[k + 2:, k:k + 2] @ x[k:k + 2]
            d[k, k], d[k + 1, k + 1], d[k + 1, k] = ld[k, k], ld[k + 1, k + 1], ld[k + 1, k]
            d[k, k + 1] = numpy.conj(ld[k + 1, k]) if hermitian else ld[k + 1, k]
            steps.append((k, 2, q))
            k += 2
    for k, size, _ in steps:
        x[k:k + size] = numpy.linalg.solve(d[k:k + size, k:k + size], x[k:k + size]) if size == 2 else x[k:k + 1] / d[k, k]
    for k, size, q in reversed(steps):
        column = ld[k + size:, k:k + size]
        x[k:k + size] -= (numpy.conj(column.T) if hermitian else column.T) @ x[k + size:]
        j = k + size - 1
        x[[j, q]] = x[[q, j]]
    return x


cdef class MatrixExp(Function):
    """The derivative in direction G is the upper right block of exp([[A, G], [0, A]])."""
    cdef int vjp(self, Variable g) except -1:
        from pyxtorch.ops.shape_join import cat
        a = mH(self.saved(0))
        n = a.shape[-1]
        top = cat([a, g], -1)
        bottom = cat([a.new_zeros(tuple(a.shape)), a], -1)
        self.pass_grad(0, matrix_exp(cat([top, bottom], -2))[..., :n, n:])


def matrix_exp(A):
    """The exponential of square matrices (*, n, n).

    Source: Al-Mohy and Higham, "A new scaling and squaring algorithm for the matrix exponential"
    (2009), in scipy.linalg.expm.
    """
    cdef Variable a = checked(A, "linalg.matrix_exp", "A")
    if a.nd < 2 or a.sizes[a.nd - 1] != a.sizes[a.nd - 2]:
        raise RuntimeError(f"linalg.matrix_exp: A must be batches of square matrices, but it has shape {list(shape_of(a))}.")
    if a.dt < FLOAT16:
        raise RuntimeError(f"linalg.matrix_exp: Expected a floating point or complex tensor as input. Got {dtype_of(a.dt).name}.")
    cdef Variable b = a if a.dt >= FLOAT32 else <Variable>a.float()
    x = array(b)
    if x.size:
        from scipy.linalg import expm
        # Squaring multiplies rounding errors: single precision is computed in double.
        y = expm(x.astype(numpy.complex128 if is_complex_code(b.dt) else numpy.float64))
    else:
        y = numpy.array(x, copy=True)
    cdef Variable r = tensor(y, b.dt)
    cdef MatrixExp node
    if recording(b):
        node = <MatrixExp>MatrixExp.__new__(MatrixExp)
        record1(node, r, b)
        node.save(b)
    return r if a.dt == b.dt else r.to(dtype_of(a.dt))


linalg = {name: globals()[name] for name in (
    "inv", "inv_ex", "solve", "solve_ex", "solve_triangular", "cholesky", "cholesky_ex", "qr", "householder_product", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "slogdet", "det", "eigh", "eigvalsh", "eig", "eigvals", "svd", "svdvals", "pinv", "matrix_rank", "lstsq",
    "ldl_factor", "ldl_factor_ex", "ldl_solve", "matrix_exp", "LinAlgError",
)}
__all__ = ["det", "logdet", "matrix_exp", "pinverse", "triangular_solve", "cholesky_solve", "cholesky_inverse", "geqrf", "ormqr",
           "lu_unpack", "svd_lowrank", "pca_lowrank"]
exports = {"inverse": inv, "cholesky": cholesky_old, "qr": qr_old, "svd": svd_old, "slogdet": slogdet_old, "lu": lu_old,
           "lu_solve": lu_solve_old, "orgqr": householder_product}
methods = {name: globals()[name] for name in __all__ if name not in ("svd_lowrank", "pca_lowrank", "lu_unpack")}
methods.update(exports)

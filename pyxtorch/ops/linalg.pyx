# cython: wraparound=True, boundscheck=True
"""Linear algebra: inverses, systems of equations, Cholesky factors, for matrices and batches of them.

LAPACK does the work, through numpy.linalg where that has the routine for batches, else through
scipy.linalg, which is imported on first use. Gradients are formulas over tensors, so they
differentiate again. Other factorisations are in linalg_factor.pyx, eigenvalues and singular values in
linalg_eigen.pyx, norms in linalg_norm.pyx.

Sources of the gradients: Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); Murray, "Differentiation of the Cholesky decomposition" (2016);
Golub and Pereyra (1973) for the pseudo-inverse; Mathias (1996) for functions of matrices.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record2, recording
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

cdef object array(object x):
    """The tensor's memory as a NumPy array, off the tape; on meta a batch of no such arrays."""
    if (<Variable?>x).dev == META:
        return create.no_arrays_like(x)
    if (<Variable>x).dev != CPU:
        raise RuntimeError("linalg: is not available on cuda tensors: LAPACK computes on the CPU. Move them with .cpu().")
    return (<Variable>x).detach().numpy()


cdef Variable tensor(object a, Variable like, int dt=-1):
    """A tensor on (a contiguous copy of) an array that was computed from `array(like)`."""
    if like.dev == META:
        return <Variable?>create.meta_tensor_of(a, dtype_of(dt) if dt >= 0 else None)
    cdef Variable x = <Variable?>create.from_numpy(numpy.array(a, order="C", copy=None, ndmin=0))
    return <Variable?>x.to(dtype_of(dt)) if dt >= 0 and x.dt != dt else x


cdef object mH(object x):
    cdef Variable t = x
    return conj_of(transposed(t, t.nd - 2, t.nd - 1))


cdef object mT(object x):
    cdef Variable t = x
    return transposed(t, t.nd - 2, t.nd - 1)


cdef object diag_of(object d):
    """(*, n) as diagonal matrices (*, n, n)"""
    return d.unsqueeze(-1) * create.eye(d.shape[-1], dtype=d.dtype, device=d.device)


cdef object diagonal(object x):
    return x.diagonal(0, -2, -1)


cdef object tril(object x, int k=0):
    return index_masked.tril(x, k)


cdef object triu(object x, int k=0):
    return index_masked.triu(x, k)


cdef object real_part(object x):
    """The real part in the same dtype."""
    return (x + conj_of(x)) / 2 if is_complex_code((<Variable>x).dt) else x


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
    if a.dt <= INT64:
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
    cdef Variable r = tensor(y, a, a.dt)
    cdef Inv node
    if recording(a):
        node = <Inv>Inv.__new__(Inv)
        node.save_output(r)
        record1(node, r, a)
    return r, tensor(info, a)


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
    same_device(a, b, op)
    x = array(a)
    cdef Variable r
    try:
        r = tensor(numpy.linalg.solve(x, array(b)), a, a.dt)
    except numpy.linalg.LinAlgError:
        raise singular(op, x, "solve") from None
    cdef Solve node
    if recording(a) or recording(b):
        node = <Solve>Solve.__new__(Solve)
        node.save(a)
        node.save_output(r)
        record2(node, r, a, b)
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
    return finish_out(return_types["linalg_solve_ex"](r, tensor(info, a)), out, "linalg.solve_ex")


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
    same_device(a, b, "triangular_solve")
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
    cdef Variable r = tensor(z.reshape(y.shape), a, a.dt)
    cdef SolveTriangular node
    if recording(a) or recording(b):
        node = <SolveTriangular>SolveTriangular.__new__(SolveTriangular)
        node.upper = upper
        node.unit = unit
        node.save(a)
        node.save_output(r)
        record2(node, r, a, b)
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
    # A pivot that is NaN is not positive either, though LAPACK may let it pass.
    lost = numpy.isnan(numpy.diagonal(y, axis1=-2, axis2=-1).real)
    if lost.any():
        info = numpy.where((info == 0) & lost.any(-1), lost.argmax(-1) + 1, info).astype(numpy.int32)
    if check and info.any():
        raise errors_of(op, info, "The factorization could not be completed because the input is not positive-definite "
                        "(the leading minor of order {} is not positive-definite).")
    cdef Variable r = tensor(y, a, a.dt)
    cdef Cholesky node
    if recording(a):
        node = <Cholesky>Cholesky.__new__(Cholesky)
        node.save_output(r)
        record1(node, r, <Variable>source)
    return (mH(r) if upper else r), tensor(info, a)


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
    half = triangular_t(f, create.eye(f.sizes[f.nd - 1], dtype=dtype_of(f.dt), device=f.device).expand(shape_of(f)), upper, False)
    return finish_out(half @ mH(half) if upper else mH(half) @ half, out, "cholesky_inverse")


linalg = {name: globals()[name] for name in (
    "inv", "inv_ex", "solve", "solve_ex", "solve_triangular", "cholesky", "cholesky_ex", "LinAlgError",
)}
__all__ = ["triangular_solve", "cholesky_solve", "cholesky_inverse"]
exports = {"inverse": inv, "cholesky": cholesky_old}
methods = {name: globals()[name] for name in __all__}
methods.update(exports)

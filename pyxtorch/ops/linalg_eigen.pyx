# cython: wraparound=True, boundscheck=True
"""Determinants, eigenvalues, singular values, and what follows from them: pseudo-inverse, rank, least squares; the exponential."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record_many, recorded_flags, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.linalg cimport (
    any_nonzero, array, common_batch, diag_of, diagonal, matrix, mH, no_convergence, real_part, same_kind, tensor,
)
from pyxtorch.ops.shape cimport conj_of

from pyxtorch.ops import create
from pyxtorch.ops.linalg import LinAlgError, inv, numpy, return_types, solve


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
    cdef Variable s = tensor(sign, a, a.dt), v = tensor(value, a, real_code(a.dt))
    cdef Slogdet node
    if recording(a):
        node = <Slogdet>Slogdet.__new__(Slogdet)
        node.save(a)
        node.save_output(s)
        record_many(node, [s, v], [a])
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
    return (value + sign.log()) if not recorded_flags() else value + sign.detach().log()


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
    cdef Variable d = tensor(numpy.linalg.det(array(a)), a, a.dt)
    cdef Det node
    if recording(a):
        node = <Det>Det.__new__(Det)
        node.save(a)
        node.save_output(d)
        record1(node, d, a)
    return finish_out(d, out, "linalg.det")


# --------------------------------------------------------------------------- eigenvalues

cdef object gaps(object values):
    """E[i][j] = v[j] - v[i], 1 on the diagonal."""
    return values.unsqueeze(-2) - values.unsqueeze(-1) + create.eye(values.shape[-1], dtype=values.dtype, device=values.device)


cdef object without_diagonal(object x):
    return x * (1 - create.eye(x.shape[-1], dtype=x.dtype, device=x.device))


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
    cdef Variable x = tensor(w, a, real_code(a.dt)), y = tensor(v, a, a.dt)
    cdef Eigh node
    if recording(a):
        node = <Eigh>Eigh.__new__(Eigh)
        node.save_output(x)
        node.save_output(y, 1)
        record_many(node, [x, y], [a])
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
    cdef Variable c = <Variable?>a.to(dtype_of(dt))      # its gradient takes the real part again
    x = array(a)
    if not numpy.isfinite(x).all():
        raise RuntimeError(f"{op}: input tensor should not contain infs or NaNs.")
    try:
        w, v = numpy.linalg.eig(x)
    except numpy.linalg.LinAlgError:
        raise no_convergence(op) from None
    cdef Variable p = tensor(w.astype(numpy.result_type(w, numpy.complex64)), a, dt)
    cdef Variable q = tensor(v.astype(numpy.result_type(v, numpy.complex64)), a, dt)
    cdef Eig node
    if recording(c):
        node = <Eig>Eig.__new__(Eig)
        node.save_output(p)
        node.save_output(q, 1)
        record_many(node, [p, q], [c])
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
    cdef Variable p = tensor(u, a, a.dt), q = tensor(s, a, real_code(a.dt)), r = tensor(vh, a, a.dt)
    if not recording(a):
        return p, q, r
    k = q.sizes[q.nd - 1]
    cdef Variable ps = <Variable?>p[..., :k].clone() if full else p
    cdef Variable rs = <Variable?>r[..., :k, :].clone() if full else r
    node = <Svd>Svd.__new__(Svd)
    node.save_output(ps)
    node.save_output(q, 1)
    node.save_output(rs, 2)
    record_many(node, [ps, q, rs], [a])
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
            s = tensor(numpy.linalg.svd(array(a), compute_uv=False), a, real_code(a.dt))
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
    x = checked(A, "svd_lowrank", "A") if M is None else A - M
    k = min(q if q is not None else 6, min(x.shape[-2:]))
    u, s, vh = svd_t(x, False, "svd_lowrank")
    return u[..., :k], s[..., :k], mH(vh)[..., :k]


def pca_lowrank(A, q=None, center=True, niter=2):
    """Principal components: `svd_lowrank` of A with its column means taken off."""
    m, n = checked(A, "pca_lowrank", "A").shape[-2:]
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
    cdef Variable r = tensor(y, a, a.dt)
    cdef Pinv node
    if recording(a):
        node = <Pinv>Pinv.__new__(Pinv)
        node.save(a)
        node.save_output(r)
        record1(node, r, a)
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
        return finish_out(tensor(numpy.zeros(x.shape[:-2], numpy.int64), a), out, op)
    s = abs(numpy.linalg.eigvalsh(x)) if hermitian else numpy.linalg.svd(x, compute_uv=False)
    rank = (s > cutoffs(s, atol, rtol, m, n, op)[0]).sum(-1)
    return finish_out(tensor(numpy.asarray(rank, numpy.int64), a), out, op)


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
    none = a.new_empty((0,), dtype=dtype_of(real_code(a.dt)))
    residuals = solution.reshape(-1)[:0].abs()      # empty, but on the tape as the others are
    if m > n and driver != "gelsy" and (driver == "gels" or bool((numpy.asarray(rank) == n).all())):
        difference = x @ solution - y
        residuals = (difference * conj_of(difference)).sum(-2)
        if is_complex_code((<Variable>residuals).dt):
            residuals = residuals.real
    if vector:
        solution = solution.squeeze(-1)
    result = return_types["linalg_lstsq"](
        solution, residuals, a.new_empty((0,), dtype=dtype_of(INT64)) if driver == "gels" else tensor(numpy.asarray(rank, numpy.int64), a),
        tensor(s, a, real_code(a.dt)) if driver in ("gelsd", "gelss") else none)
    return finish_out(result, out, op)


# --------------------------------------------------------------------------- exponential

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
    if a.dt <= INT64:
        raise RuntimeError(f"linalg.matrix_exp: Expected a floating point or complex tensor as input. Got {dtype_of(a.dt).name}.")
    cdef Variable b = a if a.dt >= FLOAT32 else <Variable?>a.float()
    x = array(b)
    if x.size:
        from scipy.linalg import expm
        # Squaring multiplies rounding errors: single precision is computed in double.
        y = expm(x.astype(numpy.complex128 if is_complex_code(b.dt) else numpy.float64))
    else:
        y = numpy.array(x, copy=True)
    cdef Variable r = tensor(y, a, b.dt)
    cdef MatrixExp node
    if recording(b):
        node = <MatrixExp>MatrixExp.__new__(MatrixExp)
        node.save(b)
        record1(node, r, b)
    return r if a.dt == b.dt else r.to(dtype_of(a.dt))


linalg = {name: globals()[name] for name in (
    "slogdet", "det", "eigh", "eigvalsh", "eig", "eigvals", "svd", "svdvals", "pinv", "matrix_rank", "lstsq", "matrix_exp",
)}
__all__ = ["det", "logdet", "matrix_exp", "pinverse", "svd_lowrank", "pca_lowrank"]
exports = {"svd": svd_old, "slogdet": slogdet_old}
methods = {name: globals()[name] for name in __all__ if name not in ("svd_lowrank", "pca_lowrank")}
methods.update(exports)

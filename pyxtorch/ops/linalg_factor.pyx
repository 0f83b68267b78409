# cython: wraparound=True, boundscheck=True
"""Factorisations of matrices: QR, LU, LDL."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record_many, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.linalg cimport (
    any_nonzero, array, common_batch, diag_of, diagonal, errors_of, lapack, lu_arrays, matrix, mH, mT, real_part,
    same_kind, tensor, triangular_t, tril, triu,
)
from pyxtorch.ops.shape cimport conj_of

from pyxtorch.ops import create
from pyxtorch.ops._common import same_dtype
from pyxtorch.ops.linalg import numpy, return_types


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


cdef tuple qr_raw(Variable a, str mode):
    x = array(a)
    if mode == "r":
        return None, tensor(numpy.linalg.qr(x, "r"), a, a.dt)
    q, r = numpy.linalg.qr(x, mode)
    return tensor(q, a, a.dt), tensor(r, a, a.dt)


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
    node.save_output(q)
    node.save_output(r, 1)
    record_many(node, [q, r], [a])
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
        q = a.new_empty((0,))
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
    return finish_out(return_types["geqrf"](tensor(y.reshape(x.shape), a, a.dt), tensor(tau.reshape(x.shape[:-2] + (k,)), a, a.dt)), out, "geqrf")


cdef object reflect(Variable a, Variable tau, object c, bint adjoint, bint forward):
    """Apply H_1 ... H_k (or adjoints) to c, last factor first unless `forward`."""
    cdef int64_t k = tau.sizes[tau.nd - 1]
    low = tril(a, -1) + create.eye(a.sizes[a.nd - 2], a.sizes[a.nd - 1], dtype=dtype_of(a.dt), device=a.device)
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
    unit = create.eye(m, n, dtype=dtype_of(a.dt), device=a.device).expand(shape_of(a))
    return finish_out(reflect(a, t, unit, False, False) if t.sizes[t.nd - 1] else a * 0 + unit, out, op)


def ormqr(input, tau, other, left=True, transpose=False, *, out=None):
    """Q other or other Q (or with Q^H), Q being given by `geqrf`'s result."""
    cdef Variable a = matrix(input, "ormqr", "input")
    cdef Variable t = checked(tau, "ormqr", "tau")
    cdef Variable c = matrix(other, "ormqr", "other")
    for x, name in ((t, "tau"), (c, "other")):
        same_dtype(a, x, "ormqr", name)
        lacks = name == "tau"
        if (<Variable>x).nd != a.nd - lacks or shape_of(<Variable>x)[:a.nd - 2] != shape_of(a)[:-2]:
            raise RuntimeError(
                f"ormqr: Expected {name} to have {'one dimension less than' if lacks else 'the same number of dimensions as'} input and its batch "
                f"dimensions, but got {name} of shape {list(shape_of(<Variable>x))} and input of shape {list(shape_of(a))}."
            )
    if t.sizes[t.nd - 1] > min(a.sizes[a.nd - 2], a.sizes[a.nd - 1]):
        raise RuntimeError(f"ormqr: tau.shape[-1] must be at most min(input.shape[-2:]): {list(shape_of(t))} and {list(shape_of(a))}.")
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
    return tensor(numpy.swapaxes(p, -1, -2), like, like.dt)


cdef tuple split_lu(Variable lu):
    """Unpacked L and U; a view operation, so it may be recorded."""
    m, n = lu.sizes[lu.nd - 2], lu.sizes[lu.nd - 1]
    k = min(m, n)
    low = tril(lu[..., :, :k], -1) + create.eye(m, k, dtype=dtype_of(lu.dt), device=lu.device)
    return low, triu(lu[..., :k, :])


cdef tuple lu_t(Variable a):
    """(L, U, pivots as an array, info), recorded through the permuted matrix."""
    cdef LuPlain node
    cdef Variable square
    compact, pivots, info = lu_arrays(array(a))
    low, up = split_lu(tensor(compact, a, a.dt))
    if not recording(a):
        return low, up, pivots, info, tensor(compact, a, a.dt)
    m, n = a.sizes[a.nd - 2], a.sizes[a.nd - 1]
    k = min(m, n)
    permuted = mT(permutation_matrix(pivots, m, a)) @ a
    square = permuted[..., :k, :k]
    low_square, up_square = low[..., :k, :].clone(), up[..., :, :k].clone()
    node = <LuPlain>LuPlain.__new__(LuPlain)
    node.save_output(low_square)
    node.save_output(up_square, 1)
    record_many(node, [low_square, up_square], [square])
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
    return finish_out(return_types["linalg_lu_factor_ex"](parts[4], tensor(parts[2], a), tensor(parts[3], a)), out, op)


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
    return finish_out(return_types["linalg_lu_factor"](parts[4], tensor(parts[2], a)), out, op)


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
        return finish_out(return_types["linalg_lu_factor_ex"](parts[4], tensor(parts[2], a), tensor(parts[3], a)), out, "lu")
    return finish_out(return_types["linalg_lu_factor"](parts[4], tensor(parts[2], a)), out, "lu")


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
    same_device(a, p, "lu_unpack")
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
    same_device(a, p, op)
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


# ----------------------------------------------------------------------------------- LDL

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
    cdef Variable a = matrix(A, op, "A", True)
    ld, pivots, info = ldl_arrays(a, hermitian)
    if check_errors and any_nonzero(info):
        raise errors_of(op, info, "The factorization could not be completed because the {}-th diagonal block is singular.")
    return finish_out(return_types["linalg_ldl_factor_ex"](tensor(ld, a), tensor(pivots, a), tensor(info, a)), out, op)


def ldl_factor(A, *, hermitian=False, out=None):
    """`ldl_factor_ex` that raises LinAlgError where D is singular."""
    op = "linalg.ldl_factor"
    cdef Variable a = matrix(A, op, "A", True)
    ld, pivots, info = ldl_arrays(a, hermitian)
    if any_nonzero(info):
        raise errors_of(op, info, "The factorization could not be completed because the {}-th diagonal block is singular.")
    return finish_out(return_types["linalg_ldl_factor"](tensor(ld, a), tensor(pivots, a)), out, op)


def ldl_solve(LD, pivots, B, *, hermitian=False, out=None):
    """The solution X of A X = B from `ldl_factor`'s result for A."""
    op = "linalg.ldl_solve"
    cdef Variable a = matrix(LD, op, "LD", True)
    cdef Variable b = matrix(B, op, "B")
    cdef Variable p = checked(pivots, op, "pivots")
    same_kind(a, b, op)
    same_device(a, p, op)
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
    return finish_out(tensor(flat.reshape(z.shape), a, a.dt), out, op)


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


linalg = {name: globals()[name] for name in (
    "qr", "householder_product", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "ldl_factor", "ldl_factor_ex", "ldl_solve",
)}
__all__ = ["geqrf", "ormqr", "lu_unpack"]
exports = {"qr": qr_old, "lu": lu_old, "lu_solve": lu_solve_old, "orgqr": householder_product}
methods = {name: globals()[name] for name in __all__ if name not in ("lu_unpack",)}
methods.update(exports)

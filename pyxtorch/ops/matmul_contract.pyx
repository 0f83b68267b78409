"""Products summed over any dimensions: tensordot, einsum, inner, bilinear, kron, chain_matmul."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport mul_t
from pyxtorch.ops.matmul cimport dims_needed, mismatch

from pyxtorch.ops.matmul import matmul


def tensordot(a, b, dims=2, out=None):
    """Sum products over pairs of dimensions.

    Args:
        dims: a number d (the last d of `a` with the first d of `b`), or two lists of dimensions.
    """
    cdef Variable x = checked(a, "tensordot", "a")
    cdef Variable y = checked(b, "tensordot", "b")
    if isinstance(dims, Variable):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        left, right = dims
        left = [left] if isinstance(left, int) else list(left)
        right = [right] if isinstance(right, int) else list(right)
    else:
        if dims < 0 or dims > min(x.nd, y.nd):
            raise RuntimeError(f"tensordot: expects dims >= 0 and at most {min(x.nd, y.nd)}, but got dims={dims}.")
        left, right = list(range(x.nd - dims, x.nd)), list(range(dims))
    left = [wrap_dim(d, x.nd, "tensordot") for d in left]
    right = [wrap_dim(d, y.nd, "tensordot") for d in right]
    if len(left) != len(right):
        raise RuntimeError(f"tensordot: both dimension lists should have same length, got {left} and {right}.")
    shape_a, shape_b = shape_of(x), shape_of(y)
    pa, pb = x, y
    for i, j in zip(left, right):
        if shape_a[i] != shape_b[j]:
            if shape_a[i] == 1:
                pb = pb.sum(j, keepdim=True, dtype=pb.dtype)
            elif shape_b[j] == 1:
                pa = pa.sum(i, keepdim=True, dtype=pa.dtype)
            else:
                raise RuntimeError(
                    f"tensordot: contracted dimensions need to match, but first has size {shape_a[i]} in dim {i} and second "
                    f"has size {shape_b[j]} in dim {j}.")
    inner_size = 1
    for i in left:
        inner_size *= pa.shape[i]
    free_a = [i for i in range(x.nd) if i not in left]
    free_b = [i for i in range(y.nd) if i not in right]
    rows = columns = 1
    for i in free_a:
        rows *= shape_a[i]
    for i in free_b:
        columns *= shape_b[i]
    c = matmul(pa.permute(free_a + left).reshape(rows, inner_size), pb.permute(right + free_b).reshape(inner_size, columns))
    c = c.reshape(tuple([shape_a[i] for i in free_a] + [shape_b[i] for i in free_b]))
    return c if out is None else finish_out(c, out, "tensordot")


cdef object pair_sum(object a, object b, int nd, set gone):
    """Multiply two tensors of `nd` aligned dimensions and sum over those in `gone`, by one bmm."""
    sa, sb = a.shape, b.shape
    batch, both, only_a, only_b = [], [], [], []
    for i in range(nd):
        if i in gone:
            if sa[i] != 1 and sb[i] != 1:
                both.append(i)
            elif sa[i] != 1:
                a = a.sum(i, keepdim=True)
            elif sb[i] != 1:
                b = b.sum(i, keepdim=True)
        elif sa[i] != 1 and sb[i] != 1:
            batch.append(i)
        elif sa[i] != 1:
            only_a.append(i)
        else:
            only_b.append(i)
    if a.dtype != b.dtype:      # sums of integers are int64
        dtype = dtype_of(result_type_of(a, b))
        a, b = a.to(dtype), b.to(dtype)
    gone_now = [i for i in range(nd) if i in gone and i not in both]

    def size(t, dims):
        n = 1
        for d in dims:
            n *= t.shape[d]
        return n

    n_batch, n_both, rows, columns = size(a, batch), size(a, both), size(a, only_a), size(b, only_b)
    x = a.permute(batch + only_a + both + only_b + gone_now).reshape(n_batch, rows, n_both)
    y = b.permute(batch + both + only_b + only_a + gone_now).reshape(n_batch, n_both, columns)
    c = matmul(x, y)
    order = batch + only_a + only_b
    c = c.reshape([a.shape[i] for i in batch + only_a] + [b.shape[i] for i in only_b] + [1] * (len(both) + len(gone_now)))
    order += both + gone_now
    back = [0] * nd
    for place, i in enumerate(order):
        back[i] = place
    return c.permute(back)


def einsum(*args):
    """Sums of products, by Einstein's convention.

    Args:
        equation: such as "bij,bjk->bik"; letters name dimensions, "..." the rest, which broadcast;
            a letter twice in one operand takes its diagonal; without "->" the letters that occur
            once, in alphabetical order.
        operands: tensors (or operand, sublist, operand, sublist, ..., [result sublist]).
    Raises:
        RuntimeError: the equation does not fit the operands.
    Source:
        numpy.einsum, whose notation this is.
    """
    if not args:
        raise TypeError("einsum(): must specify the equation string and at least one operand, or operands and sublists.")
    if isinstance(args[0], Variable):
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

        def named(sub):
            text = ""
            for s in sub:
                if s is Ellipsis:
                    text += "..."
                elif not isinstance(s, int) or not 0 <= s < 52:
                    raise RuntimeError(f"einsum: subscripts must be Ellipsis or in 0 to 51, not {s!r}.")
                else:
                    text += letters[s]
            return text

        operands = list(args[0::2]) if len(args) % 2 == 0 else list(args[0:len(args) - 1:2])
        equation = ",".join([named(s) for s in args[1::2]])
        if len(args) % 2:
            equation += "->" + named(args[len(args) - 1])
    else:
        equation = args[0]
        operands = list(args[1]) if len(args) == 2 and isinstance(args[1], (list, tuple)) else list(args[1:])
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' must be str, not {type(equation).__name__}")
    for x in operands:
        checked(x, "einsum", "operands")
    equation = equation.replace(" ", "")
    left, arrow, result = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum: the equation {equation!r} has {len(terms)} operands but {len(operands)} were given.")
    parsed = []
    rest = 0                                # dimensions that "..." stands for, at most
    counts = {}
    for term, x in zip(terms, operands):
        before, dots, after = term.partition("...")
        names = list(before) + ([Ellipsis] if dots else []) + list(after)
        for c in before + after:
            if not (c.isalpha() and c.isascii()):
                raise RuntimeError(f"einsum: invalid subscript {c!r} in {equation!r}; subscripts must be letters.")
            counts[c] = counts.get(c, 0) + 1
        fixed = len(before) + len(after)
        if fixed > x.ndim or (not dots and fixed != x.ndim):
            raise RuntimeError(
                f"einsum: the number of subscripts in the equation ({fixed}) does not match the number of dimensions "
                f"({x.ndim}) for an operand of shape {list(shape_of(<Variable>x))} and no ellipsis was given.")
        rest = max(rest, x.ndim - fixed if dots else 0)
        parsed.append(names)
    if arrow:
        before, dots, after = result.partition("...")
        target = list(before) + ([Ellipsis] if dots else []) + list(after)
        for c in before + after:
            if c not in counts:
                raise RuntimeError(f"einsum: output subscript {c} does not appear in the equation for any input operand.")
        if len(set(before + after)) != len(before + after):
            raise RuntimeError(f"einsum: an output subscript appears more than once in {equation!r}.")
    else:
        target = ([Ellipsis] if rest else []) + sorted([c for c in counts if counts[c] == 1])
    # Every operand gets the dimensions of the result, then those that are summed.
    extra = [(Ellipsis, i) for i in range(rest)]
    dims = []
    for c in target:
        dims += extra if c is Ellipsis else [c]
    kept = len(dims)
    if rest and Ellipsis not in target:
        dims += extra
    dims += [c for c in counts if c not in dims]
    place = {c: i for i, c in enumerate(dims)}
    nd = len(dims)
    sizes = [1] * nd
    ready = []
    for names, x in zip(parsed, operands):
        full = []
        for c in names:
            if c is Ellipsis:
                n = x.ndim - (len(names) - 1)
                full += extra[rest - n:]
            else:
                full.append(c)
        i = 0
        while i < len(full):                # repeated letters: diagonals
            j = full.index(full[i])
            if j < i:
                if x.shape[i] != x.shape[j]:
                    raise RuntimeError(
                        f"einsum: subscript {full[i]} is repeated for an operand but the sizes don't match, {x.shape[i]} != {x.shape[j]}.")
                x = x.diagonal(0, j, i).movedim(-1, j)
                del full[i]
            else:
                i += 1
        for c, n in zip(full, x.shape):
            if n != 1:
                if sizes[place[c]] not in (1, n):
                    raise RuntimeError(
                        f"einsum: operands do not broadcast with remapped shapes: subscript {c} has sizes {sizes[place[c]]} and {n}.")
                sizes[place[c]] = n
        order = sorted(range(len(full)), key=lambda q: place[full[q]])
        x = x.permute(order)
        have = [full[q] for q in order]
        ready.append(x.reshape([x.shape[have.index(c)] if c in have else 1 for c in dims]))
    value = ready[0]
    summed = set(range(kept, nd))
    if len(ready) == 1:
        if summed:
            value = value.sum(list(range(kept, nd)))
        return value
    for i in range(1, len(ready)):
        later = ready[i + 1:]
        gone = {q for q in summed if not any([t.shape[q] != 1 for t in later])}
        value = pair_sum(value, ready[i], nd, gone)
    return value.reshape(tuple([value.shape[q] for q in range(kept)]))


def kron(input, other, *, out=None):
    """The Kronecker product: blocks input[i...] * other."""
    cdef Variable a = checked(input, "kron", "input")
    cdef Variable b = checked(other, "kron", "other")
    nd = max(a.nd, b.nd)
    sa = (1,) * (nd - a.nd) + shape_of(a)
    sb = (1,) * (nd - b.nd) + shape_of(b)
    left, right, whole = [], [], []
    for i in range(nd):
        left += [sa[i], 1]
        right += [1, sb[i]]
        whole.append(sa[i] * sb[i])
    c = (a.reshape(left) * b.reshape(right)).reshape(whole)
    return c if out is None else finish_out(c, out, "kron")


def chain_matmul(*matrices, out=None):
    """The product of several matrices, in the order of fewest multiplications."""
    c = best_chain(list(matrices), "chain_matmul")
    return c if out is None else finish_out(c, out, "chain_matmul")


def best_chain(list matrices, op):
    """The product of matrices, bracketed by dynamic programming (Cormen et al., section 14.2)."""
    cdef int n = len(matrices)
    if n == 0:
        raise RuntimeError(f"{op}: expected at least one matrix but got none.")
    for x in matrices:
        dims_needed(x, 2, op, "each matrix")
    for a, b in zip(matrices, matrices[1:]):
        if a.shape[1] != b.shape[0]:
            raise mismatch(op, a, b)
    if n == 1:
        return matrices[0].clone()
    p = [x.shape[0] for x in matrices] + [matrices[n - 1].shape[1]]
    cost = [[0] * n for _ in range(n)]
    cut = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], cut[i][j] = min([(cost[i][s] + cost[s + 1][j] + p[i] * p[s + 1] * p[j + 1], s) for s in range(i, j)])

    def build(i, j):
        return matrices[i] if i == j else matmul(build(i, cut[i][j]), build(cut[i][j] + 1, j))

    return build(0, n - 1)


def inner(input, other, *, out=None):
    """Sums of products over the last dimension of both; a product where one is 0-d."""
    cdef Variable a = checked(input, "inner", "input")
    cdef Variable b = checked(other, "inner", "other")
    cdef Variable c
    if a.nd == 0 or b.nd == 0:
        c = mul_t(a, b)
    else:
        if a.sizes[a.nd - 1] != b.sizes[b.nd - 1]:
            raise RuntimeError(
                f"inner: the last dimension must match on both input tensors but got shapes {list(shape_of(a))} and {list(shape_of(b))}.")
        c = tensordot(a, b, ([-1], [-1]))
    return c if out is None else finish_out(c, out, "inner")


def bilinear(Variable input1 not None, Variable input2 not None, Variable weight not None, Variable bias=None):
    """y[o] = input1 @ weight[o] @ input2 + bias[o]

    Args:
        input1: (*, in1); input2: (*, in2); weight: (out, in1, in2); bias: (out,) or None.
    """
    if input1.nd != input2.nd or shape_of(input1)[:input1.nd - 1] != shape_of(input2)[:input2.nd - 1]:
        raise RuntimeError(
            f"bilinear: input batch dimensions do not match: got {list(shape_of(input1))} and {list(shape_of(input2))}.")
    if weight.nd != 3 or input1.sizes[input1.nd - 1] != weight.sizes[1] or input2.sizes[input2.nd - 1] != weight.sizes[2]:
        raise RuntimeError(
            f"bilinear: weight {list(shape_of(weight))} must be (out, {input1.sizes[input1.nd - 1]}, {input2.sizes[input2.nd - 1]}).")
    a = input1.reshape(-1, weight.sizes[1])
    b = input2.reshape(-1, weight.sizes[2])
    # (rows, in1) x (in1, out * in2) -> (rows, out, in2), then times input2
    left = matmul(a, weight.permute(1, 0, 2).reshape(weight.sizes[1], weight.sizes[0] * weight.sizes[2]))
    y = matmul(left.reshape(a.shape[0], weight.sizes[0], weight.sizes[2]), b.unsqueeze(2)).squeeze(2)
    if bias is not None:
        y = y + bias
    return y.reshape(shape_of(input1)[:input1.nd - 1] + (weight.sizes[0],))


__all__ = ["inner", "bilinear", "tensordot", "einsum", "kron", "chain_matmul"]
functional = ["bilinear"]
methods = {"inner": inner, "kron": kron}

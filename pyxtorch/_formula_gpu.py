"""Formulas on the GPU: the text of one kernel for a formula, or for all of its gradients at once.

The functions are those of unary.h, binary.h and ternary.h, so that the values are those of the operations one by one.
"""
import math

from pyxtorch import cuda

_MOST_OPERANDS = 16
_MOST_NODES = 1000  # longer ones take long to compile, and are computed operation by operation
_BINARY = ("add", "sub", "mul", "div", "pow", "minimum", "maximum", "lt", "le", "gt", "ge", "eq", "ne")
_PREAMBLE = "".join(f'#include "pyxtorch/{name}.h"\n' for name in ("unary", "binary", "ternary"))


def kernel(name, order, roots, inputs):
    """A kernel that computes `roots` from `inputs` operands; None where it would be too large.

    Args:
        order: all nodes that the roots need, operands first.
    """
    if len(order) > _MOST_NODES or inputs + len(roots) > _MOST_OPERANDS:
        return None
    value, lines = {}, ["const T* s = 0;"]
    for n in order:
        args = [value[a] for a in n.args]
        if n.op == "number":
            value[n] = _number(n.value)
            continue
        if n.op == "input":
            value[n] = f"x{n.value}"
            continue
        value[n] = f"v{len(lines)}"
        if n.op == "gated":
            found = f"{args[0]} == (T)0 ? (T)0 : {args[0]} * {args[1]}"
        else:
            kind = "m" if n.op == "where" else "b" if n.op in _BINARY else "u"
            found = f"pyx::{kind}_{n.op}::eval<T>({', '.join(args)}, s)"
        lines.append(f"const auto {value[n]} = {found};")
    lines += [f"y{k} = {value[root]};" for k, root in enumerate(roots)]
    xs, ys = (", ".join(f"T {letter}{k}" for k in range(count)) for letter, count in (("x", inputs), ("y", len(roots))))
    return cuda.elementwise_kernel(xs, ys, "\n".join(lines), name, preamble=_PREAMBLE)


def _number(x):
    if math.isfinite(x):
        return f"(T){x!r}"
    return "(pyx::infinity<T>() * (T)0)" if x != x else f"{'-' if x < 0 else ''}pyx::infinity<T>()"

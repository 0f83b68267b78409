"""torch.utils.flop_counter: how many floating-point operations a program runs, by module and operation.

Counted are products, convolutions and attention, a multiplication and an addition as two; everything else counts 0. The forward is
seen through the gate. A backward costs what the gradients of the operation's inputs cost, as each of them is a product of the same
numbers of terms; it is counted when the node runs.
"""
import math

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.overrides import TorchFunctionMode, resolve_name
from pyxtorch.utils.module_tracker import ModuleTracker

__all__ = ["FlopCounterMode", "register_flop_formula"]


# ---------------------------------------------------------------------------------- formulas

def mm_flop(a_shape, b_shape, *args, out_shape=None, **kwargs):
    """Of a product of matrices, or of batches of them."""
    return 2 * math.prod(out_shape) * a_shape[-1]


def addmm_flop(self_shape, a_shape, b_shape, *args, out_shape=None, **kwargs):
    """Of a product that is added to something."""
    return mm_flop(a_shape, b_shape, out_shape=out_shape)


def addbmm_flop(self_shape, a_shape, b_shape, *args, out_shape=None, **kwargs):
    """Of products of matrices that are summed up."""
    return 2 * math.prod(a_shape) * b_shape[-1]


def dot_flop(a_shape, b_shape, *args, out_shape=None, **kwargs):
    """Of a product of vectors."""
    return 2 * math.prod(a_shape)


def linear_flop(input_shape, weight_shape, *args, out_shape=None, **kwargs):
    """Of a layer's product."""
    return 2 * math.prod(out_shape) * weight_shape[-1]


def conv_flop(input_shape, weight_shape, *args, out_shape=None, **kwargs):
    """Of a convolution: the weights of one place for each element of the result."""
    return 2 * math.prod(out_shape) * math.prod(weight_shape[1:])


def conv_transpose_flop(input_shape, weight_shape, *args, out_shape=None, **kwargs):
    """Of a transposed convolution: the same for each element of the input."""
    return 2 * math.prod(input_shape) * math.prod(weight_shape[1:])


def sdpa_flop(query_shape, key_shape, value_shape, *args, out_shape=None, **kwargs):
    """Of attention: scores, and the sums of values; a mask saves nothing."""
    return 2 * math.prod(query_shape[:-1]) * key_shape[-2] * (query_shape[-1] + value_shape[-1])


_FORMULAS = {
    "mm": (mm_flop, 2), "matmul": (mm_flop, 2), "bmm": (mm_flop, 2), "mv": (mm_flop, 2), "__matmul__": (mm_flop, 2), "multi_dot": None,
    "addmm": (addmm_flop, 3), "baddbmm": (addmm_flop, 3), "addmv": (addmm_flop, 3), "addmm_": (addmm_flop, 3), "baddbmm_": (addmm_flop, 3),
    "addbmm": (addbmm_flop, 3), "dot": (dot_flop, 2), "vdot": (dot_flop, 2), "inner": None, "linear": (linear_flop, 2),
    **{f"conv{n}d": (conv_flop, 2) for n in (1, 2, 3)}, **{f"conv_transpose{n}d": (conv_transpose_flop, 2) for n in (1, 2, 3)},
    "scaled_dot_product_attention": (sdpa_flop, 3),
}  # fmt: skip
_FORMULAS = {name: formula for name, formula in _FORMULAS.items() if formula is not None}
_SLOTS = {"__matmul__": "matmul", "__rmatmul__": "matmul"}
_custom = {}  # operation -> formula


def register_flop_formula(targets, get_raw=False):
    """A decorator for a function that gives the flops of an operation, or of several in a list.

    The function gets the operation's arguments, each tensor replaced by its shape, and `out_shape`; with `get_raw` the tensors
    themselves and `out_val`.
    """

    def register(formula):
        for target in targets if isinstance(targets, (list, tuple)) else (targets,):
            if not callable(target):
                raise ValueError(f"register_flop_formula(targets): expected each target to be an operation, not {type(target).__name__}.")
            _custom[target] = _adapted(formula, get_raw)
        return formula

    return register


def _adapted(formula, raw):
    if raw:
        return lambda args, kwargs, result: formula(*args, **kwargs, out_val=result)
    return lambda args, kwargs, result: formula(*_shapes(args), **_shapes(kwargs), out_shape=_shapes(result))


def _shapes(x):
    if isinstance(x, Tensor):
        return tuple(x.shape)
    if isinstance(x, (list, tuple)):
        return tuple(map(_shapes, x))
    return {k: _shapes(v) for k, v in x.items()} if isinstance(x, dict) else x


# ----------------------------------------------------------------------------------- counting

class FlopCounterMode(TorchFunctionMode):
    """Counts within a `with` block, and prints a table at its end.

    >>> with FlopCounterMode(display=False) as counter:
    ...     model(x).sum().backward()
    >>> counter.get_total_flops()

    Args:
        depth: how deep modules are told apart in the table. display: whether it is printed.
        custom_mapping: dict from operations to formulas, as `register_flop_formula` takes them.
    """

    def __init__(self, mods=None, depth=2, display=True, custom_mapping=None):
        super().__init__()
        self.depth, self.display, self.flop_counts = depth, display, {}
        self._tracker, self._at_work = ModuleTracker(), False
        self._own = {target: _adapted(formula, getattr(formula, "_get_raw", False)) for target, formula in (custom_mapping or {}).items()}

    def __enter__(self):
        self.flop_counts, self._at_work = {}, True
        self._tracker.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        self._tracker.__exit__(*error)
        self._at_work = False
        if self.display:
            print(self.get_table(self.depth))

    def get_total_flops(self):
        """All that was counted."""
        return sum(self.flop_counts.get("Global", {}).values())

    def get_flop_counts(self):
        """Dict from names of modules ("Global" for all) to dicts from operations to flops."""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        custom = self._own.get(func) or _custom.get(func)
        if custom is not None:
            self._add(func, custom(args, kwargs, result), tuple(self._tracker.parents))
            return result
        space, _, name = (resolve_name(func) or "").rpartition(".")
        known = _FORMULAS.get(name) if space in ("torch", "torch.Tensor", "torch.nn.functional", "torch.linalg") else None
        if known is not None and isinstance(result, Tensor):
            self._count(known, name, func, args, kwargs, result)
        return result

    def _count(self, known, name, func, args, kwargs, result):
        formula, n_inputs = known
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)][:n_inputs]
        shapes = [tuple(x.shape) for x in tensors]
        if len(shapes) < n_inputs:
            return
        parents, key = tuple(self._tracker.parents), getattr(pyxtorch, _SLOTS.get(name, name), func)
        flops = formula(*shapes, out_shape=tuple(result.shape))
        self._add(key, flops, parents)
        factors = tensors[1:] if formula in (addmm_flop, addbmm_flop) else tensors
        wanted = sum(x.requires_grad for x in factors)
        if result.grad_fn is not None and wanted:
            # Attention computes its scores anew before it makes the gradients of query, key and value, two products for each of the two.
            cost = _sdpa_backward(*shapes) if formula is sdpa_flop else flops * wanted
            result.grad_fn.register_prehook(lambda grads: self._add(key, cost, parents) if self._at_work else None)

    def _add(self, key, flops, parents):
        for parent in parents:
            counts = self.flop_counts.setdefault(parent, {})
            counts[key] = counts.get(key, 0) + flops

    # ------------------------------------------------------------------------------- text

    def get_table(self, depth=None):
        """The counts as a table: a line for each module down to `depth`, and below it its operations."""
        depth = 999999 if depth is None else depth
        total, rows = self.get_total_flops(), []
        for name in sorted(self.flop_counts, key=lambda n: (n != "Global", n)):
            level = 0 if name == "Global" else name.count(".") + 1
            if level > depth:
                continue
            counts = self.flop_counts[name]
            rows.append(_row(" " * level + name, sum(counts.values()), total))
            rows += [_row(" " * (level + 1) + "- " + (resolve_name(op) or getattr(op, "__name__", str(op))), flops, total) for op, flops in counts.items()]
        rows = [("Module", "FLOP", "% Total"), *(rows or [_row("Global", 0, 0)])]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])


def _row(name, flops, total):
    size = max(0, min(5, (len(str(flops)) - 1) // 3))
    return name, f"{flops / 1000**size:.3f}{('', 'K', 'M', 'B', 'T', 'Q')[size]}", f"{100 * flops / total if total else 0:.2f}%"


def _sdpa_backward(query, key, value):
    rows, columns, d, e = math.prod(query[:-1]), key[-2], query[-1], value[-1]
    return 2 * rows * columns * (d + 2 * e + 2 * d)

"""Pooling."""
import math

from pyxtorch.onnx._graph import INT, Value
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.layer import batched, several
from pyxtorch.onnx.errors import UnsupportedOperatorError


def _windows(kernel_size, stride, padding, dilation, space):
    kernel = several(kernel_size, space)
    strides = kernel if stride is None or isinstance(stride, (tuple, list)) and not stride else several(stride, space)
    return {"kernel_shape": kernel, "strides": strides, "pads": several(padding, space) * 2, "dilations": several(dilation, space)}


def _result(g, x, space):
    """The shape of the operation's result, where it has a batch dimension as `x` has."""
    return [*x.shape[:-space], *g.out[0][1][-space:]]


def _more(x, windows):
    """How far the last windows reach beyond the padded planes with ceil_mode: they begin within the plane or its first padding."""
    out = []
    for axis, k, s, p, d in zip(range(2, x.ndim), windows["kernel_shape"], windows["strides"], windows["pads"], windows["dilations"]):
        n, reach = x.size(axis), d * (k - 1) + 1
        free = n + (2 * p - reach)
        steps = (free + (s - 1)) // s
        if isinstance(n, int):
            steps -= steps * s >= n + p
            out.append(max(steps * s - free, 0))
        else:
            steps = steps - (steps * s >= n + p).cast(INT)
            out.append((steps * s - free).maximum(0))
    return out


def _surrounded(g, x, before, after, value):
    """Planes with more around them; ints and lengths."""
    if not any(isinstance(n, Value) or n for n in (*before, *after)):
        return x
    space = x.ndim - 2
    amounts = [g.vector([*before, *after]), g.number(value, x.dtype), g.ints(range(2, x.ndim))]
    return g.add("Pad", [x, *amounts], x.dtype, [*x.shape[:2], *[None] * space])


def _max(space, both):
    def max_pool(g, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        attributes = _windows(kernel_size, stride, padding, dilation, space)
        indices = return_indices or both

        def run(x):
            shape = _result(g, x, space)
            source = x
            if ceil_mode:
                more = _more(x, attributes)
                if all(isinstance(n, int) for n in more):
                    attributes["pads"] = several(padding, space) + [p + m for p, m in zip(several(padding, space), more)]
                elif indices:
                    raise UnsupportedOperatorError(f"export: {g.at}: indices with ceil_mode over dynamic sizes.")
                else:
                    source = _surrounded(g, x, [0] * space, more, -math.inf)
            values, places = g.add_many("MaxPool", [source], [(x.dtype, shape), (INT, shape) if indices else None], **attributes)
            if not indices:
                return values
            plane = g.product([x.size(i) for i in range(2, x.ndim)])  # ONNX counts through all of x, PyTorch within a plane
            return values, places % (plane if isinstance(plane, Value) else g.number(plane, INT))

        return batched(input, space, run)

    return max_pool


def _average(space):
    def avg_pool(g, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        windows = _windows(kernel_size, stride, padding, 1, space)
        kernel, pads = windows["kernel_shape"], several(padding, space)

        def run(x):
            shape = _result(g, x, space)
            attributes = {"kernel_shape": kernel, "strides": windows["strides"]}
            if not ceil_mode and divisor_override is None:
                return g.add("AveragePool", [x], x.dtype, shape, count_include_pad=int(bool(count_include_pad)), pads=pads * 2, **attributes)
            # Sums over windows of a plane with zeros around it, divided by how many elements count in each.
            more = _more(x, windows) if ceil_mode else [0] * space
            beyond = [m + p if p else m for m, p in zip(more, pads)]
            sums = g.add("AveragePool", [_surrounded(g, x, pads, beyond, 0)], x.dtype, shape, **attributes)
            if divisor_override is not None:
                return sums * (math.prod(kernel) / divisor_override)
            ones = g.filled([1, 1, *x.sizes()[2:]], 1, x.dtype)
            ones = _surrounded(g, _surrounded(g, ones, pads, pads, 1), [0] * space, more, 0) if count_include_pad else _surrounded(g, ones, pads, beyond, 0)
            return sums / g.add("AveragePool", [ones], x.dtype, [1, 1, *shape[2:]], **attributes)

        return batched(input, space, run)

    return avg_pool


def _adaptive(space, op, both):
    def adaptive_pool(g, input, output_size, return_indices=False):
        wanted = several(output_size, space)
        sizes = input.sizes()[-space:]
        wanted = [s if w is None else w for w, s in zip(wanted, sizes)]

        def run(x):
            axes = list(range(2, x.ndim))
            if all(isinstance(w, int) and w == 1 for w in wanted) and not (both or return_indices):
                return x.reduce("ReduceMean" if op == "AveragePool" else "ReduceMax", axes, True)
            y = x
            if not all(isinstance(n, int) for n in (*wanted, *sizes)) or any(n % w for n, w in zip(sizes, wanted)):
                if op != "AveragePool":
                    raise UnsupportedOperatorError(
                        f"export: {g.at}: adaptive pooling from sizes {input.shape[-space:]} to {tuple([w if isinstance(w, int) else None for w in wanted])}: windows of different sizes. "
                        "Give sizes that the result's divide, or pool to 1."
                    )
                for axis, w in zip(axes, wanted):
                    y = _averaged(g, y, axis, w)
                return y
            kernel = [n // w for n, w in zip(sizes, wanted)]
            shape = [*x.shape[:2], *wanted]
            if not (both or return_indices):
                return g.add(op, [x], x.dtype, shape, kernel_shape=kernel, strides=kernel)
            values, places = g.add_many(op, [x], [(x.dtype, shape), (INT, shape)], kernel_shape=kernel, strides=kernel)
            return values, places % g.number(math.prod(sizes), INT)

        return batched(input, space, run)

    return adaptive_pool


def _averaged(g, x, axis, count):
    """Means over windows floor(i n / count) to ceil((i + 1) n / count): differences of running sums."""
    n = x.size(axis)
    i = g.arange(count)
    starts = (i * n) // count
    stops = ((i + 1) * n + (count - 1)) // count
    sums = g.add("CumSum", [x, g.number(axis, INT)], x.dtype, x.shape)
    amounts = [0] * axis + [1] + [0] * (x.ndim - axis - 1)
    sums = g.add("Pad", [sums, g.ints(amounts + [0] * x.ndim)], x.dtype, [None if k == axis else m for k, m in enumerate(x.shape)])
    lengths = (stops - starts).cast(x.dtype).reshape([count, *[1] * (x.ndim - axis - 1)])
    return (sums.gather(stops, axis) - sums.gather(starts, axis)) / lengths


for _n in (1, 2, 3):
    row(f"max_pool{_n}d")(_max(_n, False))
    row(f"max_pool{_n}d_with_indices")(_max(_n, True))
    row(f"avg_pool{_n}d")(_average(_n))
    row(f"adaptive_avg_pool{_n}d")(_adaptive(_n, "AveragePool", False))
    row(f"adaptive_max_pool{_n}d")(_adaptive(_n, "MaxPool", False))
    row(f"adaptive_max_pool{_n}d_with_indices")(_adaptive(_n, "MaxPool", True))


def _power(space):
    average = _average(space)

    def lp_pool(g, input, norm_type, kernel_size, stride=None, ceil_mode=False):
        p = float(norm_type)
        size = math.prod(several(kernel_size, space))
        mean = average(g, input ** p, kernel_size, stride, 0, ceil_mode)
        return (mean.maximum(0) * size) ** (1 / p)

    return lp_pool


for _n in (1, 2, 3):
    row(f"lp_pool{_n}d")(_power(_n))


def _unpool(space):
    def max_unpool(g, input, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel = several(kernel_size, space)
        strides = kernel if stride is None else several(stride, space)

        def run(x, places):
            sizes = list(output_size)[-space:] if output_size is not None else [
                (n - 1) * s - 2 * p + k for n, s, p, k in zip(x.sizes()[2:], strides, several(padding, space), kernel)]
            lead = x.sizes()[:2]
            base = g.filled([*lead, g.product(sizes)], 0, x.dtype)
            flat = g.add("ScatterElements", [base, places.reshape([*lead, -1]), x.reshape([*lead, -1])], x.dtype, base.shape, axis=2)
            return flat.reshape([*lead, *sizes])

        if input.ndim == space + 1:
            return run(input.unsqueeze(0), indices.unsqueeze(0)).squeeze(0)
        return run(input, indices)

    return max_unpool


for _n in (1, 2, 3):
    row(f"max_unpool{_n}d")(_unpool(_n))


for _n in (1, 2, 3):
    row(f"torch.adaptive_max_pool{_n}d")(_adaptive(_n, "MaxPool", True))  # torch's own gives both

"""Operations that make tensors from numbers, sizes and chance."""
import pyxtorch
from pyxtorch.onnx._graph import INT, Value, element
from pyxtorch.onnx._rows import row
from pyxtorch.onnx.errors import UnsupportedOperatorError


def sizes_of(args):
    """Sizes given one by one, or as one tuple."""
    return list(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else list(args)


def wanted(g, sizes, place=0):
    """The lengths of a result: those that are the same at all sizes, and what was asked for elsewhere."""
    return [n if n is not None else asked for n, asked in zip(g.out[place][1], sizes)]


def _filled(names, value):
    @row(names)
    def made(g, *size, **named):
        """Of a shape."""
        return g.filled(wanted(g, sizes_of(size) if size else named["size"]), value, g.out[0][0])

    @row(" ".join(f"{name}_like" for name in names.split()))
    def like(g, input, **named):
        return g.filled(input.sizes(), value, g.out[0][0])

    @row(" ".join(f"new_{name}" for name in names.split()))
    def new(g, input, *size, **named):
        return g.filled(wanted(g, sizes_of(size) if size else named["size"]), value, g.out[0][0])


_filled("zeros empty", 0)
_filled("ones", 1)


@row("full")
def full(g, size, fill_value, **named):
    return g.filled(wanted(g, size), fill_value, g.out[0][0])


@row("full_like")
def full_like(g, input, fill_value, **named):
    return g.filled(input.sizes(), fill_value, g.out[0][0])


@row("new_full")
def new_full(g, input, size, fill_value, **named):
    return g.filled(wanted(g, size), fill_value, g.out[0][0])


@row("arange")
def arange(g, *args, start=0, end=None, step=1, **named):
    if len(args) == 1:
        end = args[0]
    elif args:
        start, end, step = (*args, step)[:3]
    dtype = g.out[0][0]
    if all(isinstance(x, int) or isinstance(x, Value) and not x.floats for x in (start, end, step)):
        return g.arange(end, start, step, dtype)
    wide = pyxtorch.float64
    start, end, step = (g.number(x, wide) for x in (start, end, step))
    count = ((end - start) / step).unary("Ceil").cast(INT)
    return (g.arange(count).cast(wide) * step + start).cast(dtype)


@row("linspace")
def linspace(g, start, end, steps, **named):
    wide, dtype = pyxtorch.float64, g.out[0][0]
    start, end = g.number(start, wide), g.number(end, wide)
    n = g.number(steps, INT)
    return (g.arange(steps).cast(wide) * ((end - start) / (n - 1).maximum(1).cast(wide)) + start).cast(dtype)


@row("eye")
def eye(g, n, m=None, **named):
    rows, columns = g.arange(n).unsqueeze(1), g.arange(n if m is None else m).unsqueeze(0)
    return (rows == columns).cast(g.out[0][0])


@row("tensor as_tensor asarray scalar_tensor new_tensor")
def tensor(g, *args, data=None, obj=None, **named):
    given = args[-1] if args and not isinstance(args[-1], pyxtorch.dtype) else data
    dtype = g.out[0][0]
    if isinstance(given, Value):
        return given.cast(dtype)

    def joined(x):
        if isinstance(x, (tuple, list)):
            parts = [joined(v).unsqueeze(0) for v in x]
            return g.concat(parts, 0)
        return x.squeeze(*range(x.ndim)).cast(dtype) if isinstance(x, Value) else g.number(x, dtype)

    return joined(given)


def triangle(g, rows, columns, diagonal, lower):
    """Where an element is on or below a diagonal (or above)."""
    i, j = g.arange(rows).unsqueeze(1), g.arange(columns).unsqueeze(0)
    distance = j - i
    return distance <= diagonal if lower else distance >= diagonal


@row("tril")
def tril(g, input, diagonal=0):
    return g.where(triangle(g, input.size(-2), input.size(-1), diagonal, True), input, 0, dtype=input.dtype)


@row("triu")
def triu(g, input, diagonal=0):
    return g.where(triangle(g, input.size(-2), input.size(-1), diagonal, False), input, 0, dtype=input.dtype)


# ---------------------------------------------------------------------------- chance

def _random(op, g, sizes, **attributes):
    dtype, shape = g.out[0]
    if not dtype.is_floating_point:
        raise UnsupportedOperatorError(f"export: {g.at}: ONNX draws floating-point numbers only.")
    if all(isinstance(n, int) for n in sizes):
        return g.add(op, [], dtype, shape, shape=sizes, dtype=element(dtype), **attributes)
    like = g.filled(sizes, 0, dtype)
    return g.add(op + "Like", [like], dtype, shape, **attributes)


@row("rand")
def rand(g, *size, **named):
    return _random("RandomUniform", g, wanted(g, sizes_of(size) if size else named["size"]), low=0.0, high=1.0)


@row("randn")
def randn(g, *size, **named):
    return _random("RandomNormal", g, wanted(g, sizes_of(size) if size else named["size"]), mean=0.0, scale=1.0)


@row("rand_like")
def rand_like(g, input, **named):
    return _random("RandomUniform", g, input.sizes(), low=0.0, high=1.0)


@row("randn_like")
def randn_like(g, input, **named):
    return _random("RandomNormal", g, input.sizes(), mean=0.0, scale=1.0)


@row("normal")
def normal(g, mean=0.0, std=1.0, size=None, **named):
    sizes = wanted(g, size) if size is not None else (mean if isinstance(mean, Value) else std).sizes()
    return _random("RandomNormal", g, sizes, mean=0.0, scale=1.0) * std + mean


@row("torch.Tensor.normal_")
def normal_in_place(g, input, mean=0.0, std=1.0, generator=None):
    return _random("RandomNormal", g, input.sizes(), mean=float(mean), scale=float(std))


@row("torch.Tensor.uniform_")
def uniform_in_place(g, input, *bounds, generator=None, **named):
    low, high = (*bounds, *(0.0, 1.0)[len(bounds) :])
    return _random("RandomUniform", g, input.sizes(), low=float(named.get("from", low)), high=float(named.get("to", high)))


@row("bernoulli")
def bernoulli(g, input, p=None, generator=None):
    chance = input if p is None else g.filled(input.sizes(), p, input.dtype) if not isinstance(p, Value) else p
    return (g.add("RandomUniformLike", [chance], chance.dtype, chance.shape) < chance).cast(g.out[0][0])


@row("isin")
def isin(g, elements, test_elements, assume_unique=False, invert=False):
    a, b = g.promoted(elements, test_elements)
    found = (a.unsqueeze(-1) == b.reshape([-1])).any([-1])
    return ~found if invert else found

"""Changing the size of planes, and sampling them at places."""
import pyxtorch
from pyxtorch.onnx._graph import INT, Value
from pyxtorch.onnx._rows import ROWS, row
from pyxtorch.onnx._rows.layer import several
from pyxtorch.onnx.errors import UnsupportedOperatorError

MODES = {"nearest": "nearest", "nearest-exact": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}


@row("interpolate upsample")
def interpolate(g, input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False):
    space = input.ndim - 2
    if size is None and (mode == "area" or recompute_scale_factor or any(isinstance(s, Value) for s in several(scale_factor, space))):
        size = [_times(g, n, s) for n, s in zip(input.sizes()[2:], several(scale_factor, space))]
    if mode == "area":
        return ROWS[f"adaptive_avg_pool{space}d"](g, input, several(size, space))
    if size is None and MODES[mode] == "nearest" and any(s != int(s) for s in several(scale_factor, space)):
        return _picked(g, input, several(scale_factor, space), 0.0 if mode == "nearest" else 0.5)
    if mode == "nearest":
        where = "asymmetric"
    else:
        where = "align_corners" if align_corners else "half_pixel"
    attributes = {"mode": MODES[mode], "coordinate_transformation_mode": where, "antialias": int(bool(antialias)) or None}
    if antialias:
        attributes["exclude_outside"] = 1  # weights of pixels that are there add to 1
    if MODES[mode] == "nearest":
        attributes["nearest_mode"] = "floor" if mode == "nearest" else "round_prefer_ceil"
    if MODES[mode] == "cubic":
        attributes["cubic_coeff_a"] = -0.5 if antialias else -0.75
    scales = sizes = None
    if size is None:
        scales = g.constant(_not_less([1.0, 1.0, *map(float, several(scale_factor, space))]))
    else:
        sizes = g.vector([*input.sizes()[:2], *several(size, space)])
    return g.add("Resize", [input, None, scales, sizes], input.dtype, [*input.shape[:2], *g.out[0][1][2:]], **attributes)


def _picked(g, x, factors, offset):
    """The pixel floor((i + offset) / factor), computed as PyTorch does: runtimes round otherwise, and pick the one beside it."""
    for axis, factor in enumerate(factors, 2):
        n = x.size(axis)
        places = (g.arange(_times(g, n, factor)).cast(pyxtorch.float32) + offset) * (1 / factor)
        last = n - 1
        x = x.gather(places.floor().cast(INT).minimum(last if isinstance(last, int) else g.number(last, INT)), axis)
    return x


def _not_less(factors):
    """In float32, rounded up: 10 * 0.7 is 7, and must not come out as 6.9999998, whose floor is the size."""
    exact = pyxtorch.tensor(factors, dtype=pyxtorch.float64, device="cpu")
    near = exact.float()
    return pyxtorch.where(near.double() < exact, pyxtorch.nextafter(near, pyxtorch.full_like(near, float("inf"))), near)


def _times(g, n, factor):
    """floor(n * factor), of lengths."""
    if isinstance(n, int) and not isinstance(factor, Value):
        return int(n * factor)
    wide = pyxtorch.float64
    return (g.number(n, wide) * g.number(factor, wide)).floor().cast(INT).reshape([1])


@row("upsample_nearest")
def upsample_nearest(g, input, size=None, scale_factor=None):
    return interpolate(g, input, size, scale_factor, "nearest")


@row("upsample_bilinear")
def upsample_bilinear(g, input, size=None, scale_factor=None):
    return interpolate(g, input, size, scale_factor, "bilinear", True)


@row("grid_sample")
def grid_sample(g, input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    if input.ndim != 4 and g.opset < 20:
        raise UnsupportedOperatorError(f"export: {g.at}: sampling volumes needs opset_version=20.")
    if g.opset >= 20:
        mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    shape = [*input.shape[:2], *grid.shape[1:-1]]
    return g.add("GridSample", [input, grid], input.dtype, shape, mode=mode, padding_mode=padding_mode, align_corners=int(bool(align_corners)))


@row("affine_grid")
def affine_grid(g, theta, size, align_corners=None):
    space = len(size) - 2

    def places(n):
        i = g.arange(n).cast(theta.dtype)
        count = g.number(n, theta.dtype)
        return i * 2 / (count - 1).maximum(1) - 1 if align_corners else (i * 2 + 1) / count - 1

    sizes = list(size[2:])
    columns = []  # x first, which is the last axis
    for axis in reversed(range(space)):
        p = places(sizes[axis]).reshape([-1 if k == axis else 1 for k in range(space)])
        columns.append(p.expand(sizes).unsqueeze(-1))
    columns.append(g.filled([*sizes, 1], 1, theta.dtype))
    base = g.concat(columns, space).reshape([g.product(sizes), space + 1])
    return base.matmul(theta.swap(1, 2)).reshape([theta.size(0), *sizes, space])

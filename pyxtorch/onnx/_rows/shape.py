"""Operations that rearrange: views, joins, parts, padding."""
import math

import pyxtorch
from pyxtorch.onnx._graph import INT, Value
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.create import sizes_of, wanted
from pyxtorch.onnx.errors import UnsupportedOperatorError


def reshaped(g, input, sizes, place=0):
    """To sizes of which -1 may be one: the result's own lengths where they are known."""
    known = g.out[place][1]
    sizes = [k if k is not None else n for k, n in zip(known, sizes)]
    return input.reshape(sizes)


@row("view reshape _unsafe_view _reshape_alias view_copy")
def reshape(g, input, *shape, size=None, dtype=None, **named):
    if shape and isinstance(shape[0], pyxtorch.dtype) or dtype is not None:
        raise UnsupportedOperatorError(f"export: {g.at}: ONNX does not look at memory as another dtype.")
    return reshaped(g, input, sizes_of(shape or (named.get("shape", size),)))


@row("view_as reshape_as")
def view_as(g, input, other):
    return reshaped(g, input, other.sizes())


@row("flatten ravel")
def flatten(g, input, start_dim=0, end_dim=-1):
    if input.ndim == 0:
        return input.reshape([1])
    first, last = input.axis(start_dim), input.axis(end_dim)
    sizes = input.sizes()
    middle = sizes[first : last + 1]
    merged = math.prod(middle) if all(isinstance(n, int) for n in middle) else -1
    return input.reshape([*sizes[:first], merged, *sizes[last + 1 :]])


@row("unflatten")
def unflatten(g, input, dim, sizes):
    axis = input.axis(dim)
    own = input.sizes()
    return reshaped(g, input, [*own[:axis], *sizes, *own[axis + 1 :]])


@row("squeeze squeeze_copy")
def squeeze(g, input, *dim, **named):
    dims = sizes_of(dim) if dim else named.get("dim")
    dims = range(input.ndim) if dims is None else [dims] if isinstance(dims, int) else dims
    return input.squeeze(*{input.axis(d) for d in dims if input.ndim and input.shape[input.axis(d)] == 1})


@row("unsqueeze unsqueeze_copy")
def unsqueeze(g, input, dim):
    return input.unsqueeze(dim)


@row("transpose swapaxes swapdims transpose_copy")
def transpose(g, input, dim0, dim1):
    return input.swap(dim0, dim1) if input.ndim else input


@row("t T t_copy")
def t(g, input):
    return input.transpose(range(input.ndim)[::-1])


@row("mT adjoint mH H")
def matrix_transposed(g, input):
    return input.swap(-1, -2)


@row("permute permute_copy")
def permute(g, input, *dims, **named):
    order = sizes_of(dims) if dims else list(named["dims"])
    return input.transpose([input.axis(d) for d in order])


@row("movedim moveaxis")
def movedim(g, input, source, destination):
    source = [input.axis(s) for s in ([source] if isinstance(source, int) else source)]
    destination = [input.axis(d) for d in ([destination] if isinstance(destination, int) else destination)]
    rest = [i for i in range(input.ndim) if i not in source]
    pairs = dict(zip(destination, source))
    return input.transpose([pairs[i] if i in pairs else rest.pop(0) for i in range(input.ndim)])


@row("expand broadcast_to expand_copy")
def expand(g, input, *size, implicit=False, **named):
    asked = sizes_of(size) if size else named["size"]
    own = [1] * (len(asked) - input.ndim) + input.sizes()
    return input.expand(wanted(g, [n if isinstance(a, int) and a == -1 else a for n, a in zip(own, asked)]))


@row("expand_as")
def expand_as(g, input, other):
    return input.expand(other.sizes())


def common_sizes(g, tensors):
    """The lengths that tensors broadcast to, ints and values."""
    n = max(x.ndim for x in tensors)
    out = []
    for axis in range(-n, 0):
        lengths = [x.size(axis) for x in tensors if x.ndim >= -axis]
        known = [m for m in lengths if isinstance(m, int) and m != 1]
        moving = [m for m in lengths if not isinstance(m, int)]
        if known or not moving:
            out.append(known[0] if known else 1)
        else:
            longest = moving[0]
            for m in moving[1:]:
                longest = longest.maximum(m)
            out.append(longest)
    return out


@row("broadcast_tensors")
def broadcast_tensors(g, *tensors):
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    sizes = common_sizes(g, tensors)
    return tuple([x.expand(sizes) for x in tensors])


@row("meshgrid")
def meshgrid(g, *tensors, indexing="ij"):
    tensors = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else list(tensors)
    swapped = indexing == "xy" and len(tensors) > 1
    places = list(range(len(tensors)))
    if swapped:
        places[:2] = [1, 0]
    out = []
    for i, x in enumerate(tensors):
        sizes = [1] * len(tensors)
        sizes[places[i]] = -1 if x.ndim and x.shape[0] is None else (x.shape[0] if x.ndim else 1)
        out.append(x.reshape(sizes))
    sizes = common_sizes(g, out)
    out = [x.expand(sizes) for x in out]
    return tuple(out)


@row("repeat")
def repeat(g, input, *repeats, **named):
    times = sizes_of(repeats) if repeats else list(named["repeats"])
    x = input.unsqueeze(*range(len(times) - input.ndim)) if len(times) > input.ndim else input
    shape = [n * r if n is not None and isinstance(r, int) else None for n, r in zip(x.shape, times)]
    return g.add("Tile", [x, g.vector(times)], x.dtype, shape)


@row("tile")
def tile(g, input, *dims, **named):
    times = sizes_of(dims) if dims else list(named["dims"])
    return repeat(g, input, [1] * (input.ndim - len(times)) + times)


@row("repeat_interleave")
def repeat_interleave(g, input, repeats=None, dim=None, output_size=None):
    if isinstance(repeats, Value) and repeats.ndim and repeats.shape != (1,) or repeats is None:
        raise UnsupportedOperatorError(f"export: {g.at}: repeats that differ from element to element have no ONNX operation.")
    x = input.reshape([-1]) if dim is None else input
    axis = 0 if dim is None else x.axis(dim)
    sizes = x.sizes()
    times = repeats.reshape([1]) if isinstance(repeats, Value) else repeats
    wide = x.unsqueeze(axis + 1).expand([*sizes[: axis + 1], times, *sizes[axis + 1 :]])
    return wide.reshape([*sizes[:axis], g.product([sizes[axis], times]), *sizes[axis + 1 :]])


# ---------------------------------------------------------------------------- joins and parts

@row("cat concat concatenate")
def cat(g, tensors, dim=0):
    real = [x for x in tensors if x.shape != (0,)] or list(tensors)
    real = g.promoted(*real, dtype=g.out[0][0])
    return g.concat(real, dim)


@row("stack")
def stack(g, tensors, dim=0):
    parts = g.promoted(*tensors, dtype=g.out[0][0])
    return g.concat([x.unsqueeze(dim) for x in parts], dim)


def _at_least(x, n):
    if x.ndim >= n:
        return x
    if n == 3 and x.ndim == 2:
        return x.unsqueeze(2)
    if n == 3 and x.ndim == 1:
        return x.unsqueeze(0, 2)
    return x.unsqueeze(*range(n - x.ndim))


def _joined(ndim, axis_of):
    def of(g, tensors):
        parts = [_at_least(x, ndim) for x in tensors]
        return cat(g, parts, axis_of(parts[0]))

    return of


row("hstack")(_joined(1, lambda x: 0 if x.ndim == 1 else 1))
row("vstack row_stack")(_joined(2, lambda x: 0))
row("dstack")(_joined(3, lambda x: 2))


@row("column_stack")
def column_stack(g, tensors):
    return cat(g, [x.reshape([-1, 1]) if x.ndim < 2 else x for x in tensors], 1)


def _atleast(n):
    def of(g, *tensors):
        if len(tensors) == 1 and isinstance(tensors[0], Value):
            return _at_least(tensors[0], n)
        return tuple([_at_least(x, n) for x in (tensors[0] if len(tensors) == 1 else tensors)])

    return of


for _n in (1, 2, 3):
    row(f"atleast_{_n}d")(_atleast(_n))


def parts(g, input, bounds, dim):
    """Slices between consecutive bounds: ints and values."""
    return tuple([input.slice(dim, a, b) for a, b in zip(bounds, bounds[1:])])


@row("split split_with_sizes split_copy split_with_sizes_copy unsafe_split unsafe_split_with_sizes")
def split(g, input, split_size_or_sections=None, dim=0, split_size=None, split_sizes=None):
    given = next(x for x in (split_size_or_sections, split_size, split_sizes) if x is not None)
    if not isinstance(given, (tuple, list)):
        return parts(g, input, [g.product([i, given]) for i in range(len(g.out))] + [None], dim)
    bounds = [0]
    for n in given:
        bounds.append(bounds[-1] + n if isinstance(n, int) or bounds[-1] != 0 else n)
    return parts(g, input, bounds, dim)


@row("chunk unsafe_chunk")
def chunk(g, input, chunks, dim=0):
    n = input.size(dim)
    if isinstance(n, int):
        size = -(-n // chunks)
        return parts(g, input, [min(i * size, n) for i in range(-(-n // max(size, 1)) + 1)], dim)
    size = (n + (chunks - 1)) // chunks
    return parts(g, input, [size * i if i else 0 for i in range(chunks)] + [None], dim)


@row("tensor_split")
def tensor_split(g, input, indices_or_sections=None, dim=0, indices=None, sections=None):
    given = next(x for x in (indices_or_sections, indices, sections) if x is not None)
    if isinstance(given, (tuple, list)):
        return parts(g, input, [0, *given, None], dim)
    n = input.fixed(dim)
    return parts(g, input, [i * (n // given) + min(i, n % given) for i in range(given + 1)], dim)


def _split_along(axis_of):
    def of(g, input, indices_or_sections):
        return tensor_split(g, input, indices_or_sections, axis_of(input))

    return of


row("hsplit")(_split_along(lambda x: 0 if x.ndim == 1 else 1))
row("vsplit")(_split_along(lambda x: 0))
row("dsplit")(_split_along(lambda x: 2))


@row("unbind unbind_copy")
def unbind(g, input, dim=0):
    return tuple([input.slice(dim, i, i + 1).squeeze(dim) for i in range(input.fixed(dim))])


@row("select select_copy")
def select(g, input, dim, index):
    return input.gather(index.squeeze(0) if isinstance(index, Value) and index.ndim else index if isinstance(index, Value) else g.number(index, INT), dim)


@row("narrow narrow_copy")
def narrow(g, input, dim, start, length):
    return input.slice(dim, start, start + length) if not (isinstance(start, int) and start < 0 and start + length == 0) else input.slice(dim, start)


@row("slice_copy")
def slice_copy(g, input, dim=0, start=None, end=None, step=1):
    return input.slice(dim, 0 if start is None else start, end, step)


@row("flip")
def flip(g, input, *dims, **named):
    x = input
    for d in sizes_of(dims) if dims else named["dims"]:
        x = x.slice(d, -1, None, -1)
    return Value(g, x.name, x.dtype, input.shape)


@row("fliplr")
def fliplr(g, input):
    return flip(g, input, 1)


@row("flipud __reversed__")
def flipud(g, input):
    return flip(g, input, 0)


@row("roll")
def roll(g, input, shifts, dims=None):
    if dims is None or isinstance(dims, (tuple, list)) and not dims:
        flat = roll(g, input.reshape([-1]), shifts, 0)
        return flat.reshape(input.sizes())
    x = input
    pairs = zip(shifts, dims) if isinstance(dims, (tuple, list)) and isinstance(shifts, (tuple, list)) else [(shifts, dims if isinstance(dims, int) else dims[0])]
    for shift, d in pairs:
        n = x.size(d)
        # [a | b] becomes [b | a], b being the last `shift` elements
        at = (-shift) % n if isinstance(n, int) and isinstance(shift, int) else (n - (shift % n) if isinstance(shift, Value) else (0 - g.vector([shift])) % n)
        x = g.concat([x.slice(d, at), x.slice(d, 0, at)], d)
    return Value(g, x.name, x.dtype, input.shape)


def _shift(backwards):
    def shift(g, input, dim=None):
        x = input
        for d in range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim:
            n = x.size(d)
            x = roll(g, x, (n + 1) // 2 if backwards else n // 2, d)
        return x

    return shift


row("fft_fftshift")(_shift(False))
row("fft_ifftshift")(_shift(True))


@row("rot90")
def rot90(g, input, k=1, dims=(0, 1)):
    k %= 4
    if k == 0:
        return input
    if k == 2:
        return flip(g, flip(g, input, dims[0]), dims[1])
    return flip(g, input, dims[1]).swap(*dims) if k == 1 else flip(g, input.swap(*dims), dims[1])


@row("linalg_diagonal")
def linalg_diagonal(g, A, *, offset=0, dim1=-2, dim2=-1):
    return diagonal_of(g, A, offset, dim1, dim2)


@row("diagonal diagonal_copy")
def diagonal_of(g, input, offset=0, dim1=0, dim2=1):
    a, b = input.axis(dim1), input.axis(dim2)
    rest = [i for i in range(input.ndim) if i not in (a, b)]
    x = input.transpose([*rest, a, b])
    sides = [x.size(-2) + min(offset, 0), x.size(-1) - max(offset, 0)]
    if all(isinstance(n, int) for n in sides):
        n = max(min(sides), 0)
    else:
        n = g.arithmetic("Min", *[g.vector([n]) for n in sides])
    i = g.arange(n)
    rows, columns = (i - offset, i) if offset < 0 else (i, i + offset if offset else i)
    flat = rows * x.size(-1) + columns
    return x.reshape([*x.sizes()[:-2], g.product(x.sizes()[-2:])]).gather(flat, x.ndim - 2)


@row("diag")
def diag(g, input, diagonal=0):
    if input.ndim == 2:
        return diagonal_of(g, input, diagonal)
    return diag_embed(g, input, diagonal)


@row("diag_embed")
def diag_embed(g, input, offset=0, dim1=-2, dim2=-1):
    if (dim1 % (input.ndim + 1), dim2 % (input.ndim + 1)) != (input.ndim - 1, input.ndim):
        raise UnsupportedOperatorError(f"export: {g.at}: diag_embed into other than the last two dimensions.")
    n = input.size(-1)
    side = n + abs(offset)
    i, j = g.arange(side).unsqueeze(1), g.arange(side).unsqueeze(0)
    wide = padded(g, input, (abs(offset), 0) if offset > 0 else (0, abs(offset))) if offset else input
    return g.where(j - i == offset, wide.unsqueeze(-2), 0, dtype=input.dtype)


# ---------------------------------------------------------------------------- padding and rearranging planes

@row("pad")
def padded(g, input, pad, mode="constant", value=None):
    amounts = list(pad)
    pairs = list(zip(amounts[::2], amounts[1::2]))[::-1]
    axes = list(range(input.ndim - len(pairs), input.ndim))
    x = input
    if mode == "circular":
        for axis, (before, after) in zip(axes, pairs):
            n = x.size(axis)
            parts = [x.slice(axis, n - before, n)] if before else []
            parts.append(x)
            if after:
                parts.append(x.slice(axis, 0, after))
            x = g.concat(parts, axis) if len(parts) > 1 else x
        return x
    if all(isinstance(n, int) for n in amounts) and any(n < 0 for n in amounts):
        for axis, (before, after) in zip(axes, pairs):
            x = x.slice(axis, max(-before, 0), min(after, 0) or None)
        pairs = [(max(a, 0), max(b, 0)) for a, b in pairs]
        if not any(map(any, pairs)):
            return x
    inputs = [x, g.vector([p[0] for p in pairs] + [p[1] for p in pairs])]
    if mode == "constant":
        inputs.append(g.number(0 if value is None else value, x.dtype))
    else:
        inputs.append(None)
    shape = list(x.shape)
    for axis, (a, b) in zip(axes, pairs):
        shape[axis] = shape[axis] + a + b if shape[axis] is not None and isinstance(a, int) and isinstance(b, int) else None
    return g.add("Pad", [*inputs, g.ints(axes)], x.dtype, shape, mode={"constant": "constant", "reflect": "reflect", "replicate": "edge"}[mode])


@row("constant_pad_nd")
def constant_pad_nd(g, input, pad, value=0):
    return padded(g, input, pad, "constant", value)


@row("pixel_shuffle")
def pixel_shuffle(g, input, upscale_factor):
    r = upscale_factor
    *lead, _, h, w = input.sizes()
    n, c = input.ndim - 3, input.fixed(-3)
    x = input.reshape([*lead, c // (r * r), r, r, h, w])
    x = x.transpose([*range(n), n, n + 3, n + 1, n + 4, n + 2])
    return x.reshape([*lead, c // (r * r), h * r, w * r])


@row("pixel_unshuffle")
def pixel_unshuffle(g, input, downscale_factor):
    r = downscale_factor
    *lead, c, h, w = input.sizes()
    n = input.ndim - 3
    x = input.reshape([*lead, c, h // r, r, w // r, r])
    x = x.transpose([*range(n), n, n + 2, n + 4, n + 1, n + 3])
    return x.reshape([*lead, c * r * r, h // r, w // r])


@row("channel_shuffle native_channel_shuffle")
def channel_shuffle(g, input, groups):
    n, c, *space = input.sizes()
    c = input.fixed(1)
    x = input.reshape([n, groups, c // groups, *space])
    return x.transpose([0, 2, 1, *range(3, x.ndim)]).reshape([n, c, *space])


@row("unfold torch.nn.functional.unfold")
def unfold(g, input, kernel_size, dilation=1, padding=0, stride=1):
    """Patches of (N, C, H, W) as columns: elements by number, which a small plan of places gives."""
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = (x if isinstance(x, (tuple, list)) else (x, x) for x in (kernel_size, dilation, padding, stride))
    if input.ndim == 3:
        return unfold(g, input.unsqueeze(0), kernel_size, dilation, padding, stride).squeeze(0)
    x = padded(g, input, (pw, pw, ph, ph)) if ph or pw else input
    n, c, h, w = x.sizes()

    def places(size, k, d, s):
        count = (size - (d * (k - 1) + 1)) // s + 1
        starts = g.arange(count) * s
        return count, g.arange(k).unsqueeze(1) * d + starts.unsqueeze(0)  # (k, count)

    rows_, at_h = places(h, kh, dh, sh)
    columns, at_w = places(w, kw, dw, sw)
    x = x.gather(at_h, 2).gather(at_w, 4)  # (N, C, kh, rows, kw, columns)
    return x.transpose([0, 1, 2, 4, 3, 5]).reshape([n, c * kh * kw, g.product([rows_, columns])])


@row("fold")
def fold(g, input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns of patches added up to planes."""
    sizes, kernel, dilations, pads, strides = (list(x) if isinstance(x, (tuple, list)) else [x, x] for x in (output_size, kernel_size, dilation, padding, stride))
    x = input.unsqueeze(0) if input.ndim == 2 else input
    channels = x.fixed(1) // math.prod(kernel)
    shape = [x.shape[0], channels, *[n if isinstance(n, int) else None for n in sizes]]
    y = g.add("Col2Im", [x, g.vector(sizes), g.ints(kernel)], x.dtype, shape, dilations=dilations, pads=pads * 2, strides=strides)
    return y.squeeze(0) if input.ndim == 2 else y


@row("unravel_index")
def unravel_index(g, indices, shape):
    out, rest = [], indices.cast(INT)
    for n in list(shape)[::-1] if isinstance(shape, (tuple, list)) else [shape]:
        out.append(g.remainder(rest, g.number(n, INT)))
        rest = g.floor_divide(rest, g.number(n, INT))
    return tuple(out[::-1])


@row("torch.Tensor.unfold unfold_copy")
def unfold_method(g, input, dimension, size, step):
    axis = input.axis(dimension)
    n = input.size(axis)
    count = (n - size) // step + 1
    at = g.arange(count).unsqueeze(1) * step + g.arange(size).unsqueeze(0)
    x = input.gather(at, axis)
    return x.transpose([i for i in range(x.ndim) if i != axis + 1] + [axis + 1])


@row("kron")
def kron(g, input, other):
    n = max(input.ndim, other.ndim)
    a, b = (x.unsqueeze(*range(n - x.ndim)) if x.ndim < n else x for x in (input, other))
    product = a.unsqueeze(*range(1, 2 * n, 2)) * b.unsqueeze(*range(0, 2 * n, 2))
    return product.reshape([g.product([x, y]) for x, y in zip(a.sizes(), b.sizes())])


@row("block_diag")
def block_diag(g, *tensors):
    blocks = [x.unsqueeze(*range(2 - x.ndim)) if x.ndim < 2 else x for x in (tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors)]
    blocks = g.promoted(*blocks, dtype=g.out[0][0])
    rows = []
    for i, x in enumerate(blocks):
        parts = [x if j == i else g.filled([x.size(0), other.size(1)], 0, x.dtype) for j, other in enumerate(blocks)]
        rows.append(g.concat(parts, 1))
    return g.concat(rows, 0)


@row("cartesian_prod")
def cartesian_prod(g, *tensors):
    if len(tensors) == 1:
        return tensors[0]
    return g.concat([x.reshape([-1, 1]) for x in meshgrid(g, *tensors)], 1)


@row("diagflat")
def diagflat(g, input, offset=0):
    return diag_embed(g, input.reshape([-1]), offset)

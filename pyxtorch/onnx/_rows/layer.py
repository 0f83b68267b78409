"""Convolutions and normalisations."""
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.reduce import axes_of


def several(x, n):
    """A number for each of n dimensions."""
    x = list(x) if isinstance(x, (tuple, list)) else [x]
    return x * n if len(x) == 1 else x


def batched(input, space, function):
    """`function` of an input with a batch dimension, which is put in front where it is missing."""
    if input.ndim == space + 2:
        return function(input)
    result = function(input.unsqueeze(0))
    return tuple([r.squeeze(0) for r in result]) if isinstance(result, tuple) else result.squeeze(0)


def _kernel(weight):
    return [weight.fixed(i) for i in range(2, weight.ndim)]


def _convolution(space):
    def conv(g, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        strides, dilations = several(stride, space), several(dilation, space)
        attributes = {"strides": strides, "dilations": dilations, "group": groups, "kernel_shape": _kernel(weight)}
        if isinstance(padding, str):
            total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilations, _kernel(weight))]
            attributes["pads"] = [t // 2 for t in total] + [t - t // 2 for t in total]
        else:
            attributes["pads"] = several(padding, space) * 2

        def run(x):
            inputs = [x, weight] if bias is None else [x, weight, bias]
            return g.add("Conv", inputs, x.dtype, [x.shape[0], weight.shape[0], *[None] * space], **attributes)

        return batched(input, space, run)

    return conv


def _transposed(space):
    def conv(g, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        attributes = {
            "strides": several(stride, space), "dilations": several(dilation, space), "group": groups, "kernel_shape": _kernel(weight),
            "pads": several(padding, space) * 2, "output_padding": several(output_padding, space),
        }  # fmt: skip

        def run(x):
            inputs = [x, weight] if bias is None else [x, weight, bias]
            return g.add("ConvTranspose", inputs, x.dtype, [x.shape[0], weight.fixed(1) * groups, *[None] * space], **attributes)

        return batched(input, space, run)

    return conv


for _n in (1, 2, 3):
    row(f"conv{_n}d")(_convolution(_n))
    row(f"conv_transpose{_n}d")(_transposed(_n))


def _channels(x, vector):
    """A vector by channel, to compute with (N, C, ...)."""
    return vector.reshape([vector.fixed(0), *[1] * (x.ndim - 2)])


@row("batch_norm")
def batch_norm(g, input, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    c = input.fixed(1)
    if training or running_mean is None:
        axes = [i for i in range(input.ndim) if i != 1]
        deviation = input - input.mean(axes, True)
        y = deviation / ((deviation * deviation).mean(axes, True) + eps).sqrt()
        y = y if weight is None else y * _channels(y, weight)
        return y if bias is None else y + _channels(y, bias)
    weight = g.filled([c], 1, input.dtype) if weight is None else weight
    bias = g.filled([c], 0, input.dtype) if bias is None else bias
    inputs = [input, *[v.cast(input.dtype) for v in (weight, bias, running_mean, running_var)]]
    return g.add("BatchNormalization", inputs, input.dtype, input.shape, epsilon=float(eps))


@row("torch.batch_norm")
def batch_norm_of_torch(g, input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled=True):
    return batch_norm(g, input, running_mean, running_var, weight, bias, training, momentum, eps)


@row("instance_norm")
def instance_norm(g, input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    if not use_input_stats:
        return batch_norm(g, input, running_mean, running_var, weight, bias, False, momentum, eps)
    x = input
    axes = list(range(2, x.ndim))
    deviation = x - x.mean(axes, True)
    y = deviation / ((deviation * deviation).mean(axes, True) + eps).sqrt()
    y = y if weight is None else y * _channels(y, weight)
    return y if bias is None else y + _channels(y, bias)


@row("torch.instance_norm")
def instance_norm_of_torch(g, input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled=True):
    return instance_norm(g, input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


@row("layer_norm")
def layer_norm(g, input, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    sizes = list(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else [normalized_shape]
    weight = g.filled(sizes, 1, input.dtype) if weight is None else weight
    inputs = [input, weight] if bias is None else [input, weight, bias]
    return g.add("LayerNormalization", inputs, input.dtype, input.shape, axis=-len(sizes), epsilon=float(eps))


@row("rms_norm")
def rms_norm(g, input, normalized_shape, weight=None, eps=None):
    import pyxtorch

    sizes = list(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else [normalized_shape]
    eps = pyxtorch.finfo(input.dtype).eps if eps is None else eps
    y = input / ((input * input).mean(list(range(-len(sizes), 0)), True) + eps).sqrt()
    return y if weight is None else y * weight


@row("group_norm")
def group_norm(g, input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    n, c, *space = input.sizes()
    x = input.reshape([n, num_groups, -1])
    deviation = x - x.mean([2], True)
    y = deviation / ((deviation * deviation).mean([2], True) + eps).sqrt()
    y = y.reshape([n, c, *space])
    y = y if weight is None else y * _channels(y, weight)
    return y if bias is None else y + _channels(y, bias)


@row("local_response_norm")
def local_response_norm(g, input, size, alpha=1e-4, beta=0.75, k=1.0):
    # the window of PyTorch reaches (size // 2) channels back, ONNX's (size - 1) // 2
    from pyxtorch.onnx._rows.shape import padded

    squares = (input * input).unsqueeze(1)
    wide = padded(g, squares, [0, 0] * (input.ndim - 2) + [size // 2, (size - 1) // 2])
    total = None
    for i in range(size):
        part = wide.slice(2, i, i + input.fixed(1))
        total = part if total is None else total + part
    return input / (total.squeeze(1) * (alpha / size) + k) ** beta


@row("weight_norm _weight_norm")
def weight_norm(g, v, weight_g, dim=0):
    from pyxtorch.onnx._rows.reduce import norm_over

    axes = [i for i in range(v.ndim) if i != v.axis(dim)] if dim != -1 else axes_of(v, None)
    return v * (weight_g / norm_over(g, v, 2, axes, True))

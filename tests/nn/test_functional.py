"""nn.functional: padding, resampling, distances, attention, and what layers do not reach."""
import itertools

import numpy as np
import pytest
import scipy.ndimage
import scipy.spatial.distance

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch.autograd import gradcheck, gradgradcheck

NUMPY_MODE = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
SHAPES = [((3, 4), (2, 1)), ((2, 3, 4), (1, 3, 2, 0)), ((2, 2, 3, 4, 3), (1, 2, 3, 1, 0, 2)), ((0, 3, 4), (1, 1))]


def draw(*shape, grad=False):
    x = torch.randn(*shape, dtype=torch.float64)
    return x.requires_grad_() if grad else x


def close(actual, expected, rtol=1e-9, atol=1e-10):
    actual = actual.detach().numpy()
    assert actual.shape == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


# ---------------------------------------------------------------------------------- pad


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64", "complex64", "complex128", "int64", "int8", "uint8", "bool"])
@pytest.mark.parametrize("mode", NUMPY_MODE)
def test_pad_does_all_dtypes(mode, dtype):
    x = (torch.randn(2, 3, 4, 5) * 9).to(getattr(torch, dtype))
    y = F.pad(x, (2, 1, 0, 3), mode)
    assert y.dtype == x.dtype
    kind = "float32" if dtype == "bfloat16" else dtype
    array = (x.float() if dtype == "bfloat16" else x).numpy()
    y = (y.float() if dtype == "bfloat16" else y).numpy()
    np.testing.assert_array_equal(y, np.pad(array, [(0, 0), (0, 0), (0, 3), (2, 1)], NUMPY_MODE[mode]).astype(kind))


@pytest.mark.parametrize("shape, pad", SHAPES)
@pytest.mark.parametrize("mode", NUMPY_MODE)
def test_pad_takes_any_layout(mode, shape, pad):
    x = draw(*shape[::-1]).permute(*range(len(shape) - 1, -1, -1))
    sides = [(0, 0)] * (len(shape) - len(pad) // 2) + [pad[2 * i : 2 * i + 2] for i in reversed(range(len(pad) // 2))]
    close(F.pad(x, pad, mode), np.pad(x.numpy(), sides, NUMPY_MODE[mode]))


def test_constant_pad_of_any_value_and_dimension():
    assert F.pad(torch.tensor([[1, 2]]), (1, 0, 0, 1), value=7).tolist() == [[7, 1, 2], [7, 7, 7]]
    assert F.pad(torch.tensor([True]), (0, 1), value=True).tolist() == [True, True]
    assert F.pad(torch.tensor(3.0), ()).item() == 3
    x = torch.ones(2)
    assert F.pad(x, (0, 0)).data_ptr() != x.data_ptr()
    assert torch.constant_pad_nd(x, (1, 1), -2).tolist() == [-2, 1, 1, -2]


def test_negative_pads_crop():
    x = draw(2, 3, 6)
    for mode in NUMPY_MODE:
        close(F.pad(x, (-1, -2), mode), x.numpy()[..., 1:-2])
    close(F.pad(x, (-2, 1), value=3.0), np.pad(x.numpy()[..., 2:], [(0, 0), (0, 0), (0, 1)], constant_values=3))
    close(F.pad(x, (-2, 3), "replicate"), np.pad(x.numpy()[..., 2:], [(0, 0), (0, 0), (0, 3)], "edge"))
    close(F.pad(x, (-3, 2), "circular"), np.pad(x.numpy()[..., 3:], [(0, 0), (0, 0), (0, 2)], "wrap"))
    # reflection sees what was cropped at the other side
    close(F.pad(x, (-4, 5), "reflect"), np.pad(x.numpy(), [(0, 0), (0, 0), (0, 5)], "reflect")[..., 4:])


@pytest.mark.parametrize("mode, pad", [*itertools.product(NUMPY_MODE, [(1, 2, 2, 1), (2, 2, 0, 0)]), ("constant", (-1, 2, 1, -2)), ("reflect", (-2, 3, 0, 1)), ("circular", (-1, 1, 2, 0)), ("replicate", (3, -1, -1, 5))])
def test_pad_differentiates_twice(mode, pad):
    x = draw(1, 2, 3, 4, grad=True)
    assert gradcheck(lambda x: F.pad(x, pad, mode), (x,))
    assert gradgradcheck(lambda x: F.pad(x, pad, mode) ** 2, (x,))
    z = torch.randn(2, 3, 4, dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda x: F.pad(x, pad[:2], mode), (z,))


def test_pad_leaves_its_input_alone():
    x = draw(1, 3, 4)
    before = x.clone()
    for mode in NUMPY_MODE:
        F.pad(x, (2, 2), mode).add_(1)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    "shape, pad, options, error, match",
    [
        ((2, 3), (1,), {}, RuntimeError, "Length of pad must be even but instead it equals 1"),
        ((2,), (1, 1, 1, 1), {}, RuntimeError, "Pad length is 4 while the input has 1 dimensions"),
        ((2, 3), (-2, -2), {}, RuntimeError, "negative output size"),
        ((2, 3), (-4, 4), {}, RuntimeError, "negative output size"),
        ((2, 3), 1, {}, TypeError, "must be tuple of ints, not int"),
        ((2, 3), (1.5, 1), {}, TypeError, "integer"),
        ((2, 3), (1, 1), {"mode": "mirror"}, NotImplementedError, "Unrecognised padding mode 'mirror'"),
        ((2, 3), (1, 1), {"mode": "reflect", "value": 1.0}, RuntimeError, "doesn't take in value argument"),
        ((3,), (1, 1), {"mode": "reflect"}, NotImplementedError, "Only 2D, 3D, 4D, 5D"),
        ((2, 3, 3, 3), (1, 1), {"mode": "replicate"}, NotImplementedError, r"\[2, 3, 3, 3\] and 2 numbers"),
        ((1, 3), (3, 0), {"mode": "reflect"}, RuntimeError, r"padding \(3, 0\) at dimension 1 of input \[1, 3\]"),
        ((1, 3), (4, 0), {"mode": "circular"}, RuntimeError, "wrapping around more than once"),
        ((1, 3), (-2, 2), {"mode": "circular"}, RuntimeError, "wrapping around more than once"),
        ((1, 3), (-2, -1), {"mode": "replicate"}, RuntimeError, "empty dimension"),
        ((1, 0), (1, 1), {"mode": "replicate"}, RuntimeError, "non-zero dimensions"),
    ],
)
def test_pad_refuses(shape, pad, options, error, match):
    with pytest.raises(error, match=match):
        F.pad(torch.ones(shape), pad, **options)


# --------------------------------------------------------------------------- resampling


def test_interpolate_bicubic_reproduces_a_line():
    x = torch.arange(8.0, dtype=torch.float64).reshape(1, 1, 1, 8).expand(1, 1, 8, 8)
    y = F.interpolate(x, size=(15, 15), mode="bicubic", align_corners=True)[0, 0, 7]
    np.testing.assert_allclose(y[4:-4].numpy(), np.linspace(0, 7, 15)[4:-4], atol=1e-9)


def test_interpolate_area_is_adaptive_average():
    x = draw(1, 2, 7, 5)
    assert torch.equal(F.interpolate(x, size=(3, 2), mode="area"), F.adaptive_avg_pool2d(x, (3, 2)))


@pytest.mark.parametrize("mode, size", [("nearest", (5, 3)), ("bilinear", (5, 3)), ("bicubic", (6, 7)), ("nearest-exact", (2, 9))])
def test_interpolate_differentiates(mode, size):
    x = draw(1, 2, 3, 4, grad=True)
    assert gradcheck(lambda x: F.interpolate(x, size, mode=mode), (x,))


@pytest.mark.parametrize("mode, order", [("nearest", 0), ("bilinear", 1)])
@pytest.mark.parametrize("padding, outside", [("zeros", "constant"), ("border", "nearest")])
def test_grid_sample_is_interpolation_at_places(mode, order, padding, outside):
    x, grid = draw(2, 3, 5, 6), draw(2, 4, 7, 2)
    places = (grid.numpy() + 1) / 2 * np.array([5, 4])
    # SciPy's "constant" does not interpolate towards the zeros outside, so they are put there
    edge = 8 if outside == "constant" else 0
    expected = np.empty((2, 3, 4, 7))
    for i, c in np.ndindex(2, 3):
        image = np.pad(x.numpy()[i, c], edge)
        expected[i, c] = scipy.ndimage.map_coordinates(image, [places[i, ..., 1] + edge, places[i, ..., 0] + edge], order=order, mode="nearest")
    close(F.grid_sample(x, grid, mode, padding, align_corners=True), expected)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_grid_sample_differentiates_twice(mode, padding):
    x, grid = draw(1, 2, 3, 4, grad=True), (torch.rand(1, 2, 3, 2, dtype=torch.float64) * 2.4 - 1.2).requires_grad_()

    def sample(x, grid):
        return F.grid_sample(x, grid, mode, padding, align_corners=False)

    assert gradcheck(sample, (x, grid))
    assert gradgradcheck(sample, (x, grid))


def test_affine_grid_of_the_identity_samples_the_image():
    x = draw(1, 2, 4, 5)
    theta = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=torch.float64)
    for align in (True, False):
        close(F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=align), align_corners=align), x.numpy())
    with pytest.raises(ValueError, match=r"Nx2x3 for size .*Got \(1, 2, 2\)"):
        F.affine_grid(theta[..., :2], x.shape, align_corners=True)


def test_fold_is_the_transpose_of_unfold():
    options = {"kernel_size": (2, 3), "dilation": (2, 1), "padding": (1, 0), "stride": (1, 2)}
    x = draw(2, 3, 5, 7)
    columns = F.unfold(x, **options)
    y = draw(*columns.shape)
    close((columns * y).sum(), (x * F.fold(y, (5, 7), **options)).sum().numpy())
    assert F.unfold(torch.zeros(0, 1, 5, 5), 2).shape == (0, 4, 16)


# --------------------------------------------------------------------------- distances


def test_distances():
    x, y = draw(4, 5), draw(4, 5)
    a, b = x.numpy(), y.numpy()
    for p in (1.0, 2.0, 3.0, float("inf")):
        close(F.pairwise_distance(x, y, p, eps=0), [scipy.spatial.distance.minkowski(u, v, p) for u, v in zip(a, b)])
        close(F.pdist(x, p), scipy.spatial.distance.pdist(a, "minkowski", p=p))
        close(F.normalize(x, p, dim=0), a / np.linalg.norm(a, p, axis=0))
    close(F.cosine_similarity(x, y), 1 - np.array([scipy.spatial.distance.cosine(u, v) for u, v in zip(a, b)]))
    assert torch.pdist is F.pdist and torch.cosine_similarity is F.cosine_similarity


def test_norms_of_zero_have_gradient_zero():
    x = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    (F.normalize(x).sum() + F.cosine_similarity(x, x + 1).sum() * 0 + F.pairwise_distance(x, x.detach(), eps=0).sum() * 0).backward()
    assert not x.grad.isnan().any()


def test_one_hot():
    assert F.one_hot(torch.tensor([0, 2, 1])).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert F.one_hot(torch.tensor([[0], [1]]), 4).shape == (2, 1, 4)
    with pytest.raises(RuntimeError, match="smaller than num_classes|num_classes"):
        F.one_hot(torch.tensor([5]), 3)


# --------------------------------------------------------------------------- attention


@pytest.mark.parametrize("kind", ["plain", "causal", "bool", "float", "grouped"])
def test_scaled_dot_product_attention(kind):
    heads = 4 if kind == "grouped" else 2
    q, k, v = draw(3, heads, 5, 4), draw(3, 2, 6, 4), draw(3, 2, 6, 3)
    options, added = {}, np.zeros((5, 6))
    if kind == "causal":
        options["is_causal"] = True
        added = np.triu(np.full((5, 6), -np.inf), 1)
    if kind == "bool":
        options["attn_mask"] = torch.rand(5, 6) > 0.4
        options["attn_mask"][:, 0] = True
        added = np.where(options["attn_mask"].numpy(), 0, -np.inf)
    if kind == "float":
        options["attn_mask"] = draw(5, 6)
        added = options["attn_mask"].numpy()
    if kind == "grouped":
        options["enable_gqa"] = True
    kk, vv = (x.numpy().repeat(heads // 2, 1) for x in (k, v))
    scores = q.numpy() @ kk.swapaxes(-1, -2) / 2 + added
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    close(F.scaled_dot_product_attention(q, k, v, **options), weights / weights.sum(-1, keepdims=True) @ vv)


def test_a_query_without_keys_gets_zero_and_no_nan():
    q, k, v = (draw(1, 2, 4, grad=True) for _ in range(3))
    mask = torch.tensor([[True, True], [False, False]])
    y = F.scaled_dot_product_attention(q, k, v, mask)
    y.sum().backward()
    assert y[0, 1].tolist() == [0, 0, 0, 0]
    assert not any(x.grad.isnan().any() for x in (q, k, v)) and q.grad[0, 1].tolist() == [0, 0, 0, 0]


# ------------------------------------------------------------------------ the other cases


def test_gumbel_softmax():
    logits = draw(200, 3, grad=True)
    y = F.gumbel_softmax(logits, tau=0.5, hard=True)
    assert set(np.unique(y.detach().numpy().round(9))) == {0, 1} and (y.sum(-1) - 1).abs().max() < 1e-9
    y[:, 0].sum().backward()
    assert (logits.grad.abs().sum(-1) > 0).all()
    soft = F.gumbel_softmax(torch.zeros(20000, 2, dtype=torch.float64))
    assert abs(soft.mean(0)[0].item() - 0.5) < 0.02


def test_lp_pool_has_gradient_zero_where_the_sum_is():
    x = torch.tensor([[[0.0, 0, 3, 4]]], dtype=torch.float64, requires_grad=True)
    y = F.lp_pool1d(x, 2, 2)
    y.sum().backward()
    close(y, [[[0, 5]]])
    close(x.grad, [[[0, 0, 0.6, 0.8]]])
    z = draw(1, 2, 6, grad=True).abs()
    assert gradcheck(lambda z: F.lp_pool1d(z, 3, 2), (z.detach().requires_grad_(),))
    assert gradgradcheck(lambda z: F.lp_pool1d(z, 3, 2), (z.detach().requires_grad_(),))


def test_relu_does_not_hide_nan():
    x = torch.tensor([float("nan"), -1.0, 0.0, 2.0], requires_grad=True)
    y = F.relu(x)
    y.backward(torch.ones(4))
    assert y[0].isnan() and x.grad.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("name, args", [("gelu", ()), ("softplus", ()), ("logsigmoid", ()), ("hardshrink", ()), ("softshrink", ()), ("linear", (torch.eye(3),))])
def test_results_go_into_out(name, args):
    x, out = torch.randn(2, 3), torch.empty(0)
    function = getattr(F, name)
    assert function(x, *args, out=out) is out
    assert torch.equal(out, function(x, *args))


def test_native_norms_give_their_statistics():
    x = draw(3, 4, 5)
    y, mean, rstd = torch.native_group_norm(x, None, None, 3, 4, 5, 2, 1e-5)
    groups = x.numpy().reshape(3, 2, -1)
    close(mean, groups.mean(-1))
    close(rstd, 1 / np.sqrt(groups.var(-1) + 1e-5))
    close(y, ((groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + 1e-5)).reshape(x.shape))
    _, mean, rstd = torch.native_layer_norm(x, (5,), None, None, 1e-5)
    close(mean, x.numpy().mean(-1, keepdims=True))
    close(rstd, 1 / np.sqrt(x.numpy().var(-1, keepdims=True) + 1e-5))
    _, mean, rstd = torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)
    close(mean, x.numpy().mean((0, 2)))
    close(rstd, 1 / np.sqrt(x.numpy().var((0, 2)) + 1e-5))


@pytest.mark.parametrize("function", [F.layer_norm, F.rms_norm])
def test_norms_differentiate_twice(function):
    x, w = draw(3, 4, grad=True), draw(4, grad=True)
    assert gradcheck(lambda x, w: function(x, (4,), w, eps=1e-3), (x, w))
    assert gradgradcheck(lambda x, w: function(x, (4,), w, eps=1e-3), (x, w))


def test_batch_norm_differentiates_twice():
    x, w, b = draw(4, 3, grad=True), draw(3, grad=True), draw(3, grad=True)
    for training in (True, False):

        def norm(x, w, b, training=training):
            mean, var = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
            return F.batch_norm(x, mean, var, w, b, training)

        assert gradcheck(norm, (x, w, b))
        assert gradgradcheck(norm, (x, w, b))


def test_everything_public_is_documented():
    for namespace in (F, torch.nn, torch.nn.init, torch.nn.utils, torch.nn.utils.rnn, torch.nn.utils.parametrize, torch.nn.utils.parametrizations):
        names = getattr(namespace, "__all__", None) or [n for n in dir(namespace) if not n.startswith("_")]
        missing = [n for n in names if callable(getattr(namespace, n)) and not (getattr(namespace, n).__doc__ or "").strip()]
        assert missing == [], namespace.__name__


HALVES = {
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "group_norm": lambda x: F.group_norm(x.transpose(1, 2), 2, x[0, 0, :6], x[0, 0, :6]),
    "interpolate": lambda x: F.interpolate(x, 13, mode="linear"),
    "grid_sample": lambda x: F.grid_sample(x[None], x[None, :, :, :2], align_corners=True),
}


@pytest.mark.parametrize("dtype, eps", [(torch.float16, 2**-11), (torch.bfloat16, 2**-8)])
@pytest.mark.parametrize("name", HALVES)
def test_half_precision_rounds_once(name, dtype, eps):
    x = torch.randn(3, 5, 6).to(dtype)
    y, expected = HALVES[name](x), HALVES[name](x.double())
    assert y.dtype == dtype
    np.testing.assert_allclose(y.double().numpy(), expected.numpy(), rtol=1.02 * eps, atol=1e-5)


# ----------------------------------------------------------- composed of other operations


def test_glu_and_rrelu_are_their_formulas():
    x = draw(3, 4, grad=True)
    a, b = np.split(x.detach().numpy(), 2, 1)
    close(F.glu(x, 1), a / (1 + np.exp(-b)))
    v = x.detach().numpy()
    close(torch.rrelu(x, 0.2, 0.4), np.where(v > 0, v, 0.3 * v))
    drawn = torch.rrelu(x, 0.2, 0.4, True).detach().numpy() / v
    assert ((v > 0) == (drawn == 1)).all() and (drawn >= 0.2).all() and (drawn[v < 0] <= 0.4).all()
    assert gradcheck(lambda t: F.glu(t, 1), (x,)) and gradcheck(torch.rrelu, (x,))
    with pytest.raises(RuntimeError, match="even"):
        F.glu(x[:, :3], 1)


def test_shuffles_move_every_pixel_to_its_place():
    x = draw(2, 8, 3, 5)
    v = x.numpy().reshape(2, 2, 2, 2, 3, 5)
    close(F.pixel_shuffle(x, 2), v.transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 6, 10))
    assert torch.equal(F.pixel_unshuffle(torch.pixel_shuffle(x, 2), 2), x)
    for shuffle in (torch.channel_shuffle, torch.native_channel_shuffle):
        close(shuffle(x, 4), x.numpy().reshape(2, 4, 2, 3, 5).swapaxes(1, 2).reshape(2, 8, 3, 5))


@pytest.mark.filterwarnings("ignore:`nn.functional.upsample")
def test_old_names_of_interpolate_and_grid_sample():
    x = draw(2, 3, 4, 5)
    assert torch.equal(F.upsample(x, scale_factor=2), F.interpolate(x, scale_factor=2))
    assert torch.equal(F.upsample_nearest(x, size=(7, 3)), x[:, :, np.arange(7) * 4 // 7][:, :, :, np.arange(3) * 5 // 3])
    assert torch.equal(F.upsample_bilinear(x, size=(7, 9)), F.interpolate(x, size=(7, 9), mode="bilinear", align_corners=True))
    grid = torch.rand(2, 6, 7, 2, dtype=torch.float64) * 2 - 1
    for sampler in (torch.grid_sampler, torch.grid_sampler_2d, torch.grid_sampler_3d):
        assert torch.equal(sampler(x, grid, 1, 2, True), F.grid_sample(x, grid, "nearest", "reflection", True))
    with pytest.raises(RuntimeError, match="padding_mode"):
        torch.grid_sampler(x, grid, 0, 3, True)


def test_losses_of_other_functions():
    a, p, n = (draw(4, 3, grad=True) for _ in range(3))
    def city(x, y):
        return (x - y).abs().sum(-1)
    expected = np.maximum(np.abs((a - p).detach().numpy()).sum(1) - np.abs((a - n).detach().numpy()).sum(1) + 1, 0)
    close(F.triplet_margin_with_distance_loss(a, p, n, distance_function=city, reduction="none"), expected)
    weight, bias, target = draw(5, 3), draw(5), torch.tensor([0, 4, 2, 1])
    close(F.linear_cross_entropy(a, weight, target, linear_bias=bias), F.cross_entropy(F.linear(a, weight, bias), target).detach().numpy())


def test_multi_head_attention_is_its_formula():
    steps, batch, width, heads = 4, 2, 6, 3
    x, w, b, out, c = draw(steps, batch, width), draw(3 * width, width), draw(3 * width), draw(width, width), draw(width)
    y, attention = F.multi_head_attention_forward(x, x, x, width, heads, w, b, None, None, False, 0.0, out, c, average_attn_weights=False)
    q, k, v = (np.einsum("lne,fe->nlf", x.numpy(), m) + d for m, d in zip(np.split(w.numpy(), 3), np.split(b.numpy(), 3)))
    q, k, v = (t.reshape(batch, steps, heads, -1).swapaxes(1, 2) for t in (q, k, v))
    scores = q @ k.swapaxes(2, 3) / np.sqrt(width // heads)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    close(attention, scores)
    close(y, ((scores @ v).swapaxes(1, 2).reshape(batch, steps, width) @ out.numpy().T + c.numpy()).swapaxes(0, 1))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [False, True])
def test_bytes_of_an_image_are_resampled_in_float32(mode, antialias):
    """The weights are fractions: results are rounded, and those beyond 0 and 255 cut off."""
    x = (torch.arange(96) * 37 % 256).reshape(2, 3, 4, 4)
    for size in ((3, 3), (7, 5)):
        exact = F.interpolate(x.double(), size, mode=mode, antialias=antialias)
        y = F.interpolate(x.to(torch.uint8), size, mode=mode, antialias=antialias)
        assert y.dtype == torch.uint8
        assert (y.double() - exact.clamp(0, 255)).abs().max() <= 0.5 + 1e-3


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_a_place_that_is_no_number_samples_no_number(mode, padding_mode):
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    grid = torch.tensor([[[[0.0, 0.0], [np.nan, 0.0], [0.0, np.nan], [0.5, 0.5]]]])
    y = F.grid_sample(x, grid, mode=mode, padding_mode=padding_mode, align_corners=True)
    assert y.isnan().flatten().tolist() == [False, True, True, False]

"""Modules and functions of a batch without samples: the usual shape, gradients of zero, no error (as the last batch of a filtered data set)."""
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

# A module, the shape of its input with 0 for the batch, and that of its output
MODULES = [
    (lambda: nn.Linear(3, 4), (0, 3), (0, 4)),
    (lambda: nn.Conv1d(3, 4, 2), (0, 3, 5), (0, 4, 4)),
    (lambda: nn.Conv2d(3, 4, 2, padding="same"), (0, 3, 5, 5), (0, 4, 5, 5)),
    (lambda: nn.Conv3d(3, 4, 2), (0, 3, 5, 5, 5), (0, 4, 4, 4, 4)),
    (lambda: nn.ConvTranspose1d(3, 4, 2), (0, 3, 5), (0, 4, 6)),
    (lambda: nn.ConvTranspose2d(3, 4, 2), (0, 3, 5, 5), (0, 4, 6, 6)),
    (lambda: nn.ConvTranspose3d(3, 4, 2), (0, 3, 2, 2, 2), (0, 4, 3, 3, 3)),
    (lambda: nn.MaxPool1d(2), (0, 3, 6), (0, 3, 3)),
    (lambda: nn.MaxPool2d(2), (0, 3, 6, 6), (0, 3, 3, 3)),
    (lambda: nn.MaxPool3d(2), (0, 3, 4, 4, 4), (0, 3, 2, 2, 2)),
    (lambda: nn.AvgPool1d(2), (0, 3, 6), (0, 3, 3)),
    (lambda: nn.AvgPool2d(2), (0, 3, 6, 6), (0, 3, 3, 3)),
    (lambda: nn.AvgPool3d(2), (0, 3, 4, 4, 4), (0, 3, 2, 2, 2)),
    (lambda: nn.LPPool1d(2, 2), (0, 3, 6), (0, 3, 3)),
    (lambda: nn.LPPool2d(2, 2), (0, 3, 6, 6), (0, 3, 3, 3)),
    (lambda: nn.AdaptiveAvgPool1d(2), (0, 3, 6), (0, 3, 2)),
    (lambda: nn.AdaptiveAvgPool2d(2), (0, 3, 6, 6), (0, 3, 2, 2)),
    (lambda: nn.AdaptiveAvgPool2d(2), (0, 6, 6), (0, 2, 2)),
    (lambda: nn.AdaptiveMaxPool1d(2), (0, 3, 6), (0, 3, 2)),
    (lambda: nn.AdaptiveMaxPool3d(2), (0, 3, 4, 4, 4), (0, 3, 2, 2, 2)),
    (lambda: nn.FractionalMaxPool2d(2, 3), (0, 3, 6, 6), (0, 3, 3, 3)),
    (lambda: nn.BatchNorm1d(3), (0, 3, 5), (0, 3, 5)),
    (lambda: nn.BatchNorm2d(3), (0, 3, 5, 5), (0, 3, 5, 5)),
    (lambda: nn.LayerNorm(3), (0, 2, 3), (0, 2, 3)),
    (lambda: nn.RMSNorm(3), (0, 2, 3), (0, 2, 3)),
    (lambda: nn.GroupNorm(3, 6), (0, 6, 4), (0, 6, 4)),
    (lambda: nn.InstanceNorm2d(3), (0, 3, 5, 5), (0, 3, 5, 5)),
    (lambda: nn.LocalResponseNorm(2), (0, 3, 5), (0, 3, 5)),
    (lambda: nn.RNN(3, 4), (2, 0, 3), (2, 0, 4)),
    (lambda: nn.RNN(3, 4, nonlinearity="relu", bidirectional=True), (2, 0, 3), (2, 0, 8)),
    (lambda: nn.GRU(3, 4, 2, batch_first=True), (0, 2, 3), (0, 2, 4)),
    (lambda: nn.LSTM(3, 4), (2, 0, 3), (2, 0, 4)),
    (lambda: nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2), (2, 0, 3), (2, 0, 4)),
    (lambda: nn.LSTMCell(3, 4), (0, 3), (0, 4)),
    (lambda: nn.GRUCell(3, 4), (0, 3), (0, 4)),
    (lambda: nn.TransformerEncoderLayer(4, 2, 8), (3, 0, 4), (3, 0, 4)),
    (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (0, 3, 4), (0, 3, 4)),
    (lambda: nn.Softmax(-1), (0, 3), (0, 3)),
    (lambda: nn.PReLU(3), (0, 3), (0, 3)),
    (lambda: nn.GLU(), (0, 6), (0, 3)),
    (lambda: nn.Dropout(), (0, 3), (0, 3)),
    (lambda: nn.Dropout2d(), (0, 3, 4, 4), (0, 3, 4, 4)),
    (lambda: nn.Flatten(), (0, 3, 4), (0, 12)),
    (lambda: nn.Unflatten(1, (2, 3)), (0, 6), (0, 2, 3)),
    (lambda: nn.PixelShuffle(2), (0, 8, 3, 3), (0, 2, 6, 6)),
    (lambda: nn.PixelUnshuffle(2), (0, 2, 6, 6), (0, 8, 3, 3)),
    (lambda: nn.ChannelShuffle(2), (0, 4, 3, 3), (0, 4, 3, 3)),
    (lambda: nn.Unfold(2), (0, 3, 4, 4), (0, 12, 9)),
    (lambda: nn.Fold((4, 4), 2), (0, 12, 9), (0, 3, 4, 4)),
    (lambda: nn.ReflectionPad1d(1), (0, 3, 4), (0, 3, 6)),
    (lambda: nn.ZeroPad2d(1), (0, 3, 4, 4), (0, 3, 6, 6)),
    (lambda: nn.Upsample(scale_factor=2), (0, 3, 4, 4), (0, 3, 8, 8)),
    (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (0, 3, 4, 4), (0, 3, 8, 8)),
]

FUNCTIONS = {
    "grid_sample": (lambda x: F.grid_sample(x, torch.zeros(0, 2, 3, 2), align_corners=False), (0, 3, 4, 4), (0, 3, 2, 3)),
    "bilinear": (lambda x: F.bilinear(x, x, torch.ones(2, 3, 3)), (0, 3), (0, 2)),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), (0, 2, 3, 4), (0, 2, 3, 4)),
    "mha": (lambda x: nn.MultiheadAttention(4, 2)(x, x, x, need_weights=False)[0], (3, 0, 4), (3, 0, 4)),
    "mha with weights": (lambda x: nn.MultiheadAttention(4, 2)(x, x, x)[0], (3, 0, 4), (3, 0, 4)),
    "max_unpool2d": (lambda x: F.max_unpool2d(x, torch.zeros(0, 3, 2, 2, dtype=torch.int64), 2), (0, 3, 2, 2), (0, 3, 4, 4)),
    "cdist": (lambda x: torch.cdist(x, torch.ones(2, 3)), (0, 3), (0, 2)),
    "cosine_similarity": (lambda x: F.cosine_similarity(x, x), (0, 3), (0,)),
    "pairwise_distance": (lambda x: F.pairwise_distance(x, x), (0, 3), (0,)),
    "normalize": (lambda x: F.normalize(x), (0, 3), (0, 3)),
    "linear_cross_entropy": (lambda x: F.linear_cross_entropy(x, torch.ones(5, 3), torch.zeros(0, dtype=torch.int64), reduction="sum"), (0, 3), ()),
    "cross_entropy": (lambda x: F.cross_entropy(x, torch.zeros(0, dtype=torch.int64), reduction="none", label_smoothing=0.1), (0, 3), (0,)),
    "logsumexp": (lambda x: x.logsumexp(1), (0, 3), (0,)),
    "std": (lambda x: x.std(1), (0, 3), (0,)),
    "prod": (lambda x: x.prod(1), (0, 3), (0,)),
    "sort": (lambda x: x.sort(1)[0], (0, 3), (0, 3)),
    "matrix inverse": (lambda x: torch.linalg.inv(x), (0, 3, 3), (0, 3, 3)),
    "cat with a vector of nothing": (lambda x: torch.cat([x.new_ones(2, 3), x]), (0,), (2, 3)),
}


def check(function, shape, expected, parameters=()):
    x = torch.zeros(shape, requires_grad=True)
    y = function(x)
    y = y[0] if isinstance(y, tuple) else y
    assert tuple(y.shape) == expected
    y.sum().backward()
    assert tuple(x.grad.shape) == shape
    for p in parameters:
        assert p.grad is not None and p.grad.shape == p.shape and not p.grad.any()


@pytest.mark.parametrize("make, shape, expected", [pytest.param(*case, id=f"{case[0]()._get_name()}{case[1]}") for case in MODULES])
@pytest.mark.parametrize("training", [True, False])
def test_modules(make, shape, expected, training):
    module = make().train(training)
    check(module, shape, expected, list(module.parameters()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    check(*FUNCTIONS[name])


def test_means_of_nothing_are_nan():
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.binary_cross_entropy_with_logits, F.cross_entropy, F.huber_loss):
        assert loss(torch.zeros(0, 3), torch.zeros(0, 3)).isnan(), loss
        assert loss(torch.zeros(0, 3), torch.zeros(0, 3), reduction="sum") == 0
    assert F.cross_entropy(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).isnan()
    assert F.nll_loss(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).isnan()


def test_convolution_over_no_channels_is_its_bias():
    y = F.conv2d(torch.zeros(2, 0, 4, 4), torch.zeros(3, 0, 2, 2), torch.tensor([1.0, 2.0, 3.0]))
    assert y.shape == (2, 3, 3, 3) and torch.equal(y, torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).expand_as(y))

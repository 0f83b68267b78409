"""nn.utils: clipping, vectors of parameters, parametrisations, norms of weights, packed sequences, functional calls."""
import copy

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import utils
from pyxtorch.nn.utils import parametrize, rnn


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def close(actual, expected, tolerance=1e-5):
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=tolerance, atol=tolerance)


def with_gradients(*gradients):
    parameters = [nn.Parameter(torch.zeros(len(g))) for g in gradients]
    for p, g in zip(parameters, gradients):
        p.grad = torch.tensor(g)
    return parameters


# ---------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("norm_type, total", [(2, 13.0), (1, 19.0), (float("inf"), 12.0)])
def test_clip_grad_norm(norm_type, total):
    parameters = with_gradients([3.0, -4.0], [12.0])
    assert utils.clip_grad_norm_(parameters, total / 2, norm_type).item() == pytest.approx(total)
    close(parameters[0].grad, [1.5, -2])
    close(parameters[1].grad, [6])
    utils.clip_grad_norm_(parameters, 100, norm_type)  # never larger
    close(parameters[1].grad, [6])


def test_clip_grad_norm_of_nothing_and_of_nan():
    assert utils.clip_grad_norm_([nn.Parameter(torch.ones(2))], 1).item() == 0
    parameters = with_gradients([float("nan")])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_(parameters, 1, error_if_nonfinite=True)


def test_clip_grad_value():
    parameters = with_gradients([3.0, -4.0], [0.5])
    utils.clip_grad_value_(parameters, 1)
    assert [p.grad.tolist() for p in parameters] == [[1, -1], [0.5]]


def test_total_norm_and_clipping_with_it():
    parameters = with_gradients([3.0, 4.0])
    norm = utils.get_total_norm([p.grad for p in parameters])
    utils.clip_grads_with_norm_(parameters, 1.0, norm)
    close(norm, 5.0)
    close(parameters[0].grad, [0.6, 0.8])


def test_parameters_as_a_vector():
    a, b = nn.Linear(2, 3), nn.Linear(2, 3)
    vector = utils.parameters_to_vector(a.parameters())
    assert vector.tolist() == [*a.weight.flatten().tolist(), *a.bias.tolist()]
    utils.vector_to_parameters(vector, b.parameters())
    assert torch.equal(a.weight, b.weight) and torch.equal(a.bias, b.bias)


# ----------------------------------------------------------------------- parametrisation


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)

    def right_inverse(self, x):
        return x.triu()


def test_parametrized_weights_are_computed():
    m = nn.Linear(3, 3)
    parametrize.register_parametrization(m, "weight", Symmetric())
    assert parametrize.is_parametrized(m) and parametrize.is_parametrized(m, "weight") and not parametrize.is_parametrized(m, "bias")
    assert torch.equal(m.weight, m.weight.T)
    assert [n for n, _ in m.named_parameters()] == ["bias", "parametrizations.weight.original"]
    m(torch.ones(1, 3)).sum().backward()
    assert m.parametrizations.weight.original.grad is not None
    m.weight = torch.eye(3) * 2
    assert torch.equal(m.weight, torch.eye(3) * 2)
    assert parametrize.type_before_parametrizations(m) is nn.Linear
    parametrize.remove_parametrizations(m, "weight")
    assert type(m) is nn.Linear and isinstance(m.weight, nn.Parameter) and torch.equal(m.weight, torch.eye(3) * 2)


def test_parametrizations_chain_copy_and_cache():
    class Double(nn.Module):
        calls = 0

        def forward(self, x):
            Double.calls += 1
            return 2 * x

    m = nn.Linear(3, 3)
    original = m.weight.detach().clone()
    parametrize.register_parametrization(m, "weight", Symmetric())
    parametrize.register_parametrization(m, "weight", Double())
    assert torch.equal(m.weight, 2 * Symmetric()(original))
    other = copy.deepcopy(m)
    assert torch.equal(other.weight, m.weight) and other.parametrizations.weight.original is not m.parametrizations.weight.original
    Double.calls = 0
    with parametrize.cached():
        assert m.weight is m.weight
    assert Double.calls == 1
    with pytest.raises(ValueError, match="does not have a parametrization"):
        parametrize.remove_parametrizations(m, "bias")
    with pytest.raises(ValueError, match="does not have a parameter"):
        parametrize.register_parametrization(m, "nothing", Double())


def norm_of_rows(w):
    return np.linalg.norm(w.reshape(len(w), -1), axis=1).reshape(-1, *[1] * (w.ndim - 1))


@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 4), lambda: nn.Conv2d(2, 4, 3)])
def test_weight_norm_as_parametrization(make):
    m = make()
    w = m.weight.detach().numpy().copy()
    nn.utils.parametrizations.weight_norm(m)
    close(m.weight, w)
    g, v = m.parametrizations.weight.original0, m.parametrizations.weight.original1
    close(g, norm_of_rows(w))
    with torch.no_grad():
        g *= 3
        v *= 5
    close(m.weight, 3 * w)


def test_weight_norm_by_hook():
    m = nn.Linear(3, 4)
    w = m.weight.detach().numpy().copy()
    utils.weight_norm(m)
    assert sorted(n for n, _ in m.named_parameters()) == ["bias", "weight_g", "weight_v"]
    with torch.no_grad():
        m.weight_g *= 2
    x = torch.randn(5, 3)
    close(m(x), 2 * x.numpy() @ w.T + m.bias.detach().numpy())
    utils.remove_weight_norm(m)
    close(m.weight, 2 * w)
    with pytest.raises(ValueError, match="not found"):
        utils.remove_weight_norm(m)


@pytest.mark.parametrize("apply", [nn.utils.parametrizations.spectral_norm, utils.spectral_norm])
def test_spectral_norm_divides_by_the_largest_singular_value(apply):
    m = nn.Linear(4, 3)
    w = m.weight.detach().numpy().copy()
    apply(m, n_power_iterations=30)
    m(torch.randn(2, 4))
    close(m.weight, w / np.linalg.svd(w)[1][0], 1e-4)
    m.eval()
    assert torch.equal(m.weight, m.weight)


@pytest.mark.parametrize("how", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
def test_orthogonal_weights(how, shape):
    m = nn.Linear(shape[1], shape[0])
    nn.utils.parametrizations.orthogonal(m, orthogonal_map=how)
    w = m.weight.detach().numpy()
    small = w @ w.T if shape[0] <= shape[1] else w.T @ w
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-5)
    m(torch.ones(1, shape[1])).sum().backward()
    assert m.parametrizations.weight.original.grad.abs().sum() > 0


# ----------------------------------------------------------------------------- sequences

SEQUENCES = [[1.0, 2, 3], [4.0, 5], [6.0]]


def test_pad_and_unpad():
    sequences = [torch.tensor(s) for s in SEQUENCES]
    padded = rnn.pad_sequence(sequences, batch_first=True, padding_value=-1)
    assert padded.tolist() == [[1, 2, 3], [4, 5, -1], [6, -1, -1]]
    assert rnn.pad_sequence(sequences).tolist() == [[1, 4, 6], [2, 5, 0], [3, 0, 0]]
    assert rnn.pad_sequence(sequences, True, padding_side="left").tolist() == [[1, 2, 3], [0, 4, 5], [0, 0, 6]]
    back = rnn.unpad_sequence(padded, torch.tensor([3, 2, 1]), batch_first=True)
    assert [s.tolist() for s in back] == SEQUENCES


def test_pack_and_unpack():
    packed = rnn.pack_sequence([torch.tensor(s) for s in SEQUENCES])
    assert packed.data.tolist() == [1, 4, 6, 2, 5, 3] and packed.batch_sizes.tolist() == [3, 2, 1]
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True, total_length=4)
    assert padded.tolist() == [[1, 2, 3, 0], [4, 5, 0, 0], [6, 0, 0, 0]] and lengths.tolist() == [3, 2, 1]
    assert [s.tolist() for s in rnn.unpack_sequence(packed)] == SEQUENCES
    assert packed.to(torch.float64).data.dtype == torch.float64


def test_packing_in_any_order():
    sequences = [torch.tensor(s) for s in reversed(SEQUENCES)]
    with pytest.raises(RuntimeError, match="sorted"):
        rnn.pack_sequence(sequences)
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    assert packed.data.tolist() == [1, 4, 6, 2, 5, 3] and packed.sorted_indices.tolist() == [2, 1, 0]
    assert [s.tolist() for s in rnn.unpack_sequence(packed)] == SEQUENCES[::-1]


@pytest.mark.parametrize(
    "lengths, match",
    [([3, 2], "batch_size"), ([3, 0], "batch_size|greater than 0"), ([3, 2, 0], "greater than 0"), ([9, 2, 1], "exceeds|steps")],
)
def test_wrong_lengths_are_refused(lengths, match):
    with pytest.raises(RuntimeError, match=match):
        rnn.pack_padded_sequence(torch.zeros(3, 3, 1), lengths)


def test_packing_differentiates():
    x = torch.ones(3, 2, requires_grad=True)
    (rnn.pack_padded_sequence(x, [3, 1]).data * torch.tensor([1.0, 2, 3, 4])).sum().backward()
    assert x.grad.tolist() == [[1, 2], [3, 0], [4, 0]]


# ------------------------------------------------------------------------- functional call


def test_functional_call_uses_the_given_tensors():
    m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)).eval()
    given = {"0.weight": torch.eye(2) * 3, "0.bias": torch.zeros(2), "1.running_mean": torch.ones(2)}
    x = torch.randn(4, 2)
    before = m[0].weight
    y = torch.nn.utils.stateless.functional_call(m, given, (x,))
    close(y, 3 * x.numpy() - 1, 1e-4)
    assert m[0].weight is before and m[1].running_mean.tolist() == [0, 0]


def test_convolution_and_norm_fuse():
    conv, bn = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)
    bn(torch.randn(4, 3, 2, 2) * 2 + 1)
    with torch.no_grad():
        bn.weight.normal_()
        bn.bias.normal_()
    conv.eval(), bn.eval()
    x = torch.randn(1, 2, 5, 5)
    close(utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)).detach().numpy(), 1e-4)


def test_skip_init_makes_the_module_without_drawing():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    m = utils.skip_init(nn.Linear, 2, 3)
    assert m.weight.shape == (3, 2) and torch.equal(torch.get_rng_state(), state)

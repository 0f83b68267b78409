"""float16 and bfloat16 are computed in float32 and rounded once: results and gradients are the nearest numbers to those of float64."""
import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F

EPS = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def positive(*shape, seed=0):
    return normal(*shape, seed=seed).abs() + 0.1


def signs(*shape):
    return normal(*shape, seed=9).sign()


ids = torch.arange(60).reshape(6, 10) % 7
rows = (torch.arange(40) * 3) % 5
shapes = {
    "hinge_embedding_loss": (lambda x: F.hinge_embedding_loss(x, signs(8, 5).to(x.dtype)), normal(8, 5)),
    "cosine_embedding_loss": (lambda a, b: F.cosine_embedding_loss(a, b, signs(8).to(a.dtype), margin=0.1), normal(8, 5), normal(8, 5, seed=1)),
    "soft_margin_loss": (lambda x: F.soft_margin_loss(x, signs(8, 5).to(x.dtype)), normal(8, 5)),
    "multilabel_soft_margin_loss": (F.multilabel_soft_margin_loss, normal(8, 5), positive(8, 5)),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, torch.arange(8) % 5, p=2), normal(8, 5)),
    "poisson_nll_loss": (lambda x, t: F.poisson_nll_loss(x, t, log_input=False, full=True), positive(8, 5), 3 * positive(8, 5, seed=1)),
    "gaussian_nll_loss": (F.gaussian_nll_loss, normal(8, 5), normal(8, 5, seed=1), positive(8, 5)),
    "triplet_margin_loss": (F.triplet_margin_loss, normal(8, 5), normal(8, 5, seed=1), normal(8, 5, seed=2)),
    "ctc_loss": (lambda x: F.ctc_loss(x, torch.tensor([[1, 2, 2], [3, 1, 2]]), (9, 8), (3, 3)), normal(9, 2, 4).log_softmax(2)),
    "binary_cross_entropy": (F.binary_cross_entropy, normal(8, 5).sigmoid(), normal(8, 5, seed=1).sigmoid()),
    "binary_cross_entropy_with_logits": (F.binary_cross_entropy_with_logits, normal(8, 5), positive(8, 5, seed=1)),
    "kl_div": (lambda x, t: F.kl_div(x, t, reduction="sum"), normal(8, 5).log_softmax(1), normal(8, 5, seed=1).softmax(1)),
    "linear_cross_entropy": (lambda x, w: F.linear_cross_entropy(x, w, torch.arange(8) % 4), normal(8, 5), normal(4, 5, seed=1)),
    "cosine_similarity": (F.cosine_similarity, normal(8, 5), normal(8, 5, seed=1)),
    "pairwise_distance": (F.pairwise_distance, normal(8, 5), normal(8, 5, seed=1)),
    "normalize": (F.normalize, normal(8, 5)),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3), normal(2, 6, 5)),
    "rms_norm": (lambda x, w: F.rms_norm(x, (5,), w, eps=1e-5), normal(8, 5), normal(5, seed=1)),
    "addcmul": (lambda x, y, z: torch.addcmul(x, y, z, value=0.3), normal(8, 5), normal(8, 1, seed=1), normal(1, 5, seed=2)),
    "addcdiv": (lambda x, y, z: torch.addcdiv(x, y, z, value=0.3), normal(8, 5), normal(8, 1, seed=1), positive(1, 5, seed=2)),
    "lerp": (lambda x, y: torch.lerp(x, y, 0.3), normal(8, 5), normal(8, 5, seed=1)),
    "atan2": (torch.atan2, normal(8, 1), normal(8, 5, seed=1)),
    "hypot": (torch.hypot, normal(8, 1), normal(8, 5, seed=1)),
    "pow": (torch.pow, 0.5 + normal(8, 1).abs(), normal(8, 5, seed=1)),
    "pow of a number": (lambda x: x**2.5, 0.5 + normal(8, 5).abs()),
    "logaddexp": (torch.logaddexp, normal(8, 1), normal(8, 5, seed=1)),
    "ldexp": (torch.ldexp, normal(8, 5), normal(1, 5, seed=1)),
    "addmm": (lambda x, a, b: torch.addmm(x, a, b, alpha=0.6, beta=0.3), normal(3, 4), normal(3, 6, seed=1), normal(6, 4, seed=2)),
    "baddbmm": (lambda x, a, b: torch.baddbmm(x, a, b, alpha=0.6), normal(2, 3, 4), normal(2, 3, 6, seed=1), normal(2, 6, 4, seed=2)),
    "addr": (lambda x, a, b: torch.addr(x, a, b, alpha=0.6, beta=0.3), normal(3, 4), normal(3, seed=1), normal(4, seed=2)),
    "matmul of a batch": (torch.matmul, normal(6), normal(9, 6, 5, seed=1)),
    "conv_transpose1d": (lambda x, w, b: F.conv_transpose1d(x, w, b, stride=2), normal(2, 3, 7), normal(3, 4, 3, seed=1), normal(4, seed=2)),
    "cross": (torch.cross, normal(8, 3), normal(8, 3, seed=1)),
    "vecdot": (torch.linalg.vecdot, normal(8, 30), normal(8, 30, seed=1)),
    "dist": (lambda x, y: torch.dist(x, y, 3), normal(8, 5), normal(8, 5, seed=1)),
    "glu": (F.glu, normal(8, 6)),
    "cov": (torch.cov, 30 + normal(3, 20)),
    "corrcoef": (torch.corrcoef, 30 + normal(3, 20)),
    "renorm": (lambda x: torch.renorm(x, 3, 0, 1.5), normal(8, 5)),
    "index_select": (lambda x: x.index_select(0, rows), normal(5, 4)),
    "index_add": (lambda x, y: x.index_add(0, rows, y), normal(5, 4), normal(40, 4, seed=1)),
    "index_put": (lambda x, y: x.index_put((rows,), y, accumulate=True), normal(5, 4), normal(40, 4, seed=1)),
    "scatter_add": (lambda x, y: x.scatter_add(0, rows.unsqueeze(1).expand(40, 4), y), normal(5, 4), normal(40, 4, seed=1)),
    "gather": (lambda x: x.gather(0, rows.unsqueeze(1).expand(40, 4)), normal(5, 4)),
    "cummax": (lambda x: x.cummax(1)[0], normal(3, 40)),
    "embedding_bag": (lambda w, s: F.embedding_bag(ids, w, mode="sum", per_sample_weights=s), normal(7, 5), normal(6, 10, seed=1)),
    "pad reflect": (lambda x: F.pad(x, (3, 3, 2, 3), "reflect"), normal(1, 4, 5)),
    "pad replicate": (lambda x: F.pad(x, (3, 3, 4, 4, 2, 3), "replicate"), normal(1, 3, 4, 5)),
}


def nearest(low, exact, name):
    """Every element of `low` is the number of its dtype closest to `exact`, but for a hair."""
    eps = EPS[low.dtype]
    low, exact = low.detach().double(), exact.detach()
    off = (low - exact).abs() / (eps * exact.abs() + 1e-4 * eps)
    assert low.shape == exact.shape
    assert off.max().item() < 1.05, f"{name}: off by {off.max().item():.2f} halves of an ulp"


@pytest.mark.parametrize("dtype", EPS, ids=lambda d: str(d)[6:])
@pytest.mark.parametrize("name", shapes)
def test_half_rounds_once(name, dtype):
    function, *inputs = shapes[name]
    low = [x.to(dtype).requires_grad_() for x in inputs]
    exact = [x.detach().double().requires_grad_() for x in low]
    y, z = function(*low), function(*exact)
    assert y.dtype == dtype
    nearest(y, z, name)
    direction = normal(*z.shape, seed=5).to(dtype)
    for i, (g, h) in enumerate(zip(torch.autograd.grad(y, low, direction), torch.autograd.grad(z, exact, direction.double()))):
        assert g.dtype == dtype
        nearest(g, h, f"gradient {i} of {name}")


@pytest.mark.parametrize("dtype", EPS, ids=lambda d: str(d)[6:])
def test_half_meets_a_number_before_it_is_rounded(dtype):
    x = normal(40).to(dtype)
    for function in (lambda x: x * 0.3, lambda x: 0.3 * x, lambda x: x + 0.3, lambda x: 0.7 + x, lambda x: x - 0.3):
        nearest(function(x), function(x.double()), "with a number")
    y = x.clone()
    y *= 0.3
    nearest(y, x.double() * 0.3, "in place")
    z = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(z * 0.3, z, x)
    nearest(g, x.double() * 0.3, "gradient")


@pytest.mark.parametrize("dtype", EPS, ids=lambda d: str(d)[6:])
def test_second_gradient_of_a_power_that_is_broadcast(dtype):
    """Terms of 1e5 in between, which float16 does not have."""
    base, exponent = torch.tensor([[0.02], [3.0]], dtype=dtype), torch.tensor([-1.5, 0.5, 2.5], dtype=dtype)
    found = []
    for kind in (dtype, torch.float64):
        x, n = base.detach().to(kind).requires_grad_(), exponent.detach().to(kind).requires_grad_()
        first = torch.autograd.grad((x**n * 1e-3).sum(), (x, n), create_graph=True)
        found.append(torch.autograd.grad(sum((g * 0.1).sum() for g in first), (x, n)))
    for low, exact in zip(*found):
        torch.testing.assert_close(low.double(), exact, rtol=0.02, atol=0.02)


def test_half_writes_to_out_and_keeps_wider_arguments():
    x = normal(8, 5)
    out = torch.empty(8, 5, dtype=torch.float16)
    assert torch.renorm(x.half(), 2, 0, 1.0, out=out) is out
    nearest(out, torch.renorm(x.half().double(), 2, 0, 1.0), "renorm")
    assert F.cosine_similarity(x.half(), x.float()).dtype == torch.float32
    assert F.cosine_similarity(x.half(), x.bfloat16()).dtype == torch.float32
    assert torch.ldexp(x.half(), torch.arange(5)).dtype == torch.float16
    assert torch.cov(x.half(), aweights=torch.ones(5)).dtype == torch.float32

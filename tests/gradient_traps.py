"""Places where a gradient is easily NaN or left to convention: the rows of docs/gradients.md.

Each row is (name, function, point): `function(torch, x)` is differentiated at `point`, in float64, its results summed. "masked" rows
have an element at which the unmasked function is singular, and a mask that leaves it out.
"""
from math import inf


def nn(torch):
    return torch.nn.functional


def masked(function):
    """`function` where x > 0, else 0: its gradient at other elements is 0 whatever `function` does there."""
    return lambda torch, x: torch.where(x > 0, function(torch, x), torch.zeros_like(x))


def inside(function):
    """The same for functions of [-1, 1] or (0, 1), singular at 1."""
    return lambda torch, x: torch.where(x < 1, function(torch, x), torch.zeros_like(x))


def filled(function):
    """The same by masked_fill, after the function."""
    return lambda torch, x: function(torch, x).masked_fill(x <= 0, 0.0)


def attention(torch, x):
    mask = torch.tensor([[True, True], [False, False]])
    q = x.reshape(1, 2, 2)
    return nn(torch).scaled_dot_product_attention(q, q, q, attn_mask=mask)[:, :1]


ROWS = [
    # masks around singular functions
    ("where around sqrt", masked(lambda torch, x: x.sqrt()), [4.0, 0.0, -1.0]),
    ("where around rsqrt", masked(lambda torch, x: x.rsqrt()), [4.0, 0.0, -1.0]),
    ("where around log", masked(lambda torch, x: x.log()), [2.0, 0.0, -1.0]),
    ("where around log2", masked(lambda torch, x: x.log2()), [2.0, 0.0, -1.0]),
    ("where around log10", masked(lambda torch, x: x.log10()), [2.0, 0.0, -1.0]),
    ("where around log1p", masked(lambda torch, x: (x - 1).log1p()), [2.0, 0.0, -1.0]),
    ("where around 1 / x", masked(lambda torch, x: 1 / x), [2.0, 0.0]),
    ("where around x / x", masked(lambda torch, x: x / x), [2.0, 0.0]),
    ("where around reciprocal", masked(lambda torch, x: x.reciprocal()), [2.0, 0.0]),
    ("where around x ** -1.5", masked(lambda torch, x: x**-1.5), [4.0, 0.0, -1.0]),
    ("where around x ** 0.5", masked(lambda torch, x: x**0.5), [4.0, 0.0, -1.0]),
    ("where around x ** x", masked(lambda torch, x: x**x), [1.0, 0.0, -0.5]),
    ("where around 0 ** x", masked(lambda torch, x: torch.zeros_like(x) ** x), [2.0, 0.0, -1.0]),
    ("where around acos", inside(lambda torch, x: x.acos()), [0.5, 1.0, 2.0]),
    ("where around asin", inside(lambda torch, x: x.asin()), [0.5, 1.0, 2.0]),
    ("where around atanh", inside(lambda torch, x: x.atanh()), [0.5, 1.0, 2.0]),
    ("where around acosh", masked(lambda torch, x: (x + 1).acosh()), [1.0, 0.0, -3.0]),
    ("where around erfinv", inside(lambda torch, x: x.erfinv()), [0.5, 1.0, 2.0]),
    ("where around lgamma", masked(lambda torch, x: x.lgamma()), [2.0, 0.0, -1.0]),
    ("where around digamma", masked(lambda torch, x: x.digamma()), [2.0, 0.0, -1.0]),
    ("where around logit", inside(lambda torch, x: x.logit()), [0.5, 1.0, 2.0]),
    ("where around tan", masked(lambda torch, x: (1 / x).tan()), [1.0, 0.0]),
    ("where around exp(1000)", inside(lambda torch, x: (x * 1000).exp() * 1e-217), [0.5, 1.0]),
    ("where around norm of zeros", lambda torch, x: torch.where(x.norm() > 0, x.norm(), torch.zeros(())), [0.0, 0.0]),
    ("where around std of one", lambda torch, x: torch.where(torch.tensor(False), x.std(), x.sum()), [2.0]),
    ("masked_fill after log", filled(lambda torch, x: x.log()), [2.0, 0.0]),
    ("masked_fill with -inf, exp", lambda torch, x: x.masked_fill(x <= 0, -inf).exp(), [1.0, 0.0]),
    ("masked_fill with inf, 1 / x", lambda torch, x: 1 / x.masked_fill(x <= 0, inf), [2.0, 0.0]),
    ("xlogy at x = 0", lambda torch, x: torch.xlogy(torch.zeros(2), x), [2.0, 0.0]),
    ("where around x * log(x)", masked(lambda torch, x: x * x.log()), [1.0, 0.0, -1.0]),
    ("where around x * (1 / x)", masked(lambda torch, x: x * (1 / x)), [2.0, 0.0]),
    ("where around xlogy(x, x)", masked(lambda torch, x: torch.xlogy(x, x)), [1.0, 0.0]),
    ("where around entr", masked(lambda torch, x: torch.special.entr(x)), [1.0, 0.0, -1.0]),
    ("where around atan2(x, x)", masked(lambda torch, x: torch.atan2(x, x)), [1.0, 0.0]),
    ("where around hypot(x, x)", masked(lambda torch, x: torch.hypot(x, x)), [1.0, 0.0]),
    # kinks: a subgradient
    ("abs at 0", lambda torch, x: x.abs(), [0.0, -2.0]),
    ("relu at 0", lambda torch, x: x.relu(), [0.0, 2.0]),
    ("leaky_relu at 0", lambda torch, x: nn(torch).leaky_relu(x, 0.1), [0.0, 2.0]),
    ("hardtanh at its borders", lambda torch, x: nn(torch).hardtanh(x), [-1.0, 1.0, 0.5]),
    ("relu6 at its borders", lambda torch, x: nn(torch).relu6(x), [0.0, 6.0, 1.0]),
    ("clamp at its borders", lambda torch, x: x.clamp(-1, 1), [-1.0, 1.0, 2.0]),
    ("sign, round, floor", lambda torch, x: x.sign() + x.round() + x.floor() + 0 * x, [0.0, 0.5]),
    ("norm at 0", lambda torch, x: x.norm(), [0.0, 0.0]),
    ("norm of order 1 at 0", lambda torch, x: x.norm(p=1), [0.0, 2.0]),
    ("norm of order 3 at 0", lambda torch, x: x.norm(p=3), [0.0, 0.0]),
    ("norm of order inf, ties", lambda torch, x: x.norm(p=inf), [2.0, -2.0, 1.0]),
    ("linalg.vector_norm at 0", lambda torch, x: torch.linalg.vector_norm(x), [0.0, 0.0]),
    ("Frobenius norm at 0", lambda torch, x: torch.linalg.norm(x.reshape(2, 2)), [0.0] * 4),
    ("hypot(0, 0)", lambda torch, x: torch.hypot(x[0], x[1]), [0.0, 0.0]),
    ("atan2(0, 0)", lambda torch, x: torch.atan2(x[0], x[1]), [0.0, 0.0]),
    ("abs of complex 0", lambda torch, x: torch.complex(x, x).abs(), [0.0, 1.0]),
    ("angle of complex 0", lambda torch, x: torch.complex(x, x * 0.5).angle(), [0.0, 1.0]),
    ("std of equal values", lambda torch, x: x.std(), [2.0, 2.0, 2.0]),
    ("var of equal values", lambda torch, x: x.var(), [2.0, 2.0, 2.0]),
    ("cdist of equal points", lambda torch, x: torch.cdist(x.reshape(1, 2), torch.zeros(1, 2)), [0.0, 0.0]),
    ("pairwise_distance of equal points", lambda torch, x: nn(torch).pairwise_distance(x.reshape(1, 2), torch.zeros(1, 2), eps=0.0), [0.0, 0.0]),
    ("normalize of zeros", lambda torch, x: nn(torch).normalize(x, dim=0)[:1], [0.0, 0.0]),
    ("cosine_similarity of zeros", lambda torch, x: torch.cosine_similarity(x, torch.ones(2), dim=0), [0.0, 0.0]),
    # ties
    ("max() of ties", lambda torch, x: x.max(), [3.0, 3.0, 1.0]),
    ("max(dim) of ties", lambda torch, x: x.max(0).values, [3.0, 3.0, 1.0]),
    ("amax of ties", lambda torch, x: x.amax(0), [3.0, 3.0, 1.0]),
    ("amin of ties", lambda torch, x: x.amin(0), [1.0, 1.0, 3.0]),
    ("maximum of equals", lambda torch, x: torch.maximum(x[0], x[1]), [3.0, 3.0]),
    ("fmax of equals", lambda torch, x: torch.fmax(x[0], x[1]), [3.0, 3.0]),
    ("minimum of equals", lambda torch, x: torch.minimum(x[0], x[1]), [3.0, 3.0]),
    ("median() of ties", lambda torch, x: x.median(), [3.0, 3.0, 1.0]),
    ("median(dim) of ties", lambda torch, x: x.median(0).values, [3.0, 3.0, 1.0]),
    ("sort of ties", lambda torch, x: x.sort(stable=True).values[:1], [1.0, 1.0, 3.0]),
    ("topk of ties", lambda torch, x: x.topk(2).values * torch.tensor([1.0, 2.0]), [5.0, 4.0, 1.0]),
    ("cummax of ties", lambda torch, x: x.cummax(0).values, [3.0, 3.0, 1.0]),
    ("max_pool1d of ties", lambda torch, x: nn(torch).max_pool1d(x.reshape(1, 1, 3), 3), [3.0, 3.0, 1.0]),
    # products
    ("prod with a zero", lambda torch, x: x.prod(), [2.0, 0.0, 3.0]),
    ("prod with two zeros", lambda torch, x: x.prod(), [2.0, 0.0, 0.0]),
    ("cumprod with a zero", lambda torch, x: x.cumprod(0), [2.0, 0.0, 3.0]),
    ("cumprod with two zeros", lambda torch, x: x.cumprod(0), [0.0, 2.0, 0.0, 3.0]),
    ("det of a singular matrix", lambda torch, x: torch.linalg.det(x.reshape(2, 2)), [1.0, 2.0, 2.0, 4.0]),
    # powers
    ("x ** 2 at 0", lambda torch, x: x**2, [0.0, 1.0]),
    ("x ** 0 at 0", lambda torch, x: x**0 + 0 * x, [0.0, 1.0]),
    ("x ** y by y at x = 0", lambda torch, x: torch.zeros(2) ** x, [2.0, 1.0]),
    ("negative ** 2.0", lambda torch, x: x ** torch.full((2,), 2.0), [-2.0, 0.0]),
    # minus infinity in sums of exponentials
    ("logsumexp with -inf", lambda torch, x: x.masked_fill(x <= 0, -inf).logsumexp(0), [1.0, 0.0]),
    ("logsumexp of a row of -inf", lambda torch, x: x.masked_fill(x <= 0, -inf).logsumexp(0), [0.0, 0.0]),
    ("softmax with -inf", lambda torch, x: x.masked_fill(x <= 0, -inf).softmax(0) ** 2, [1.0, 2.0, 0.0]),
    ("where around softmax of -inf", lambda torch, x: torch.where(x > 0, x.masked_fill(x <= 0, -inf).reshape(2, 1).softmax(1).reshape(2), torch.zeros(2)), [1.0, 0.0]),
    ("where around log_softmax of -inf", lambda torch, x: torch.where(x > 0, x.masked_fill(x <= 0, -inf).reshape(2, 1).log_softmax(1).reshape(2), torch.zeros(2)), [1.0, 0.0]),
    ("logaddexp(-inf, -inf)", lambda torch, x: torch.logaddexp(x.masked_fill(x <= 0, -inf), x.masked_fill(x <= 0, -inf)), [1.0, 0.0]),
    ("logcumsumexp with -inf", lambda torch, x: x.masked_fill(x <= 0, -inf).logcumsumexp(0)[1:], [0.0, 1.0]),
    ("attention, a row masked whole", attention, [1.0, 2.0, 3.0, 4.0]),
    ("cross_entropy with a -inf logit", lambda torch, x: nn(torch).cross_entropy(x.masked_fill(x <= 0, -inf).reshape(1, 3), torch.tensor([0])), [1.0, 2.0, 0.0]),
    ("binary_cross_entropy at 0 and 1", lambda torch, x: nn(torch).binary_cross_entropy(x, torch.tensor([0.0, 1.0]), reduction="sum"), [0.0, 1.0]),
    ("binary_cross_entropy_with_logits, large", lambda torch, x: nn(torch).binary_cross_entropy_with_logits(x, torch.tensor([0.0, 1.0]), reduction="sum"), [800.0, -800.0]),
    ("softplus, large", lambda torch, x: nn(torch).softplus(x), [800.0, -800.0]),
    ("logsigmoid, large", lambda torch, x: nn(torch).logsigmoid(x), [800.0, -800.0]),
    ("layer_norm of constant rows", lambda torch, x: nn(torch).layer_norm(x, (3,))[:1], [2.0, 2.0, 2.0]),
    ("batch_norm of constant columns", lambda torch, x: nn(torch).batch_norm(x.reshape(3, 1), None, None, training=True)[:1], [2.0, 2.0, 2.0]),
    # not differentiable, or not finite: no mask helps
    ("sqrt at 0", lambda torch, x: x.sqrt(), [0.0]),
    ("nuclear norm at 0", lambda torch, x: torch.linalg.matrix_norm(x.reshape(2, 2), ord="nuc"), [0.0] * 4),
    ("eigvalsh, equal eigenvalues", lambda torch, x: torch.linalg.eigvalsh(x.reshape(2, 2)), [1.0, 0.0, 0.0, 1.0]),
    ("svdvals, equal values", lambda torch, x: torch.linalg.svdvals(x.reshape(2, 2)), [1.0, 0.0, 0.0, 1.0]),
]


def text_of(found):
    """What the page says of what was measured: reverse; second; forward."""
    def one(value):
        if isinstance(value, str):
            return "error"
        return "(" + ", ".join(f"{0.0 if abs(v) <= 1e-12 else v:.3g}" for v in value) + ")"

    return "; ".join(map(one, found))


def measured(torch, function, point):
    """(gradient, gradient of the gradient's weighted sum, forward-mode derivative in direction (1, 2, ...)) as lists; None: raises."""
    def start():
        return torch.tensor(point, dtype=torch.float64, requires_grad=True)

    torch.set_default_dtype(torch.float64)
    try:
        found = []
        x = start()
        weights = torch.arange(1.0, len(point) + 1)
        for kind in ("reverse", "second", "forward"):
            try:
                if kind == "reverse":
                    value = torch.autograd.grad(function(torch, x).sum(), x)[0]
                elif kind == "second":
                    first, = torch.autograd.grad(function(torch, x).sum(), x, create_graph=True)
                    if first.requires_grad:
                        value, = torch.autograd.grad((first * weights).sum(), x, allow_unused=True)
                        value = torch.zeros_like(x) if value is None else value
                    else:
                        value = torch.zeros_like(x)
                else:
                    value = torch.func.jvp(lambda x: function(torch, x).sum(), (x.detach(),), (weights,))[1]
                found.append([0.0] * len(point) if kind == "second" and getattr(value, "_is_zerotensor", bool)() else value.detach().reshape(-1).tolist())
            except (RuntimeError, NotImplementedError) as error:
                found.append("error: " + str(error)[:60])
        return found
    finally:
        torch.set_default_dtype(torch.float32)

"""Transforms: inverses, log determinants against autograd, shapes, caches; the registries of constraints."""
import copy
import pickle

import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.distributions as D
from pyxtorch.distributions import biject_to, constraints, transform_to
from pyxtorch.distributions.transforms import identity_transform

T64 = torch.float64
VECTOR = torch.tensor([0.7, -1.3, 2.0], dtype=T64)
TRANSFORMS = {
    "exp": D.ExpTransform(), "sigmoid": D.SigmoidTransform(), "softplus": D.SoftplusTransform(), "tanh": D.TanhTransform(), "abs": D.AbsTransform(),
    "power": D.PowerTransform(torch.tensor(2.5, dtype=T64)), "negative_power": D.PowerTransform(torch.tensor(-0.7, dtype=T64)),
    "affine": D.AffineTransform(0.5, -2.0), "affine_tensors": D.AffineTransform(VECTOR, VECTOR.exp(), event_dim=1),
    "cdf": D.CumulativeDistributionTransform(D.Normal(torch.tensor(0.3, dtype=T64), 1.5)),
    "softmax": D.SoftmaxTransform(), "stick_breaking": D.StickBreakingTransform(), "corr_cholesky": D.CorrCholeskyTransform(),
    "lower_cholesky": D.LowerCholeskyTransform(), "positive_definite": D.PositiveDefiniteTransform(), "reshape": D.ReshapeTransform((2, 3), (3, 2)),
    "compose": D.ComposeTransform([D.AffineTransform(0.1, 0.5), D.ExpTransform(), D.AffineTransform(0.0, -3.0)]),
    "compose_of_dimensions": D.ComposeTransform([D.ExpTransform(), D.AffineTransform(VECTOR, 1.0), D.StickBreakingTransform()]),
    "independent": D.IndependentTransform(D.ExpTransform(), 1),
    "cat": D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], dim=-1, lengths=[1, 2]),
    "stack": D.StackTransform([D.ExpTransform(), D.TanhTransform(), identity_transform], dim=-1), "identity": identity_transform,
}
CASES = {**TRANSFORMS, **{n + "_inv": t.inv for n, t in TRANSFORMS.items() if t.bijective}}


def inside(name, batch=(4,)):
    """Numbers in the domain of a transform."""
    torch.manual_seed(len(name))
    transform = CASES[name]
    x = torch.randn(batch + {"reshape": (2, 3), "reshape_inv": (3, 2)}.get(name, (3, 3) if transform.domain.event_dim == 2 else (3,)), dtype=T64)
    if name.endswith("_inv") and not name.startswith("reshape"):
        return CASES[name[:-4]](inside(name[:-4], batch)).detach()
    return x.exp() if name in ("power", "negative_power") else x


@pytest.mark.parametrize("name", CASES)
def test_there_and_back(name):
    transform, x = CASES[name], inside(name)
    y = transform(x)
    assert transform.domain.check(x).all() and transform.codomain.check(y).all()
    assert y.shape == transform.forward_shape(x.shape) and x.shape == transform.inverse_shape(y.shape)
    back = transform.inv(y)
    if transform.bijective:
        assert torch.allclose(back, x, rtol=1e-7, atol=1e-9)
    assert torch.allclose(transform(back), y, rtol=1e-7, atol=1e-9)
    assert transform.inv.inv is transform or transform.inv.inv == transform


def free(name, value, codomain):
    """The coordinates of a value that are free to move."""
    if "stick_breaking" in name or "compose_of_dimensions" in name:
        return value[..., :-1] if codomain else value
    if "corr_cholesky" in name:
        return D.utils.tril_matrix_to_vec(value, -1) if codomain else value
    return value


@pytest.mark.parametrize("name", [n for n in TRANSFORMS if CASES[n].bijective])
def test_log_determinant(name):
    """log |det| of the Jacobian that autograd gives; of the inverse with the other sign."""
    transform, batch = CASES[name], 3
    x = inside(name, (batch,))
    y = transform(x)
    got = transform.log_abs_det_jacobian(x, y)
    event = max(transform.domain.event_dim, 0)
    assert got.shape == x.shape[:x.dim() - event] or name == "stack"     # whose parts may have shapes of their own
    for b in range(batch):
        jacobian = torch.autograd.functional.jacobian(lambda v: free(name, transform(v), True).reshape(-1), x[b])
        n = x[b].numel()
        wanted = torch.linalg.slogdet(jacobian.reshape(n, n)).logabsdet
        assert torch.allclose(got[b].sum(), wanted, rtol=1e-8)
    assert torch.allclose(transform.inv.log_abs_det_jacobian(y, x), -got)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_as_in_pytorch(name):
    oracle = pytest.importorskip("torch")
    image = eval_in(oracle, name)
    ours, x = TRANSFORMS[name], inside(name)
    theirs = oracle.tensor(x.numpy())
    y, their_y = ours(x), image(theirs)
    np.testing.assert_allclose(y.numpy(), their_y.numpy(), rtol=1e-9, atol=1e-12)
    assert (ours.bijective, ours.domain.event_dim, ours.codomain.event_dim) == (image.bijective, image.domain.event_dim, image.codomain.event_dim)
    assert repr(ours) == repr(image)
    if ours.bijective:
        np.testing.assert_allclose(ours.log_abs_det_jacobian(x, y).numpy(), image.log_abs_det_jacobian(theirs, their_y).numpy(), rtol=1e-8)
    if name in ("exp", "affine", "power", "negative_power", "sigmoid", "compose"):
        assert float(ours.sign) == float(image.sign)


def eval_in(space, name):
    """The same transform of another package: made again from what it is made of."""
    def image(t):
        kind = getattr(space.distributions.transforms, type(t).__name__)
        if isinstance(t, D.ComposeTransform):
            return kind([image(p) for p in t.parts])
        if isinstance(t, D.CumulativeDistributionTransform):
            return kind(space.distributions.Normal(space.tensor(0.3, dtype=space.float64), 1.5))
        options = [getattr(t, o) for o in t._options]
        convert = {torch.Tensor: lambda v: space.tensor(v.numpy()), list: lambda v: [image(p) if isinstance(p, D.Transform) else p for p in v]}
        options = [convert.get(type(v), lambda v: image(v) if isinstance(v, D.Transform) else v)(v) for v in options]
        if isinstance(t, D.CatTransform):
            return kind(options[0], dim=options[1], lengths=options[2])
        return kind(*options)

    return image(TRANSFORMS[name])


def test_far_out():
    """Where a difference would cancel or a logarithm overflow."""
    x = torch.tensor([-800.0, -40.0, 40.0, 800.0], dtype=T64)
    for transform in (D.TanhTransform(), D.SigmoidTransform(), D.SoftplusTransform()):
        assert transform.log_abs_det_jacobian(x, transform(x)).isfinite().all()
    assert torch.allclose(D.TanhTransform().log_abs_det_jacobian(x, x.tanh()), 2 * (np.log(2) - x.abs()))
    wide = torch.tensor([[300.0, -300.0, 5.0]], dtype=T64)
    y = D.StickBreakingTransform()(wide)
    assert torch.allclose(y.sum(-1), torch.ones(1, dtype=T64)) and (y >= 0).all()


def test_cache():
    plain, cached = D.TanhTransform(), D.TanhTransform(cache_size=1)
    x = torch.tensor([5.0, 30.0])
    assert plain.inv(plain(x))[1].isinf()
    y = cached(x)
    assert cached(x) is y and cached.inv(y) is x
    assert cached.inv(cached.inv.inv(x)) is x
    z = torch.tensor([0.5])
    x = cached.inv(z)
    assert cached(x) is z
    assert cached.with_cache(1) is cached and cached.with_cache(0)._cache_size == 0
    for name, transform in TRANSFORMS.items():
        other = transform.with_cache(1)
        assert other._cache_size == 1 and type(other) is type(transform) and other == transform, name
        value = inside(name)
        assert other.inv(other(value)) is value or isinstance(transform, D.ComposeTransform) and not transform.parts, name
    with pytest.raises(ValueError, match="0 or 1"):
        D.ExpTransform(cache_size=2)
    law = D.TransformedDistribution(D.Normal(torch.zeros(2), 1.0), [D.TanhTransform(cache_size=1)])
    assert law.log_prob(law.rsample() * 1).isfinite().all() and law.log_prob(law.sample((1000,))).isfinite().all()


def test_equality_and_copies():
    assert D.ExpTransform() == D.ExpTransform() != D.SigmoidTransform()
    assert D.AffineTransform(1, 2) == D.AffineTransform(1, 2) != D.AffineTransform(1, 3)
    assert D.AffineTransform(VECTOR, 1) == D.AffineTransform(VECTOR.clone(), 1) != D.AffineTransform(VECTOR + 1, 1)
    assert D.ExpTransform().inv == D.ExpTransform().inv != D.ExpTransform()
    with pytest.raises(TypeError, match="unhashable"):
        hash(D.ExpTransform())
    for name, transform in CASES.items():
        if name.startswith(("compose", "cat", "stack")) and name.endswith("_inv"):
            continue
        x = inside(name)
        again = copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))
        for other in again:
            assert torch.equal(other(x), transform(x)) and torch.equal(other.inv(transform(x)), transform.inv(transform(x)))


def test_of_ones_own():
    """A subclass as other packages write them."""
    class Cube(D.Transform):
        domain = codomain = constraints.real
        bijective = True
        sign = 1

        def __init__(self, by=1.0, cache_size=0):
            super().__init__(cache_size=cache_size)
            self.by = by

        def _call(self, x):
            return self.by * x ** 3

        def _inverse(self, y):
            return (y / self.by).abs().pow(1 / 3) * y.sign()

        def log_abs_det_jacobian(self, x, y):
            return (3 * self.by * x ** 2).abs().log()

    cube = Cube(2.0)
    law = D.TransformedDistribution(D.Normal(torch.zeros(3), 1.0), [cube, D.ExpTransform()])
    x = law.rsample((5,))
    assert law.log_prob(x).shape == (5, 3) and cube.event_dim == 0
    assert torch.allclose(cube.inv.log_abs_det_jacobian(cube(x), x), -cube.log_abs_det_jacobian(x, cube(x)))
    assert cube == cube and cube != Cube(2.0)       # it does not say what makes it equal
    with pytest.raises(NotImplementedError, match="with_cache"):
        cube.with_cache()
    with pytest.raises(NotImplementedError):
        D.AbsTransform().log_abs_det_jacobian(x, x)
    with pytest.raises(NotImplementedError):
        D.Transform()(x)


def test_wrong_shapes():
    for call in (lambda: D.ReshapeTransform((2, 3), (5,)), lambda: D.StickBreakingTransform().forward_shape(()), lambda: D.CorrCholeskyTransform().forward_shape((5,)),
                 lambda: D.CorrCholeskyTransform().inverse_shape((3, 4)), lambda: D.ReshapeTransform((2, 3), (6,)).forward_shape((3, 2)),
                 lambda: D.IndependentTransform(D.ExpTransform(), 1)(torch.tensor(1.0))):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(AssertionError):
        D.CatTransform([3])


# ------------------------------------------------------------------------------------------- constraints

T = torch.tensor
CHECKS = [  # constraint, values in it, values not in it
    (constraints.real, T([1.0, -torch.inf]), T([torch.nan])),
    (constraints.boolean, T([0.0, 1.0]), T([0.5, 2.0])),
    (constraints.positive, T([1e-30]), T([0.0, -1.0, torch.nan])),
    (constraints.nonnegative, T([0.0, 3.0]), T([-1e-30])),
    (constraints.greater_than(2.0), T([2.1]), T([2.0])),
    (constraints.greater_than_eq(2.0), T([2.0]), T([1.9])),
    (constraints.less_than(2.0), T([1.0]), T([2.0])),
    (constraints.unit_interval, T([0.0, 1.0]), T([-0.1, 1.1])),
    (constraints.interval(-1.0, T([2.0, 3.0])), T([2.0, 3.0]), T([2.5, 3.5])),
    (constraints.half_open_interval(0.0, 1.0), T([0.0]), T([1.0])),
    (constraints.integer_interval(1, 3), T([1, 3]), T([0.0, 1.5, 4.0])),
    (constraints.nonnegative_integer, T([0, 7]), T([-1.0, 0.5])),
    (constraints.positive_integer, T([1.0]), T([0.0, 1.5])),
    (constraints.simplex, T([[0.2, 0.8], [1.0, 0.0]]), T([[0.2, 0.7], [1.1, -0.1]])),
    (constraints.one_hot, T([[0, 1], [1, 0]]), T([[1, 1], [0, 0], [2, -1]])),
    (constraints.multinomial(3), T([[1, 2], [0, 0]]), T([[4, 0], [-1, 1]])),
    (constraints.real_vector, T([[1.0, 2.0]]), T([[1.0, torch.nan]])),
    (constraints.lower_triangular, T([[[1.0, 0.0], [5.0, -1.0]]]), T([[[1.0, 0.1], [5.0, -1.0]]])),
    (constraints.lower_cholesky, T([[[1.0, 0.0], [5.0, 1.0]]]), T([[[1.0, 0.0], [5.0, -1.0]], [[1.0, 1.0], [5.0, 1.0]]])),
    (constraints.corr_cholesky, T([[[1.0, 0.0], [0.6, 0.8]]]), T([[[1.0, 0.0], [0.6, 0.9]]])),
    (constraints.square, torch.zeros(3, 2, 2), torch.zeros(3, 2, 3)),
    (constraints.symmetric, T([[[1.0, 2.0], [2.0, 1.0]]]), T([[[1.0, 2.0], [2.1, 1.0]]])),
    (constraints.positive_semidefinite, T([[[1.0, 1.0], [1.0, 1.0]], [[2.0, 1.0], [1.0, 2.0]]]), T([[[1.0, 2.0], [2.0, 1.0]]])),
    (constraints.positive_definite, T([[[2.0, 1.0], [1.0, 2.0]]]), T([[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]]])),
    (constraints.independent(constraints.positive, 2), torch.ones(3, 2, 2), T([[[1.0, 0.0], [1.0, 1.0]]])),
    (constraints.cat([constraints.positive, constraints.real], dim=-1, lengths=[1, 2]), T([1.0, -1.0, -1.0]), None),
    (constraints.stack([constraints.positive, constraints.real], dim=-1), T([1.0, -1.0]), None),
    (constraints.MixtureSameFamilyConstraint(constraints.real_vector), torch.zeros(4, 2), T([[1.0, torch.nan]])),
]


@pytest.mark.parametrize("constraint, good, bad", CHECKS, ids=[repr(c[0]) for c in CHECKS])
def test_checks(constraint, good, bad):
    assert constraint.check(good).all()
    assert constraint.check(good).shape == good.shape[:good.dim() - constraint.event_dim] or isinstance(constraint, constraints.cat | constraints.stack)
    if bad is not None:
        assert not constraint.check(bad).any()
    assert isinstance(constraint.is_discrete, bool) and isinstance(constraint.event_dim, int)


def test_constraints_as_in_pytorch():
    oracle = pytest.importorskip("torch").distributions.constraints
    assert set(constraints.__all__) == set(oracle.__all__)
    for name in constraints.__all__:
        ours, theirs = getattr(constraints, name), getattr(oracle, name)
        if isinstance(ours, constraints.Constraint):
            assert repr(ours) == repr(theirs), name
            if name != "dependent":
                assert (ours.is_discrete, ours.event_dim) == (theirs.is_discrete, theirs.event_dim), name


def test_dependent():
    support = D.Uniform.support
    assert constraints.is_dependent(support) and support.event_dim == 0 and support.is_discrete is False
    assert not constraints.is_dependent(D.Uniform(0.0, 1.0).support)
    for what in ("event_dim", "is_discrete"):
        with pytest.raises(NotImplementedError, match=f"{what} cannot be determined"):
            getattr(constraints.dependent, what)
    said = constraints.dependent(event_dim=2)
    assert said.event_dim == 2
    with pytest.raises(ValueError, match="dependent constraint"):
        said.check(torch.ones(1))

    class Odd(constraints.Constraint):
        is_discrete = True

        def check(self, value):
            return value % 2 == 1

    assert Odd().check(torch.arange(4)).tolist() == [False, True, False, True] and Odd().event_dim == 0
    assert constraints.independent(Odd(), 1).check(torch.tensor([1, 3]))


CONSTRAINED = {
    "real": constraints.real, "real_vector": constraints.real_vector, "positive": constraints.positive, "nonnegative": constraints.nonnegative,
    "greater_than": constraints.greater_than(torch.tensor([1.0, -2.0, 0.0], dtype=T64)), "less_than": constraints.less_than(3.0),
    "unit": constraints.unit_interval, "interval": constraints.interval(-1.0, 4.0), "half_open": constraints.half_open_interval(0.0, 2.0),
    "simplex": constraints.simplex, "lower_cholesky": constraints.lower_cholesky, "corr_cholesky": constraints.corr_cholesky,
    "positive_definite": constraints.positive_definite, "positive_semidefinite": constraints.positive_semidefinite,
    "independent": constraints.independent(constraints.positive, 1),
    "cat": constraints.cat([constraints.positive, constraints.interval(0.0, 2.0)], dim=-1, lengths=[1, 2]),
    "stack": constraints.stack([constraints.positive, constraints.real, constraints.unit_interval], dim=-1),
}


@pytest.mark.parametrize("name", CONSTRAINED)
@pytest.mark.parametrize("registry", [biject_to, transform_to], ids=["biject_to", "transform_to"])
def test_registries(registry, name):
    constraint = CONSTRAINED[name]
    if registry is biject_to and name in ("lower_cholesky", "positive_definite", "positive_semidefinite"):
        with pytest.raises(NotImplementedError, match="Cannot transform"):
            registry(constraint)
        return
    transform = registry(constraint)
    torch.manual_seed(1)
    x = torch.randn((5, 3, 3) if transform.domain.event_dim == 2 else (5, 3), dtype=T64)
    y = transform(x)
    assert constraint.check(y).all()
    assert torch.allclose(transform(transform.inv(y)), y)
    if registry is biject_to:
        assert transform.bijective
        assert torch.allclose(transform.inv(y), x)
        transform.log_abs_det_jacobian(x, y)


def test_registering():
    class Even(constraints.Constraint):
        pass

    @transform_to.register(Even)
    def to_even(constraint):
        return D.AffineTransform(0, 2)

    try:
        assert transform_to(Even()) == D.AffineTransform(0, 2)
        with pytest.raises(NotImplementedError, match="Cannot transform Even"):
            biject_to(Even())
    finally:
        del transform_to._registry[Even]
    with pytest.raises(TypeError, match="Constraint subclass or instance"):
        biject_to.register(int, lambda c: None)
    with pytest.raises(NotImplementedError, match="_Dependent"):
        biject_to(constraints.dependent)

"""Ready parametrisations: weight normalisation, spectral normalisation, orthogonality."""
import pyxtorch
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.utils import parametrize


def _norm_except(v, dim):
    """Norms of the slices of `v` along `dim`, in v's number of dimensions; of all if dim is -1 or None."""
    if dim in (None, -1):
        return (v * v).sum().sqrt()
    rest = [d for d in range(v.dim()) if d != dim % v.dim()]
    return (v * v).sum(rest, keepdim=True).sqrt() if rest else v.abs()


class _WeightNorm(Module):
    """weight = g * v / |v|: Salimans and Kingma (2016)."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = dim

    def forward(self, g, v):
        return v * (g / _norm_except(v, self.dim))

    def right_inverse(self, weight):
        return _norm_except(weight, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Reparametrise a weight by length (original0) and direction (original1) of its slices along `dim`."""
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def take_old_names(state_dict, prefix, *rest):
        old = [f"{prefix}{name}_{part}" for part in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(take_old_names)
    return module


class _SpectralNorm(Module):
    """weight / (its largest singular value, by power iteration): Miyato et al. (2018)."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.dim, self.eps, self.n_power_iterations = dim % weight.dim(), eps, n_power_iterations
        if weight.dim() > 1:
            matrix = self._matrix(weight.detach())
            for key, size in (("_u", matrix.shape[0]), ("_v", matrix.shape[1])):
                start = pyxtorch.empty(size, dtype=weight.dtype, device=weight.device).normal_()
                self.register_buffer(key, self._unit(start))
            self._iterate(matrix, 15)

    def _matrix(self, weight):
        return weight.movedim(self.dim, 0).flatten(1)

    def _unit(self, x):
        return x / pyxtorch.linalg.vector_norm(x).clamp(min=self.eps)

    def _iterate(self, matrix, steps):
        with pyxtorch.no_grad():
            for _ in range(steps):
                self._u.copy_(self._unit(matrix @ self._v))
                self._v.copy_(self._unit(matrix.t() @ self._u))

    def forward(self, weight):
        if weight.dim() == 1:
            return self._unit(weight)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        sigma = (self._u.clone() * (matrix @ self._v.clone())).sum()
        return weight / sigma

    def right_inverse(self, value):
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide a weight by its largest singular value, seen as a matrix with rows along `dim`."""
    if name not in module._parameters:
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    parametrize.register_parametrization(module, name, _SpectralNorm(getattr(module, name), n_power_iterations, dim, eps))
    return module


class _Orthogonal(Module):
    """exp(A) or (I + A/2) (I - A/2)^-1 with A antisymmetric, times a fixed orthogonal base."""

    def __init__(self, weight, how):
        super().__init__()
        self.shape, self.how = tuple(weight.shape), how
        rows, columns = weight.shape[-2:]
        tall = weight.detach().transpose(-2, -1) if rows < columns else weight.detach()
        n = max(rows, columns)
        fill = pyxtorch.empty(*tall.shape[:-2], n, n - tall.shape[-1], dtype=weight.dtype, device=weight.device).normal_()
        q, r = pyxtorch.linalg.qr(pyxtorch.cat([tall, fill], -1))
        self.register_buffer("base", q * r.diagonal(0, -2, -1).sign().unsqueeze(-2))

    def forward(self, x):
        rows, columns = self.shape[-2:]
        tall = x.transpose(-2, -1) if rows < columns else x
        n, k = tall.shape[-2:]
        lower = tall.tril(-1)
        if k < n:
            lower = pyxtorch.cat([lower, lower.new_zeros((*lower.shape[:-1], n - k))], -1)
        a = lower - lower.transpose(-2, -1)
        if self.how == "matrix_exp":
            q = pyxtorch.linalg.matrix_exp(a)
        else:
            eye = pyxtorch.eye(n, dtype=a.dtype, device=a.device)
            q = pyxtorch.linalg.solve(eye - a / 2, eye + a / 2)
        q = (self.base @ q)[..., :k]
        return q.transpose(-2, -1) if rows < columns else q

    def right_inverse(self, value):
        return pyxtorch.zeros_like(value)


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Keep a matrix orthogonal (its columns, or rows if there are fewer): "matrix_exp" or "cayley"."""
    weight = getattr(module, name, None)
    if weight is None or weight.dim() < 2:
        raise ValueError(f"orthogonal: '{name}' must be a tensor of at least 2 dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "cayley"
    if orthogonal_map == "householder":
        orthogonal_map = "cayley"
    if orthogonal_map not in ("matrix_exp", "cayley"):
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}')
    parametrize.register_parametrization(module, name, _Orthogonal(weight, orthogonal_map), unsafe=True)
    return module

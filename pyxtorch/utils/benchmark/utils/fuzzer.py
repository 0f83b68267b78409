"""Arguments drawn at random: sizes and tensors for measuring many cases."""
import itertools

import numpy as np

import pyxtorch

__all__ = ["FuzzedParameter", "FuzzedTensor", "Fuzzer", "ParameterAlias"]


class ParameterAlias:
    """Stands for the value of another parameter, by its name, in a distribution."""

    def __init__(self, alias_to):
        self.alias_to = alias_to

    def __repr__(self):
        return f"ParameterAlias[alias_to: {self.alias_to}]"


class FuzzedParameter:
    """A number drawn between two limits, "uniform" or "loguniform", or one of the keys of a dict from values to probabilities.

    Args:
        strict: limits and probabilities must be right, or they are put right.
    Raises:
        ValueError: the distribution and the limits do not go together.
    """

    def __init__(self, name, minval=None, maxval=None, distribution=None, strict=False):
        self._name, self._minval, self._maxval = name, minval, maxval
        self._values = None
        if isinstance(distribution, dict):
            if minval is not None or maxval is not None:
                raise ValueError("FuzzedParameter: limits go with 'uniform' and 'loguniform'; a dict has its values.")
            total = sum(distribution.values())
            if strict and abs(total - 1) > 1e-9 or total <= 0:
                raise ValueError(f"FuzzedParameter: probabilities must sum to 1, not {total}.")
            self._values, self._weights = list(distribution), [p / total for p in distribution.values()]
        elif distribution not in ("uniform", "loguniform"):
            raise ValueError(f"Unknown distribution: {distribution}")
        elif minval is None or maxval is None or minval > maxval or distribution == "loguniform" and minval <= 0:
            raise ValueError(f"FuzzedParameter: no {distribution} numbers lie from {minval} to {maxval}.")
        self._distribution = distribution

    @property
    def name(self):
        """Its name."""
        return self._name

    def sample(self, state):
        """One value, by a numpy.random.RandomState."""
        if self._values is not None:
            return self._values[state.choice(len(self._values), p=self._weights)]
        if self._distribution == "uniform":
            return state.randint(self._minval, self._maxval + 1) if isinstance(self._minval, int) and isinstance(self._maxval, int) else state.uniform(self._minval, self._maxval)
        value = 2 ** state.uniform(np.log2(self._minval), np.log2(self._maxval))
        return round(value) if isinstance(self._minval, int) and isinstance(self._maxval, int) else value


class FuzzedTensor:
    """A tensor whose size, steps and dtype come from parameters.

    Args:
        size: tuple of numbers and names of parameters. steps: the same: every how manieth element of a larger tensor is taken.
        probability_contiguous: else the order of dimensions in memory is random. min_elements, max_elements: other sizes are not taken.
    """

    def __init__(self, name, size, steps=None, probability_contiguous=0.5, min_elements=None, max_elements=None, max_allocation_bytes=None, dim_parameter=None,
                 roll_parameter=None, dtype=pyxtorch.float32, cuda=False, tensor_constructor=None):  # fmt: skip
        self._name, self._size, self._steps, self._contiguous = name, size, steps, probability_contiguous
        self._min, self._max, self._bytes, self._dim, self._dtype = min_elements, max_elements, max_allocation_bytes, dim_parameter, dtype
        self._device, self._make = "cuda" if cuda else "cpu", tensor_constructor

    @property
    def name(self):
        """Its name."""
        return self._name

    def sizes(self, parameters):
        """(size, steps, size of the memory), with parameters in their places."""
        size = tuple(parameters[n] if isinstance(n, str) else n for n in self._size)
        steps = tuple(parameters[n] if isinstance(n, str) else n for n in self._steps) if self._steps else (1,) * len(size)
        if self._dim is not None:
            size, steps = size[: parameters[self._dim]], steps[: parameters[self._dim]]
        return size, steps, tuple(n * s for n, s in zip(size, steps))

    def fits(self, parameters):
        """Whether it is neither too small nor too large."""
        size, _, whole = self.sizes(parameters)
        count = int(np.prod(size))
        return (self._min is None or count >= self._min) and (self._max is None or count <= self._max) and (
            self._bytes is None or int(np.prod(whole)) * pyxtorch.empty(0, dtype=self._dtype).element_size() <= self._bytes)  # fmt: skip

    def make(self, parameters, state):
        """(the tensor, what it is)"""
        size, steps, whole = self.sizes(parameters)
        if self._make is not None:
            x = self._make(size=whole, dtype=self._dtype, **parameters)
        elif self._dtype.is_floating_point:
            x = pyxtorch.rand(whole, dtype=self._dtype, device=self._device)
        else:
            x = pyxtorch.randint(0, 2 if self._dtype == pyxtorch.bool else 127, whole, dtype=self._dtype, device=self._device)
        order = list(range(len(size)))
        if len(size) > 1 and state.rand() > self._contiguous:
            order = state.permutation(len(size)).tolist()
            x = x.permute(order).contiguous().permute(np.argsort(order).tolist())
        x = x[tuple(slice(None, None, s) for s in steps)]
        return x, {"numel": x.numel(), "order": tuple(order), "steps": steps, "is_contiguous": x.is_contiguous(), "dtype": str(self._dtype)}


class Fuzzer:
    """Draws parameters, and tensors by them, such that `constraints` are true.

    >>> fuzzer = Fuzzer([FuzzedParameter("n", 1, 64, "loguniform")], [FuzzedTensor("x", ("n", "n"))], seed=0)
    >>> for tensors, tensor_parameters, parameters in fuzzer.take(10):
    ...     tensors["x"]
    """

    def __init__(self, parameters, tensors, constraints=None, seed=None):
        flat = lambda things: list(itertools.chain.from_iterable(t if isinstance(t, (list, tuple)) else (t,) for t in things))  # noqa: E731
        self._parameters, self._tensors, self._constraints = flat(parameters), flat(tensors), constraints or ()
        names = [p.name for p in (*self._parameters, *self._tensors)]
        if len(set(names)) != len(names):
            raise ValueError(f"Duplicate names: {sorted(n for n in set(names) if names.count(n) > 1)}")
        self._seed = np.random.RandomState().randint(0, 2**32 - 1, dtype=np.int64) if seed is None else seed
        self._tried = self._refused = 0

    @property
    def rejection_rate(self):
        """Which share of what was drawn did not fit."""
        return self._refused / self._tried if self._tried else 0.0

    def _draw(self, state):
        for _ in range(1000):
            self._tried += 1
            found = {p.name: p.sample(state) for p in self._parameters}
            for name, value in found.items():
                if isinstance(value, ParameterAlias):
                    found[name] = found[value.alias_to]
            if all(c(**found) for c in self._constraints) and all(t.fits(found) for t in self._tensors):
                return found
            self._refused += 1
        raise RuntimeError("Fuzzer: no parameters that fit were found in 1000 tries.")

    def take(self, n):
        """`n` times (tensors by name, what they are, parameters by name)."""
        state = np.random.RandomState(self._seed)
        for _ in range(n):
            parameters = self._draw(state)
            made = {t.name: t.make(parameters, state) for t in self._tensors}
            yield {name: x for name, (x, _) in made.items()}, {name: what for name, (_, what) in made.items()}, parameters

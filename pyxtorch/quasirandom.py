"""torch.quasirandom: points that fill the unit cube more evenly than random ones."""
import pyxtorch

__all__ = ["SobolEngine"]


class SobolEngine:
    """Points of a Sobol sequence in the unit cube, by SciPy's generator; the directions are Joe and Kuo's (2008), as PyTorch's are.

    Without scrambling the points are PyTorch's, from the origin on; a scrambled sequence is shuffled otherwise than there.

    Args:
        dimension: 1 to 21201. scramble: shuffle the digits, so that every point is uniformly distributed. seed: of the shuffling.
    Raises:
        ValueError: another dimension.
    """

    MAXBIT, MAXDIM = 30, 21201

    def __init__(self, dimension, scramble=False, seed=None):
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        if scramble and seed is None:  # drawn from the package's own numbers, so that manual_seed decides
            self._start = int(pyxtorch.randint(2**31, ()))
        else:
            self._start = seed
        self.reset()

    def reset(self):
        """Begin again with the first point; returns self."""
        from scipy.stats import qmc

        self._sequence = qmc.Sobol(self.dimension, scramble=self.scramble, bits=self.MAXBIT, seed=self._start)
        self.num_generated = 0
        return self

    def draw(self, n=1, out=None, dtype=None):
        """The next `n` points, (n, dimension), of the dtype given or the default one."""
        import warnings

        with warnings.catch_warnings():  # that n is better a power of 2; PyTorch says nothing
            warnings.simplefilter("ignore", UserWarning)
            points = self._sequence.random(n)
        self.num_generated += n
        result = pyxtorch.from_numpy(points).to(dtype or pyxtorch.get_default_dtype())
        if out is None:
            return result
        out.resize_(result.shape).copy_(result)
        return out

    def draw_base2(self, m, out=None, dtype=None):
        """The next 2**m points.

        Raises:
            ValueError: the number of all points so far would not be a power of 2.
        """
        n, total = 2**m, self.num_generated + 2**m
        if total & (total - 1):
            raise ValueError(f"The balance properties of Sobol' points require n to be a power of 2. {self.num_generated} points have been previously generated, then: "
                             f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use 'SobolEngine.draw()' instead.")  # fmt: skip
        return self.draw(n, out, dtype)

    def fast_forward(self, n):
        """Leave out the next `n` points; returns self."""
        self._sequence.fast_forward(n)
        self.num_generated += n
        return self

    def __repr__(self):
        named = [f"dimension={self.dimension}", *(["scramble=True"] if self.scramble else []), *([f"seed={self.seed}"] if self.seed is not None else [])]
        return f"{type(self).__name__}({', '.join(named)})"

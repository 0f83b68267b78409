"""AutoAugment, RandAugment, TrivialAugmentWide and AugMix: random operations, and how strong they are, by a policy."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.transforms import _operations as operations
from pyxtorch.vision.transforms import functional as F
from pyxtorch.vision.transforms._interpolation import InterpolationMode
from pyxtorch.vision.transforms._operations import AutoAugmentPolicy

__all__ = ["AugMix", "AutoAugment", "AutoAugmentPolicy", "RandAugment", "TrivialAugmentWide"]


def fill_for(img, fill):
    """`fill` as a list of floats, where the image is a tensor."""
    if not isinstance(img, torch.Tensor) or fill is None:
        return fill
    return [float(fill)] * F.get_dimensions(img)[0] if isinstance(fill, int | float) else [float(f) for f in fill]


def draw_operation(space, strength):
    """(name, magnitude): a random operation, at a strength that `strength(magnitudes)` chooses, and a random sign where it goes both ways."""
    name = list(space)[int(torch.randint(len(space), (1,)).item())]
    magnitudes, signed = space[name]
    magnitude = float(magnitudes[strength(magnitudes)].item()) if magnitudes.ndim > 0 else 0.0
    if signed and torch.randint(2, (1,)):
        magnitude *= -1.0
    return name, magnitude


class AutoAugment(nn.Module):
    """One of the pairs of a learned policy (Cubuk et al., "AutoAugment", 2019)."""

    def __init__(self, policy=AutoAugmentPolicy.IMAGENET, interpolation=InterpolationMode.NEAREST, fill=None):
        super().__init__()
        self.policy, self.interpolation, self.fill = policy, interpolation, fill
        self.policies = operations.policies(policy)

    @staticmethod
    def get_params(transform_num):
        """(which pair, two numbers that are compared with the probabilities, two signs)."""
        return int(torch.randint(transform_num, (1,)).item()), torch.rand((2,)), torch.randint(2, (2,))

    def forward(self, img):
        fill = fill_for(img, self.fill)
        which, chances, signs = self.get_params(len(self.policies))
        space = operations.auto_augment_space(10, F.get_dimensions(img)[1:])
        for i, (name, probability, strength) in enumerate(self.policies[which]):
            if chances[i] <= probability:
                magnitudes, signed = space[name]
                magnitude = float(magnitudes[strength].item()) if strength is not None else 0.0
                if signed and signs[i] == 0:
                    magnitude *= -1.0
                img = operations.apply(F, img, name, magnitude, self.interpolation, fill)
        return img

    def __repr__(self):
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(nn.Module):
    """`num_ops` random operations at one strength, `magnitude` of `num_magnitude_bins` (Cubuk et al., "RandAugment", 2020)."""

    def __init__(self, num_ops=2, magnitude=9, num_magnitude_bins=31, interpolation=InterpolationMode.NEAREST, fill=None):
        super().__init__()
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins
        self.interpolation, self.fill = interpolation, fill

    def forward(self, img):
        fill = fill_for(img, self.fill)
        space = operations.rand_augment_space(self.num_magnitude_bins, F.get_dimensions(img)[1:])
        for _ in range(self.num_ops):
            name, magnitude = draw_operation(space, lambda magnitudes: self.magnitude)
            img = operations.apply(F, img, name, magnitude, self.interpolation, fill)
        return img

    def __repr__(self):
        names = ("num_ops", "magnitude", "num_magnitude_bins", "interpolation", "fill")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})"


class TrivialAugmentWide(nn.Module):
    """One random operation at a random strength (Mueller and Hutter, "TrivialAugment", 2021)."""

    def __init__(self, num_magnitude_bins=31, interpolation=InterpolationMode.NEAREST, fill=None):
        super().__init__()
        self.num_magnitude_bins, self.interpolation, self.fill = num_magnitude_bins, interpolation, fill

    def forward(self, img):
        fill = fill_for(img, self.fill)
        space = operations.trivial_augment_space(self.num_magnitude_bins)
        name, magnitude = draw_operation(space, lambda magnitudes: int(torch.randint(len(magnitudes), (1,), dtype=torch.int64).item()))
        return operations.apply(F, img, name, magnitude, self.interpolation, fill)

    def __repr__(self):
        names = ("num_magnitude_bins", "interpolation", "fill")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})"


class AugMix(nn.Module):
    """A random mixture of the image and of chains of operations on it (Hendrycks et al., "AugMix", 2020).

    Args:
        severity: 1 to 10, how strong the operations may be.
        mixture_width: how many chains. chain_depth: how many operations each has; -1 draws 1 to 3.
        alpha: of the Dirichlet distribution of the weights. all_ops: with those of colours that its authors left out.
    """

    _LEVELS = 10

    def __init__(self, severity=3, mixture_width=3, chain_depth=-1, alpha=1.0, all_ops=True, interpolation=InterpolationMode.BILINEAR, fill=None):
        super().__init__()
        if not 1 <= severity <= self._LEVELS:
            raise ValueError(f"The severity must be between [1, {self._LEVELS}]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth, self.alpha = severity, mixture_width, chain_depth, alpha
        self.all_ops, self.interpolation, self.fill = all_ops, interpolation, fill

    def _sample_dirichlet(self, params):
        return torch._sample_dirichlet(params)

    def forward(self, orig_img):
        fill = fill_for(orig_img, self.fill)
        img = orig_img if isinstance(orig_img, torch.Tensor) else F.pil_to_tensor(orig_img)
        space = operations.augmix_space(self._LEVELS, F.get_dimensions(img)[1:], self.all_ops)
        batch = img.reshape([1] * max(4 - img.ndim, 0) + list(img.shape))
        count = batch.shape[0]
        each = [count] + [1] * (batch.ndim - 1)
        m = self._sample_dirichlet(torch.tensor([self.alpha] * 2, device=batch.device).expand(count, -1))
        weights = self._sample_dirichlet(torch.tensor([self.alpha] * self.mixture_width, device=batch.device).expand(count, -1)) * m[:, 1].reshape(count, -1)
        mix = m[:, 0].reshape(each) * batch
        for i in range(self.mixture_width):
            mix.add_(weights[:, i].reshape(each) * self._chain(batch, space, fill))
        mix = mix.view(img.shape).to(dtype=img.dtype)
        return mix if isinstance(orig_img, torch.Tensor) else F.to_pil_image(mix)

    def _chain(self, batch, space, fill):
        depth = self.chain_depth if self.chain_depth > 0 else int(torch.randint(low=1, high=4, size=(1,)).item())
        for _ in range(depth):
            name, magnitude = draw_operation(space, lambda magnitudes: int(torch.randint(self.severity, (1,), dtype=torch.int64).item()))
            batch = operations.apply(F, batch, name, magnitude, self.interpolation, fill)
        return batch

    def __repr__(self):
        names = ("severity", "mixture_width", "chain_depth", "alpha", "all_ops", "interpolation", "fill")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})"

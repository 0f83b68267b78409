"""AutoAugment, RandAugment, TrivialAugmentWide and AugMix of one image or video in a sample. Version 2."""
import pyxtorch as torch
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten
from pyxtorch.vision import tv_tensors
from pyxtorch.vision._pillow import is_pil
from pyxtorch.vision.transforms import _operations as operations
from pyxtorch.vision.transforms._functional_tensor import max_value
from pyxtorch.vision.transforms._operations import AutoAugmentPolicy
from pyxtorch.vision.transforms.v2 import functional as F
from pyxtorch.vision.transforms.v2._transform import Transform
from pyxtorch.vision.transforms.v2._utils import IMAGES, check_type, fill_for, fills


class _Auto(Transform):
    """A subclass says `_augment(image, size)`."""

    def __init__(self, interpolation="nearest", fill=None):
        super().__init__()
        self.interpolation, self.fill, self._fill = interpolation, fill, fills(fill)

    def forward(self, *inputs):
        flat, spec = tree_flatten(inputs if len(inputs) > 1 else inputs[0])
        found = []
        for i, (inpt, yes) in enumerate(zip(flat, self._needs_transform_list(flat))):
            if yes and check_type(inpt, IMAGES):
                found.append(i)
            elif isinstance(inpt, tv_tensors.BoundingBoxes | tv_tensors.Mask | tv_tensors.KeyPoints):
                raise TypeError(f"Inputs of type {type(inpt).__name__} are not supported by {type(self).__name__}()")
        if not found:
            raise TypeError("Found no image in the sample.")
        if len(found) > 1:
            raise TypeError(f"Auto augment transformations are only properly defined for a single image or video, but found {len(found)}.")
        flat[found[0]] = self._augment(flat[found[0]], F.get_size(flat[found[0]]))
        return tree_unflatten(flat, spec)

    def _draw(self, space, strength):
        """(name, magnitude): a random operation, at a strength that `strength()` chooses, and a random sign where it goes both ways."""
        name = list(space)[int(torch.randint(len(space), ()))]
        return name, self._magnitude(space[name], strength)

    @staticmethod
    def _magnitude(entry, strength):
        magnitudes, signed = entry
        if magnitudes.ndim == 0:
            return 0.0
        magnitude = float(magnitudes[strength()])
        return -magnitude if signed and torch.rand(()) <= 0.5 else magnitude

    def _do(self, image, name, magnitude):
        white = max_value(image.dtype) if isinstance(image, torch.Tensor) else 255.0
        return operations.apply(F, image, name, magnitude, self.interpolation, fill_for(self._fill, image), threshold=lambda m: white * m)


class AutoAugment(_Auto):
    """One of the pairs of a learned policy; see `transforms.AutoAugment`."""

    def __init__(self, policy=AutoAugmentPolicy.IMAGENET, interpolation="nearest", fill=None):
        super().__init__(interpolation, fill)
        self.policy, self._policies = policy, operations.policies(policy)

    def _augment(self, image, size):
        space = operations.auto_augment_space(10, size, white=1.0)
        for name, probability, strength in self._policies[int(torch.randint(len(self._policies), ()))]:
            if torch.rand(()) <= probability:
                image = self._do(image, name, self._magnitude(space[name], lambda strength=strength: strength))
        return image


class RandAugment(_Auto):
    """Random operations at one strength; see `transforms.RandAugment`."""

    def __init__(self, num_ops=2, magnitude=9, num_magnitude_bins=31, interpolation="nearest", fill=None):
        super().__init__(interpolation, fill)
        if not isinstance(num_ops, int) or num_ops < 0:
            raise ValueError(f"num_ops should be a non-negative integer, but got {num_ops} instead.")
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins

    def _augment(self, image, size):
        space = operations.rand_augment_space(self.num_magnitude_bins, size, white=1.0)
        for _ in range(self.num_ops):
            image = self._do(image, *self._draw(space, lambda: self.magnitude))
        return image


class TrivialAugmentWide(_Auto):
    """One random operation at a random strength; see `transforms.TrivialAugmentWide`."""

    def __init__(self, num_magnitude_bins=31, interpolation="nearest", fill=None):
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def _augment(self, image, size):
        space = operations.trivial_augment_space(self.num_magnitude_bins, white=1.0)
        return self._do(image, *self._draw(space, lambda: int(torch.randint(self.num_magnitude_bins, ()))))


class AugMix(_Auto):
    """A random mixture of the image and of chains of operations on it; see `transforms.AugMix`."""

    _LEVELS = 10

    def __init__(self, severity=3, mixture_width=3, chain_depth=-1, alpha=1.0, all_ops=True, interpolation="bilinear", fill=None):
        super().__init__(interpolation, fill)
        if not 1 <= severity <= self._LEVELS:
            raise ValueError(f"The severity must be between [1, {self._LEVELS}]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth, self.alpha, self.all_ops = severity, mixture_width, chain_depth, alpha, all_ops

    def _augment(self, image, size):
        space = operations.augmix_space(self._LEVELS, size, self.all_ops, white=1.0)
        x = F.pil_to_tensor(image) if is_pil(image) else image.as_subclass(torch.Tensor)
        batch = x.reshape([1] * max((5 if isinstance(image, tv_tensors.Video) else 4) - x.ndim, 0) + list(x.shape))
        count = batch.shape[0]
        each = [count] + [1] * (batch.ndim - 1)
        m = torch._sample_dirichlet(torch.tensor([self.alpha] * 2, device=batch.device).expand(count, -1))
        weights = torch._sample_dirichlet(torch.tensor([self.alpha] * self.mixture_width, device=batch.device).expand(count, -1)) * m[:, 1].reshape(count, -1)
        mix = m[:, 0].reshape(each) * batch
        for i in range(self.mixture_width):
            changed = batch
            depth = self.chain_depth if self.chain_depth > 0 else int(torch.randint(low=1, high=4, size=(1,)).item())
            for _ in range(depth):
                changed = self._do(changed, *self._draw(space, lambda: int(torch.randint(self.severity, ()))))
            mix.add_(weights[:, i].reshape(each) * changed)
        mix = mix.reshape(x.shape).to(x.dtype)
        return F.to_pil_image(mix) if is_pil(image) else tv_tensors.wrap(mix, like=image) if isinstance(image, tv_tensors.TVTensor) else mix

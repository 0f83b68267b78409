"""All parameters as one vector, and back."""
import pyxtorch


def parameters_to_vector(parameters):
    """All parameters, flattened and joined."""
    return pyxtorch.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Make the parameters look at the pieces of `vec`, in order."""
    if not isinstance(vec, pyxtorch.Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for p in parameters:
        n = p.numel()
        p.data = vec[start : start + n].view(tuple(p.shape)).data
        start += n

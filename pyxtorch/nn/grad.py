"""torch.nn.grad: the gradients of convolutions by their input and by their weight, as functions."""
import pyxtorch
from pyxtorch import autograd
from pyxtorch.nn import functional as F

__all__ = [f"conv{n}d_{what}" for n in (1, 2, 3) for what in ("input", "weight")]


def _by_input(n):
    def gradient(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
        x = pyxtorch.zeros(input_size, dtype=grad_output.dtype, device=grad_output.device, requires_grad=True)
        with pyxtorch.enable_grad():
            y = getattr(F, f"conv{n}d")(x, weight, None, stride, padding, dilation, groups)
        return autograd.grad(y, x, grad_output, create_graph=pyxtorch.is_grad_enabled() and (weight.requires_grad or grad_output.requires_grad))[0]

    gradient.__doc__ = f"The gradient of conv{n}d by its input of size `input_size`, from that of its result."
    return gradient


def _by_weight(n):
    def gradient(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
        w = pyxtorch.zeros(weight_size, dtype=grad_output.dtype, device=grad_output.device, requires_grad=True)
        with pyxtorch.enable_grad():
            y = getattr(F, f"conv{n}d")(input, w, None, stride, padding, dilation, groups)
        return autograd.grad(y, w, grad_output, create_graph=pyxtorch.is_grad_enabled() and (input.requires_grad or grad_output.requires_grad))[0]

    gradient.__doc__ = f"The gradient of conv{n}d by its weight of size `weight_size`, from that of its result."
    return gradient


conv1d_input, conv2d_input, conv3d_input = (_by_input(n) for n in (1, 2, 3))
conv1d_weight, conv2d_weight, conv3d_weight = (_by_weight(n) for n in (1, 2, 3))

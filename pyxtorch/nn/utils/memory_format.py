"""The order in memory of convolutions' weights alone."""
from pyxtorch import nn

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _converted(module, memory_format, kinds):
    for part in module.modules():
        if isinstance(part, kinds):
            part.weight.data = part.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module, memory_format):
    """Let the weights of all Conv2d and ConvTranspose2d in a module lie in `memory_format`; gives back the module."""
    return _converted(module, memory_format, (nn.Conv2d, nn.ConvTranspose2d))


def convert_conv3d_weight_memory_format(module, memory_format):
    """The same of Conv3d and ConvTranspose3d."""
    return _converted(module, memory_format, (nn.Conv3d, nn.ConvTranspose3d))

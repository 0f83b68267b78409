"""Copies of a module on several devices, whose gradients come back to the module."""
from pyxtorch.nn.parallel.scatter_gather import place

__all__ = ["replicate"]


def replicate(network, devices, detach=False):
    """A copy of `network` for each device, of which the parameters are those of `network`, copied there by a recorded operation.

    Args:
        devices: numbers of GPUs, or devices. detach: no gradients are to come back.
    """
    modules = list(network.modules())
    copies = []
    for device in map(place, devices):
        made = {}
        for module in modules:
            copy = object.__new__(type(module))
            copy.__dict__.update(module.__dict__)
            copy.__dict__.update({kind: dict(getattr(module, kind)) for kind in ("_parameters", "_buffers", "_modules")})
            made[module] = copy
        moved = {}  # a tensor that two modules share is moved once
        for module, copy in made.items():
            for kind in ("_parameters", "_buffers"):
                for name, x in getattr(module, kind).items():
                    if x is not None:
                        if id(x) not in moved:
                            moved[id(x)] = (x.detach() if detach or kind == "_buffers" else x).to(device)
                        x = moved[id(x)]
                    getattr(copy, kind)[name] = x
                    copy.__dict__[name] = x
            for name, child in module._modules.items():
                copy._modules[name] = copy.__dict__[name] = None if child is None else made[child]
        copies.append(made[network])
    return copies

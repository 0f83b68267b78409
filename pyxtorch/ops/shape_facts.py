"""What a tensor is not, and how it lies: names of Tensor that programs ask before they do something else."""

def _never(what):
    def answer(self):
        return False

    answer.__doc__ = f"Whether the tensor {what}: False, there are no such tensors."
    return answer


_DEVICES = {"ipu": "an IPU", "mps": "one of Apple's GPUs", "mtia": "an MTIA accelerator", "xla": "a device of XLA", "xpu": "one of Intel's GPUs", "hpu": "a Gaudi accelerator",
            "maia": "a MAIA accelerator", "vulkan": "a Vulkan device"}  # fmt: skip
properties = {f"is_{name}": _never(f"is on {text}") for name, text in _DEVICES.items()}
properties["is_mkldnn"] = _never("has oneDNN's layout")


def dim_order(self, ambiguity_check=False):
    """The dimensions from the outermost in memory to the innermost, as a tuple.

    Raises:
        RuntimeError: with `ambiguity_check`, where sizes of 1 leave more than one order.
    """
    order = []
    for d in reversed(range(self.dim())):  # from the innermost; a stride of 0 says nothing, and the dimension stays where it is
        at = len(order)
        for place in reversed(range(len(order))):
            a, b = self.stride(order[place]), self.stride(d)
            if a and b and (a > b or (a == b and self.shape[order[place]] > self.shape[d])):
                at = place
            elif a and b and a < b:
                break
        order.insert(at, d)
    order.reverse()
    if ambiguity_check and any(self.stride(a) == self.stride(b) or 1 in (self.shape[a], self.shape[b]) for a, b in zip(order, order[1:])):
        raise RuntimeError("The tensor does not have unique dim order, or cannot map to exact one of the given memory formats.")
    return tuple(order)


def const_data_ptr(self):
    """`data_ptr()`, by which nothing is to be written."""
    return self.data_ptr()


def index(self, m):
    """`self[m]`: the name of early PyTorch for it."""
    from pyxtorch import Tensor

    for x in (self, m):  # whoever overrides operations is asked by the gate, for this one
        if hasattr(type(x), "__torch_function__") and not isinstance(x, Tensor):
            raise TypeError(f"index: expected a tensor, and numbers, slices or tensors, not {type(x).__name__}.")
    return self[m]


def module_load(self, other, assign=False):
    """What `load_state_dict` puts in the place of this tensor where `__future__.set_swap_module_params_on_conversion` is set.

    Args:
        other: the tensor of the state_dict. assign: take it itself, instead of copying its values into this one.
    """
    return other.detach() if assign else self.copy_(other).detach()


methods = {f.__name__: f for f in (const_data_ptr, dim_order, index, module_load)}

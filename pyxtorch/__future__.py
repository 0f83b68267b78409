"""torch.__future__: how `Module.to` and its like, and `load_state_dict`, change parameters."""
_state = {"overwrite": False, "swap": False}


def set_overwrite_module_params_on_conversion(value):
    """Whether a conversion puts new Parameters into the module, instead of giving those that there are other data."""
    _state["overwrite"] = bool(value)


def get_overwrite_module_params_on_conversion():
    """What `set_overwrite_module_params_on_conversion` set; False at first."""
    return _state["overwrite"]


def set_swap_module_params_on_conversion(value):
    """Whether a conversion exchanges what a Parameter holds with `utils.swap_tensors`, which takes subclasses of Tensor as well."""
    _state["swap"] = bool(value)


def get_swap_module_params_on_conversion():
    """What `set_swap_module_params_on_conversion` set; False at first."""
    return _state["swap"]

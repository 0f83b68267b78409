"""torch.utils.model_zoo: the former place of `hub.load_state_dict_from_url`."""
from pyxtorch.hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]

"""The names of torch.distributed, from the modules that have them."""
from pyxtorch.distributed._collectives import *  # noqa: F403
from pyxtorch.distributed._collectives import __all__ as _collectives
from pyxtorch.distributed._collectives import _all_gather_base, _reduce_scatter_base  # noqa: F401
from pyxtorch.distributed._group import *  # noqa: F403
from pyxtorch.distributed._group import __all__ as _group
from pyxtorch.distributed._group import _get_default_group, _make_nccl_premul_sum, _World  # noqa: F401
from pyxtorch.distributed._messages import *  # noqa: F403
from pyxtorch.distributed._messages import __all__ as _messages
from pyxtorch.distributed._objects import *  # noqa: F403
from pyxtorch.distributed._objects import __all__ as _objects
from pyxtorch.distributed._stores import *  # noqa: F403
from pyxtorch.distributed._stores import __all__ as _stores
from pyxtorch.distributed._work import *  # noqa: F403
from pyxtorch.distributed._work import __all__ as _work
from pyxtorch.distributed.rendezvous import register_rendezvous_handler, rendezvous

__all__ = ["register_rendezvous_handler", "rendezvous", *_collectives, *_group, *_messages, *_objects, *_stores, *_work]

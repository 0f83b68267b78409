"""torch._dynamo: what programs take from it. There is no compiler behind it: see pyxtorch.compiler."""
from pyxtorch._dynamo import config
from pyxtorch._dynamo.eval_frame import OptimizedModule
from pyxtorch.compiler import compile as _compile
from pyxtorch.compiler import allow_in_graph, assume_constant_result, disable, is_compiling, list_backends, reset, substitute_in_graph

__all__ = [
    "OptimizedModule", "allow_in_graph", "assume_constant_result", "config", "disable", "graph_break", "is_compiling", "list_backends", "mark_dynamic", "mark_static", "mark_static_address",
    "maybe_mark_dynamic", "optimize", "reset", "substitute_in_graph",
]  # fmt: skip


def graph_break(msg=""):
    """A place where a graph would end."""


def mark_dynamic(t, index, **bounds):
    """A size of `t` that will change from call to call: any may."""


maybe_mark_dynamic = mark_dynamic


def mark_static(t, index=None):
    """A size of `t` that will not change."""


def optimize(backend="inductor", *, nopython=False, dynamic=None, disable=False):
    """`compile` with these arguments, as a decorator."""
    return lambda model: _compile(model, backend=backend, fullgraph=nopython, dynamic=dynamic, disable=disable)


def mark_static_address(t, guard=False):
    """A tensor whose memory will be the same in all calls."""

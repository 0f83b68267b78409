"""Programs as data: a module's forward, run once with proxies, becomes a graph that can be printed, edited and run.

`symbolic_trace(module)` gives a `GraphModule`: a module whose forward is code written from its `graph`. What the values of
tensors decide (a branch on one, a loop as long as one) cannot be recorded, and says so.
"""
from pyxtorch.fx.graph import Graph
from pyxtorch.fx.graph_module import GraphModule
from pyxtorch.fx.interpreter import Interpreter, Transformer
from pyxtorch.fx.node import Node, has_side_effect, map_aggregate, map_arg
from pyxtorch.fx.proxy import Proxy
from pyxtorch.fx.subgraph_rewriter import Match, replace_pattern
from pyxtorch.fx.tracer import PH, ProxyableClassMeta, Tracer, symbolic_trace, wrap

__all__ = [
    "Graph", "GraphModule", "Interpreter", "Match", "Node", "PH", "Proxy", "ProxyableClassMeta", "Tracer", "Transformer", "has_side_effect",
    "map_aggregate", "map_arg", "replace_pattern", "symbolic_trace", "wrap",
]

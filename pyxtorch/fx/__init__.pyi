# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch.fx.graph import Graph as Graph
from pyxtorch.fx.graph_module import GraphModule as GraphModule
from pyxtorch.fx.interpreter import Interpreter as Interpreter
from pyxtorch.fx.subgraph_rewriter import Match as Match
from pyxtorch.fx.node import Node as Node
PH: _t.Any
from pyxtorch.fx.proxy import Proxy as Proxy
from pyxtorch.fx.tracer import ProxyableClassMeta as ProxyableClassMeta
from pyxtorch.fx.tracer import Tracer as Tracer
from pyxtorch.fx.interpreter import Transformer as Transformer
from pyxtorch.fx import code as code
from pyxtorch.fx import experimental as experimental
from pyxtorch.fx import graph as graph
from pyxtorch.fx import graph_module as graph_module
from pyxtorch.fx.node import has_side_effect as has_side_effect
from pyxtorch.fx import interpreter as interpreter
from pyxtorch.fx.node import map_aggregate as map_aggregate
from pyxtorch.fx.node import map_arg as map_arg
from pyxtorch.fx import node as node
from pyxtorch.fx import passes as passes
from pyxtorch.fx import proxy as proxy
from pyxtorch.fx.subgraph_rewriter import replace_pattern as replace_pattern
from pyxtorch.fx import subgraph_rewriter as subgraph_rewriter
from pyxtorch.fx.tracer import symbolic_trace as symbolic_trace
from pyxtorch.fx import tracer as tracer
from pyxtorch.fx.tracer import wrap as wrap

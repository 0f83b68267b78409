"""What programs do with torch.fx: tracers of their own, operations replaced, patterns rewritten, graphs inverted, interpreted, profiled and built by hand."""
import statistics
import time

import numpy as np
import torch
import torch.fx
import torch.nn as nn
from same import say
from torch.fx import Graph, GraphModule, Interpreter, Node, Proxy, Tracer, subgraph_rewriter, symbolic_trace

x = torch.from_numpy(np.linspace(-2, 2, 12).reshape(3, 4)).float()


class M(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.linear.weight.data.copy_(torch.eye(4) * 0.5)
        self.linear.bias.data.fill_(0.1)

    def forward(self, a, b):
        return torch.relu(self.linear(torch.add(a, b))) + torch.add(a, b).neg()


# an operation replaced by another
def replace(module):
    patterns = {torch.add, "add"}
    traced = symbolic_trace(module)
    for n in traced.graph.nodes:
        if any(n.target == pattern for pattern in patterns):
            with traced.graph.inserting_after(n):
                new_node = traced.graph.call_function(torch.bitwise_and if False else torch.mul, n.args, n.kwargs)
                n.replace_all_uses_with(new_node)
            traced.graph.erase_node(n)
    traced.recompile()
    return traced


module = M()
assert torch.equal(replace(module)(x, x), torch.relu(module.linear(x * x)) + (x * x).neg())

# a pattern rewritten wherever it is


class W(torch.nn.Module):
    def forward(self, x, w1, w2):
        val1, val2 = torch.neg(w1), torch.neg(w2)
        m1, m2 = torch.cat([val1, val2]).sum(), torch.cat([val1, val2]).sum()
        return x + torch.max(m1) + torch.max(m2)


traced = symbolic_trace(W())
matches = subgraph_rewriter.replace_pattern(traced, lambda a1, a2: torch.cat([a1, a2]).sum(), lambda w1, w2: torch.stack([w1, w2]))
assert len(matches) == 2 and sum(n.target is torch.stack for n in traced.graph.nodes) == 2
w1, w2 = torch.ones(3), torch.full((3,), 2.0)
assert torch.equal(traced(x[:, :3], w1, w2), x[:, :3] - 1 - 1)

# a graph run backwards


def invert(model):
    fx_model = symbolic_trace(model)
    new_graph, env = Graph(), {}
    inverse = {torch.add: torch.sub, torch.tanh: torch.atanh, "exp": torch.log, torch.mul: torch.div}
    for node in reversed(fx_model.graph.nodes):
        if node.op == "output":
            env[node.args[0].name] = new_graph.placeholder(node.args[0].name + "_")
        elif node.op in ("call_function", "call_method"):
            previous, *rest = node.args
            env[previous.name] = new_graph.call_function(inverse[node.target], (env[node.name], *rest))
        elif node.op == "placeholder":
            new_graph.output(env[node.name])
    new_graph.lint()
    return GraphModule(fx_model, new_graph)


def chain(a):
    return torch.add(torch.mul(torch.tanh(a).exp(), 3.0), 1.0)


assert torch.allclose(invert(chain)(chain(x / 4)), x / 4, atol=1e-4)

# tracers of one's own: what is a leaf, and names kept


class ModulePathTracer(Tracer):
    current_module_qualified_name, node_to_originating_module = "", None

    def call_module(self, m, forward, args, kwargs):
        old = self.current_module_qualified_name
        try:
            self.current_module_qualified_name = self.path_of_module(m)
            return super().call_module(m, forward, args, kwargs)
        finally:
            self.current_module_qualified_name = old

    def create_proxy(self, kind, target, args, kwargs, name=None, type_expr=None, proxy_factory_fn=None):
        proxy = super().create_proxy(kind, target, args, kwargs, name, type_expr)
        self.node_to_originating_module = self.node_to_originating_module or {}
        self.node_to_originating_module[proxy.node] = self.current_module_qualified_name
        return proxy


class MyCustomTracer(Tracer):
    def is_leaf_module(self, m, qualname):
        return isinstance(m, nn.Sequential) or super().is_leaf_module(m, qualname)


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh()))

    def forward(self, x):
        return torch.relu(self.body(x))


tracer = ModulePathTracer()
graph = tracer.trace(Nested())
assert [tracer.node_to_originating_module.get(n) for n in graph.nodes if n.op == "call_module"] == ["body.0", "body.1.0"]
assert [n.target for n in MyCustomTracer().trace(Nested()).nodes if n.op == "call_module"] == ["body"]
assert [n.target for n in Tracer(autowrap_functions=(chain,)).trace(lambda a: chain(a) + 1).nodes if n.op == "call_function"][0] is chain

# a graph made of proxies, by a decomposition


def relu_decomposition(x):
    return (x > 0) * x


def decompose(model):
    graph, new_graph, env = symbolic_trace(model).graph, Graph(), {}
    tracer = torch.fx.proxy.GraphAppendingTracer(new_graph)
    for node in graph.nodes:
        if node.op == "call_function" and node.target in (torch.relu, nn.functional.relu):
            proxies = [Proxy(env[a.name], tracer) if isinstance(a, Node) else a for a in node.args]
            env[node.name] = relu_decomposition(*proxies).node
        else:
            env[node.name] = new_graph.node_copy(node, lambda n: env[n.name])
    return GraphModule(model, new_graph)


decomposed = decompose(module)
assert not any(n.target is torch.relu for n in decomposed.graph.nodes) and torch.equal(decomposed(x, x), module(x, x))

# an interpreter that measures


class ProfilingInterpreter(Interpreter):
    def __init__(self, mod):
        super().__init__(symbolic_trace(mod))
        self.total_runtime_sec, self.runtimes_sec = [], {}

    def run(self, *args):
        t_start = time.time()
        return_val = super().run(*args)
        self.total_runtime_sec.append(time.time() - t_start)
        return return_val

    def run_node(self, n):
        t_start = time.time()
        return_val = super().run_node(n)
        self.runtimes_sec.setdefault(n, []).append(time.time() - t_start)
        return return_val

    def summary(self):
        return [[str(n), n.op, statistics.mean(t)] for n, t in self.runtimes_sec.items()]


interp = ProfilingInterpreter(module)
assert torch.equal(interp.run(x, x), module(x, x)) and len(interp.summary()) == len(list(interp.module.graph.nodes))
say("nodes", len(interp.summary()))

# an output wrapped, dynamically


def wrap_in_activation_function(m, fn):
    output_node = None
    for n in reversed(m.graph.nodes):
        if n.op == "output":
            output_node = n
            break
    wrap_nodes = list(output_node.all_input_nodes)
    with m.graph.inserting_before(output_node):
        new = m.graph.call_function(fn, tuple(wrap_nodes))
        output_node.args = (new,)
    m.recompile()
    return m


assert torch.equal(wrap_in_activation_function(symbolic_trace(module), torch.sigmoid)(x, x), torch.sigmoid(module(x, x)))

# a library of primitives: sigmoid and its like from a few operations, lowered by hand
lowering = {torch.sigmoid: lambda a: 1.0 / (1.0 + torch.exp(-a)), torch.nn.functional.softplus: lambda a: torch.log(1.0 + torch.exp(a))}


class Lowered(Interpreter):
    def call_function(self, target, args, kwargs):
        return lowering[target](*args) if target in lowering else super().call_function(target, args, kwargs)


def smooth(a):
    return torch.sigmoid(a) * torch.nn.functional.softplus(a)


assert torch.allclose(Lowered(symbolic_trace(smooth)).run(x), smooth(x), atol=1e-6)
say("smooth", smooth(x).sum())
code = symbolic_trace(module).code
assert "self.linear" in code and "torch.add" in code and "def forward(self, a, b)" in code

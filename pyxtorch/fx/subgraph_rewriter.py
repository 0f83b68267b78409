"""Finding a pattern in a graph and putting something else in its place."""
from typing import Any, NamedTuple

from pyxtorch.fx.graph import Graph
from pyxtorch.fx.graph_module import GraphModule
from pyxtorch.fx.node import Node, map_arg
from pyxtorch.fx.tracer import symbolic_trace

__all__ = ["Match", "replace_pattern"]


class Match(NamedTuple):
    """anchor: the last node of what was found; nodes_map: the pattern's nodes to the graph's."""

    anchor: Any
    nodes_map: dict


def replace_pattern(gm, pattern, replacement):
    """Put `replacement` wherever `gm` does what `pattern` does; the list of matches.

    pattern, replacement: functions of the same arguments, or GraphModules, or Graphs. What stands for an argument may be
    anything; results inside the pattern may be used by nobody outside of it. Matches do not overlap.
    """
    searched, wanted = _graph(pattern), _graph(replacement)
    results = _results(searched)
    if len(_results(wanted)) != len(results):
        raise RuntimeError(f"replace_pattern: the pattern gives {len(results)} results, the replacement {len(_results(wanted))}.")
    matches, taken = [], set()
    for node in list(gm.graph.nodes):
        found = _match(results, node, searched, gm)
        if found is None:
            continue
        inside = {found[p] for p in found if isinstance(p, Node) and p.op not in ("placeholder", "output")}
        outputs = {found[r] for r in results}
        if inside & taken or any(user not in inside for n in inside - outputs for user in n.users):
            continue
        taken |= inside
        matches.append(Match(node, found))
    renewed = {}  # what was put in the place of a node that a later match takes as an argument
    for match in matches:
        arguments = [match.nodes_map[p] for p in searched.nodes if p.op == "placeholder"]
        arguments = [map_arg(a, lambda n: renewed.get(n, n)) for a in arguments]
        places = [p for p in wanted.nodes if p.op == "placeholder"]
        if len(places) != len(arguments):
            raise RuntimeError(f"replace_pattern: the pattern takes {len(arguments)} arguments, the replacement {len(places)}.")
        values = dict(zip(places, arguments))
        inside = [n for n in gm.graph.nodes if any(match.nodes_map.get(p) is n for p in searched.nodes if p.op not in ("placeholder", "output"))]
        with gm.graph.inserting_before(inside[0] if not _later(gm.graph, arguments, inside[0]) else match.anchor):
            new = gm.graph.graph_copy(wanted, values)
        for old, result in zip([match.nodes_map[r] for r in results], new if isinstance(new, (tuple, list)) else (new,)):
            old.replace_all_uses_with(result)
            renewed[old] = result
        for node in reversed(inside):
            gm.graph.erase_node(node)
    gm.recompile()
    return matches


def _later(graph, arguments, first):
    """Whether an argument is made after `first`."""
    before = set()
    for node in graph.nodes:
        if node is first:
            break
        before.add(node)
    return any(isinstance(a, Node) and a not in before for a in arguments)


def _graph(program):
    return program if isinstance(program, Graph) else program.graph if isinstance(program, GraphModule) else symbolic_trace(program).graph


def _results(graph):
    result = graph.output_node().args[0]
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    if not results or not all(isinstance(r, Node) for r in results):
        raise RuntimeError("replace_pattern: a pattern and its replacement give nodes: a value, or a tuple of values.")
    return results


def _match(results, last, graph, gm):
    """The pattern's nodes to those of the graph that do the same, the last result being `last`; None if it does something else."""
    found = {}

    def same(p, n):
        if isinstance(p, Node):
            if p in found:
                return found[p] is n or not isinstance(n, Node) and not isinstance(found[p], Node) and found[p] == n
            if p.op == "placeholder":
                found[p] = n
                return True
            if not isinstance(n, Node) or p.op != n.op or not same_target(p, n) or n in found.values():
                return False
            found[p] = n
            return same(p.args, n.args) and same(p.kwargs, n.kwargs)
        if isinstance(n, Node):
            return False
        if isinstance(p, (tuple, list)):
            return isinstance(n, (tuple, list)) and len(p) == len(n) and all(map(same, p, n))
        if isinstance(p, dict):
            return isinstance(n, dict) and p.keys() == n.keys() and all(same(p[k], n[k]) for k in p)
        if isinstance(p, slice):
            return isinstance(n, slice) and all(same(getattr(p, k), getattr(n, k)) for k in ("start", "stop", "step"))
        return type(p) is type(n) and p == n

    def same_target(p, n):
        if p.op == "call_module":
            owner = graph.owning_module
            return owner is not None and type(owner.get_submodule(p.target)) is type(gm.get_submodule(n.target))
        return p.target == n.target

    def somewhere(result):
        """A result beside the last one: any node that fits what is found."""
        known = dict(found)
        for node in gm.graph.nodes:
            if result in found or same(result, node):
                return True
            found.clear()
            found.update(known)
        return False

    return found if same(results[-1], last) and all(map(somewhere, results)) else None

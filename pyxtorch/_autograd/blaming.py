"""Which operation made the first value that is not finite, and where in the program it was called."""
import re
import warnings

from pyxtorch import Tensor
from pyxtorch._tape.backward import replay
from pyxtorch._tape.sites import line_of
from pyxtorch.autograd import AccumulateGrad
from pyxtorch.ops._run import look_at

__all__ = ["Blame", "blame"]

# Operations that put an infinity where they were told to: it is not their fault.
_ASKED = {"MaskedFill", "Where", "MaskedScatter", "Fill", "IndexFill", "Pad", "ConstantPad", "Overwritten", "Clone", "To", "Expand"}


class Blame:
    """What made a value that is not finite. `str` of it is the whole story.

    Attributes:
        operation: its name ("log"); function: its node's ("LogBackward0"), or None.
        direction: "forward", "backward", "hook", or "input": a leaf was not finite to begin with.
        module: the path of the module that it was called in ("Net.head.fc2"), or None.
        file, line, source: where the program called it; None if it was not recorded in anomaly mode.
        values: descriptions of its inputs and outputs, or of the gradients.
    """

    def __init__(self, direction, node=None, operation=None, values=(), cause=None):
        self.direction, self.node, self.values, self.cause = direction, node, list(values), cause
        self.function = None if node is None else node.name()
        self.operation = operation or _operation(node)
        site = None if node is None else node.site
        place = None if site is None else line_of(site)
        self.file, self.line, self.source, self.caller = place or (None,) * 4
        self.module = None if site is None else _path(site.modules)

    def __str__(self):
        what = {
            "forward": f"{self.operation} made the first value that is not finite",
            "backward": f"the backward of {self.operation} made the first gradient that is not finite",
            "hook": f"a hook on the gradient of {self.operation}'s output made it not finite",
            "input": f"{self.operation} was not finite to begin with",
        }[self.direction]
        where = f", in {self.module}" if self.module else ""
        at = f', {"used" if self.direction == "input" else "called"} at {self.file}:{self.line} in {self.caller}' if self.file else ""
        lines = [what + where + at + ("" if self.file or self.node is None else " (made outside of anomaly mode: no line is known)")]
        if self.source:
            lines.append("    " + self.source)
        lines += ["  " + value for value in self.values]
        if self.cause is not None:
            lines += str(self.cause).splitlines()
        return "\n".join(lines)

    __repr__ = __str__


def blame(loss, gradient=None):
    """The first operation that made a value that is not finite, on the way to `loss` or back from it.

    Args:
        loss: a tensor with a history, best recorded within `detect_anomaly()`: else no line is known, and only those values
            that the graph has saved can be looked at.
        gradient: the gradient to start from (default: ones), to look for gradients that are not finite where all values are.
    Returns:
        a Blame, or None where everything is finite. Gradients can be looked at as long as the graph has not been freed. Hooks run.
    """
    node = loss.grad_fn
    if node is None:
        return None if look_at(loss) == 0 else Blame("input", operation="the tensor", values=[describe("its value", loss)])
    found = forward(node, loss)
    if found is not None:
        return found
    from pyxtorch.ops.create import ones_like

    start = ones_like(loss.detach()) if gradient is None else gradient
    return backward([(node, loss.output_nr, start)], False, None, None)


# ------------------------------------------------------------------------------------- forward


def nodes_behind(roots):
    """All nodes that lead to `roots`, the earliest first."""
    met, todo = {}, list(roots)
    while todo:
        node = todo.pop()
        if node is None or node in met or isinstance(node, AccumulateGrad):
            continue
        met[node] = None
        todo += [n for n, _ in node.next_functions]
    return sorted(met, key=lambda node: node._sequence_nr())


def outputs_of(node):
    """{number: tensor} of those of its outputs that are known and unchanged."""
    found = {}
    if node.site is not None:
        found = {number: x for x, number, changed in node.site.outputs() if not changed}
    for x, number in _held(node):
        if number >= 0:
            found.setdefault(number, x)
    return found


def inputs_of(node):
    """[(name, tensor, the node that made it or None)]"""
    found, memory = [], set()
    for i, (source, number) in enumerate(node.next_functions):
        if source is None:
            continue
        x = source.variable if isinstance(source, AccumulateGrad) else outputs_of(source).get(number)
        if x is not None:
            found.append((f"input {i}", x, None if isinstance(source, AccumulateGrad) else source))
            memory.add(x.untyped_storage()._cdata if hasattr(x.untyped_storage(), "_cdata") else x.data_ptr())
    for x, number in _held(node):
        key = x.untyped_storage()._cdata if hasattr(x.untyped_storage(), "_cdata") else x.data_ptr()
        if number < 0 and key not in memory:
            found.append(("saved", x, None))
    return found


def forward(root, loss=None):
    """The Blame of the first value that is not finite among those behind node `root`, if it leads to it; or None."""
    order = nodes_behind([root])
    bad = {}
    for node in order:
        kinds = [look_at(x) for x in outputs_of(node).values()]
        if kinds and max(kinds):
            bad[node] = max(kinds)
    if loss is not None and look_at(loss):
        bad[root] = max(bad.get(root, 0), look_at(loss))
    if root not in bad:
        return None
    target = next((node for node in order if bad.get(node) == 2), root)
    while True:
        inputs = inputs_of(target)
        behind = [node for node in sources_of(target, bad) if not _asked(node, bad)]
        if not behind:
            break
        target = min(behind, key=lambda node: node._sequence_nr())
    values = [describe(name, x) for name, x, _ in inputs]
    values += [describe(f"output {number}", x) for number, x in sorted(outputs_of(target).items())]
    for _, x, node in inputs:
        if node is None and look_at(x) and not _asked(target, bad):
            own = _name_of(x, target)
            return Blame("input", target, own, values)
    return Blame("forward", target, None, values)


def sources_of(target, bad):
    """The nodes whose outputs, not finite, `target` took; through nodes of whose outputs nothing is known."""
    found, todo = [], list(target.next_functions)
    met = set()
    while todo:
        node, number = todo.pop()
        if node is None or isinstance(node, AccumulateGrad) or (node, number) in met:
            continue
        met.add((node, number))
        x = outputs_of(node).get(number)
        if x is None:
            todo += node.next_functions
        elif node in bad and look_at(x):
            found.append(node)
    return found


def _asked(node, bad):
    """Whether the infinities of `node` are what it was told to put there, or come from a node that was told."""
    while bad.get(node) == 1:
        if _kind(node) in {"MaskedFill", "MaskedScatter", "Fill", "IndexFill", "Pad", "ConstantPad", "Overwritten"}:
            return True
        sources = inputs_of(node)
        if _kind(node) in {"Where", "Add", "AddScaled", "Cat", "Stack"} and any(n is None and look_at(x) == 1 for _, x, n in sources):
            return True
        if _kind(node) == "Where" and not any(n in bad and look_at(x) for _, x, n in sources):
            return True
        before = [n for _, x, n in sources if n in bad and look_at(x)]
        if not before:
            return False
        node = min(before, key=lambda n: n._sequence_nr())
    return False


# ------------------------------------------------------------------------------------ backward


class Watcher:
    """Remembers, of the gradients of a replay, the first that is not finite and the first that has nan."""

    def __init__(self):
        self.first = self.nan = None

    def __call__(self, node, i, g):
        if not isinstance(g, Tensor):
            return
        kind = look_at(g)
        if kind and self.first is None:
            self.first = node, i, g
        if kind == 2 and self.nan is None and i >= 0 and not isinstance(node, Tensor):
            self.nan = node, i, g


def backward(firsts, create, wanted, accumulates, watcher=None):
    """The Blame of the first gradient that is not finite in a replay (`_tape.backward.replay`), or None."""
    if watcher is None:
        watcher = Watcher()
        replay(firsts, create, wanted, accumulates, watcher)
    if watcher.first is None:
        return None
    node, i, g = watcher.first
    given = [first for _, _, first in firsts if look_at(first)]
    if given:
        return Blame("input", operation="the gradient given to backward", values=[describe("it", given[0])])
    if isinstance(node, Tensor):
        return Blame("hook", operation="the leaf", values=[describe("gradient after the hook", g)])
    if i < 0:
        return Blame("hook", node, None, [describe("gradient after the hook", g)])
    values = [describe(name, x) for name, x, _ in inputs_of(node)]
    values += [describe(f"output {number}", x) for number, x in sorted(outputs_of(node).items())]
    return Blame("backward", node, None, [*values, describe(f"gradient of input {i}", g)])


def explain(kind, *run):
    """What the engine calls where a gradient is not finite (1: inf, 2: nan), and with 0 at the end of a run."""
    from pyxtorch.autograd.anomaly_mode import looks_for_inf

    found = None
    for root, number, _ in run[0]:
        if isinstance(root, Tensor) or (kind == 1 and not looks_for_inf()):
            continue
        value = outputs_of(root).get(number) if kind == 0 else None
        if kind or (value is not None and look_at(value)):
            found = found or forward(root)
    if kind == 0:
        if found is not None:
            warnings.warn(f"backward: the loss is not finite, though its gradients are not nan: {found}", RuntimeWarning, stacklevel=2)
        return
    if kind == 1 and not looks_for_inf():
        return
    watcher = Watcher()
    replay(*run, watcher)
    behind = backward(*run, watcher)
    if kind == 2 and watcher.nan is not None:
        node, i, _ = watcher.nan
        text = f"Function '{node.name()}' returned nan values in its {i}th output."
    elif kind == 2 and behind is not None and behind.direction == "hook":
        text = "A gradient has nan values."
    else:
        text = "A gradient is infinite." if kind == 1 else "A gradient has nan values."
    found = found or behind
    error = RuntimeError(text if found is None else f"{text}\n{found}")
    error.blame = found
    raise error


# --------------------------------------------------------------------------------------- names


def describe(name, x):
    """The name, shape, dtype and range of a tensor, and how many of its elements are not finite."""
    text = f"{name}: shape {list(x.shape)}, {str(x.dtype).rpartition('.')[2]}"
    x = x.detach()
    if x.layout is not Tensor([0.0]).layout:
        x = x._values()
    if not x.numel() or x.device.type == "meta":
        return text
    if x.is_complex():
        x = x.abs()
    if not x.dtype.is_floating_point:
        return text + f", from {x.min().item()} to {x.max().item()}"
    finite = x[x.isfinite()].double()
    if finite.numel():
        text += f", from {finite.min().item():.6g} to {finite.max().item():.6g}"
    nan, inf = x.isnan().sum().item(), x.isinf().sum().item()
    return text + (f", {nan} nan, {inf} inf" if nan or inf else "")


def _held(node):
    """What a node has saved; a node that the user's Function made does so, too."""
    return node.held() if hasattr(node, "held") else ()


def _kind(node):
    return re.sub(r"Backward\d*$", "", node.name()).rpartition("::")[2]


def _operation(node):
    """An operation's name from its node's: NativeLayerNormBackward0 is native_layer_norm."""
    return None if node is None else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _kind(node)).lower()


def _chain(modules):
    """The modules that were under way, the outermost first."""
    found = []
    while modules is not None:
        found.append(modules[0])
        modules = modules[1]
    return found[::-1]


def _path(modules):
    """Where in the outermost module that has it the innermost one is: `Net.head.fc2`."""
    chain = _chain(modules)
    for outer in chain:
        for path, module in outer.named_modules():
            if module is chain[-1]:
                return type(outer).__name__ + ("." + path if path else "")
    return None


def _name_of(x, node):
    """What a tensor that nothing made is called: a parameter by its path."""
    for outer in _chain(None if node.site is None else node.site.modules):
        for path, value in [*outer.named_parameters(), *outer.named_buffers()]:
            if value is x or value.data_ptr() == x.data_ptr():
                return f"{type(outer).__name__}.{path}"
    return f"an input of {_operation(node)}"

"""Which sizes of a recorded program are fixed: it runs several times, at other sizes and on other values, and the records are compared.

What differs must be a size of a tensor, or an expression of such sizes; anything else would be frozen at the example's value, and is an
error. An axis that is as long in every run is a constant of the exported program.
"""
import pyxtorch
from pyxtorch import Tensor
from pyxtorch.onnx._recorder import DATA, Ref, tree_map
from pyxtorch.onnx._sizes import Float, Int, evaluate, leaves
from pyxtorch.onnx.errors import OnnxExporterError, SymbolicValueError

__all__ = ["Program", "compare"]


class Program:
    """What was recorded on the example, with each tensor's shape: ints, and None where the length differs between runs."""

    def __init__(self, recorder, result, shapes):
        self.records, self.known, self.result, self.shapes = recorder.records, recorder.known, result, shapes
        self.guards = []

    def moves(self, expr):
        """Whether an expression's value is not the same in every run."""
        return any(self.shapes[number][axis] is None for number, axis in leaves(expr))


def _flat(x, path=""):
    """(where, leaf) of a tree, containers among them as their type and length."""
    if isinstance(x, slice):
        x = ("slice", x.start, x.stop, x.step)
    if isinstance(x, (tuple, list)):
        yield path, ("items", len(x))
        for i, v in enumerate(x):
            yield from _flat(v, f"{path}[{i}]")
    elif isinstance(x, dict):
        yield path, ("items", *map(str, x))
        for k, v in x.items():
            yield from _flat(v, f"{path}[{k!r}]")
    else:
        yield path, x


def compare(runs, distinct=True):
    """The Program of several runs [(recorder, result) ...]; the first is the example's.

    Args:
        distinct: whether dynamic dimensions of different names had different lengths in some run.

    Raises:
        OnnxExporterError: the runs differ in more than sizes of tensors.
    """
    recorder, result = runs[0]
    _same_operations([r.records for r, _ in runs])
    shapes = []
    for several in zip(*[r.known for r, _ in runs]):
        ranks = {len(k.shape) for k in several}
        if len(ranks) > 1:
            raise OnnxExporterError(f"export: a tensor has {sorted(ranks)} dimensions in turn, depending on the size or the values of the inputs.")
        shapes.append(tuple([lengths[0] if len(set(lengths)) == 1 else None for lengths in zip(*[k.shape for k in several])]))
    program = Program(recorder, result, shapes)
    escapes = _escapes(runs)
    for at, record in enumerate(recorder.records):
        several = [r.records[at] for r, _ in runs]
        record.args, record.kwargs = _joined([(r.args, r.kwargs) for r in several], record, program, escapes)
        if record.values is not None:
            if any(r.values != record.values for r in several) or any(program.shapes[n][axis] is None for n, axis in record.depends - {DATA}):
                raise SymbolicValueError(
                    f"export: {record.full} at {record.line} makes a Python value of elements that depend on a dynamic size. "
                    "Compute with the size itself (x.shape[i]), or with tensors."
                )
    _constants(runs)
    program.result = _results(runs, program, escapes)
    program.guards = _guards(runs, program, distinct)
    return program


def _same_operations(several):
    for records in zip(*several):
        if len({r.full for r in records}) > 1 or len({r.line for r in records}) > 1:
            raise OnnxExporterError(
                f"export: the operations depend on the size or the values of the inputs: {records[0].full} at {records[0].line} for the example, but "
                f"{next(r for r in records if r.full != records[0].full or r.line != records[0].line).full} in its place for others. A loop as long as "
                "a size, or a branch on one, cannot be exported for dynamic sizes: write it with tensors, or leave this dimension fixed."
            )
    if len({len(records) for records in several}) > 1:
        longest, shortest = max(several, key=len), min(several, key=len)
        extra = longest[len(shortest)]
        raise OnnxExporterError(
            f"export: the number of operations depends on the size or the values of the inputs: {[len(r) for r in several]} in turn, {extra.full} at "
            f"{extra.line} not always among them. Write the loop with tensors, or leave this dimension fixed."
        )


def _escapes(runs):
    """Value in each run -> expression, of what left for ordinary numbers."""
    found = {}
    for several in zip(*[r.escapes for r, _ in runs]):
        if len({(repr(expr), line) for expr, _, line in several}) == 1:
            found.setdefault(tuple([(type(value), value) for _, value, _ in several]), several[0][0])
    return found


def _joined(trees, where, program, escapes):
    """The example's arguments, with symbols where the runs differ."""
    flat = [list(_flat(tree)) for tree in trees]
    if len({len(f) for f in flat}) > 1:
        raise OnnxExporterError(f"export: {where.full} at {where.line} has another number of arguments, depending on sizes or values of the inputs.")
    replaced = {}
    for leaf in zip(*flat):
        values = [v for _, v in leaf]
        first = values[0]
        if isinstance(first, Ref):
            same = all(isinstance(v, Ref) and v.number == first.number for v in values)
        elif isinstance(first, (Int, Float)):
            same = all(isinstance(v, (Int, Float)) and v.expr == first.expr for v in values)
        elif isinstance(first, Tensor):
            same = True
        else:
            same = all(type(v) is type(first) and (v == first or v != v and first != first) for v in values)
            if not same and tuple([(type(v), v) for v in values]) in escapes:
                kind = Int if isinstance(first, int) else Float
                replaced[leaf[0][0]] = kind.made(first, escapes[tuple([(type(v), v) for v in values])], None)
                continue
        if not same:
            raise SymbolicValueError(
                f"export: an argument of {where.full} at {where.line} is {values[0]!r} for the example and {values[1:]!r} at other sizes or values, but "
                "how it depends on them was not seen. Compute it from x.shape with + - * / // % and math.sqrt, or with tensors."
            )
    return _replace(trees[0], "", replaced) if replaced else trees[0]


def _replace(x, path, replaced):
    if path in replaced:
        return replaced[path]
    if isinstance(x, slice):
        return slice(*[_replace(v, f"{path}[{i}]", replaced) for i, v in enumerate((x.start, x.stop, x.step), 1)])
    if isinstance(x, (tuple, list)):
        return (list if isinstance(x, list) else tuple)([_replace(v, f"{path}[{i}]", replaced) for i, v in enumerate(x)])
    if isinstance(x, dict):
        return {k: _replace(v, f"{path}[{k!r}]", replaced) for k, v in x.items()}
    return x


def _constants(runs):
    for number, several in enumerate(zip(*[r.known for r, _ in runs])):
        if len({(k.kind, k.name, k.dtype) for k in several}) > 1:
            raise OnnxExporterError(f"export: a tensor is {[(k.kind, k.name, str(k.dtype)) for k in several]} in turn, depending on sizes or values of the inputs.")
        if several[0].kind == "constant":
            data = [k.tensor if k.snapshot is None else k.snapshot for k in several]
            if any(d is not data[0] and not (d.shape == data[0].shape and pyxtorch.equal(_comparable(d), _comparable(data[0]))) for d in data):
                user = next((r.line for r in runs[0][0].records if _uses(r, number)), "the end")
                raise SymbolicValueError(
                    f"export: a constant of shape {tuple(data[0].shape)} used at {user} has other elements at other sizes or values of the inputs, but how it "
                    "depends on them was not seen (NumPy, a list, chance?). Compute it with operations on tensors."
                )


def _comparable(x):
    return x.nan_to_num() if x.is_floating_point() else x


def _uses(record, number):
    found = []
    tree_map(lambda x: found.append(isinstance(x, Ref) and x.number == number), (record.args, record.kwargs))
    return any(found)


class _End:
    full, line = "the result", "the end of forward"


def _results(runs, program, escapes):
    def numbered(recorder):
        return lambda x: Ref(recorder.number(x)) if isinstance(x, Tensor) else x

    trees = [tree_map(numbered(r), result) for r, result in runs]
    while len(program.shapes) < len(program.known):  # a constant that is a result
        program.shapes.append(program.known[len(program.shapes)].shape)
    return _joined(trees, _End, program, escapes)


def otherwise(recorder, other):
    """The error that says which comparison of sizes comes out differently in another run than in the example's, or None."""
    for (_, truth, line), (_, also, where) in zip(recorder.guards, other.guards):
        if truth != also or line != where:
            return SymbolicValueError(
                f"export: the comparison at {line} is {truth} for the example and not at another size, and the program goes on accordingly. "
                "Write it with tensors (torch.where), or leave this dimension fixed."
            )
    if len(recorder.guards) != len(other.guards):
        line = max(recorder.guards, other.guards, key=len)[-1][2]
        return SymbolicValueError(f"export: how often the program compares sizes depends on a size: the comparison at {line} is not always among them.")
    return None


def _guards(runs, program, distinct):
    """[(expression of truth, as it was, line)] of the comparisons of dynamic sizes that say something of them."""
    found = {}
    for several in zip(*[r.guards for r, _ in runs]):
        expr, truth, line = several[0]
        if not program.moves(expr):
            continue
        sides = [[evaluate(e, lambda n, axis, r=r: r.known[n].shape[axis]) for r, _ in runs] for e in expr[1:]]
        # Two lengths that are one and the same, as far as lengths with names of their own were told apart: no condition on either.
        plain = all(isinstance(e, tuple) and e[0] == "dim" for e in expr[1:])
        if distinct and plain and expr[0] in ("eq", "ne") and truth == (expr[0] == "eq") and all(len(set(side)) > 1 for side in sides):
            continue
        found.setdefault((expr, truth), line)
    return [(expr, truth, line) for (expr, truth), line in found.items()]


# Operations whose results have as many elements as they find.
FINDING = ("nonzero", "masked_select", "argwhere", "unique", "where", "__getitem__", "bincount")


def found_by_chance(runs):
    """A record that found as many elements in every run, though it depends on them how many there are; or None."""
    known = runs[0][0].known
    for several in zip(*[r.records for r, _ in runs]):
        record = several[0]
        if record.name not in FINDING or not record.made or record.name == "where" and len(record.args) + len(record.kwargs) > 1:
            continue
        numbers = []
        args = record.args[1:] if record.name in ("__getitem__", "masked_select") else record.args
        tree_map(lambda x, found=numbers: found.append(x.number) if isinstance(x, Ref) else None, (args, record.kwargs))
        deciding = [known[n] for n in numbers if record.name != "__getitem__" or known[n].dtype in (pyxtorch.bool, pyxtorch.uint8)]
        if not any(DATA in k.depends and k.memory is not None for k in deciding):
            continue
        if len({r.known[record.made[0]].shape for r, _ in runs}) == 1:
            return record
    return None

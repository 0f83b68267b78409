"""From the records of a program to an ONNX graph, record by record, by the tables of pyxtorch/onnx/_rows.

ONNX has values, no memory: a write in place makes a new value for the tensor that was written. A view keeps the record by which it
looks at another tensor. A write through it goes into that tensor, at the places that the same view of the tensor's element numbers
names; other views are made anew when they are next read.
"""
import math

import pyxtorch
from pyxtorch.onnx._graph import INT, Graph, Length, Value
from pyxtorch.onnx._recorder import DATA, Ref, each, tree_map
from pyxtorch.onnx._rows import find
from pyxtorch.onnx._sizes import OPERATIONS, Float, Int, expression, leaves, plain
from pyxtorch.onnx.errors import OnnxExporterError, UnsupportedOperatorError

__all__ = ["Translation"]

NODES = {"add": "Add", "sub": "Sub", "mul": "Mul", "pow": "Pow"}
NUMPYS = {"axis": "dim", "keepdims": "keepdim"}  # names of parameters that operations take as well
COMPARISONS = {"eq": "__eq__", "ne": "__ne__", "lt": "__lt__", "le": "__le__", "gt": "__gt__", "ge": "__ge__"}


class Translation:
    """The graph of a Program."""

    def __init__(self, program, opset, reserved=()):
        self.program, self.g = program, Graph(opset, reserved)
        self.values = {}  # number: value
        self.views = {}  # number of a view: (number of what it looks at, record, place among the record's tensors)
        self.age, self.seen = {}, {}  # root: how often it was written; number: that, when its value was made
        self.lengths = {}

    # ------------------------------------------------------------------ tensors

    def root(self, number):
        while number in self.views:
            number = self.views[number][0]
        return number

    def value(self, number):
        """The value that a tensor has now."""
        if number in self.views:
            root = self.root(number)
            if self.seen.get(number) != self.age.get(root, 0):
                parent, record, place = self.views[number]
                fresh = self.value(parent)
                self._keep(number, self._outputs(record, {parent: fresh})[place])
                self.seen[number] = self.age.get(root, 0)
        elif number not in self.values:
            self.values[number] = self._constant(number)
        return self.values[number]

    def _constant(self, number):
        known = self.program.known[number]
        if known.kind == "result":
            raise OnnxExporterError(f"export: {self.g.at}: a tensor is read before it is there; please report this.")
        tensor = known.tensor if known.snapshot is None else known.snapshot
        if known.kind == "parameter":
            return self.g.initializer(known.name, tensor.detach())
        return self.g.constant(tensor.detach())

    def _keep(self, number, value):
        """Give a tensor its value, in the dtype and with the shape that the runs showed."""
        known, shape = self.program.known[number], self.program.shapes[number]
        if len(shape) != value.ndim:
            raise OnnxExporterError(f"export: {self.g.at}: a result of {value.ndim} dimensions where there are {len(shape)}; please report this.")
        value = value.cast(known.dtype)
        if value.shape != shape:
            value = Value(self.g, value.name, value.dtype, shape, value.const)
        self.values[number] = value

    def write(self, number, value):
        """A tensor's elements are others from now on."""
        root = self.root(number)
        self.age[root] = self.age.get(root, 0) + 1
        self._write(number, value)

    def _write(self, number, value):
        shape = self.program.shapes[number]
        known = self.program.known[number]
        if value.ndim != len(shape) or any(n == 1 != m for n, m in zip(value.shape, shape)):
            value = value.expand(self.sizes(number))
        self._keep(number, value)
        self.seen[number] = self.age.get(self.root(number), 0)
        if number not in self.views:
            return
        parent, record, place = self.views[number]
        sizes = self.sizes(parent)
        before = self._before(parent)
        places = self.g.arange(self.g.product(sizes)).reshape(sizes)
        places = Value(self.g, places.name, INT, before.shape)
        viewed = self._outputs(record, {parent: places})[place].cast(INT)
        flat = self.g.add("ScatterElements", [before.reshape([-1]), viewed.reshape([-1]), value.cast(known.dtype).reshape([-1])], before.dtype, [None], axis=0)
        self._write(parent, flat.reshape(sizes))

    def _before(self, number):
        """A tensor's value before the write that is going on."""
        root = self.root(number)
        self.age[root] -= 1
        value = self.value(number)
        self.age[root] += 1
        return value

    # ------------------------------------------------------------------ sizes

    def sizes(self, number):
        return [self.length(number, axis) if n is None else n for axis, n in enumerate(self.program.shapes[number])]

    def length(self, number, axis):
        if (number, axis) not in self.lengths:
            self.lengths[number, axis] = self.g.sized(self.value(number), axis)
        return self.lengths[number, axis]

    def symbol(self, x):
        """A symbol as an ordinary number, where it is the same at all sizes, or as a value: int64 of one element, or float64."""
        expr = expression(x)
        if not self.program.moves(expr):
            return plain(x)
        value = self.emit(expr)
        return Length(self.g, value.name, value.dtype, [1])

    def emit(self, expr):
        if not isinstance(expr, tuple):
            return expr
        if expr[0] == "dim":
            known = self.program.shapes[expr[1]][expr[2]]
            return self.length(*expr[1:]) if known is None else known
        name, g = expr[0], self.g
        operands = [self.emit(e) for e in expr[1:]]
        if not any(isinstance(o, Value) for o in operands):
            return OPERATIONS[name](*operands)
        if name in COMPARISONS:
            a, b = self._numbers(operands)
            return getattr(a, COMPARISONS[name])(b)
        if name in NODES:
            if name == "pow" and isinstance(operands[1], int) and operands[1] < 0:
                operands[1] = float(operands[1])
            return g.add(NODES[name], (pair := self._numbers(operands)), pair[0].dtype, [1])
        if name == "floordiv":
            a, b = self._numbers(operands)
            return a // b
        if name == "mod":
            a, b = self._numbers(operands)
            return a % b
        x = operands[0]
        if name == "truediv":
            a, b = (self._as(o, pyxtorch.float64) for o in operands)
            return g.add("Div", [a, b], a.dtype, [1])
        if name in ("neg", "abs"):
            return x.unary(name.capitalize())
        if name in ("floor", "ceil", "trunc", "round"):
            if not x.floats:
                return x
            if name == "trunc":
                return x.cast(INT)
            return x.unary(name.capitalize()).cast(INT)
        x = self._as(x, pyxtorch.float64)
        if name == "float":
            return x
        if name == "log2":
            return x.log() * (1 / math.log(2))
        return x.unary(name.capitalize())

    def _as(self, x, dtype):
        return x.cast(dtype) if isinstance(x, Value) else self.g.constant(pyxtorch.tensor([x], dtype=dtype, device="cpu"))

    def _numbers(self, operands):
        floats = any(isinstance(o, float) or isinstance(o, Value) and o.floats for o in operands)
        return [self._as(o, pyxtorch.float64 if floats else INT) for o in operands]

    # ------------------------------------------------------------------ records

    def argument(self, x, others=()):
        if isinstance(x, Ref):
            return others[x.number] if x.number in others else self.value(x.number)
        return self.symbol(x) if isinstance(x, (Int, Float)) else x

    def _outputs(self, record, others=()):
        """The values of the tensors that a record gives, `others` in the place of some arguments."""
        self.g.at = f"{record.full} at {record.line}"
        name, row = find(record)
        if row is None:
            raise UnsupportedOperatorError(f"export: {self.g.at}: there is no translation of this operation to ONNX. docs/onnx.md lists what there is.")
        kwargs = {NUMPYS.get(k, k): v for k, v in record.kwargs.items() if k != "out"}
        args, kwargs = tree_map(lambda x: self.argument(x, others), (record.args, kwargs))
        numbers = [x.number for x in each(record.result) if isinstance(x, Ref)] or record.written
        self.g.out = [(self.program.known[n].dtype, self.program.shapes[n]) for n in numbers]
        try:
            result = row(self.g, *args, **kwargs)
        except TypeError as error:
            if "argument" not in str(error) or error.__traceback__.tb_next is not None:
                raise
            raise UnsupportedOperatorError(f"export: {self.g.at}: this form of the operation has no translation to ONNX ({error}).") from None
        return [v for v in each(result) if isinstance(v, Value)]

    def _folded(self, record):
        """Whether a record's tensors are the same at all sizes, whatever the inputs."""
        return DATA not in record.depends and not any(self.program.shapes[n][axis] is None for n, axis in record.depends)

    def add(self, record):
        """Translate a record."""
        if self._folded(record) and not record.written and record.parent is None:
            for number in record.made:
                self.values[number] = self.g.constant(self.program.known[number].snapshot)
            return
        parent = record.parent
        results = [x.number for x in each(record.result) if isinstance(x, Ref)]
        if parent is not None and not record.written:
            for place, number in enumerate(results):
                if number in record.made:
                    self.views[number] = (parent, record, place)
            return
        if not record.written and not record.made:
            return  # its result is an argument
        outputs = self._outputs(record)
        if record.written:
            self._written(record, results, outputs)
            return
        if len(outputs) != len(results):
            raise OnnxExporterError(f"export: {self.g.at}: {len(outputs)} values for {len(results)} results; please report this.")
        for number, value in zip(results, outputs):
            if number in record.made:
                self._keep(number, value)

    def _written(self, record, results, outputs):
        """What an operation in place computed goes into what it wrote."""
        targets = results if set(record.written) <= set(results) else record.written
        if len(targets) != len(outputs):
            raise OnnxExporterError(f"export: {self.g.at} writes into a tensor that is not its result, which cannot be exported.")
        for number, value in zip(targets, outputs):
            if number in record.made:
                self._keep(number, value)
            else:
                self.write(number, value.cast(self.program.known[number].dtype))

    def needed(self, results):
        """The records on which results and guards depend."""
        known = self.program.known

        def memory(number):
            return ("empty", number) if known[number].memory is None else known[number].memory

        wanted = {memory(n) for n in results}
        wanted |= {memory(n) for expr, _, _ in self.program.guards for n, _ in leaves(expr)}
        kept = []
        for record in reversed(self.program.records):
            touched = {memory(n) for n in [*record.made, *record.written]}
            if not touched & wanted:
                continue
            kept.append(record)
            for x in each((record.args, record.kwargs)):
                if isinstance(x, Ref):
                    wanted.add(memory(x.number))
                elif isinstance(x, (Int, Float)) and self.program.moves(x.expr):
                    wanted |= {memory(n) for n, _ in leaves(x.expr)}
        return kept[::-1]

    # ------------------------------------------------------------------ the whole

    def inputs(self):
        """The graph's inputs, in the order of the recorder."""
        for number, known in enumerate(self.program.known):
            if known.kind == "input":
                self.values[number] = Value(self.g, self.g.name(known.name), known.dtype, self.program.shapes[number])
                yield self.values[number]

    def checked(self, value):
        """`value`, which is there only where the guards come out as they did for the example.

        A comparison of sizes that fails indexes a list of one number out of range, in a node that says what was compared.
        """
        g = self.g
        for expr, truth, line in self.program.guards:
            g.at = f"the comparison at {line}"
            holds = self.emit(expr)
            holds = holds if truth else ~holds
            index = (~holds).reshape([1]).cast(INT)
            zero = g.add("Gather", [g.ints([0]), index], INT, [1], name=f"holds only where {'' if truth else 'not '}{self.text(expr)} ({line.rpartition('/')[2]})", axis=0)
            shape = g.add("Add", [g.add("Shape", [value], INT, [value.ndim]), zero], INT, [value.ndim]) if value.ndim else None
            if shape is not None:
                value = g.add("Reshape", [value, shape], value.dtype, value.shape, allowzero=1)
            else:
                value = g.add("Reshape", [value, zero.slice(0, 0, 0)], value.dtype, [])
        return value

    def text(self, expr):
        """An expression for people."""
        signs = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "mod": "%", "pow": "**",
                 "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}  # fmt: skip
        if not isinstance(expr, tuple):
            return str(expr)
        if expr[0] == "dim":
            known = self.program.known[expr[1]]
            return f"{known.name if known.kind == 'input' else self.values[expr[1]].name if expr[1] in self.values else 'tensor'}.shape[{expr[2]}]"
        parts = [self.text(e) for e in expr[1:]]
        return f"{parts[0]} {signs[expr[0]]} {parts[1]}" if expr[0] in signs else f"{expr[0]}({', '.join(parts)})"


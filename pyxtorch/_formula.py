"""Elementwise operations from a formula in text: parsed, differentiated symbolically, computed by existing operations.

An expression is a graph of `_Node`s, of which there is one for each value: what is equal is computed once.
"""
import ast
import functools
import math

import pyxtorch
from pyxtorch.autograd import Function

# name: how many operands, the operation that computes it
_OPERATIONS = {
    "add": (2, "add"), "sub": (2, "sub"), "mul": (2, "mul"), "div": (2, "div"),
    "neg": (1, "neg"), "pow": (2, "pow"),
    "abs": (1, "abs"), "sign": (1, "sign"), "exp": (1, "exp"), "expm1": (1, "expm1"),
    "log": (1, "log"), "log1p": (1, "log1p"), "log2": (1, "log2"), "log10": (1, "log10"),
    "sqrt": (1, "sqrt"), "rsqrt": (1, "rsqrt"), "sin": (1, "sin"), "cos": (1, "cos"),
    "tan": (1, "tan"), "asin": (1, "asin"), "acos": (1, "acos"), "atan": (1, "atan"),
    "sinh": (1, "sinh"), "cosh": (1, "cosh"), "tanh": (1, "tanh"), "asinh": (1, "asinh"),
    "acosh": (1, "acosh"), "atanh": (1, "atanh"), "sigmoid": (1, "sigmoid"),
    "erf": (1, "erf"), "relu": (1, "relu"),
    "floor": (1, "floor"), "ceil": (1, "ceil"),
    "minimum": (2, "minimum"),
    "maximum": (2, "maximum"),
    "lt": (2, "lt"), "le": (2, "le"), "gt": (2, "gt"), "ge": (2, "ge"),
    "eq": (2, "eq"), "ne": (2, "ne"),
    "where": (3, "where"),
    "gated": (2, None),  # a gradient times a slope, which may be infinite: 0 of it stays 0
}  # fmt: skip
_COMPARISONS = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}
_OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
_CALLS = {name: name for name in _OPERATIONS if name not in ("add", "sub", "mul", "div", "neg", "gated", *_COMPARISONS.values())} | {"min": "minimum", "max": "maximum"}
_CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
_LONGEST = 2000  # nodes of a formula
_BLOCK = 1 << 14  # elements at once: a few blocks fit into the second cache


class _Node:
    """A number, an input or an operation on others. Made by `Graph` alone."""

    __slots__ = ("args", "op", "value")

    def __init__(self, op, args, value):
        self.op, self.args, self.value = op, args, value


class _Graph:
    """All nodes of a formula and its derivatives."""

    def __init__(self):
        self._nodes, self._slopes, self._kernels = {}, {}, {}

    def _node(self, op, args=(), value=None):
        key = (op, *map(id, args), repr(value))
        if key not in self._nodes:
            if len(self._nodes) > 50 * _LONGEST:
                raise ValueError("register_formula: the derivative of this order has too many terms.")
            self._nodes[key] = _Node(op, args, value)
        return self._nodes[key]

    def number(self, value):
        return self._node("number", value=float(value))

    def input(self, i):
        return self._node("input", value=i)

    def __call__(self, op, *args):
        """The node of an operation, simplified where a number among its operands allows it."""
        values = [a.value if a.op == "number" else None for a in args]
        a, b = (*values, None, None)[:2]
        if None not in values and op not in ("where", "gated", *_COMPARISONS.values()):
            return self.number(_of_numbers(op, values))
        if op == "add" and 0 in (a, b):
            return args[1] if a == 0 else args[0]
        if op == "sub" and b == 0:
            return args[0]
        if op == "mul" and 1 in (a, b):
            return args[1] if a == 1 else args[0]
        if op in ("div", "pow") and b == 1:
            return args[0]
        if op == "where" and args[1] is args[2]:
            return args[1]
        return self._node(op, args)

    def product(self, slope, inner):
        """The chain rule's product, in which a factor of 0 is exact."""
        for x in (slope, inner):
            if x.op == "number" and x.value == 0:
                return x
        return self("mul", slope, inner)

    def slope(self, node, i):
        """The derivative by input `i`. Deep formulas are no problem: operands come before what uses them."""
        for n in _in_order(node):
            if (n, i) not in self._slopes:
                self._slopes[n, i] = self._slope(n, i)
        return self._slopes[node, i]

    def kernel(self, roots, inputs):
        """One kernel of the GPU that computes all of `roots`; None where it would be too large."""
        if roots not in self._kernels:
            from pyxtorch import _formula_gpu

            self._kernels[roots] = _formula_gpu.kernel("formula", _in_order(*roots), roots, inputs)
        return self._kernels[roots]

    def _slope(self, n, i):
        zero, one = self.number(0), self.number(1)
        if n.op in ("number", "sign", "floor", "ceil", *_COMPARISONS.values()):
            return zero
        if n.op == "input":
            return one if n.value == i else zero
        inner = [self._slopes[a, i] for a in n.args]
        if all(d is zero for d in inner):
            return zero
        if n.op == "gated":
            g, slope = n.args
            second = zero if inner[1] is zero else self("gated", g, inner[1])
            return self("add", self.product(slope, inner[0]), second)
        if n.op == "where":
            return self("where", n.args[0], inner[1], inner[2])
        partial = self._partials(n)
        found = zero
        for d, p in zip(inner, partial):
            if d is not zero:
                found = self("add", found, self.product(p(), d))
        return found

    def _partials(self, n):
        """For each operand a function that gives the derivative by it."""
        f, num, op = self, self.number, n.op
        a = n.args[0]
        b = n.args[1] if len(n.args) > 1 else None
        one, half = num(1), num(0.5)

        def choose(first, second, compare):
            return lambda: f("where", f("eq", a, b), half, f("where", f(compare, a, b), num(first), num(second)))

        def exponent():
            term = f("mul", n, f("log", a))
            return f("where", f("eq", a, num(0)), f("where", f("ge", b, num(0)), num(0), term), term)

        square = lambda x: f("mul", x, x)
        return {
            "add": (lambda: one, lambda: one),
            "sub": (lambda: one, lambda: num(-1)),
            "mul": (lambda: b, lambda: a),
            "div": (lambda: f("div", one, b), lambda: f("neg", f("div", n, b))),
            "neg": (lambda: num(-1),),
            "pow": (lambda: self._power(a, b), exponent),
            "abs": (lambda: f("sign", a),),
            "exp": (lambda: n,),
            "expm1": (lambda: f("exp", a),),
            "log": (lambda: f("div", one, a),),
            "log1p": (lambda: f("div", one, f("add", one, a)),),
            "log2": (lambda: f("div", num(1 / math.log(2)), a),),
            "log10": (lambda: f("div", num(1 / math.log(10)), a),),
            "sqrt": (lambda: f("div", half, n),),
            "rsqrt": (lambda: f("mul", num(-0.5), f("div", n, a)),),
            "sin": (lambda: f("cos", a),),
            "cos": (lambda: f("neg", f("sin", a)),),
            "tan": (lambda: f("add", one, square(n)),),
            "asin": (lambda: f("rsqrt", f("sub", one, square(a))),),
            "acos": (lambda: f("neg", f("rsqrt", f("sub", one, square(a)))),),
            "atan": (lambda: f("div", one, f("add", one, square(a))),),
            "sinh": (lambda: f("cosh", a),),
            "cosh": (lambda: f("sinh", a),),
            "tanh": (lambda: f("sub", one, square(n)),),
            "asinh": (lambda: f("rsqrt", f("add", square(a), one)),),
            "acosh": (lambda: f("rsqrt", f("sub", square(a), one)),),
            "atanh": (lambda: f("div", one, f("sub", one, square(a))),),
            "sigmoid": (lambda: f("mul", n, f("sub", one, n)),),
            "erf": (lambda: f("mul", num(2 / math.sqrt(math.pi)), f("exp", f("neg", square(a)))),),
            "relu": (lambda: f("where", f("gt", a, num(0)), one, num(0)),),
            "minimum": (choose(1, 0, "lt"), choose(0, 1, "lt")),
            "maximum": (choose(1, 0, "gt"), choose(0, 1, "gt")),
        }[op]

    def _power(self, a, b):
        """b a ** (b - 1), which is 0 for b = 0 whatever a is."""
        found = self("mul", b, self("pow", a, self("sub", b, self.number(1))))
        if b.op == "number":
            return found if b.value else b
        return self("where", self("eq", b, self.number(0)), self.number(0), found)


def _of_numbers(op, values):
    try:
        tensors = [pyxtorch.tensor(v, dtype=pyxtorch.float64) for v in values]
        return getattr(pyxtorch, _OPERATIONS[op][1])(*tensors).item()
    except RuntimeError as error:
        raise ValueError(f"register_formula: {op} of {values} cannot be computed: {error}") from error


def _in_order(*roots):
    """Nodes, operands first."""
    order, seen, stack = [], set(), [(r, False) for r in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(a, False) for a in reversed(node.args) if a not in seen]
    return list(dict.fromkeys(order))


def parse(name, text, inputs=None):
    """(graph, root node, names of the inputs) of a formula; ValueError, with the place, where it is none."""

    def refuse(node, what):
        place = f" at column {node.col_offset + 1}" if hasattr(node, "col_offset") else ""
        raise ValueError(f"register_formula: {name}: {what}{place} of {text!r}.")

    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"register_formula: {name}: expected a formula such as 'x / (1 + abs(x))', got {text!r}.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"register_formula: {name}: {text!r} does not parse: {error}") from error
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    found = sorted((n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called), key=lambda n: (n.lineno, n.col_offset))
    free = [n for n in dict.fromkeys(n.id for n in found) if n not in _CONSTANTS or (inputs is not None and n in inputs)]
    names = free if inputs is None else list(inputs)
    if inputs is not None and (len(set(names)) != len(names) or not all(isinstance(n, str) and n.isidentifier() for n in names)):
        raise ValueError(f"register_formula: {name}: inputs should be different names, got {names}.")
    if unknown := [n for n in free if n not in names]:
        refuse(next(n for n in found if n.id in unknown), f"{unknown[0]!r} is not one of the inputs {names},")
    graph = _Graph()

    def build(node, condition=False):
        if isinstance(node, ast.Compare):
            if not condition:
                refuse(node, "a comparison stands in the first operand of where() only, not")
            if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARISONS:
                refuse(node, "expected one comparison by < <= > >= == !=")
            return graph(_COMPARISONS[type(node.ops[0])], build(node.left), build(node.comparators[0]))
        if condition:
            refuse(node, "expected a comparison as the first operand of where()")
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            try:
                return graph.number(node.value)
            except OverflowError:
                refuse(node, "a number is too large,")
        if isinstance(node, ast.Name):
            return graph.input(names.index(node.id)) if node.id in names else graph.number(_CONSTANTS[node.id])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = build(node.operand)
            return inner if isinstance(node.op, ast.UAdd) else graph("neg", inner)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return graph(_OPERATORS[type(node.op)], build(node.left), build(node.right))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            function = _CALLS.get(node.func.id)
            if function is None:
                refuse(node, f"there is no function {node.func.id!r}; there are {', '.join(sorted(_CALLS))}:")
            count = _OPERATIONS[function][0]
            if len(node.args) != count:
                refuse(node, f"{node.func.id} takes {count} operands, got {len(node.args)},")
            return graph(function, *(build(a, function == "where" and k == 0) for k, a in enumerate(node.args)))
        return refuse(node, f"{type(node).__name__} is not part of a formula: numbers, names, + - * / ** and functions are;")

    if sum(1 for _ in ast.walk(tree)) > _LONGEST:
        raise ValueError(f"register_formula: {name}: the formula is longer than {_LONGEST} terms.")
    try:
        root = build(tree)
    except RecursionError as error:
        raise ValueError(f"register_formula: {name}: the formula is nested too deeply.") from error
    if not names:
        raise ValueError(f"register_formula: {name}: {text!r} has no input.")
    return graph, root, names


class Program:
    """A graph's value as a list of steps on numbered places; numbers stay numbers."""

    def __init__(self, graph, root, count):
        self.graph, self.root, self.count = graph, root, count
        self._steps, place, last = [], {}, {}
        order = _in_order(root)
        for n in order:
            if n.op not in ("number", "input"):
                place[n] = count + len(self._steps)
                self._steps.append([n.op, [self._operand(a, place) for a in n.args], []])
                for a in n.args:
                    last[a] = len(self._steps) - 1
        for n, step in last.items():
            if n in place:
                self._steps[step][2].append(place[n])  # not needed after it
        self._derivatives = {}

    @staticmethod
    def _operand(node, place):
        return (None, node.value) if node.op == "number" else (node.value if node.op == "input" else place[node], None)

    def derivative(self, i):
        """The program of (g, *inputs) that gives the gradient for input `i`; None where it is 0 everywhere."""
        if i not in self._derivatives:
            graph = self.graph
            slope = graph.slope(self.root, i)
            if slope.op == "number" and slope.value == 0:
                self._derivatives[i] = None
            else:
                g = graph.input(self.count)
                root = g if slope.op == "number" and slope.value == 1 else graph("gated", g, slope)
                self._derivatives[i] = Program(graph, root, self.count + 1)
        return self._derivatives[i]

    def evaluate(self, xs):
        """On whole tensors of one dtype and shape."""
        values = list(xs)
        for op, operands, done in self._steps:
            values.append(_compute(op, [values[p] if p is not None else v for p, v in operands], xs[0]))
            for p in done:
                values[p] = None
        if self._steps:
            return values[-1]
        return xs[self.root.value].clone() if self.root.op == "input" else pyxtorch.full_like(xs[0], self.root.value)

    def run(self, xs):
        x = xs[0]
        n = x.numel()
        if x.is_cuda:
            kernel = self.graph.kernel((self.root,), self.count)
            return self.evaluate(xs) if kernel is None else kernel(*xs)
        if n <= 2 * _BLOCK or x.device.type != "cpu" or not all(t.is_contiguous() for t in xs):
            return self.evaluate(xs)
        out = pyxtorch.empty_like(x)
        flat, parts = out.view(-1), [t.reshape(-1) for t in xs]
        for start in range(0, n, _BLOCK):
            flat[start : start + _BLOCK] = self.evaluate([p[start : start + _BLOCK] for p in parts])
        return out


def _compute(op, args, like):
    if op == "gated":
        g, slope = args
        return pyxtorch.where(g == 0, 0.0, g * slope).to(like.dtype)
    if op == "where":
        condition, a, b = args
        if not isinstance(a, pyxtorch.Tensor) and not isinstance(b, pyxtorch.Tensor):
            a = pyxtorch.full((), a, dtype=like.dtype, device=like.device)
        return pyxtorch.where(condition, a, b)
    for k in (0, 1) if op in ("minimum", "maximum") else (0,):  # the others take a number as the second operand
        if not isinstance(args[k], pyxtorch.Tensor):
            args[k] = pyxtorch.full((), args[k], dtype=like.dtype, device=like.device)
    return getattr(pyxtorch, _OPERATIONS[op][1])(*args)


class _Apply(Function):
    @staticmethod
    def vmap(info, in_dims, program, *xs):
        """Elementwise: the batch is one more dimension."""
        xs = [x.movedim(d, 0) if d is not None else x.expand(info.batch_size, *x.shape) for x, d in zip(xs, in_dims[1:])]
        return _Apply.apply(program, *xs), 0

    @staticmethod
    def forward(ctx, program, *xs):
        ctx.program = program
        ctx.save_for_backward(*xs)
        return program.run(xs)

    @staticmethod
    def backward(ctx, g):
        xs, needed = ctx.saved_tensors, ctx.needs_input_grad[1:]
        programs = [ctx.program.derivative(i) if needs else None for i, needs in enumerate(needed)]
        found = _at_once([p for p in programs if p is not None], [*xs, g])
        if found is None:
            found = [_Apply.apply(p, *xs, g) for p in programs if p is not None]
        found = iter(found)
        return (None, *(next(found) if p is not None else pyxtorch.zeros_like(g) if needs else None for p, needs in zip(programs, needed)))


def _at_once(programs, xs):
    """The values of several programs by one kernel of the GPU; None elsewhere, and where they are differentiated again."""
    if len(programs) < 2 or not xs[0].is_cuda or pyxtorch.is_grad_enabled() or not all(type(x) is pyxtorch.Tensor for x in xs):
        return None
    kernel = programs[0].graph.kernel(tuple(p.root for p in programs), programs[0].count)
    return None if kernel is None else kernel(*xs)


class Formula:
    """An elementwise operation of a formula, called with tensors that broadcast, and numbers."""

    def __init__(self, name, text, inputs):
        self._namespace, self._name = ("formulas", name) if "::" not in name else name.split("::")
        if not (self._namespace.isidentifier() and self._name.isidentifier()):
            raise ValueError(f"register_formula: expected a name, or namespace::name, got {name!r}.")
        graph, root, self.inputs = parse(name, text, inputs)
        self._qualname, self.formula, self.__name__ = f"{self._namespace}::{self._name}", text, self._name
        self._program = Program(graph, root, len(self.inputs))
        self.__doc__ = f"{self._name}({', '.join(self.inputs)}) = {text}, elementwise."

    def __repr__(self):
        return f"<Formula {self.__doc__}>"

    def __call__(self, *args):
        if len(args) != len(self.inputs):
            raise TypeError(f"{self._name}: expected {len(self.inputs)} inputs ({', '.join(self.inputs)}), got {len(args)}.")
        tensors = [x for x in args if isinstance(x, pyxtorch.Tensor)]
        if not tensors:
            raise TypeError(f"{self._name}: expected a Tensor among its inputs, got {', '.join(type(x).__name__ for x in args)}.")
        for x in args:
            if not isinstance(x, pyxtorch.Tensor | int | float):
                raise TypeError(f"{self._name}: expected Tensors and numbers, got {type(x).__name__}.")
        dtype = functools.reduce(pyxtorch.promote_types, [x.dtype for x in [x for x in tensors if x.dim()] or tensors])
        if dtype.is_complex:
            raise TypeError(f"{self._name}: formulas are of real numbers, got {dtype}.")
        if not dtype.is_floating_point:
            dtype = pyxtorch.get_default_dtype()
        if len({x.device for x in tensors if x.dim()}) > 1:
            raise RuntimeError(f"{self._name}: expected tensors on one device, got {', '.join(str(x.device) for x in tensors)}.")
        device = next((x.device for x in tensors if x.dim()), tensors[0].device)
        wide = pyxtorch.float32 if dtype.itemsize < 4 else dtype
        xs = [x.to(device=device, dtype=wide) if isinstance(x, pyxtorch.Tensor) else pyxtorch.full((), x, dtype=wide, device=device) for x in args]
        if len(xs) > 1:
            xs = [x.contiguous() if x.numel() <= _BLOCK and not x.is_cuda else x for x in pyxtorch.broadcast_tensors(*xs)]
        return _Apply.apply(self._program, *xs).to(dtype)

"""An ONNX graph in the making: `Graph` holds the nodes, and a `Value` is a result of one, with operators like a tensor's.

A value knows its dtype (pyxtorch's) and its shape: ints, and None where the length is known at run time only. A length at run time is a
value itself: int64, of one element. `Graph.vector` makes the shapes of these that ONNX wants.
"""
import math
import struct

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.onnx.errors import OnnxExporterError, UnsupportedOperatorError

__all__ = ["BOOL", "ELEMENT", "INT", "Graph", "Length", "Value", "element"]

# pyxtorch's name of a dtype: ONNX's number of it (TensorProto.DataType).
ELEMENT = {
    "float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11,
    "uint32": 12, "uint64": 13, "bfloat16": 16,
}  # fmt: skip
INT = pyxtorch.int64
BOOL = pyxtorch.bool
# Whole numbers that runtimes have no arithmetic of: computed in int64, which holds them.
NARROW = (pyxtorch.int8, pyxtorch.uint8, pyxtorch.int16, pyxtorch.uint16, pyxtorch.uint32)


def element(dtype):
    """ONNX's number of a dtype."""
    if dtype.name not in ELEMENT:
        raise OnnxExporterError(f"export: tensors of {dtype} cannot be exported.")
    return ELEMENT[dtype.name]


class Value:
    """A tensor of the graph."""

    __slots__ = ("const", "dtype", "g", "name", "shape")

    def __init__(self, g, name, dtype, shape, const=None):
        self.g, self.name, self.dtype, self.shape, self.const = g, name, dtype, tuple(shape), const

    @property
    def ndim(self):
        return len(self.shape)

    def axis(self, dim):
        """`dim` counted from the front."""
        n = max(self.ndim, 1)
        if not -n <= dim < n:
            raise OnnxExporterError(f"export: dimension {dim} of a tensor of {self.ndim}.")
        return dim % n

    def size(self, dim):
        """How long it is: an int, or a value."""
        dim = self.axis(dim)
        if self.shape[dim] is not None:
            return self.shape[dim]
        return self.g.sized(self, dim)

    def sizes(self):
        return [self.size(i) for i in range(self.ndim)]

    def fixed(self, dim):
        """Its length as an int; an operation that needs it known refuses a dynamic one."""
        n = self.shape[self.axis(dim)]
        if n is None:
            raise UnsupportedOperatorError(f"export: {self.g.at}: dimension {dim} of an argument is dynamic, but this operation needs to know how long it is.")
        return n

    # ------------------------------------------------------------------ dtypes

    @property
    def floats(self):
        return self.dtype.is_floating_point

    def cast(self, dtype):
        if dtype == self.dtype:
            return self
        if self.const is not None and self.const.numel() < 1024:
            return self.g.constant(self.const.to(dtype))
        if dtype is BOOL or dtype == BOOL:
            return self.g.add("Cast", [self], BOOL, self.shape, to=9)
        return self.g.add("Cast", [self], dtype, self.shape, to=element(dtype))

    def floating(self):
        """As floating-point numbers: whole ones in the default dtype."""
        return self if self.floats else self.cast(pyxtorch.get_default_dtype())

    # ------------------------------------------------------------------ elements

    def unary(self, op, dtype=None, **attributes):
        return self.g.add(op, [self], dtype or self.dtype, self.shape, **attributes)

    def __add__(self, other):
        return self.g.arithmetic("Add", self, other)

    __radd__ = __add__

    def __sub__(self, other):
        return self.g.arithmetic("Sub", self, other)

    def __rsub__(self, other):
        return self.g.arithmetic("Sub", other, self)

    def __mul__(self, other):
        return self.g.arithmetic("Mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self.g.arithmetic("Div", self.floating(), other)

    def __rtruediv__(self, other):
        return self.g.arithmetic("Div", other, self.floating())

    def __pow__(self, other):
        return self.g.arithmetic("Pow", self, other)

    def __rpow__(self, other):
        return self.g.arithmetic("Pow", other, self)

    def __floordiv__(self, other):
        return self.g.floor_divide(self, other)

    def __mod__(self, other):
        return self.g.remainder(self, other)

    def __neg__(self):
        return self.unary("Neg") if self.dtype not in NARROW else (0 - self)

    def __abs__(self):
        return self.unary("Abs")

    def __eq__(self, other):
        return self.g.compare("Equal", self, other)

    def __ne__(self, other):
        return ~self.g.compare("Equal", self, other)

    __hash__ = object.__hash__

    def __lt__(self, other):
        return self.g.compare("Less", self, other)

    def __le__(self, other):
        return self.g.compare("LessOrEqual", self, other)

    def __gt__(self, other):
        return self.g.compare("Greater", self, other)

    def __ge__(self, other):
        return self.g.compare("GreaterOrEqual", self, other)

    def __and__(self, other):
        return self.g.logical("And", self, other)

    def __or__(self, other):
        return self.g.logical("Or", self, other)

    def __invert__(self):
        return self.cast(BOOL).unary("Not")

    def exp(self):
        return self.unary("Exp")

    def log(self):
        return self.unary("Log")

    def sqrt(self):
        return self.unary("Sqrt")

    def floor(self):
        return self.unary("Floor") if self.floats else self

    def minimum(self, other):
        return self.g.arithmetic("Min", self, other)

    def maximum(self, other):
        return self.g.arithmetic("Max", self, other)

    def clip(self, low=None, high=None):
        x = self if low is None else self.maximum(low)
        return x if high is None else x.minimum(high)

    # ------------------------------------------------------------------ shapes

    def reshape(self, sizes):
        """Its elements in another shape: ints and values, -1 once."""
        sizes = list(sizes)
        known = [n if isinstance(n, int) and n >= 0 else None for n in sizes]
        if tuple(known) == self.shape and None not in known:
            return self
        # One length that is not known: it follows from the others.
        target = [-1 if isinstance(n, Value) else n for n in sizes]
        if target.count(-1) > 1:
            target = sizes
        asked = [i for i, n in enumerate(sizes) if isinstance(n, int) and n == -1]
        if asked and None not in self.shape and known.count(None) == 1:
            known[asked[0]] = math.prod(self.shape) // max(math.prod(n for n in known if n is not None), 1)
        return self.g.add("Reshape", [self, self.g.vector(target)], self.dtype, known, allowzero=None if -1 in [n for n in target if isinstance(n, int)] else 1)

    def transpose(self, order):
        if list(order) == list(range(self.ndim)):
            return self
        return self.g.add("Transpose", [self], self.dtype, [self.shape[i] for i in order], perm=list(order))

    def swap(self, a, b):
        order = list(range(self.ndim))
        a, b = self.axis(a), self.axis(b)
        order[a], order[b] = order[b], order[a]
        return self.transpose(order)

    def unsqueeze(self, *axes):
        """Axes of length 1 at these places of the result."""
        n = self.ndim + len(axes)
        axes = sorted(a % n for a in axes)
        shape, rest = [], list(self.shape)
        for i in range(n):
            shape.append(1 if i in axes else rest.pop(0))
        return self.g.add("Unsqueeze", [self, self.g.ints(axes)], self.dtype, shape)

    def squeeze(self, *axes):
        axes = sorted(self.axis(a) for a in axes)
        if not axes:
            return self
        return self.g.add("Squeeze", [self, self.g.ints(axes)], self.dtype, [n for i, n in enumerate(self.shape) if i not in axes])

    def slice(self, axis, start, stop=None, step=1):
        """Elements start, start + step ... before stop (None: to the end) along an axis; ints or values."""
        axis = self.axis(axis)
        n = self.shape[axis]
        if isinstance(start, int) and start == 0 and stop is None and step == 1:
            return self
        length = None
        if n is not None and isinstance(start, int) and (stop is None or isinstance(stop, int)) and isinstance(step, int):
            length = len(range(n)[slice(start, stop, step)])
        elif isinstance(start, int) and start == 0 and step == 1 and isinstance(stop, Value):
            length = None
        far = (1 << 62) if step > 0 else -(1 << 62)
        bounds = [self.g.vector([start]), self.g.vector([far if stop is None else stop]), self.g.ints([axis]), self.g.ints([step])]
        return self.g.add("Slice", [self, *bounds], self.dtype, [length if i == axis else m for i, m in enumerate(self.shape)])

    def gather(self, index, axis=0):
        axis = self.axis(axis)
        return self.g.add("Gather", [self, index], self.dtype, self.shape[:axis] + index.shape + self.shape[axis + 1 :], axis=axis)

    def expand(self, sizes):
        """Broadcast to a shape of ints and values."""
        known = [n if isinstance(n, int) else None for n in sizes]
        if list(self.shape) == known and None not in known:
            return self
        return self.g.add("Expand", [self, self.g.vector(sizes)], self.dtype, known)

    def matmul(self, other):
        a, b = self, other
        if a.dtype in NARROW or a.dtype == BOOL:
            return a.cast(INT).matmul(b.cast(INT)).cast(a.dtype)
        if 1 in (a.ndim, b.ndim):
            shape = (a.shape[:-1] if a.ndim > 1 else ()) + (b.shape[:-2] + b.shape[-1:] if b.ndim > 1 else ())
        else:
            shape = (*self.g.broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
        return self.g.add("MatMul", [a, b], a.dtype, shape)

    # ------------------------------------------------------------------ reductions

    def reduce(self, op, axes=None, keepdim=False):
        """ReduceSum and its like over axes; None: all."""
        every = list(range(self.ndim)) if axes is None else sorted({self.axis(a) for a in axes})
        if self.ndim == 0:
            return self
        shape = [1 if i in every else n for i, n in enumerate(self.shape) if keepdim or i not in every]
        return self.g.add(op, [self, self.g.ints(every)], self.dtype, shape, keepdims=int(keepdim))

    def sum(self, axes=None, keepdim=False):
        return self.reduce("ReduceSum", axes, keepdim)

    def mean(self, axes=None, keepdim=False):
        if 0 in self.shape:  # of nothing: NaN, where runtimes say 0
            return self.sum(axes, keepdim) / 0
        return self.reduce("ReduceMean", axes, keepdim)

    def any(self, axes=None, keepdim=False):
        """Whether an element along axes is not 0; of none, False."""
        return self.cast(BOOL).cast(INT).sum(axes, keepdim).cast(BOOL)


class Length(Value):
    """A number of the program that follows from sizes: int64 or float64, of one element. To operations it is a number, no tensor."""

    __slots__ = ()


class Graph:
    """Nodes, constants and names; operations on lengths and dtypes that rows of the tables share."""

    def __init__(self, opset, reserved=()):
        self.opset = opset
        self.nodes, self.initializers = [], {}
        self.names, self.cache, self.out = dict.fromkeys(reserved, 1), {}, []
        self.at = ""

    # ------------------------------------------------------------------ nodes

    def name(self, stem):
        """A name that is not taken yet."""
        number = self.names.get(stem, 0)
        self.names[stem] = number + 1
        return stem if number == 0 else self.name(f"{stem}_{number}")

    def result(self, value, name):
        """A value under a name that was kept free for it."""
        self.nodes.append(("Identity", [value.name], [name], {}, "the result"))
        return Value(self, name, value.dtype, value.shape)

    def add(self, op, inputs, dtype, shape, /, name=None, **attributes):
        """The value of a new node of one output."""
        return self.add_many(op, inputs, [(dtype, shape)], name, **attributes)[0]

    def add_many(self, op, inputs, outputs, /, name=None, **attributes):
        """The values of a new node: (dtype, shape) of each output, None where it is not wanted."""
        key = None
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()}
        if not op.startswith("Random") and op not in ("Bernoulli", "Multinomial") and not any(hasattr(v, "SerializeToString") for v in plain.values()):
            key = (op, tuple(None if v is None else v.name for v in inputs), len(outputs), tuple(sorted(plain.items())), name)
            if key in self.cache:
                return self.cache[key]
        values = [None if o is None else Value(self, self.name(name or op.lower()), *o) for o in outputs]
        self.nodes.append((op, [i.name if i is not None else "" for i in inputs], [v.name if v is not None else "" for v in values],
                           {k: v for k, v in attributes.items() if v is not None}, self.at))
        if key is not None:
            self.cache[key] = values
        return values

    # ------------------------------------------------------------------ constants

    def initializer(self, name, tensor):
        """A tensor that the file holds, under its name."""
        element(tensor.dtype)
        name = self.name(name)
        self.initializers[name] = tensor
        return Value(self, name, tensor.dtype, tensor.shape, tensor)

    def constant(self, tensor):
        """A value for a tensor, one for equal small ones."""
        key = None
        if tensor.numel() <= 64:
            values = tensor.reshape(-1).tolist()
            key = (tensor.dtype, tuple(tensor.shape), tuple([struct.pack("d", v) if isinstance(v, float) else v for v in values]))
            if key in self.cache:
                return self.cache[key]
        value = self.initializer("constant", tensor.detach())
        if key is not None:
            self.cache[key] = value
        return value

    def number(self, x, dtype):
        """A Python number, or a length, as a value without dimensions."""
        if isinstance(x, Value):
            return (x.squeeze(0) if x.ndim else x).cast(dtype)
        return self.constant(pyxtorch.tensor(x, dtype=dtype, device="cpu"))

    def ints(self, numbers):
        """A constant vector of int64."""
        return self.constant(pyxtorch.tensor(list(numbers), dtype=INT, device="cpu"))

    def vector(self, sizes):
        """A vector of int64 of ints and values of one element."""
        sizes = list(sizes)
        if all(isinstance(n, int) for n in sizes):
            return self.ints(sizes)
        parts, run = [], []
        for n in sizes:
            if isinstance(n, int):
                run.append(n)
                continue
            if run:
                parts.append(self.ints(run))
            run = []
            parts.append(n.cast(INT).reshape([1]) if n.ndim != 1 else n.cast(INT))
        if run:
            parts.append(self.ints(run))
        return parts[0] if len(parts) == 1 else self.concat(parts, 0)

    def concat(self, values, axis):
        axis = values[0].axis(axis)
        lengths = [v.shape[axis] for v in values]
        shape = [next((v.shape[i] for v in values if v.shape[i] is not None), None) for i in range(values[0].ndim)]
        shape[axis] = None if None in lengths else sum(lengths)
        return self.add("Concat", values, values[0].dtype, shape, axis=axis) if len(values) > 1 else values[0]

    def sized(self, x, dim):
        """The length of `x` along an axis at run time."""
        return self.add("Shape", [x], INT, [1], start=dim, end=dim + 1)

    def product(self, sizes):
        """The product of ints and values."""
        known, result = 1, None
        for n in sizes:
            if isinstance(n, int):
                known *= n
            else:
                result = n if result is None else result * n
        return known if result is None else result if known == 1 else result * known

    # ------------------------------------------------------------------ several operands

    @staticmethod
    def broadcast(*shapes):
        """The shape that shapes broadcast to."""
        n = max(map(len, shapes), default=0)
        out = []
        for column in zip(*[(1,) * (n - len(s)) + tuple(s) for s in shapes]):
            known = [m for m in column if m is not None]
            out.append(next((m for m in known if m != 1), None if None in column else 1))
        return out

    def dtype_of(self, *operands):
        """What PyTorch's promotion gives for values and numbers."""
        stand_ins = [self._stand_in(x) for x in operands]
        result = stand_ins[0]
        for other in stand_ins[1:]:
            dtype = pyxtorch.result_type(result, other)
            dims = max(x.ndim if isinstance(x, Tensor) else 0 for x in (result, other))
            if isinstance(result, Tensor) or isinstance(other, Tensor):
                result = pyxtorch.empty((1,) * dims, dtype=dtype, device="cpu")
        return result.dtype if isinstance(result, Tensor) else pyxtorch.tensor(result).dtype

    @staticmethod
    def _stand_in(x):
        if isinstance(x, Length):
            return 1.0 if x.floats else 1
        return pyxtorch.empty((1,) * x.ndim, dtype=x.dtype, device="cpu") if isinstance(x, Value) else x

    def promoted(self, *operands, dtype=None):
        """All operands as values of one dtype."""
        dtype = dtype or self.dtype_of(*operands)
        return [x.cast(dtype) if isinstance(x, Value) and not isinstance(x, Length) else self.number(x, dtype) for x in operands]

    def arithmetic(self, op, a, b):
        a, b = self.promoted(a, b)
        dtype = a.dtype
        if dtype in NARROW or dtype == BOOL:
            a, b = a.cast(INT), b.cast(INT)
        return self.add(op, [a, b], a.dtype, self.broadcast(a.shape, b.shape)).cast(dtype)

    def compare(self, op, a, b):
        a, b = self.promoted(a, b)
        if a.dtype in NARROW or a.dtype == BOOL and op != "Equal":
            a, b = a.cast(INT), b.cast(INT)
        return self.add(op, [a, b], BOOL, self.broadcast(a.shape, b.shape))

    def logical(self, op, a, b):
        a, b = self.promoted(a, b, dtype=BOOL)
        return self.add(op, [a, b], BOOL, self.broadcast(a.shape, b.shape))

    def where(self, condition, a, b, dtype=None):
        a, b = self.promoted(a, b, dtype=dtype)
        dtype = a.dtype
        if dtype in (pyxtorch.float16, pyxtorch.bfloat16):
            a, b = a.cast(pyxtorch.float32), b.cast(pyxtorch.float32)
        elif dtype in NARROW and dtype != pyxtorch.uint8:
            a, b = a.cast(INT), b.cast(INT)
        condition = condition.cast(BOOL)
        if dtype == BOOL:  # runtimes choose between truths by logic only
            return (condition & a) | (~condition & b)
        return self.add("Where", [condition, a, b], a.dtype, self.broadcast(condition.shape, a.shape, b.shape)).cast(dtype)

    def left_over(self, a, b):
        """What division of floating-point numbers towards zero leaves, of the sign of a; and where b's sign is the other one."""
        left = self.add("Mod", [a, b], a.dtype, self.broadcast(a.shape, b.shape), fmod=1)
        return left, (left != 0) & ((left < 0) != (b < 0))

    def remainder(self, a, b):
        """a - floor(a / b) * b, of the sign of b."""
        a, b = self.promoted(a, b)
        if a.floats:
            left, other_side = self.left_over(a, b)
            return self.where(other_side, left + b, left)
        return self.add("Mod", [a, b], a.dtype, self.broadcast(a.shape, b.shape))

    def floor_divide(self, a, b):
        a, b = self.promoted(a, b)
        if a.floats:  # as Python divides: what a multiple of b leaves is taken off first
            left, other_side = self.left_over(a, b)
            near = (a - left) / b
            near = self.where(other_side, near - 1, near)
            below = near.floor()
            return self.where(b == 0, a / b, self.where(near - below > 0.5, below + 1, below))
        dtype = a.dtype
        a, b = (a.cast(INT), b.cast(INT)) if dtype in NARROW else (a, b)
        return self.arithmetic("Div", a - self.remainder(a, b), b).cast(dtype)

    # ------------------------------------------------------------------ values made from lengths

    def arange(self, stop, start=0, step=1, dtype=INT):
        """start, start + step ... before stop, all ints or values."""
        if all(isinstance(x, int) for x in (start, stop, step)):
            if stop <= 4096:
                return self.constant(pyxtorch.arange(start, stop, step, device="cpu").to(dtype))
            length = len(range(start, stop, step))
        else:
            length = None
        bounds = [self.number(x, INT) for x in (start, stop, step)]
        return self.add("Range", bounds, INT, [length]).cast(dtype)

    def filled(self, sizes, value, dtype):
        """A tensor of one number, of a shape of ints and values."""
        x = self.number(value, dtype)
        return x.expand(sizes) if len(list(sizes)) else x

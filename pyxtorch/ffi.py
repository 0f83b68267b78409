"""Plain C functions as operations: loaded from a library, or taken by their address (Numba's among them), without wrapper code.

A pointer to const is an input, another pointer an output that is allocated; integers are sizes, found from the shapes of the inputs;
other numbers are arguments. Parsing and calling are cffi's: the extra `ffi` (pip install pyxtorch[ffi]).
"""
import os
import platform
import re
import struct
from pathlib import Path

import pyxtorch
from pyxtorch.autograd import Function

__all__ = ["CFunction", "from_address", "load"]

_DTYPES = {
    "float": "float32", "double": "float64", "int8_t": "int8", "int16_t": "int16", "int32_t": "int32", "int": "int32", "int64_t": "int64",
    "long long": "int64", "uint8_t": "uint8", "unsigned char": "uint8", "uint16_t": "uint16", "uint32_t": "uint32", "uint64_t": "uint64",
    "bool": "bool", "_Bool": "bool",
}  # fmt: skip
_INTEGERS = {"int", "int32_t", "int64_t", "long", "long long", "size_t", "ssize_t", "ptrdiff_t", "uint32_t", "uint64_t"}
_WIDTHS = {"int": 31, "int32_t": 31, "uint32_t": 32}
_PROTOTYPE = re.compile(r"^\s*(?:extern\s+)?(void|int|int32_t)\s+(\w+)\s*\(([^()]*)\)\s*;?\s*$")
_SHAPES = re.compile(r"^\((\w*(?:,\w+)*)\)$")
# ELF's numbers of machines
_MACHINES = {3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64", 21: "ppc64le", 22: "s390x"}


def _cffi():
    try:
        import cffi
    except ImportError as error:
        raise ImportError("pyxtorch.ffi needs cffi: pip install 'pyxtorch[ffi]'") from error
    return cffi.FFI()


class _Argument:
    """One parameter of a C function: its type, whether it is a pointer, and to what it may write."""

    def __init__(self, text, position):
        words = text.replace("*", " * ").split()
        kinds = [w for w in words if w not in ("const", "restrict", "__restrict", "__restrict__")]
        self.pointer = kinds.count("*")
        named = kinds[-1] not in ("*", *_DTYPES, *_INTEGERS, "char", "long") and len(kinds) > 1
        self.name = kinds[-1] if named else f"arg{position}"
        self.type = " ".join(w for w in (kinds[:-1] if named else kinds) if w != "*")
        self.input = self.pointer == 1 and "const" in words[: words.index("*")]
        self.output = self.pointer == 1 and not self.input
        self.size = not self.pointer and self.type in _INTEGERS
        known = _DTYPES if self.pointer == 1 else {**dict.fromkeys(_INTEGERS), "float": 0, "double": 0}
        if self.pointer > 1 or self.type not in known:
            raise ValueError(f"ffi: {text.strip()!r} is no argument that can be passed; pointers to {', '.join(_DTYPES)}, integers, float and double are.")
        self.dtype = getattr(pyxtorch, _DTYPES[self.type]) if self.pointer else None


def _parse(signature):
    found = _PROTOTYPE.match(signature)
    if not found:
        raise ValueError(f"ffi: expected a C function such as 'void add(const float* x, const float* y, float* out, int64_t n)', got {signature!r}.")
    result, name, inside = found.groups()
    arguments = [] if inside.strip() in ("", "void") else [_Argument(part, i) for i, part in enumerate(inside.split(","))]
    if not any(a.output for a in arguments) or not any(a.input for a in arguments):
        raise ValueError(f"ffi: {name} needs an input (a pointer to const) and an output (another pointer), got {inside!r}.")
    if len({a.name for a in arguments}) < len(arguments):
        raise ValueError(f"ffi: two arguments of {name} have one name.")
    return result, name, arguments


def _parse_shapes(shapes, name, arguments):
    """[[name of a size, ...], ...] of inputs and of outputs, from "(m,k),(k,n)->(m,n)"; None: all are of one shape, of which the size is the number of elements."""
    counts = sum(a.input for a in arguments), sum(a.output for a in arguments)
    sizes = [a.name for a in arguments if a.size]
    if shapes is None:
        if len(sizes) != 1:
            raise ValueError(f"ffi: {name} has {len(sizes)} sizes; say the shapes, such as shapes='(m,k),(k,n)->(m,n)', with the names of its arguments.")
        return None
    sides = re.sub(r"\s", "", shapes).split("->")
    parsed = [[_SHAPES.match(part) for part in re.findall(r"\([^()]*\)|[^,()]+", side)] for side in sides]
    if len(sides) != 2 or any(p is None for side in parsed for p in side):
        raise ValueError(f"ffi: {name}: expected shapes such as '(m,k),(k,n)->(m,n)', got {shapes!r}.")
    inputs, outputs = ([[d for d in p[1].split(",") if d] for p in side] for side in parsed)
    if (len(inputs), len(outputs)) != counts:
        raise ValueError(f"ffi: {name} has {counts[0]} inputs and {counts[1]} outputs, but the shapes are of {len(inputs)} and {len(outputs)}: {shapes!r}.")
    known = {d for p in inputs for d in p}
    for d in [d for p in outputs for d in p] + sizes:
        if d not in known and not d.isdigit():
            raise ValueError(f"ffi: {name}: the size {d!r} is not one of the inputs': {shapes!r}.")
    return inputs, outputs


class _Run(Function):
    generate_vmap_rule = True  # slice by slice

    @staticmethod
    def forward(ctx, function, numbers, given, *inputs):
        ctx.function, ctx.numbers = function, numbers
        ctx.save_for_backward(*inputs)
        return function._run(inputs, numbers, given)

    @staticmethod
    def backward(ctx, *grads):
        function = ctx.function
        if function.backward is None:
            raise RuntimeError(f"{function.__name__}: it has no gradient; give backward= where it is loaded.")
        found = function.backward(*grads, *ctx.saved_tensors, *ctx.numbers)
        found = found if isinstance(found, tuple | list) else (found,)
        inputs = ctx.saved_tensors
        if len(found) != len(inputs):
            raise RuntimeError(f"{function.__name__}: its backward gave {len(found)} gradients for {len(inputs)} inputs; None stands for no gradient.")
        for i, (g, x) in enumerate(zip(found, inputs)):
            if g is not None and (not isinstance(g, pyxtorch.Tensor) or (g.shape, g.dtype, g.device) != (x.shape, x.dtype, x.device)):
                what = f"{tuple(g.shape)}, {g.dtype}, {g.device}" if isinstance(g, pyxtorch.Tensor) else type(g).__name__
                raise RuntimeError(f"{function.__name__}: its backward gave for input {i} {what}; expected {tuple(x.shape)}, {x.dtype}, {x.device}.")
        return (None, None, None, *found)


class CFunction:
    """A C function as an operation: called with the inputs and the numbers in the order of the signature, it gives the outputs.

    Tensors to write into may follow, one for each output. Python's lock is not held while it runs.
    """

    def __init__(self, call, signature, shapes, backward, keep):
        self._result, self.__name__, self._arguments = _parse(signature)
        self._shapes = _parse_shapes(shapes, self.__name__, self._arguments)
        self._call, self._keep, self.backward = call, keep, backward
        self._inputs = [a for a in self._arguments if a.input]
        self._outputs = [a for a in self._arguments if a.output]
        self._numbers = [a for a in self._arguments if not a.pointer and not a.size]
        self.__doc__ = signature

    def __repr__(self):
        return f"<CFunction {self.__doc__}>"

    def __call__(self, *args):
        inputs, numbers, given, place = [], [], [], iter(args)
        wanted = [a for a in self._arguments if a.input or not (a.output or a.size)]
        if len(args) not in (len(wanted), len(wanted) + len(self._outputs)):
            raise TypeError(f"{self.__name__}: expected {len(wanted)} arguments ({', '.join(a.name for a in wanted)}), got {len(args)}.")
        for a in wanted:
            if a.input:
                inputs.append(self._checked(next(place), a))
            else:
                numbers.append(float(next(place)))
        given = [self._checked(x, a, write=True) for x, a in zip(place, self._outputs)]
        if given and any(x.requires_grad for x in given):
            raise RuntimeError(f"{self.__name__}: a tensor that requires a gradient cannot be written into.")
        if not given:
            return _Run.apply(self, tuple(numbers), given, *inputs)
        return self._run(inputs, numbers, given)

    def _checked(self, x, a, write=False):
        if not isinstance(x, pyxtorch.Tensor):
            raise TypeError(f"{self.__name__}: expected a Tensor as {a.name}, got {type(x).__name__}.")
        if x.dtype != a.dtype or x.device.type != "cpu" or x.layout != pyxtorch.strided:
            raise ValueError(f"{self.__name__}: expected {a.name} to be a tensor of {a.dtype} on the CPU, got one of {x.dtype} on {x.device.type}.")
        if write and not x.is_contiguous():
            raise ValueError(f"{self.__name__}: expected {a.name}, which is written, to be contiguous; got strides {x.stride()} for shape {tuple(x.shape)}.")
        return x

    def _sizes(self, inputs):
        """Shapes of the outputs, and the sizes by name."""
        shapes = [tuple(x.shape) for x in inputs]
        if self._shapes is None:
            if len(set(shapes)) != 1:
                raise ValueError(f"{self.__name__}: expected inputs of one shape, got {', '.join(map(str, shapes))}.")
            return [shapes[0]] * len(self._outputs), dict.fromkeys([a.name for a in self._arguments if a.size], inputs[0].numel())
        sizes = {}
        for names, shape, a in zip(self._shapes[0], shapes, self._inputs):
            if len(names) != len(shape):
                raise ValueError(f"{self.__name__}: expected {a.name} of {len(names)} dimensions ({','.join(names)}), got shape {shape}.")
            for name, n in zip(names, shape):
                if sizes.setdefault(name, int(name) if name.isdigit() else n) != n:
                    raise ValueError(f"{self.__name__}: {a.name} of shape {shape} has {n} where ({','.join(names)}) and the other inputs say {name} = {sizes[name]}.")
        return [tuple(sizes[d] if d in sizes else int(d) for d in names) for names in self._shapes[1]], sizes

    def _run(self, inputs, numbers, given):
        shapes, sizes = self._sizes(inputs)
        inputs = [x.detach().contiguous() for x in inputs]
        outputs = list(given)
        for x, shape, a in zip(given, shapes, self._outputs):
            if tuple(x.shape) != shape:
                raise ValueError(f"{self.__name__}: expected {a.name} of shape {shape}, got {tuple(x.shape)}.")
            if any(x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr() for y in inputs + [o for o in given if o is not x]):
                raise ValueError(f"{self.__name__}: {a.name}, which is written, shares memory with another argument.")
        if not given:
            outputs = [pyxtorch.empty(shape, dtype=a.dtype) for shape, a in zip(shapes, self._outputs)]
        ins, outs, nums, call = iter(inputs), iter(outputs), iter(numbers), []
        for a in self._arguments:
            if a.size:
                n = sizes[a.name]
                if n >= 1 << _WIDTHS.get(a.type, 63):
                    raise ValueError(f"{self.__name__}: {a.name} = {n} is too large for {a.type}.")
                call.append(n)
            else:
                call.append(next(nums) if not a.pointer else next(ins if a.input else outs))
        status = self._call([x.data_ptr() if isinstance(x, pyxtorch.Tensor) else x for x in call])
        for x in given:
            pyxtorch.autograd.graph.increment_version(x)
        if self._result != "void" and status:
            raise RuntimeError(f"{self.__name__}: it returned {status}, which is an error.")
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _caller(ffi, function, arguments):
    """A function that takes addresses and numbers."""
    cast = ffi.cast
    pointers = [ffi.typeof(f"{a.type} *") if a.pointer else None for a in arguments]

    def call(values):
        return function(*[cast(p, v) if p else v for p, v in zip(pointers, values)])

    return call


def _check_whole(path, file, head):
    """OSError for a library of which a part is missing: the linker would map what is not there."""
    if len(head) < 64 or head[:5] != b"\x7fELF\x02":
        return
    order = "<" if head[5] == 1 else ">"
    (at,) = struct.unpack_from(order + "Q", head, 32)
    entry, count = struct.unpack_from(order + "HH", head, 54)
    size = file.seek(0, os.SEEK_END)
    needed = at + entry * count
    if needed <= size and entry >= 56:
        file.seek(at)
        table = file.read(entry * count)
        for i in range(count):
            offset, length = struct.unpack_from(order + "8xQ16xQ", table, i * entry)
            needed = max(needed, offset + length)
    if needed > size:
        raise OSError(f"ffi.load: {str(path)!r} is cut off: expected at least {needed} bytes, found {size}.")


def _check_library(path):
    """OSError where a library is not there, or is not of this machine."""
    file = Path(path)
    if not file.is_file():
        if file.name == str(path):
            return str(path)  # for the linker to find
        raise FileNotFoundError(f"ffi.load: there is no library {str(path)!r}.")
    with file.open("rb") as opened:
        head = opened.read(64)
        _check_whole(path, opened, head)
    if head[:4] != b"\x7fELF" or len(head) < 20:
        raise OSError(f"ffi.load: {str(path)!r} is no shared library (ELF): it begins with {head[:4]!r}.")
    bits, order = 32 * head[4], "<" if head[5] == 1 else ">"
    (machine,) = struct.unpack_from(order + "H", head, 18)
    here, found = (64, platform.machine()), (bits, _MACHINES.get(machine, f"machine {machine}"))
    if found != here and here[1] in _MACHINES.values():
        raise OSError(f"ffi.load: {str(path)!r} is for {found[1]} ({found[0]} bits); expected {here[1]} ({here[0]} bits).")
    return str(file.resolve())


def load(library, signature, *, shapes=None, backward=None):
    """A C function of a library as an operation.

    Args:
        library: path of a shared library, or a name that the linker finds.
        signature: its declaration, such as "void add(const float* x, const float* y, float* out, int64_t n)". Pointers to const are
            inputs, others outputs, integers sizes, float and double numbers. It gives nothing, or an int that is 0 unless it failed.
        shapes: of inputs and outputs, in the names of the sizes: "(m,k),(k,n)->(m,n)". None: all have one shape, and the one size is
            their number of elements.
        backward: `backward(*grad_outputs, *inputs, *numbers)` gives a gradient for each input, or None; another such operation will do.
    Returns:
        a CFunction, called with the inputs and numbers. Inputs are made contiguous; dtypes and shapes are checked before each call.
    Raises:
        ValueError: the signature or the shapes are not of that kind.
        OSError: there is no such library, or it is of another machine or needs what is not here.
        AttributeError: it has no such function.

    That the function is what the signature says, a library does not tell: a wrong type there is not found.
    """
    ffi = _cffi()
    _, name, arguments = _parse(signature)
    path = _check_library(os.fspath(library))
    ffi.cdef(signature.rstrip().rstrip(";") + ";")
    try:
        opened = ffi.dlopen(path)
    except OSError as error:
        raise OSError(f"ffi.load: {library!r} cannot be opened: {error}") from error
    try:
        function = getattr(opened, name)
    except AttributeError as error:
        raise AttributeError(f"ffi.load: {library!r} has no function {name!r} (in C++ it must be extern \"C\").") from error
    return CFunction(_caller(ffi, function, arguments), signature, shapes, backward, (ffi, opened))


def from_address(function, signature, *, shapes=None, backward=None):
    """The same for a function by its address: an int, or an object with `address`, such as `numba.cfunc` makes.

    Raises:
        ValueError: no address, or as for `load`; where `function` tells its types (Numba's do), they are not the signature's.
    """
    ffi = _cffi()
    result, _, arguments = _parse(signature)
    address = getattr(function, "address", function)
    if not isinstance(address, int) or isinstance(address, bool) or address <= 0:
        raise ValueError(f"ffi.from_address: expected an address, or an object that has one, got {function!r}.")
    told = getattr(function, "_sig", None)
    if told is not None:
        _compare(told, result, arguments)
    types = ", ".join(f"{a.type} *" if a.pointer else a.type for a in arguments)
    pointer = ffi.cast(f"{result}(*)({types})", address)
    return CFunction(_caller(ffi, pointer, arguments), signature, shapes, backward, (ffi, function))


def _compare(told, result, arguments):
    """Numba's types against the signature's."""
    def word(a):
        if a.pointer:
            return f"{_DTYPES[a.type]}*"
        return {"float": "float32", "double": "float64", "int": "int32", "int32_t": "int32", "uint32_t": "uint32", "uint64_t": "uint64", "size_t": "uint64"}.get(a.type, "int64")

    expected = [word(a) for a in arguments]
    found = [str(t).replace("none*", "void*") for t in told.args]
    returned = {"void": "none"}.get(result, "int32")
    if found != expected or str(told.return_type) != returned:
        raise ValueError(f"ffi.from_address: the function takes ({', '.join(found)}) and gives {told.return_type}; the signature says ({', '.join(expected)}) and {returned}.")

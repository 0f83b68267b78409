"""Kernels of a program's own: CUDA C++ in text, compiled when it is first called.

Arguments are compared with a kernel's parameters before it is put on the stream; a mismatch raises an error that names the
parameter. What a kernel does with its memory nobody checks.
"""
import operator
import re
import struct

import pyxtorch
from pyxtorch import _cuda, _cuda_launch

__all__ = ["ElementwiseKernel", "RawKernel", "elementwise_kernel"]

# C++ type: dtype name, format of struct. What a name means is NVRTC's business; long is 64 bits on Linux.
_NUMBERS = {
    "bool": ("bool", "?"), "char": ("int8", "b"), "signed char": ("int8", "b"), "unsigned char": ("uint8", "B"),
    "short": ("int16", "h"), "unsigned short": ("uint16", "H"), "int": ("int32", "i"), "unsigned": ("uint32", "I"),
    "unsigned int": ("uint32", "I"), "long": ("int64", "q"), "unsigned long": ("uint64", "Q"), "long long": ("int64", "q"),
    "unsigned long long": ("uint64", "Q"), "size_t": ("uint64", "Q"), "float": ("float32", "f"), "double": ("float64", "d"),
    "int8_t": ("int8", "b"), "uint8_t": ("uint8", "B"), "int16_t": ("int16", "h"), "uint16_t": ("uint16", "H"),
    "int32_t": ("int32", "i"), "uint32_t": ("uint32", "I"), "int64_t": ("int64", "q"), "uint64_t": ("uint64", "Q"),
    "pyx_i8": ("int8", "b"), "pyx_u8": ("uint8", "B"), "pyx_i16": ("int16", "h"), "pyx_u16": ("uint16", "H"), "pyx_i32": ("int32", "i"),
    "pyx_u32": ("uint32", "I"), "pyx_i64": ("int64", "q"), "pyx_u64": ("uint64", "Q"),
}  # fmt: skip
_MEMORY = {name: dtype for name, (dtype, _) in _NUMBERS.items()} | {
    "half": "float16", "__half": "float16", "pyx::f16": "float16", "__nv_bfloat16": "bfloat16", "pyx::bf16": "bfloat16",
    "float2": "complex64", "pyx::c64": "complex64", "double2": "complex128", "pyx::c128": "complex128",
}  # fmt: skip
# dtype: its type in memory, that in which it is computed, the latter's format.
_TYPES = {
    "bool": ("bool", "bool", "?"), "uint8": ("pyx_u8", "pyx_u8", "B"), "uint16": ("pyx_u16", "pyx_u16", "H"),
    "uint32": ("pyx_u32", "pyx_u32", "I"), "uint64": ("pyx_u64", "pyx_u64", "Q"), "int8": ("pyx_i8", "pyx_i8", "b"),
    "int16": ("pyx_i16", "pyx_i16", "h"), "int32": ("pyx_i32", "pyx_i32", "i"), "int64": ("pyx_i64", "pyx_i64", "q"),
    "float16": ("pyx::f16", "float", "f"), "bfloat16": ("pyx::bf16", "float", "f"), "float32": ("float", "float", "f"),
    "float64": ("double", "double", "d"), "complex64": ("pyx::c64", "pyx::c64", None), "complex128": ("pyx::c128", "pyx::c128", None),
}  # fmt: skip
_SAME = """
template <class A, class B> struct pyx_same { static constexpr bool value = false; };
template <class A> struct pyx_same<A, A> { static constexpr bool value = true; };
static_assert(pyx_same<decltype(%s), void(%s)>::value, "pyxtorch_signature");
"""


# ------------------------------------------------------------------------------- signatures

class _Parameter:
    """One parameter of a kernel: what its declaration says."""

    def __init__(self, text):
        words = re.findall(r"[A-Za-z_][\w:]*(?:<[^<>]*>)?|\*|&|\[\s*\]|\S", text)
        if "&" in words or any(not re.match(r"[A-Za-z_*\[]", w) for w in words):
            raise ValueError(text)
        words = ["*" if w[0] == "[" else w for w in words if w not in ("__restrict__", "__restrict", "restrict", "volatile", "struct", "__grid_constant__")]
        if words[-1:] == ["*"] and len(words) > 1 and "*" not in words[:-1] and "[" in text:
            words[-2:] = ["*", words[-2]]  # float x[]
        stars = words.count("*")
        base = words[: words.index("*")] if stars else words
        self.constant = "const" in base and stars == 1
        base = [w for w in base if w != "const"]
        self.name = ""
        tail = [w for w in words[words.index("*") :] if w not in ("*", "const")] if stars else []
        if stars:
            self.name = tail[0] if tail else ""
        elif len(base) > 1 and " ".join(base) not in _NUMBERS:
            self.name = base.pop()
        self.type, self.stars = " ".join(base), stars
        if not base or len(tail) > 1 or (not stars and self.type not in _NUMBERS):
            raise ValueError(text)

    def declared(self):
        return f"{'const ' if self.constant else ''}{self.type}{'*' * self.stars}"

    def __str__(self):
        return f"{self.declared()} {self.name}".strip()


def _split(text):
    """What commas outside of brackets divide."""
    parts, depth, last = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "(<[{") - (c in ")>]}")
        if c == "," and depth == 0:
            parts.append(text[last:i])
            last = i + 1
    return [*parts, text[last:]] if text.strip() and text.strip() != "void" else []


def _parameters(name, text, whence):
    try:
        return [_Parameter(p.split("=")[0]) for p in _split(text)]
    except ValueError as error:
        raise ValueError(
            f"RawKernel: {name}: cannot tell what {str(error).strip()!r} in {whence} takes: it is neither a pointer nor a number of a type known by "
            "name. Give signature='const float*, float*, int' with the types that it stands for (a structure is passed by a pointer)."
        ) from None


def _signature(source, expression):
    """The parameters of a kernel as its source declares them."""
    plain = re.sub(r"/\*.*?\*/|//[^\n]*", " ", source, flags=re.S)
    name = expression.split("<")[0].split("::")[-1].strip()
    kernels = re.findall(r"__global__[^;{}()]*(?:__launch_bounds__\s*\([^()]*\)[^;{}()]*)?\b(\w+)\s*\(", plain)
    if name not in kernels:
        there = f"there are {', '.join(dict.fromkeys(kernels))}" if kernels else "there is none at all"
        raise ValueError(f"RawKernel: the source has no kernel '__global__ void {name}(...)': {there}.")
    start = re.search(rf"__global__[^;{{}}()]*(?:__launch_bounds__\s*\([^()]*\)[^;{{}}()]*)?\b{name}\s*\(", plain).end()
    depth, end = 1, start
    while depth and end < len(plain):
        depth += (plain[end] == "(") - (plain[end] == ")")
        end += 1
    if depth:
        raise ValueError(f"RawKernel: {name}: the list of parameters does not end.")
    return _parameters(name, plain[start : end - 1], "its declaration")


# -------------------------------------------------------------------------------- arguments

def _number(value, form):
    """The bytes of a number as a parameter of format `form`."""
    if form == "?":
        if not isinstance(value, bool):
            raise TypeError("a bool")
    elif form in "fd":
        value = float(value) if isinstance(value, int | float) or hasattr(value, "__float__") else None
        if value is None:
            raise TypeError("a number")
    else:
        value = operator.index(value)
    return struct.pack("<" + form, value)  # "<": in the native order floats too large become inf


def _on_gpu(value):
    return isinstance(value, pyxtorch.Tensor) or hasattr(value, "__cuda_array_interface__")


def _no_history(op, what, x):
    if pyxtorch.is_grad_enabled() and x.requires_grad:
        raise RuntimeError(
            f"{op}: {what} requires grad, but a kernel has no derivative. Call it in the forward of a torch.autograd.Function with a backward "
            "of yours, under torch.no_grad(), or on .detach()."
        )


def _options(op, options):
    options = tuple(options)
    if not all(isinstance(o, str) for o in options) or len(options) > 14:
        raise TypeError(f"{op}: options should be at most 14 strings such as '-DN=4', got {options!r}.")
    return options


def _compile(op, text, lines, expression, device, title, options):
    """The kernel's handle; where it does not compile, an error with the line that the compiler means, of `lines`."""
    try:
        return _cuda_launch.compile_kernel(text, expression, device, title, options)
    except RuntimeError as error:
        log = str(error)
        if "NVRTC failed" not in log:
            raise
        found = re.search(rf"{re.escape(title)}[(:](\d+)[^\n]*error", log)
        n = int(found[1]) if found else 0
        place = f" line {n}: {lines[n - 1].strip()!r}" if 0 < n <= len(lines) else ""
        raise RuntimeError(f"{op} does not compile:{place}\n{log}") from None


def _triple(op, name, value, device, most):
    sizes = (value,) if isinstance(value, int) else tuple(value)
    try:
        sizes = tuple(operator.index(n) for n in sizes)
    except TypeError:
        sizes = ()
    if not 1 <= len(sizes) <= 3 or min(sizes) < 1:
        raise ValueError(f"{op}: {name} should be one to three positive numbers, got {value!r}.")
    sizes += (1,) * (3 - len(sizes))
    for n, limit in zip(sizes, most):
        if n > limit:
            raise ValueError(f"{op}: {name} {sizes} is larger than {tuple(most)} that cuda:{device} allows.")
    return sizes


# ------------------------------------------------------------------------------ raw kernels

class RawKernel:
    """A kernel written in CUDA C++, called as `kernel(grid, block, (arguments, ...), shared_mem=0)`.

    It is compiled at its first call on a GPU, and kept on disk; it runs on that GPU's current stream. The types of its
    parameters are read from its declaration. A pointer takes a contiguous tensor of its dtype, any object with
    `__cuda_array_interface__`, an address as an int, or None; `void*` takes any dtype. Whatever a pointer without `const`
    takes counts as written: where it was saved for backward, that is noticed. Headers of the package can be included:
    "pyxtorch/dtype.h" has pyx_i64, pyx::f16, pyx::bf16, pyx::load and pyx::store.

    Args:
        source: the text.
        name: of the `__global__` function, or an expression such as "scale<float>".
        options: for NVRTC, such as ("-DN=4",).
        signature: the parameters' types, "const float*, float*, int", where the declaration does not have them by
            name (a template's, a typedef's). The compiler compares them with the kernel's.

    Raises:
        ValueError: the source has no such kernel, or its parameters cannot be told; when called: grid, block or shared memory
            that the GPU does not allow, a tensor that is not contiguous, an address that is not a GPU's.
        TypeError: when called: another number of arguments, or one that does not fit its parameter.
        RuntimeError: when called: the source does not compile (with the line), tensors on different devices, or that require grad.
    """

    def __init__(self, source, name, options=(), *, signature=None):
        if not isinstance(source, str) or not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][\w:]*(<[\w\s:,*<>]*>)?", name):
            raise TypeError(f"RawKernel: expected a source and a kernel's name, such as 'add' or 'add<float>', got {type(source).__name__} and {name!r}.")
        self.source, self.name, self.options = source, name, _options("RawKernel", options)
        self.parameters = _signature(source, name) if signature is None else _parameters(name, signature, "the signature")
        self._op = f"RawKernel {name}"
        self._title = re.sub(r"\W+", "_", name) + ".cu"
        self._text = source + _SAME % (name, ", ".join(p.declared() for p in self.parameters))
        self._lines = source.splitlines()

    def __repr__(self):
        return f"<RawKernel {self.name}({', '.join(map(str, self.parameters))})>"

    def compile(self, device=None):
        """Compile it now, for a GPU (the current one). RuntimeError, with the line, where it does not."""
        from pyxtorch.cuda import _index

        self._kernel(_index(device))

    def _kernel(self, device):
        try:
            return _compile(self._op, self._text, self._lines, self.name, device, self._title, self.options)
        except RuntimeError as error:
            if "pyxtorch_signature" in str(error):
                raise TypeError(f"{self._op}: the kernel's parameters are not ({', '.join(p.declared() for p in self.parameters)}). Give signature= as the source has them.") from None
            raise

    def __call__(self, grid, block, args=(), *, shared_mem=0):
        if not isinstance(args, tuple | list) or len(args) != len(self.parameters):
            got = f"{len(args)}" if isinstance(args, tuple | list) else f"a {type(args).__name__} instead of a tuple"
            raise TypeError(f"{self._op}: expected {len(self.parameters)} arguments ({', '.join(map(str, self.parameters))}), got {got}.")
        values, written, kept, device = [], [], [], None
        for i, (p, value) in enumerate(zip(self.parameters, args)):
            what = f"argument {i} ({p})"
            if not p.stars:
                if _on_gpu(value) and not (isinstance(value, pyxtorch.Tensor) and value.dim() == 0 and not value.is_cuda):
                    raise TypeError(f"{self._op}: {what} takes a number, got {type(value).__name__}.")
                try:
                    values.append(_number(value, _NUMBERS[p.type][1]))
                except (TypeError, ValueError):
                    raise TypeError(f"{self._op}: {what} takes {'a number' if p.type in ('float', 'double') else 'True or False' if p.type == 'bool' else 'an integer'}, got {value!r}.") from None
                except (struct.error, OverflowError):
                    raise ValueError(f"{self._op}: {what} cannot hold {value!r}.") from None
                continue
            address, at = 0, None
            if _on_gpu(value):
                x = self._memory(what, p, value)
                kept.append(x)
                address, at = x.data_ptr(), x.device.index
                if not p.constant:
                    written.append(x)
            elif isinstance(value, int) and not isinstance(value, bool):
                try:
                    address, at = value, _cuda_launch.device_of_address(value)
                except (ValueError, OverflowError):
                    raise ValueError(f"{self._op}: {what}: address {value:#x} is not in a GPU's memory.") from None
            elif value is not None:
                raise TypeError(f"{self._op}: {what} takes a tensor on a GPU, an address or None, got {type(value).__name__}.")
            if device is not None and at is not None and at != device:
                raise RuntimeError(f"{self._op}: {what} is on cuda:{at}, an argument before it on cuda:{device}.")
            device = at if device is None else device
            values.append(struct.pack("P", address))
        _cuda.load()
        device = _cuda.py_current_device() if device is None else device
        threads, shared = _cuda_launch.launch_limits(device)
        grid = _triple(self._op, "grid", grid, device, (0x7FFFFFFF, 65535, 65535))
        block = _triple(self._op, "block", block, device, (threads, threads, 64))
        if block[0] * block[1] * block[2] > threads:
            raise ValueError(f"{self._op}: block {block} has {block[0] * block[1] * block[2]} threads; cuda:{device} allows {threads}.")
        if isinstance(shared_mem, bool) or not isinstance(shared_mem, int) or not 0 <= shared_mem <= shared:
            raise ValueError(f"{self._op}: shared_mem should be 0 to {shared} bytes on cuda:{device}, got {shared_mem!r}.")
        _cuda_launch.launch_kernel(self._kernel(device), device, grid, block, shared_mem, values)
        for x in written:
            _cuda_launch.note_written(x)

    def _memory(self, what, p, value):
        """The tensor whose memory a pointer gets."""
        x, readonly = (value, False) if isinstance(value, pyxtorch.Tensor) else _cuda_launch.from_interface(value, self._op)
        if not x.is_cuda:
            raise RuntimeError(f"{self._op}: {what} takes a tensor on a GPU, got one on {x.device}. Move it with .cuda().")
        expected = _MEMORY.get(p.type) if p.stars == 1 else "int64"
        if expected is None and p.type != "void":
            expected = "uint8"
        if expected is not None and x.dtype is not getattr(pyxtorch, expected):
            raise TypeError(f"{self._op}: {what} takes a tensor of {getattr(pyxtorch, expected)}, got {x.dtype}.")
        if not x.is_contiguous():
            raise ValueError(f"{self._op}: {what} takes a contiguous tensor, got shape {tuple(x.shape)} with strides {x.stride()}. Use .contiguous(), or pass data_ptr().")
        if readonly and not p.constant:
            raise ValueError(f"{self._op}: {what} may be written, but the memory is read-only. Declare it const, or copy it.")
        _no_history(self._op, what, x)
        return x


# ----------------------------------------------------------------------- elementwise kernels

_OWN_NAMES = {"i", "n"}
_WALKED = 8  # dimensions that are left after neighbours are joined
_MOST = 16


class _Operand:
    def __init__(self, op, text):
        words = text.split()
        if len(words) != 2 or not re.fullmatch(r"[A-Za-z_]\w*", words[1]):
            raise ValueError(f"{op}: expected a type and a name such as 'T x' or 'float32 x', got {text.strip()!r}.")
        self.type, self.name = words
        self.dtype = _NUMBERS[self.type][0] if self.type in _NUMBERS else self.type
        self.letter = self.type if re.fullmatch(r"[A-Z]", self.type) else None
        if self.letter is None and self.dtype not in _TYPES:
            raise ValueError(f"{op}: {text.strip()!r}: {self.type!r} is no type. Types are single capitals (any dtype, the same for one capital) and {', '.join(_TYPES)}.")
        if self.name in _OWN_NAMES or self.name.startswith("pyx_"):
            raise ValueError(f"{op}: {text.strip()!r}: i (the element's number) and n (how many there are) are the kernel's own names, and those with pyx_ in front.")


class ElementwiseKernel:
    """What `elementwise_kernel` makes; called with its inputs, and with its outputs behind them where they are given."""

    def __init__(self, inputs, outputs, operation, name="elementwise", *, preamble="", options=()):
        op = self._op = f"elementwise_kernel {name}"
        if not all(isinstance(s, str) for s in (inputs, outputs, operation, name, preamble)) or not name.isidentifier() or not name.isascii():
            raise TypeError(f"{op}: expected inputs 'T x, T y', outputs 'T z', an operation 'z = x * y' and a name, all strings.")
        self.inputs, self.outputs = ([_Operand(op, p) for p in _split(text)] for text in (inputs, outputs))
        self._all = [*self.inputs, *self.outputs]
        names = [o.name for o in self._all]
        if not self.outputs or len(names) > _MOST:
            raise ValueError(f"{op}: expected at least one output and at most {_MOST} operands, got {len(self.inputs)} inputs and {len(self.outputs)} outputs.")
        if len(set(names)) != len(names):
            raise ValueError(f"{op}: operands should have different names, got {names}.")
        self.operation, self.name, self._preamble, self._options = operation, name, preamble, _options(op, options)
        self._lines = operation.splitlines()

    def __repr__(self):
        inputs, outputs = (", ".join(f"{o.type} {o.name}" for o in side) for side in (self.inputs, self.outputs))
        return f"<{self._op}({inputs}) -> ({outputs})>"

    def __call__(self, *args):
        op, count = self._op, len(self.inputs)
        if len(args) not in (count, len(self._all)):
            raise TypeError(f"{op}: expected {count} inputs ({', '.join(o.name for o in self.inputs)}), or with the outputs {len(self._all)} arguments, got {len(args)}.")
        xs, device = [], None
        for operand, x in zip(self._all, args):
            readonly = False
            if not isinstance(x, pyxtorch.Tensor) and _on_gpu(x):
                x, readonly = _cuda_launch.from_interface(x, op)
            if isinstance(x, pyxtorch.Tensor):
                if x.is_cuda and device is not None and x.device != device:
                    raise RuntimeError(f"{op}: {operand.name} is on {x.device}, an operand before it on {device}.")
                if not x.is_cuda:
                    raise RuntimeError(f"{op}: {operand.name} should be on a GPU, got a tensor on {x.device}. Move it with .cuda().")
                device = x.device
                _no_history(op, operand.name, x)
            elif len(xs) >= count or not isinstance(x, int | float | complex):
                raise TypeError(f"{op}: {operand.name} should be a tensor{'' if len(xs) >= count else ' or a number'}, got {type(x).__name__}.")
            if readonly and len(xs) >= count:
                raise ValueError(f"{op}: {operand.name} is written, but its memory is read-only.")
            xs.append(x)
        if device is None:
            raise TypeError(f"{op}: expected a tensor on a GPU among its inputs.")
        dtypes = self._dtypes(xs)
        tensors = [x for x in xs[:count] if isinstance(x, pyxtorch.Tensor)]
        shape = pyxtorch.broadcast_shapes(*(x.shape for x in tensors)) if tensors else xs[count].shape
        outs = self._results(xs, shape, dtypes, device)
        if shape.numel():
            inputs = [self._apart(x, outs) for x in xs[:count]]
            self._run(inputs, outs, shape, dtypes, device.index)
        for x in outs:
            _cuda_launch.note_written(x)
        return outs[0] if len(outs) == 1 else tuple(outs)

    def _dtypes(self, xs):
        """The dtype of each operand: as declared, or the one that its capital stands for in this call."""
        op, letters = self._op, {}
        for operand, x in zip(self._all, xs):
            if isinstance(x, pyxtorch.Tensor):
                found = x.dtype.name
                expected = letters.setdefault(operand.letter, found) if operand.letter else operand.dtype
                if found != expected:
                    why = f" as the operands of type {operand.letter} before it" if operand.letter else ""
                    raise TypeError(f"{op}: {operand.name} should be of {expected}{why}, got {found}.")
                if found not in _TYPES:
                    raise TypeError(f"{op}: {operand.name}: kernels are not computed in {found}.")
        for operand in self._all:
            if operand.letter and operand.letter not in letters:
                raise TypeError(f"{op}: the type {operand.letter} of {operand.name} is that of no tensor given. Name a dtype instead, or give a tensor.")
        return [letters[o.letter] if o.letter else o.dtype for o in self._all]

    def _results(self, xs, shape, dtypes, device):
        """The outputs given, checked, or new ones."""
        op, count, outs = self._op, len(self.inputs), xs[len(self.inputs) :]
        if not outs:
            return [pyxtorch.empty(shape, dtype=getattr(pyxtorch, d), device=device) for d in dtypes[count:]]
        for operand, x in zip(self.outputs, outs):
            if x.shape != shape:
                raise ValueError(f"{op}: output {operand.name} should have the shape {tuple(shape)} of the inputs, got {tuple(x.shape)}.")
            if _cuda_launch.repeats_elements(x):
                raise RuntimeError(f"{op}: output {operand.name} has elements that share memory. Give a tensor that is not expanded.")
        for k, x in enumerate(outs):
            if any(_shares(x, y) for y in outs[:k]):
                raise RuntimeError(f"{op}: output {self.outputs[k].name} shares memory with another output.")
        return outs

    @staticmethod
    def _apart(x, outs):
        """An input, or a copy where an output is to be written across it."""
        if isinstance(x, pyxtorch.Tensor) and any(_shares(x, y) and not _is_same(x, y) for y in outs):
            return x.clone()
        return x

    def _run(self, inputs, outs, shape, dtypes, device):
        shape, steps = _walk(shape, [*(x for x in inputs if isinstance(x, pyxtorch.Tensor)), *outs])
        if len(shape) > _WALKED:  # more than a kernel is given: by way of contiguous copies
            whole = outs[0].shape
            copies = [y if y.is_contiguous() else pyxtorch.empty(whole, dtype=y.dtype, device=y.device) for y in outs]
            self._run([x.expand(whole).contiguous() if isinstance(x, pyxtorch.Tensor) else x for x in inputs], copies, whole, dtypes, device)
            for y, copy in zip(outs, copies):
                if copy is not y:
                    y.copy_(copy)
            return
        linear = len(shape) == 1 and all(s == [1] for s in steps)
        numbers = tuple(not isinstance(x, pyxtorch.Tensor) for x in inputs) + (False,) * len(outs)
        numel = outs[0].numel()
        values = []
        for operand, dtype, x in zip(self._all, dtypes, [*inputs, *outs]):
            values.append(struct.pack("P", x.data_ptr()) if isinstance(x, pyxtorch.Tensor) else self._scalar(operand, dtype, x))
        values.append(struct.pack("q", numel))
        if not linear:
            full = [*shape, *[1] * (_WALKED - len(shape))]
            rows = [[*s, *[0] * (_WALKED - len(s))] for s in steps]
            values.append(struct.pack(f"{(len(rows) + 1) * _WALKED + 1}q", len(shape), *full, *(n for row in rows for n in row)))
        text = self._text(dtypes, numbers, linear)
        kernel = _compile(self._op, text, self._lines, self.name, device, f"{self.name}.cu", self._options)
        blocks = min(-(-numel // 256), 32 * _cuda_launch.multiprocessors(device))
        _cuda_launch.launch_kernel(kernel, device, (blocks, 1, 1), (256, 1, 1), 0, values)

    def _scalar(self, operand, dtype, x):
        form = _TYPES[dtype][2]
        try:
            if form is None:
                x = complex(x)
                return struct.pack("<ff" if dtype == "complex64" else "<dd", x.real, x.imag)
            return _number(x, form)
        except (TypeError, ValueError):
            raise TypeError(f"{self._op}: {operand.name} of {dtype} cannot be {x!r}.") from None
        except (struct.error, OverflowError):
            raise ValueError(f"{self._op}: {operand.name} of {dtype} cannot hold {x!r}.") from None

    def _text(self, dtypes, numbers, linear):
        """The program: a loop in which each thread takes elements, each operand's value under its name."""
        taken, loads, stores, letters = [], [], [], {}
        k = 0
        for j, (operand, dtype, number) in enumerate(zip(self._all, dtypes, numbers)):
            memory, computed, _ = _TYPES[dtype]
            output = j >= len(self.inputs)
            if operand.letter:
                letters[operand.letter] = computed
            if number:
                taken.append(f"{computed} pyx_p{j}")
                loads.append(f"const {computed} {operand.name} = pyx_p{j};")
                continue
            taken.append(f"{'' if output else 'const '}{memory}* pyx_p{j}")
            at = f"pyx_p{j} + {'i' if linear else f'pyx_o[{k}]'}"
            k += 1
            if output:
                loads.append(f"{computed} {operand.name} = {computed}();")
                stores.append(f"pyx::store<{memory}>({at}, {operand.name});")
            else:
                loads.append(f"const {computed} {operand.name} = pyx::load<{memory}>({at});")
        walk = f"struct pyx_walk {{ pyx_i64 ndim, shape[{_WALKED}], steps[{k}][{_WALKED}]; }};"
        find = f"""pyx_i64 pyx_o[{k}] = {{}}, pyx_left = i;
        for (int pyx_d = (int)pyx_w.ndim - 1; pyx_d >= 0; pyx_d--) {{
            pyx_i64 pyx_at = pyx_left % pyx_w.shape[pyx_d];
            pyx_left /= pyx_w.shape[pyx_d];
            for (int pyx_k = 0; pyx_k < {k}; pyx_k++) pyx_o[pyx_k] += pyx_at * pyx_w.steps[pyx_k][pyx_d];
        }}"""
        parameters = ", ".join([*taken, "pyx_i64 n", *([] if linear else ["pyx_walk pyx_w"])])
        typedefs = "\n    ".join(f"typedef {computed} {letter};" for letter, computed in letters.items())
        return f"""#include "pyxtorch/{"math" if any(d.startswith("complex") for d in dtypes) else "dtype"}.h"
{self._preamble}
{"" if linear else walk}
__global__ void {self.name}({parameters}) {{
    {typedefs}
    for (pyx_i64 i = (pyx_i64)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (pyx_i64)gridDim.x * blockDim.x) {{
        {"" if linear else find}
        {" ".join(loads)}
        [&]() {{
#line 1
{self.operation}
        ; }}();
        {" ".join(stores)}
    }}
}}
"""


def elementwise_kernel(inputs, outputs, operation, name="elementwise", *, preamble="", options=()):
    """A kernel that computes each element by itself; the operands broadcast, and have any strides.

    Called with tensors on one GPU, and numbers: `kernel(x, y)` gives the result, or a tuple of results; `kernel(x, y, z)` writes
    into z. One kernel is compiled for each combination of dtypes, when it is first met. It has no derivative: call it in
    the forward and the backward of a `torch.autograd.Function`.

    Args:
        inputs, outputs: "T x, float32 y": types and names. A single capital stands for any dtype, the same at all its places.
        operation: statements of CUDA C++ over these names, "z = x * y". float16 and bfloat16 are floats in it. `i` is the
            element's number, `n` how many there are, T a type. An output that it does not set is 0.
        name: what errors and profilers call it.
        preamble: text in front of the kernel: functions, includes.
        options: for NVRTC.

    Raises:
        ValueError: names or types that cannot be; when called: shapes that do not broadcast, or outputs of another shape.
        TypeError: when called: another number of operands, or dtypes that do not fit.
        RuntimeError: when called: operands on different devices or that require grad, or the operation does not compile (with the line).

    >>> squared = cuda.elementwise_kernel("T x, T y", "T z", "z = (x - y) * (x - y)", "squared")
    >>> squared(torch.arange(3.0, device="cuda"), 1.0)
    tensor([1., 0., 1.], device='cuda:0')
    """
    return ElementwiseKernel(inputs, outputs, operation, name, preamble=preamble, options=options)


def _shares(x, y):
    """Whether two tensors have memory in common."""
    a, b = (_reach(t) for t in (x, y))
    return a[0] < b[1] and b[0] < a[1]


def _reach(x):
    """Where a tensor's memory begins and ends."""
    start = x.data_ptr()
    return start, start + ((sum((n - 1) * s for n, s in zip(x.shape, x.stride())) + 1) * x.itemsize if x.numel() else 0)


def _is_same(x, y):
    return x.data_ptr() == y.data_ptr() and x.dtype is y.dtype and x.shape == y.shape and x.stride() == y.stride()


def _walk(shape, tensors):
    """(shape, strides of each tensor) for a walk over all, without dimensions of 1, and neighbours joined."""
    rows = [[0] * (len(shape) - x.dim()) + [s if n != 1 else 0 for n, s in zip(x.shape, x.stride())] for x in tensors]
    sizes, steps = [], [[] for _ in tensors]
    for d, n in enumerate(shape):
        if n == 1:
            continue
        if sizes and all(s[-1] == row[d] * n for s, row in zip(steps, rows)):
            sizes[-1] *= n
            for s, row in zip(steps, rows):
                s[-1] = row[d]
        else:
            sizes.append(n)
            for s, row in zip(steps, rows):
                s.append(row[d])
    return (sizes, steps) if sizes else ([1], [[1] for _ in tensors])

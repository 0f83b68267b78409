"""How nested tensors work: what they hold, and what is done with them.

A nested tensor of n components of d dimensions has d + 1 dimensions, of which those where the components differ have no size. It is a
compound tensor (docs/architecture.md, "Sparse tensors"): `Nested` holds the components, and what it offers is the table at the end;
all else raises NotImplementedError. Operations run on each component. Gradients lead through `Pack` and `Unpack` to the components.
"""
import pyxtorch as torch
from pyxtorch._compound import Parts, change_parts, compound, parts_of, put_grad
from pyxtorch._gate import Operation, name_of
from pyxtorch.autograd import Function


class Nested(Parts):
    """The components, strided tensors off the tape, of one dtype and device and number of dimensions."""

    own = ()        # attributes that a tensor of this kind has and others have not

    def __init__(self, components):
        self.components = components

    def like(self, components):
        """Parts of the same kind."""
        return Nested([c.detach() for c in components])

    def handler(self, func):
        if isinstance(func, Operation):
            if func.__module__ == "pyxtorch.nested":
                return None
            if func.__name__ in CALLS and not func.__module__.endswith((".linalg", ".special", ".fft", ".sparse")):
                return CALLS[func.__name__]
        else:
            descriptor = getattr(func, "__self__", None)
            if type(descriptor).__name__ != "getset_descriptor":
                name = name_of(func).rpartition(".")[2]
                if name in CALLS:
                    return CALLS[name]
            elif descriptor.__name__ in (ATTRIBUTES if func.__name__ == "__get__" else SETTERS):
                return (ATTRIBUTES if func.__name__ == "__get__" else SETTERS)[descriptor.__name__]
        raise NotImplementedError(
            f"Could not run '{name_of(func)}' with arguments from the 'NestedTensorCPU' backend: it is not there for nested tensors. Use it on "
            "the components, .unbind(), or on .to_padded_tensor()."
        )


# ------------------------------------------------------------------- from components and back

def bare(components, model=None):
    """A nested tensor of these components, of the kind of `model`, unchecked and off the tape."""
    shape = (0,)
    if components:
        shape = (len(components), *[max(c.shape[d] for c in components) for d in range(components[0].ndim)])
    x = torch.empty(shape, dtype=components[0].dtype if components else torch.get_default_dtype(), device="meta")
    parts = Nested([c.detach() for c in components]) if model is None else model.like(components)
    x = compound(x, parts)
    for name in parts.own:
        setattr(x, name, getattr(parts, name))
    return x


class Pack(Function):
    """From components to the nested tensor."""

    @staticmethod
    def forward(ctx, model, *components):
        ctx.set_materialize_grads(False)
        return bare(components, model)

    @staticmethod
    def backward(ctx, g):
        return (None,) * len(ctx.needs_input_grad) if g is None else (None, *unbind(g))


class Unpack(Function):
    """From a nested tensor to its components."""

    @staticmethod
    def forward(ctx, x):
        ctx.model = parts_of(x)
        return tuple(c.detach() for c in ctx.model.components)

    @staticmethod
    def backward(ctx, *gradients):
        return pack(gradients, ctx.model)


def pack(components, model=None):
    """The nested tensor of these components, of the kind of `model`; its gradient is theirs."""
    if torch.is_grad_enabled() and any(c.requires_grad for c in components):
        return Pack.apply(model, *components)
    return bare(components, model)


def unbind(x, dim=0):
    """The components as a tuple."""
    if dim not in (0, -x.dim()):
        raise RuntimeError(f"NestedTensor can only be unbound along dimension 0 got dimension {dim} instead.")
    if x.requires_grad and torch.is_grad_enabled() and parts_of(x).components:
        return Unpack.apply(x)
    return tuple(c.detach() for c in parts_of(x).components)


# --------------------------------------------------------------------------- making them

def _checked(components):
    for i, c in enumerate(components):
        if parts_of(c) is not None:
            raise RuntimeError(f"nested_tensor: the component {i} must be a strided tensor, not a sparse or nested one.")
        if c.ndim != components[0].ndim:
            raise RuntimeError(
                "All Tensors given to nested_tensor must have the same dimension. "
                f"Found dimension {c.ndim} for Tensor at index {i} and dimension {components[0].ndim} for Tensor at index 0."
            )
    return components


def _model(layout, components):
    if layout in (None, torch.strided):
        return None
    if layout is not torch.jagged:
        raise RuntimeError(f"nested tensor: layout={layout!r} is not there; nested tensors are of layout {torch.strided!r} or {torch.jagged!r}.")
    from pyxtorch.nested import _jagged

    _jagged.checked(components)
    return _jagged.Jagged([])


def nested_tensor(tensor_list, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A nested tensor with a copy of each item of a list: tensors, numbers, or nested lists of numbers. It is a leaf.

    Args:
        dtype: of all; None: that of the first item.
        layout: strided (None), or torch.jagged: the items differ in their first dimension only.
    Raises:
        TypeError: no list. RuntimeError: the items differ in their number of dimensions.
    """
    if not isinstance(tensor_list, (list, tuple)):
        raise TypeError("Only lists (List[Tensor] and List[List...[Scalar]]) are accepted in nested_tensor")
    items = [t.detach().clone() if isinstance(t, torch.Tensor) else torch.tensor(t, dtype=dtype, device=device) for t in tensor_list]
    if items:
        items = [t.to(device=device if device is not None else items[0].device, dtype=dtype or items[0].dtype) for t in _checked(items)]
    x = bare(items, _model(layout, items))
    return x.requires_grad_() if requires_grad else x


def as_nested_tensor(ts, dtype=None, device=None, layout=None):
    """A nested tensor of a list of tensors, or of the rows of a tensor, that is part of their graph: their gradients come from its own."""
    if not isinstance(ts, (list, tuple, torch.Tensor)) or (isinstance(ts, (list, tuple)) and not all(isinstance(t, torch.Tensor) for t in ts)):
        raise TypeError("as_nested_tensor(): Expected first argument to be a tensor or a list / tuple of tensors")
    if isinstance(ts, torch.Tensor):
        if ts.is_nested:
            return ts.to(dtype=dtype or ts.dtype)
        ts = ts.unbind(0)
    items = list(_checked(ts))
    if items:
        items = [t.to(device=device if device is not None else items[0].device, dtype=dtype or items[0].dtype) for t in items]
    return pack(items, _model(layout, items))


def to_padded_tensor(input, padding, output_size=None):
    """A strided tensor (n, largest sizes) with the components, and `padding` where they have no elements.

    Args:
        output_size: its shape; None: as large as the components need.
    Raises:
        RuntimeError: output_size is too small, or there are no components.
    """
    components = unbind(input)
    if not components:
        raise RuntimeError("to_padded_tensor: at least one component is needed.")
    ndim = components[0].ndim
    needed = (len(components), *[max(c.shape[d] for c in components) for d in range(ndim)])
    size = needed if output_size is None else tuple(output_size)
    if len(size) != len(needed):
        raise RuntimeError(f"to_padded_tensor: output_size {size} must have {len(needed)} dimensions.")
    if any(a < b for a, b in zip(size, needed)):
        raise RuntimeError(f"Value in output_size {size} is less than NestedTensor padded size {needed}. Truncation is not supported.")
    padded = []
    for c in components:
        widths = [w for d in reversed(range(ndim)) for w in (0, size[d + 1] - c.shape[d])]
        padded.append(torch.nn.functional.pad(c, widths, value=padding) if ndim else c)
    y = torch.stack(padded)
    if size[0] > len(components):
        y = torch.cat([y, torch.full((size[0] - len(components), *size[1:]), padding, dtype=y.dtype, device=y.device)])
    return y


# ------------------------------------------------------------------------------ what they offer

def _dim(x, dim, op, least=1):
    if not -x.dim() <= dim < x.dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [{-x.dim()}, {x.dim() - 1}], but got {dim})")
    dim %= x.dim()
    if dim < least:
        raise RuntimeError(f"{op}: Nested tensor dimension {dim} cannot be used; only those of the components.")
    return dim


def size(x, dim=None):
    if dim is None:
        no_sizes()
    dim = _dim(x, dim, "size", 0)
    components = parts_of(x).components
    if dim == 0:
        return len(components)
    lengths = {c.shape[dim - 1] for c in components}
    if len(lengths) != 1:
        raise RuntimeError(f"Given dimension {dim} is irregular and does not have a size.")
    return lengths.pop()


def no_sizes(*args, **kwargs):
    raise RuntimeError("a nested tensor has no shape, as its components have different ones: ask .size(dim), or the components, .unbind().")


def each(name, space=None):
    """The operation `name` on each component."""

    def function(x, *args, **kwargs):
        operation = getattr(space or torch, name)
        return pack([operation(c, *args, **kwargs) for c in unbind(x)], parts_of(x))

    return function


def binary(name):
    """The operation `name` of two nested tensors of the same sizes, or of one and a number."""

    def function(x, other, *args, **kwargs):
        operation = getattr(torch, name)
        if not isinstance(other, torch.Tensor) or (parts_of(other) is None and other.ndim == 0):
            return pack([operation(c, other, *args, **kwargs) for c in unbind(x)], parts_of(x))
        if not isinstance(x, torch.Tensor) or (parts_of(x) is None and x.ndim == 0):
            return pack([operation(x, c, *args, **kwargs) for c in unbind(other)], parts_of(other))
        for t, who, rest in (x, "self", "other"), (other, "other", "self"):
            if not isinstance(parts_of(t), Nested):
                raise RuntimeError(f"{name}: Expected both self and other to be nested, but got a non-nested {who} and nested {rest}")
        a, b = unbind(x), unbind(other)
        if [c.shape for c in a] != [c.shape for c in b]:
            raise RuntimeError(f"{name} does not support broadcasting when given a NestedTensor: the components must have the same shapes.")
        return pack([operation(c, d, *args, **kwargs) for c, d in zip(a, b)], parts_of(x))

    return function


def reflected(function):
    return lambda x, other: function(other, x)


def inplace(function):
    def changed(x, *args, **kwargs):
        if x.requires_grad and torch.is_grad_enabled():
            raise RuntimeError(f"{name_of(function)}: a nested tensor that requires grad cannot be changed in place. Do it under no_grad, or use the form without _.")
        y = function(x, *args, **kwargs)
        if y.dtype is not x.dtype:
            raise RuntimeError(f"result type {y.dtype!r} can't be cast to the desired output type {x.dtype!r}")
        for c, d in zip(parts_of(x).components, parts_of(y).components, strict=True):
            c.copy_(d)
        return x

    return changed


def matmul(a, b):
    """The product of each component with the one of the other nested tensor; of all of them with a strided matrix by `linear`."""
    for t, who, rest in (a, "self", "other"), (b, "other", "self"):
        if not isinstance(parts_of(t), Nested):
            raise RuntimeError(f"matmul: Expected both to be nested, but got a non-nested {who} and nested {rest}. Use nn.functional.linear with a matrix.")
    left, right = unbind(a), unbind(b)
    if len(left) != len(right):
        raise RuntimeError(f"matmul: Expected size for the 1st dimension of 2nd input tensor to be: {len(left)} but got: {len(right)}.")
    return pack([c @ d for c, d in zip(left, right)], parts_of(a))


def linear(input, weight, bias=None):
    return pack([torch.nn.functional.linear(c, weight, bias) for c in unbind(input)], parts_of(input))


def embedding(input, weight, *args, **kwargs):
    return pack([torch.nn.functional.embedding(c, weight, *args, **kwargs) for c in unbind(input)], parts_of(input))


def softmax(name):
    def function(x, dim, *args, **kwargs):
        return pack([getattr(torch, name)(c, _dim(x, dim, name) - 1, *args, **kwargs) for c in unbind(x)], parts_of(x))

    return function


def sum_of(x, dim=None, keepdim=False, *, dtype=None):
    if dim is None:
        raise NotImplementedError("sum: of a nested tensor only the last dimension can be summed; sum the components, .unbind().")
    dims = [_dim(x, d, "sum", 0) for d in ((dim,) if isinstance(dim, int) else dim)]
    if dims != [x.dim() - 1]:
        raise RuntimeError(f"NestedTensor can only be reduced across the last dimension for now got dimension {dim} instead.")
    if not keepdim:
        raise RuntimeError("NestedTensor always requires keepdim=True for now.")
    return pack([c.sum(-1, keepdim=True, dtype=dtype) for c in unbind(x)], parts_of(x))


def transpose(x, dim0, dim1):
    a, b = _dim(x, dim0, "transpose") - 1, _dim(x, dim1, "transpose") - 1
    return pack([c.transpose(a, b) for c in unbind(x)], parts_of(x))


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    return pack([torch.nn.functional.layer_norm(c, normalized_shape, weight, bias, eps) for c in unbind(input)], parts_of(input))


def chunk(x, chunks, dim=0):
    parts = [c.chunk(chunks, _dim(x, dim, "chunk") - 1) for c in unbind(x)]
    return tuple(pack(list(column), parts_of(x)) for column in zip(*parts, strict=True))


def cat(tensors, dim=0):
    if dim != 0 or not all(isinstance(parts_of(t), Nested) for t in tensors):
        raise RuntimeError("cat: nested tensors are joined with nested tensors along dimension 0.")
    return pack(_checked([c for t in tensors for c in unbind(t)]), parts_of(tensors[0]))


def getitem(x, index):
    if isinstance(index, int) and not isinstance(index, bool):
        components = unbind(x)
        if not -len(components) <= index < len(components):
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {len(components)}")
        return components[index]
    if isinstance(index, tuple) and index and isinstance(index[0], int):
        return getitem(x, index[0])[index[1:]]
    raise NotImplementedError(f"a nested tensor takes a number as index, then those of the component, not {index!r}.")


def select(x, dim, index):
    if _dim(x, dim, "select", 0):
        raise RuntimeError("select: of a nested tensor only along dimension 0.")
    return getitem(x, index)


def to(x, *args, **kwargs):
    components = unbind(x)
    moved = [c.to(*args, **kwargs) for c in components]
    if all(a is b or (a.dtype is b.dtype and a.device == b.device and not kwargs.get("copy")) for a, b in zip(components, moved)):
        return x
    return pack(moved, parts_of(x))


def to_dtype(dtype):
    return lambda x: to(x, dtype)


def detach(x):
    return bare(parts_of(x).components, parts_of(x))


def like(name):
    def function(x, *args, requires_grad=False, **kwargs):
        y = bare([getattr(torch, name)(c, *args, **kwargs) for c in parts_of(x).components], parts_of(x))
        return y.requires_grad_() if requires_grad else y

    return function


def zeros(x, *size, **kwargs):
    """What the engine asks for: zeros of the same structure."""
    return bare([torch.zeros_like(c) for c in parts_of(x).components], parts_of(x))


def equal(x, other):
    """Whether two nested tensors have the same components."""
    if not all(isinstance(parts_of(t), Nested) for t in (x, other)):
        return False
    a, b = parts_of(x).components, parts_of(other).components
    return len(a) == len(b) and all(torch.equal(c, d) for c, d in zip(a, b))


def sizes_of(x):
    return torch.tensor([list(c.shape) for c in parts_of(x).components], dtype=torch.int64)


def text(x):
    suffix = ""
    if x.grad_fn is not None:
        suffix = f", grad_fn=<{x.grad_fn.name().rpartition('::')[2]}>"
    elif x.requires_grad:
        suffix = ", requires_grad=True"
    components = [c.detach().requires_grad_(x.requires_grad) for c in parts_of(x).components]
    return "nested_tensor([\n" + ",\n".join("  " + repr(c).replace("\n", "\n  ") for c in components) + f"\n]{suffix})"


def deepcopy(x, memo):
    if id(x) not in memo:
        if x.grad_fn is not None:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. Use .detach().clone().")
        memo[id(x)] = bare([c.clone() for c in parts_of(x).components], parts_of(x)).requires_grad_(x.requires_grad)
    return memo[id(x)]


def rebuild(components, requires_grad, layout=None):
    return nested_tensor(list(components), requires_grad=requires_grad, layout=layout)


def set_grad(x, g):
    if g is not None and (not isinstance(parts_of(g), Nested) or sizes_of(g).tolist() != sizes_of(x).tolist() or g.dtype is not x.dtype):
        raise RuntimeError("assigned grad must be a nested tensor of the same sizes and dtype.")
    put_grad(x, g)


def set_data(x, value):
    if not isinstance(parts_of(value), Nested):
        raise RuntimeError("data: a nested tensor can only take that of a nested tensor.")
    change_parts(x, value)


UNARY = """
abs absolute neg negative relu sin cos sqrt tanh sigmoid sgn sign logical_not isnan isinf silu gelu erf exp log square rsqrt reciprocal positive
""".split()  # fmt: skip
BINARY = "add sub mul div subtract multiply divide true_divide eq ne gt ge lt le pow maximum minimum".split()
ATTRIBUTES = {
    **dict.fromkeys((
        "dtype", "ndim", "requires_grad", "grad", "grad_fn", "is_leaf", "output_nr", "retains_grad", "is_quantized", "itemsize", "_version", "layout", "is_sparse", "is_cuda",
        "is_sparse_csr", "_is_view_of",
    )),
    "is_nested": lambda x: True, "shape": no_sizes, "is_meta": lambda x: False, "is_cpu": lambda x: x.device.type == "cpu", "data": detach,
    "device": lambda x: parts_of(x).components[0].device if parts_of(x).components else torch.device("cpu"),
}  # fmt: skip
SETTERS = {"requires_grad": None, "grad": set_grad, "data": set_data}
_functional = torch.nn.functional
CALLS = {
    **dict.fromkeys(("dim", "ndimension", "requires_grad_", "backward", "register_hook", "retain_grad", "is_floating_point", "is_complex", "is_signed", "element_size")),
    **{n: each(n, None if hasattr(torch, n) else _functional) for n in UNARY},
    **{n: binary(n) for n in BINARY},
    **{n + "_": inplace(binary(n)) for n in ("add", "sub", "mul", "div")},
    **{n + "_": inplace(each(n)) for n in ("abs", "neg", "relu", "sin", "cos", "sqrt", "tanh", "sigmoid")},
    **{n: each(n, _functional) for n in ("dropout", "leaky_relu", "elu", "softplus", "hardtanh")},
    **{name: to_dtype(getattr(torch, dtype)) for name, dtype in {
        "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "int": "int32", "long": "int64", "bool": "bool"}.items()},
    "__neg__": each("neg"), "__abs__": each("abs"), "__rsub__": reflected(binary("sub")), "__rdiv__": reflected(binary("div")), "__eq__": binary("eq"), "rsub": reflected(binary("sub")),
    "size": size, "numel": lambda x: sum(c.numel() for c in parts_of(x).components), "nelement": lambda x: sum(c.numel() for c in parts_of(x).components),
    "__len__": lambda x: len(parts_of(x).components), "unbind": unbind, "__getitem__": getitem, "select": select, "to_padded_tensor": to_padded_tensor,
    "clone": each("clone"), "contiguous": lambda x, memory_format=None: x, "is_contiguous": lambda x, memory_format=None: True, "detach": detach, "to": to, "cpu": lambda x: to(x, "cpu"),
    "matmul": matmul, "bmm": matmul, "linear": linear, "embedding": embedding, "softmax": softmax("softmax"), "log_softmax": softmax("log_softmax"), "sum": sum_of,
    "transpose": transpose, "layer_norm": layer_norm, "chunk": chunk, "cat": cat, "equal": equal, "__repr__": text, "__format__": lambda x, spec: format(text(x), spec),
    "zeros_like": like("zeros_like"), "ones_like": like("ones_like"), "empty_like": like("empty_like"), "rand_like": like("rand_like"), "randn_like": like("randn_like"), "new_zeros": zeros,
    "fill_": inplace(lambda x, value: bare([torch.full_like(c, value) for c in parts_of(x).components], parts_of(x))), "zero_": inplace(zeros),
    "_nested_tensor_size": sizes_of, "_values": lambda x: torch.cat([c.reshape(-1) for c in parts_of(x).components], parts_of(x)), "__deepcopy__": deepcopy, "__reduce_ex__": lambda x, protocol: (rebuild, (tuple(parts_of(x).components), x.requires_grad, x.layout)),
}  # fmt: skip

"""How tensors are printed: PyTorch's notation, for numbers of all dtypes and tensors of any size."""
import math

from pyxtorch._core import Size, get_default_dtype
from pyxtorch._tape.forward import tangents_of


class _Options:
    """What `set_printoptions` sets."""

    precision, threshold, edgeitems, linewidth, sci_mode = 4, 1000, 3, 80, None


PRINT_OPTS = _Options()
_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Set how tensors are printed from now on.

    Args:
        precision: digits after the point (4).
        threshold: tensors of more elements are abbreviated (1000).
        edgeitems: how many elements an abbreviated dimension shows at each end (3).
        linewidth: characters a line (80).
        profile: "default", "short" or "full"; sets all of these, the others then change it.
        sci_mode: always (True) or never (False) 1.0000e+00; None decides by the numbers.
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions: unknown profile {profile!r}; use one of {sorted(_PROFILES)}.")
        vars(PRINT_OPTS).update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    vars(PRINT_OPTS).update({name: value for name, value in given.items() if value is not None})
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions():
    """The options of `set_printoptions` as they are, a dict."""
    return {name: getattr(PRINT_OPTS, name) for name in ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")}


class _Format:
    """One width and one notation for all numbers of a tensor."""

    def __init__(self, numbers, floating):
        """`numbers`: Python numbers of the elements that will be shown."""
        self.floating, self.integral, self.scientific, self.width = floating, True, False, 1
        precision = PRINT_OPTS.precision
        if not floating:
            self.width = max([1, *map(len, map(str, numbers))])
            return
        finite = [abs(x) for x in numbers if x and math.isfinite(x)]
        if not finite:
            return
        largest, smallest = max(finite), min(finite)
        self.integral = all(x == math.ceil(x) for x in finite)
        wide = largest / smallest > 1000.0 or largest > 1.0e8
        self.scientific = wide if self.integral else wide or smallest < 1.0e-4
        if PRINT_OPTS.sci_mode is not None:
            self.scientific = PRINT_OPTS.sci_mode
        pattern = f".{precision}e" if self.scientific else ".0f" if self.integral else f".{precision}f"
        shown = [x for x in numbers if x and math.isfinite(x)]
        longest = max(len(format(x, pattern)) for x in shown)
        self.width = max(self.width, longest + (1 if self.integral and not self.scientific else 0))

    def __call__(self, x):
        if not self.floating:
            return str(x).rjust(self.width)
        if self.scientific:
            text = format(x, f"{self.width}.{PRINT_OPTS.precision}e")
        elif self.integral:
            text = format(x, ".0f")
            if math.isfinite(x):
                text += "."
        else:
            text = format(x, f".{PRINT_OPTS.precision}f")
        return text.rjust(self.width)


class _ComplexFormat:
    """Real and imaginary part, each in a format of its own."""

    def __init__(self, numbers):
        self.real = _Format([z.real for z in numbers], True)
        self.imag = _Format([z.imag for z in numbers], True)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, z):
        real, imag = self.real(z.real), self.imag(z.imag).lstrip()
        return f"{real}{imag}j" if imag.startswith("-") else f"{real}+{imag}j"


def _numbers(nested):
    """The elements of nested lists, in order."""
    if not isinstance(nested, list):
        return [nested]
    out = []
    for item in nested:
        if isinstance(item, list):
            out += _numbers(item)
        elif item is not Ellipsis:
            out.append(item)
    return out


def _edges(x, summarize):
    """The elements to show, as nested lists, with Ellipsis where some are left out."""
    if x.ndim == 0 or not summarize:
        return x.tolist()
    keep, n = PRINT_OPTS.edgeitems, x.shape[0]
    if n > 2 * keep:
        parts = [x[i] for i in range(keep)], [x[i] for i in range(n - keep, n)]
        return [*(_edges(p, True) for p in parts[0]), Ellipsis, *(_edges(p, True) for p in parts[1])]
    return [_edges(x[i], True) for i in range(n)]


def _vector(values, indent, show, width):
    per_line = max(1, int(math.floor((PRINT_OPTS.linewidth - indent) / (width + 2))))
    words = [" ..." if v is Ellipsis else show(v) for v in values]
    lines = [", ".join(words[i:i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _body(nested, depth, indent, show, width):
    """Text of nested lists, `depth` dimensions, whose first bracket stands in column `indent`."""
    if depth == 0:
        return show(nested)
    if depth == 1:
        return _vector(nested, indent, show, width)
    parts = ["..." if item is Ellipsis else _body(item, depth - 1, indent + 1, show, width) for item in nested]
    return "[" + ("," + "\n" * (depth - 1) + " " * (indent + 1)).join(parts) + "]"


def _tensor_str(x, indent):
    """The elements of `x` as text that starts in column `indent`."""
    x = x.detach().cpu()
    if x.numel() == 0:
        return "[]"
    summarize = x.numel() > PRINT_OPTS.threshold
    nested = _edges(x, summarize)
    numbers = _numbers(nested)
    if x.is_complex():
        show = _ComplexFormat(numbers)
    else:
        show = _Format(numbers, x.is_floating_point())
    return _body(nested, x.ndim, indent, show, show.width)


def _known_from_text(name):
    """Whether the elements alone tell this dtype."""
    default = get_default_dtype().name
    return name in ("int64", "bool", default, {"float64": "complex128"}.get(default, "complex64"))


def _add_suffixes(text, suffixes, indent, force_newline=False):
    """`text` with what is said of the tensor besides its elements, where lines begin in column `indent`, and the last bracket."""
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if force_newline or column + len(suffix) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + suffix
            column, force_newline = indent + len(suffix), False
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def tensor_str(x, *, tensor_contents=None):
    """The text of a tensor, as `repr` and `print` show it; `tensor_contents` stands in the place of its elements."""
    import pyxtorch

    prefix = "tensor("
    hollow = x.device.type == "meta"
    if type(x) is not pyxtorch.Tensor and type(x).__name__ not in ("Parameter", "Buffer"):
        prefix = f"{type(x).__name__}("
    suffixes = []
    if x.device.type != "cpu":
        suffixes.append(f"device='{x.device}'")
    named = f"dtype={x.dtype!r}"
    if hollow:
        suffixes.append(f"size={tuple(x.shape)}")
        if x.dtype is not get_default_dtype():
            suffixes.append(named)
        body = "..."
    elif x.numel() == 0:
        if x.ndim != 1:
            suffixes.append(f"size={tuple(x.shape)}")
        if x.dtype is not get_default_dtype():
            suffixes.append(named)
        body = "[]"
    else:
        if not _known_from_text(x.dtype.name):
            suffixes.append(named)
        body = _tensor_str(x, len(prefix)) if tensor_contents is None else tensor_contents
    node = x.grad_fn
    if node is not None:
        suffixes.append(f"grad_fn=<{node.name().rpartition('::')[2]}>")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    tangents = tangents_of(x)
    if tangents:
        suffixes.append(f"tangent={tangents[-1][1]!r}")
    return _add_suffixes(prefix + body, suffixes, len(prefix))


_str_intern = tensor_str
__all__ = ["get_printoptions", "set_printoptions", "Size"]

"""Schemas of operations, such as `ns::add(Tensor x, Tensor(a!) y, *, float alpha=1.0) -> Tensor`, read and printed; and constants beside them."""
import ast
import enum
import inspect
import re

__all__ = ["AggregationType", "Argument", "DispatchKey", "FunctionSchema", "Tag", "parse_schema"]


class AggregationType(enum.Enum):
    """How values of a statistic are put together."""

    SUM = 0
    AVG = 1


SUM, AVG = AggregationType.SUM, AggregationType.AVG

Tag = enum.Enum("Tag", """
core cudagraph_unsafe data_dependent_output dynamic_output_shape flexible_layout generated inplace inplace_view maybe_aliasing_or_mutating
needs_contiguous_strides needs_exact_strides needs_fixed_stride_order nondeterministic_bitwise nondeterministic_seeded out out_variant pointwise
pt2_compliant_tag reduction view_copy
""".split(), module=__name__)  # fmt: skip
Tag.__doc__ = "What `library.define` and `custom_op` may say of an operation, for a compiler."

DispatchKey = enum.Enum("DispatchKey", """
Undefined CompositeExplicitAutograd CompositeImplicitAutograd Autograd AutogradCPU AutogradCUDA AutogradMeta AutocastCPU AutocastCUDA CPU CUDA Meta
SparseCPU SparseCUDA BackendSelect Python Functionalize
""".split(), module=__name__)  # fmt: skip
DispatchKey.__doc__ = "What `library.impl` gives a function for: those of PyTorch's keys that mean something here."


class Argument:
    """An argument or result in a schema: name, type as text, default, whether it is given by name only, and what it may share or change."""

    def __init__(self, name, type, default=inspect.Parameter.empty, kwarg_only=False, alias=""):
        self.name, self.type, self.kwarg_only, self.alias, self._default = name, type, kwarg_only, alias, default

    @property
    def default_value(self):
        """The default; None where there is none."""
        return None if self._default is inspect.Parameter.empty else self._default

    def has_default_value(self):
        """Whether there is one."""
        return self._default is not inspect.Parameter.empty

    @property
    def is_write(self):
        """Whether the operation changes it in place."""
        return "!" in self.alias

    def __str__(self):
        kind = re.sub(r"^(\w+)", rf"\1{self.alias}", self.type, count=1)
        default = "" if not self.has_default_value() else f'="{self._default}"' if isinstance(self._default, str) else f"={self._default}"
        return f"{kind} {self.name}{default}".rstrip()


class FunctionSchema:
    """A schema: `name` ("ns::name"), `overload_name`, `arguments`, `returns`."""

    def __init__(self, name, overload_name, arguments, returns, many):
        self.name, self.overload_name, self.arguments, self.returns, self._many = name, overload_name, arguments, returns, many

    @property
    def is_mutable(self):
        """Whether the operation changes an argument in place."""
        return any(a.is_write for a in self.arguments)

    def signature(self):
        """The arguments as an `inspect.Signature`."""
        kind = inspect.Parameter
        return inspect.Signature([
            kind(a.name, kind.KEYWORD_ONLY if a.kwarg_only else kind.POSITIONAL_OR_KEYWORD, default=a._default) for a in self.arguments
        ])  # fmt: skip

    def __str__(self):
        parts = []
        for a in self.arguments:
            if a.kwarg_only and "*" not in parts:
                parts.append("*")
            parts.append(str(a))
        returned = ", ".join(map(str, self.returns))
        overload = f".{self.overload_name}" if self.overload_name else ""
        return f"{self.name}{overload}({', '.join(parts)}) -> {f'({returned})' if self._many else returned}"

    __repr__ = __str__

    def __eq__(self, other):
        return isinstance(other, FunctionSchema) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))


_HEAD = re.compile(r"\s*([\w:]*?)(?:\.(\w+))?\s*\((.*)\)\s*->\s*(.+?)\s*$", re.S)
_ARGUMENT = re.compile(r"\s*([\w.]+)(\((?:[^()]|->)*\)|!)?((?:\[\d*\]|\?|\([\w!]+\))*)\s*(\w*)\s*(?:=\s*(.+?))?\s*$", re.S)


def parse_schema(schema, allow_typevars=True):
    """The schema in a text.

    Raises:
        RuntimeError: the text is none.
    """
    found = _HEAD.match(schema)
    if found is None or "::" in found[1] and not re.fullmatch(r"\w+::\w+", found[1]):
        raise RuntimeError(f"parse_schema: expected 'namespace::name(Type argument, ...) -> Type', got {schema!r}.")
    name, overload, inside, returned = found.groups()
    arguments, by_name = [], False
    for part in _split(_balanced(inside, schema)):
        if part.strip() == "*":
            by_name = True
        elif part.strip():
            arguments.append(_argument(part, by_name, schema))
    many = returned.startswith("(")
    returns = [_argument(part, False, schema) for part in _split(returned[1:-1] if many else returned) if part.strip()]
    return FunctionSchema(name, overload or "", arguments, returns, many)


def _balanced(inside, schema):
    depth = 0
    for c in inside:
        depth += (c in "([") - (c in ")]")
        if depth < 0:
            raise RuntimeError(f"parse_schema: the brackets of {schema!r} do not match.")
    return inside


def _split(text):
    """The parts between commas outside of brackets and strings."""
    parts, depth, quote = [""], 0, ""
    for c in text:
        quote = "" if c == quote else c if not quote and c in "\"'" else quote
        depth += 0 if quote else (c in "([") - (c in ")]")
        if c == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _argument(part, by_name, schema):
    found = _ARGUMENT.match(part)
    if found is None:
        raise RuntimeError(f"parse_schema: {part.strip()!r} in {schema!r} is no argument, such as 'Tensor x' or 'int n=1'.")
    kind, alias, suffix, name, default = found.groups()
    value = inspect.Parameter.empty
    if default is not None:
        words = {"None": None, "True": True, "False": False}
        try:
            value = words[default] if default in words else ast.literal_eval(default)
        except (ValueError, SyntaxError):
            value = default  # a word such as Mean or contiguous_format
    return Argument(name, kind + suffix, value, by_name, alias or "")

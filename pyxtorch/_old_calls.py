"""Calls of operations in the order of arguments that PyTorch had until 1.5, numbers before tensors: `x.add_(-lr, gradient)`.

The gate asks here where an operation has refused its arguments, so that today's calls pay nothing.
"""
import warnings
from numbers import Number

from pyxtorch import Tensor

# The kinds of positional arguments, t a tensor and n a number, to what each is today: a tensor in its place, or a keyword.
_BLEND = {
    "nttt": ("beta", "", "", ""), "ntntt": ("beta", "", "alpha", "", ""),     # torch.addmm(beta, input, alpha, mat1, mat2)
    "tntt": ("", "beta", "", ""), "tnntt": ("", "beta", "alpha", "", ""),     # input.addmm(beta, alpha, mat1, mat2)
}  # fmt: skip
_FORMS = {
    **dict.fromkeys(("add", "sub"), {"tnt": ("", "alpha", ""), "tnn": ("", "alpha", "")}),
    **dict.fromkeys(("addcmul", "addcdiv"), {"tntt": ("", "value", "", "")}),
    **dict.fromkeys(("addmm", "addmv", "addr", "addbmm", "baddbmm"), _BLEND),
}


def again(operation, args):
    """The call that `args` once meant: a tuple with its result, or None if they never meant anything."""
    forms = _FORMS.get(operation.__name__.removesuffix("_"))
    if forms is None:
        return None
    form = forms.get("".join("t" if isinstance(a, Tensor) else "n" if isinstance(a, Number) else "?" for a in args))
    if form is None:
        return None
    tensors = [a for a, keyword in zip(args, form) if not keyword]
    keywords = {keyword: a for a, keyword in zip(args, form) if keyword}
    named = "".join(f", {keyword}={value}" for keyword, value in keywords.items())
    warnings.warn(
        f"This overload of {operation.__name__} is deprecated: numbers stood before tensors. Write {operation.__name__}({', '.join(['tensor'] * len(tensors))}{named}).",
        UserWarning, stacklevel=2,
    )  # fmt: skip
    return (operation(*tensors, **keywords),)

"""Special functions: `pyxtorch.special`, gathered from the families' `special` tables."""
from pyxtorch.tensor import families as _families
from pyxtorch.tensor import public as _public

__all__ = []
for _family in _families:
    _table = getattr(_family, "special", None)
    if isinstance(_table, dict):
        globals().update(_table)
        __all__ += _table
# Also top-level functions, under these names.
for _name, _function in {
    "erf": "erf", "erfc": "erfc", "exp2": "exp2", "expit": "sigmoid", "expm1": "expm1", "log1p": "log1p", "log_softmax": "log_softmax",
    "logit": "logit", "logsumexp": "logsumexp", "round": "round", "sinc": "sinc", "softmax": "softmax", "xlogy": "xlogy",
}.items():
    globals()[_name] = _public[_function]
    __all__.append(_name)

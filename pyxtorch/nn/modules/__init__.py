"""All modules, by family."""
from pyxtorch.nn.modules.module import Module  # isort: skip
from pyxtorch.nn.modules import (
    activation,
    attention,
    batchnorm,
    container,
    conv,
    dropout,
    linear,
    loss,
    normalization,
    padding,
    pooling,
    rearrange,
    rnn,
    sparse,
    transformer,
)

__all__ = ["Module"]

for _family in (
    activation, attention, batchnorm, container, conv, dropout, linear, loss, normalization,
    padding, pooling, rearrange, rnn, sparse, transformer,
):  # fmt: skip
    for _name, _value in vars(_family).items():
        if isinstance(_value, type) and issubclass(_value, Module) and not _name.startswith("_") and _name not in __all__:
            globals()[_name] = _value
            __all__.append(_name)
LinearCrossEntropyOptions = loss.LinearCrossEntropyOptions
__all__.append("LinearCrossEntropyOptions")
del _family, _name, _value

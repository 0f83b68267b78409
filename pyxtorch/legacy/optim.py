"""torch.legacy.optim: a step of a method as a function, `sgd(opfunc, x, config, state)`.

`opfunc(x)` gives the loss and its gradient by `x`, all parameters in one vector, which is changed in place; `state` is kept from step to step.
"""
from pyxtorch import optim

__all__ = ["adadelta", "adagrad", "adam", "adamax", "asgd", "rmsprop", "rprop", "sgd"]

# Names of settings here, to those of the classes in pyxtorch.optim.
_NAMES = {
    "learningRate": "lr", "weightDecay": "weight_decay", "momentum": "momentum", "dampening": "dampening", "nesterov": "nesterov", "epsilon": "eps", "alpha": "alpha",
    "rho": "rho", "eps": "eps", "learningRateDecay": "lr_decay",
}  # fmt: skip


def _stepper(make, defaults, text):
    def step(opfunc, x, config=None, state=None):
        config = {} if config is None else config
        state = config if state is None else state
        if "optimizer" not in state:
            settings = {**defaults, **config}
            options = {_NAMES[key]: value for key, value in settings.items() if key in _NAMES and key != "learningRateDecay"}
            if "beta1" in settings:
                options["betas"] = (settings["beta1"], settings["beta2"])
            parameter = x.detach().requires_grad_(True)
            state["optimizer"], state["parameter"], state["evalCounter"] = make([parameter], **options), parameter, 0
            state["first"], state["decay"] = options["lr"], settings.get("learningRateDecay", 0)
        loss, gradient = opfunc(x)
        for group in state["optimizer"].param_groups:
            group["lr"] = state["first"] / (1 + state["evalCounter"] * state["decay"])
        state["parameter"].grad = gradient.detach()
        state["optimizer"].step()
        state["evalCounter"] += 1
        return x, loss

    step.__doc__ = f"A step of {text}. Gives x and the loss before it."
    return step


_BETAS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
sgd = _stepper(optim.SGD, {"learningRate": 1e-3}, "gradient descent, with momentum, weight decay and a falling rate")
adam = _stepper(optim.Adam, {"learningRate": 1e-3, **_BETAS}, "Adam")
adamax = _stepper(optim.Adamax, {"learningRate": 2e-3, **_BETAS}, "Adamax")
adagrad = _stepper(optim.Adagrad, {"learningRate": 1e-3}, "Adagrad")
adadelta = _stepper(optim.Adadelta, {"learningRate": 1.0, "rho": 0.9, "eps": 1e-6}, "Adadelta")
rmsprop = _stepper(optim.RMSprop, {"learningRate": 1e-2, "alpha": 0.99, "epsilon": 1e-8}, "RMSprop")
rprop = _stepper(optim.Rprop, {"learningRate": 0.1}, "Rprop")
asgd = _stepper(optim.ASGD, {"learningRate": 1e-2}, "averaged gradient descent")
for _name in __all__:
    globals()[_name].__name__ = globals()[_name].__qualname__ = _name

"""Devices that pyxtorch has no code for, as programs ask about them: `torch.xpu`, `torch.mps`, `torch.mtia`.

They say that there is none. What needs none does nothing, as in PyTorch where nothing of the kind is there; everything else is an error.
"""
_NOTHING = ("empty_cache", "init", "manual_seed", "manual_seed_all", "seed", "seed_all", "reset_peak_memory_stats")
_NONE = {"is_available": False, "is_initialized": False, "is_built": False, "device_count": 0, "is_bf16_supported": False}
_ERRORS = (
    "current_device", "current_stream", "get_device_capability", "get_device_name", "get_device_properties", "get_rng_state", "max_memory_allocated",
    "mem_get_info", "memory_allocated", "memory_reserved", "memory_stats", "set_device", "set_rng_state", "set_stream", "synchronize", "current_allocated_memory",
    "driver_allocated_memory", "set_per_process_memory_fraction",
)  # fmt: skip


def namespace(kind, what):
    """`__all__` and `__getattr__` of the namespace of `kind`; `what` is such a device in a sentence."""

    def answer(name, value, doc):
        def asked(*args, **kwargs):
            return value

        asked.__name__, asked.__qualname__, asked.__doc__, asked.__module__ = name, name, doc, f"pyxtorch.{kind}"
        return asked

    def error(name):
        def asked(*args, **kwargs):
            raise AssertionError(f"{kind}.{name}: pyxtorch has no code for {what}. Use device='cpu', and ask {kind}.is_available() first.")

        asked.__name__, asked.__qualname__, asked.__doc__, asked.__module__ = name, name, "An AssertionError: there is no such device.", f"pyxtorch.{kind}"
        return asked

    made = {
        **{name: answer(name, value, f"{value}: {what} is never there.") for name, value in _NONE.items()},
        **{name: answer(name, None, "Nothing, as long as there is no such device.") for name in _NOTHING},
        **{name: error(name) for name in _ERRORS},
    }

    def __getattr__(name):
        if name not in made:
            raise AttributeError(f"module 'pyxtorch.{kind}' has no attribute {name!r}")
        return made[name]

    return [*made], __getattr__

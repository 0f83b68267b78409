"""Nothing that Python can call trusts the type of what it is given."""
import importlib
import pkgutil

import pytest

import pyxtorch


def extension_classes():
    for info in pkgutil.walk_packages(pyxtorch.__path__, "pyxtorch."):
        module = importlib.import_module(info.name) if "kernels.cpu._" not in info.name else None
        for value in vars(module).values() if module else ():
            if isinstance(value, type) and value.__module__ == info.name and not value.__flags__ & (1 << 9):  # not a Python class
                yield value


def test_methods_check_their_self():
    """Binding methods of a compiled class do not: such a class needs @cython.binding(False)."""
    unsafe = {
        f"{cls.__module__}.{cls.__name__}.{name}"
        for cls in extension_classes()
        for name, member in vars(cls).items()
        if type(member).__name__ == "cython_function_or_method" and member.__qualname__.startswith(cls.__name__ + ".")
    }
    assert not unsafe


@pytest.mark.parametrize("wrong", [3, None, "text", [1.0], object()])
def test_methods_refuse_a_foreign_self(wrong):
    for cls in (pyxtorch.Tensor, pyxtorch.dtype, pyxtorch.device, pyxtorch.autograd.Function):
        for name, member in sorted(vars(cls).items()):
            if not callable(member) or name.startswith("__") or isinstance(member, staticmethod | classmethod | type):
                continue
            if cls is pyxtorch.Tensor and not type(member).__name__ == "method_descriptor":
                continue  # an operation, which has its own checks below
            if type(member).__name__ == "builtin_function_or_method":
                continue  # a class method
            with pytest.raises(TypeError):
                member(wrong)


def test_operations_survive_foreign_arguments():
    """Wrong types give exceptions, whatever the operation; a crash would end the process."""
    wrong = [None, "text", 3, [], object()]
    tried = 0
    for name in dir(pyxtorch):
        function = getattr(pyxtorch, name)
        if not hasattr(function, "__wrapped__") or isinstance(function, type):
            continue
        if "seed" in name or name.startswith(("set_", "manual")) or name == "from_file":  # which makes one
            continue
        for count in (1, 2, 3):
            for value in wrong:
                tried += 1
                try:
                    function(*[value] * count)
                except Exception as error:
                    assert not isinstance(error, SystemError | MemoryError), f"{name}{(value,) * count}: {error!r}"
    assert tried > 1000


def test_operations_survive_a_subclass_whose_methods_give_no_tensors():
    """Operations call methods of their operands; a subclass may have others, that return anything."""

    class Odd(pyxtorch.Tensor):
        pass

    for name in ("clone", "detach", "expand", "reshape", "view", "to", "cpu", "float", "t", "select", "narrow", "squeeze", "unsqueeze", "movedim",
                 "diagonal", "as_strided", "contiguous", "masked_fill", "new_empty", "new_full", "new_zeros", "sqrt", "sum", "conj", "__getitem__", "__add__",
                 "__sub__", "__mul__", "__truediv__", "__eq__", "__ne__", "__lt__"):
        setattr(Odd, name, lambda self, *args, **kwargs: 3)
    x = pyxtorch.eye(3).as_subclass(Odd)
    index = pyxtorch.tensor([0, 2, 1]).as_subclass(Odd)
    tried = 0
    for name in dir(pyxtorch):
        function = getattr(pyxtorch, name)
        if not hasattr(function, "__wrapped__") or isinstance(function, type) or "seed" in name or name.startswith(("set_", "manual", "from_file")):
            continue
        for args in ((x,), (x, x), (x, 0), (x, index), (x, 0, index), (x, (1, 1)), (x, x, x), (x, 0, index, x), (x, x, 1), (x, index, x), (x, x, (3, 3), (3, 1))):
            tried += 1
            try:
                function(*args)
            except Exception as error:
                assert not isinstance(error, SystemError | MemoryError), f"{name}{args}: {error!r}"
    assert tried > 3000

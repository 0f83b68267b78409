"""Calls with arguments drawn at random, many of them hostile: an exception or a result, never a crash.

`make test-sanitize` runs this where memory is watched; PYXTORCH_RANDOM_CALLS=200000 draws more than a
test should, PYXTORCH_RANDOM_SEED others.
"""
import inspect
import os
import random

import pytest

import pyxtorch as torch
from pyxtorch.testing.checks import raised_in_python

CALLS = int(os.environ.get("PYXTORCH_RANDOM_CALLS", "4000"))
SEED = int(os.environ.get("PYXTORCH_RANDOM_SEED", "0"))
EXPECTED = (TypeError, ValueError, RuntimeError, IndexError, ArithmeticError, MemoryError, AssertionError, BufferError)
HUGE = (1 << 62, (1 << 63) - 1, -(1 << 63))
SHAPES = ((), (0,), (1,), (3,), (8,), (2, 3), (3, 2), (3, 3), (2, 0), (2, 3, 4), (2, 2, 5, 5), (2, 3, 4, 4, 4), (1,) * 9, (1, 2, 4, 4))
DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32,
          torch.float64, torch.complex64, torch.complex128)
# What an argument of this name usually is; the others are tensors.
CHOICES = {
    "reduction": ("mean", "sum", "none", "batchmean"), "mode": ("constant", "reflect", "circular", "nearest", "bilinear", "sum", "mean", "max"),
    "padding_mode": ("zeros", "border", "reflection"), "reduce": ("sum", "prod", "mean", "amax", "amin"), "norm": ("forward", "backward", "ortho"),
    "UPLO": "LU", "approximate": ("none", "tanh"), "indexing": ("ij", "xy"), "rounding_mode": (None, "floor", "trunc"), "dtype": (None, *DTYPES),
    "interpolation": ("linear", "lower", "nearest"), "generator": (None,), "device": (None,), "names": (None,), "layout": (None,),
}
INTEGERS = set("""dim dim0 dim1 dim2 n k p offset diagonal groups start end step length repeats chunks axis bins N r num_groups upscale_factor
    downscale_factor split_size decimals ord storage_offset sections num_classes minlength depth shifts steps""".split())
TUPLES = set("size shape stride padding dilation kernel_size output_size dims pad normalized_shape split_sizes s output_padding".split())
FLOATS = set("eps alpha beta value min max momentum margin negative_slope lower upper threshold lambd rtol atol base delta q fill_value maxnorm std".split())
FLAGS = set("""keepdim largest sorted descending stable inplace training unbiased full right count_include_pad return_indices align_corners some
    upper transpose hermitian center onesided normalized accumulate include_self log_target zero_infinity train return_inverse ceil_mode""".split())
# Take long, draw memory as they are told to, or change the process.
LEFT_OUT = ("seed", "set_", "save", "load", "num_threads", "cuda", "deterministic", "combinations", "cartesian_prod", "tensor_split", "apply", "map_",
            "backward", "storage", "pin_memory", "share_memory", "dlpack", "requires_grad_", "_grad", "inference", "vmap", "compile", "register", "default",
            "as_torch", "autocast", "from_file")


def functions():
    places = {"torch": torch, "nn.functional": torch.nn.functional, "linalg": torch.linalg, "special": torch.special, "fft": torch.fft, "Tensor": torch.Tensor}
    for place, names in places.items():
        for name in sorted(dir(names)):
            function = getattr(names, name)
            if name.startswith("_") or any(part in name for part in LEFT_OUT) or isinstance(function, type) or not callable(function):
                continue
            try:
                yield f"{place}.{name}", function, list(inspect.signature(function).parameters.values())
            except (TypeError, ValueError):     # a C function without a signature
                continue


class Draw(random.Random):
    def tensor(self):
        shape, dtype = self.choice(SHAPES), self.choice(DTYPES if self.random() < 0.5 else (torch.float32, torch.int64))
        x = (torch.rand(shape) * 4 - 1).to(dtype)
        if dtype == torch.int64 and self.random() < 0.3:
            x = torch.tensor([self.choice((-1, 0, 1, 2, *HUGE)) for _ in range(x.numel())], dtype=dtype).reshape(shape)
        elif dtype.is_floating_point and self.random() < 0.2:
            x = torch.full(shape, self.choice((float("nan"), float("inf"), -1e30, 1e-40)), dtype=dtype)
        layout = self.randrange(8)
        if layout == 0 and x.ndim > 1:
            return x.transpose(0, -1)
        if layout == 1 and x.ndim:
            return x[..., ::2]
        if layout == 2:
            return x.expand((2, *shape))
        return x.requires_grad_() if layout == 3 and (x.is_floating_point() or x.is_complex()) else x

    def integer(self):
        return self.choice((0, 1, 1, 2, 3, -1, -2, *HUGE)) if self.random() < 0.5 else self.choice((0, 1, 2))

    def integers(self):
        return tuple(self.choice((0, -1, *HUGE)) if self.random() < 0.1 else self.choice((1, 2, 3)) for _ in range(self.randint(0, 4)))

    def number(self):
        return self.choice((0.0, 0.5, 1.0, 2.0, -1.5, float("nan"), float("inf"), 3))

    def anything(self):
        return self.choice((self.tensor, self.integer, self.integers, self.number, lambda: None, lambda: "text", object, lambda: [self.tensor()], lambda: 1j))()

    def argument(self, name):
        if self.random() < 0.12:
            return self.anything()
        if name in CHOICES:
            return self.choice(CHOICES[name])
        if name in TUPLES and self.random() < 0.7:
            return self.integers()
        if name in INTEGERS or name in TUPLES:
            return self.integer()
        if name in FLOATS:
            return self.number()
        if name in FLAGS:
            return self.random() < 0.5
        if name in ("tensors", "operands", "matrices"):
            return [self.tensor()] * 2 if self.random() < 0.6 else [self.tensor() for _ in range(self.randint(0, 3))]
        return self.tensor()

    def call(self, parameters):
        args, named = [], {}
        for p in parameters:
            if p.kind == p.VAR_POSITIONAL:
                args += [self.argument(p.name) for _ in range(self.randint(0, 3))]
            elif p.kind != p.VAR_KEYWORD and p.default is p.empty and p.kind != p.KEYWORD_ONLY:
                args.append(self.argument(p.name))
            elif p.kind != p.VAR_KEYWORD and (p.default is p.empty or self.random() < 0.3):
                named[p.name] = self.argument(p.name)
        return args, named

    def key(self):
        def one():
            return self.choice((
                self.integer, lambda: slice(self.choice((None, self.integer())), self.choice((None, self.integer())), self.choice((None, 1, 2, -1, HUGE[0]))),
                lambda: None, lambda: Ellipsis, lambda: True, lambda: torch.rand(self.choice(SHAPES)) > 0.5, lambda: list(self.integers()),
                lambda: torch.tensor(self.integers(), dtype=torch.int64), self.anything))()

        return one() if self.random() < 0.4 else tuple(one() for _ in range(self.randint(0, 4)))


def survives(what, function, *args, **named):
    try:
        return function(*args, **named)
    except EXPECTED:
        return None
    except AttributeError as error:             # PyTorch's answer too, where a function is written in Python
        assert raised_in_python(error), f"{what}: {error!r}"
        return None


def call_operation(draw, known):
    """Whether the call, and its backward where there is one, gave a tensor."""
    name, function, parameters = draw.choice(known)
    args, named = draw.call(parameters)
    y = survives(f"{name}{args}{named}", function, *args, **named)
    results = [t for t in (y if isinstance(y, (tuple, list)) else (y,)) if isinstance(t, torch.Tensor)]
    small = [t for t in results if t.requires_grad and t.numel() < 10000 and t.layout is torch.strided]
    if small:
        survives(f"{name} backward", torch.autograd.backward, small, [torch.ones_like(t) for t in small])
    return bool(results)


def index_or_view(draw):
    x, key, value = draw.tensor(), draw.key(), draw.choice((draw.tensor, draw.number, draw.anything))()
    size, stride, offset = draw.integers(), draw.integers(), draw.integer()
    name = draw.choice(("resize_", "view", "reshape", "expand", "repeat", "tile", "new_empty"))
    call = draw.choice((
        lambda: x[key].clone(), lambda: x.clone().__setitem__(key, value), lambda: x.as_strided(size, stride, offset).clone(),
        lambda: x.as_strided(size, stride, offset).fill_(0), lambda: getattr(x.detach().clone(), name)(size).flatten()[:100].clone(),
        lambda: torch.zeros(2, dtype=x.dtype).set_(x.untyped_storage(), offset, size, stride).clone(), lambda: x.unflatten(0, size)))
    return survives(f"{x!r} {key!r} {size} {stride} {offset} {name}", call) is not None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(0 if CALLS > 4000 else 120)
def test_operations_survive():
    draw, known = Draw(SEED), list(functions())
    assert len(known) > 700
    assert sum(call_operation(draw, known) for _ in range(CALLS)) > CALLS // 10


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(0 if CALLS > 4000 else 120)
def test_indexing_and_views_survive():
    draw = Draw(SEED)
    assert sum(index_or_view(draw) for _ in range(CALLS)) > CALLS // 10

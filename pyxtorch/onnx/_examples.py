"""The arguments of an export: which tensors are inputs, how they are called, which lengths may vary, and other examples like them."""
import inspect

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.nn import Module

__all__ = ["Example"]


class _Length:
    """A length that may vary: its name, the example's value, bounds."""

    def __init__(self, name, value, low=1, high=None):
        self.name, self.value, self.low, self.high = name, value, low, high

    def within(self, n):
        """`n`, or what is nearest to it within the bounds and not the example's value."""
        n = max(n, self.low) if self.high is None else min(max(n, self.low), self.high)
        if n == self.value:
            n += 1 if self.high is None or n < self.high else -1
        return n


def _smaller(n):
    """About half as long; 1 is a size of its own, at which tensors broadcast."""
    return n // 2 if n > 3 else 2 * n + 3


# Two other lengths of the i-th that may vary, by the example's: one longer and one shorter, where the program takes them.
RULES = (
    (lambda i, n: n + 1 + i, lambda i, n: _smaller(n) + (i if n < 4 else 0)), (lambda i, n: n + 1 + i, lambda i, n: 2 * n + 3 + 2 * i), (lambda i, n: n + 1, lambda i, n: 2 * n + 3),
    (lambda i, n: n * (2 + i), lambda i, n: n * (3 + i)), (lambda i, n: 2 * n, lambda i, n: 3 * n), (lambda i, n: n + 1, lambda i, n: n + 2),
    (lambda i, n: n - 1, lambda i, n: n // 2), (lambda i, n: n // 2, lambda i, n: n // 4), (lambda i, n: n + 1, lambda i, n: n - 1),
)  # fmt: skip


def _names_parameters(function, given):
    """Whether all keys of a dict are names of parameters."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return False
    named = any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    return bool(given) and all(isinstance(key, str) and (named or key in parameters) for key in given)


class Example:
    """Example arguments. `tensors` are the inputs and `names` their names; `lengths` what may vary, by input and axis."""

    def __init__(self, model, args, kwargs, input_names, dynamic_shapes, dynamic_axes):
        args = args if isinstance(args, (tuple, list)) else (args,)
        self.args, self.kwargs = tuple(args), dict(kwargs or {})
        function = model.forward if isinstance(model, Module) else model
        if not self.kwargs and self.args and isinstance(self.args[-1], dict) and _names_parameters(function, self.args[-1]):
            *rest, self.kwargs = self.args  # as scripts for older exporters give them
            self.args, self.kwargs = tuple(rest), dict(self.kwargs)
        self.tensors, self.paths, names = [], [], []
        for where, name, value in self._arguments(function):
            self._collect(value, (where,), name, names)
        if input_names is not None and len(input_names) > len(names):
            raise ValueError(f"export: {len(input_names)} input_names for the {len(names)} input tensors {names}.")
        self.names = [*(input_names or []), *names[len(input_names or []) :]]
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"export: two inputs have one name: {self.names}.")
        self.lengths = {}
        self.symbols = {}
        if dynamic_shapes is not None:
            self._by_shapes(function, dynamic_shapes)
        elif dynamic_axes:
            self._by_axes(dynamic_axes)

    def _arguments(self, function):
        """(place, name, value) of each argument."""
        try:
            signature = inspect.signature(function)
            bound = signature.bind(*self.args, **self.kwargs)
            positional = []
            for p in signature.parameters.values():
                if p.kind == p.VAR_POSITIONAL:
                    positional += [f"{p.name}_{i}" for i in range(len(bound.arguments.get(p.name, ())))]
                elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                    positional.append(p.name)
        except ValueError:  # a built-in function
            positional = [f"input_{i}" for i in range(len(self.args))]
        found = [(i, name, value) for i, (name, value) in enumerate(zip(positional, self.args))]
        return found + [(name, name, value) for name, value in self.kwargs.items()]

    def _collect(self, value, path, name, names):
        if isinstance(value, Tensor):
            self.tensors.append(value)
            self.paths.append(path)
            names.append(name)
        elif isinstance(value, (tuple, list)):
            for i, v in enumerate(value):
                self._collect(v, (*path, i), f"{name}_{i}", names)
        elif isinstance(value, dict):
            for k, v in value.items():
                self._collect(v, (*path, k), f"{name}_{k}", names)

    def call(self, model, tensors):
        """`model` called with other tensors in the places of the inputs."""
        given = dict(zip(self.paths, tensors))

        def put(value, path):
            if isinstance(value, Tensor):
                return given[path]
            if isinstance(value, tuple) and hasattr(value, "_fields"):
                return type(value)(*[put(v, (*path, i)) for i, v in enumerate(value)])
            if isinstance(value, (tuple, list)):
                return type(value)([put(v, (*path, i)) for i, v in enumerate(value)])
            if isinstance(value, dict):
                return type(value)((k, put(v, (*path, k))) for k, v in value.items())
            return value

        return model(*[put(v, (i,)) for i, v in enumerate(self.args)], **{k: put(v, (k,)) for k, v in self.kwargs.items()})

    # ------------------------------------------------------------------ what may vary

    def _vary(self, number, axis, name):
        tensor = self.tensors[number]
        if not -tensor.ndim <= axis < tensor.ndim:
            raise ValueError(f"export: axis {axis} of input {self.names[number]!r} is dynamic, but it has {tensor.ndim} dimensions.")
        axis %= tensor.ndim
        label = name if isinstance(name, str) else getattr(name, "__name__", None)
        label = label or f"{self.names[number]}_dim_{axis}"
        symbol = self.symbols.get(label)
        if symbol is None:
            low, high = getattr(name, "min", None), getattr(name, "max", None)
            symbol = self.symbols[label] = _Length(label, tensor.shape[axis], low if isinstance(low, int) else 1, high if isinstance(high, int) else None)
        elif symbol.value != tensor.shape[axis]:
            raise ValueError(f"export: the dynamic dimension {label!r} is {symbol.value} in one input of the example and {tensor.shape[axis]} in {self.names[number]!r}.")
        self.lengths[number, axis] = symbol

    def _by_axes(self, dynamic_axes):
        for name, axes in dynamic_axes.items():
            if name in self.names:
                axes = axes if isinstance(axes, dict) else dict.fromkeys(axes)
                for axis, label in axes.items():
                    self._vary(self.names.index(name), axis, label)

    def _by_shapes(self, function, shapes):
        numbers = {path: i for i, path in enumerate(self.paths)}
        places = {name: where for where, name, _ in self._arguments(function)}
        items = [(places.get(k, k), v) for k, v in shapes.items()] if isinstance(shapes, dict) else list(enumerate(shapes))
        for where, spec in items:
            if isinstance(where, str) and where not in self.kwargs:
                raise ValueError(f"export: dynamic_shapes names {where!r}, but the arguments are {sorted(places)}.")
            self._spec(numbers, (where,), spec)

    def _spec(self, numbers, path, spec):
        if spec is None:
            return
        if path in numbers:
            axes = spec if isinstance(spec, dict) else dict(enumerate(spec))
            for axis, label in axes.items():
                if label is not None and not isinstance(label, int) and "STATIC" not in str(label):
                    self._vary(numbers[path], axis, label)
            return
        for key, inner in spec.items() if isinstance(spec, dict) else enumerate(spec):
            self._spec(numbers, (*path, key), inner)

    def named_shape(self, name, shape):
        """A shape with names for the lengths that vary."""
        number = self.names.index(name) if name in self.names else None
        return [self.lengths[number, i].name if (number, i) in self.lengths else n for i, n in enumerate(shape)]

    def name_of(self, lengths, tried):
        """The name of the varying length that had these values, or None."""
        for (number, axis), symbol in self.lengths.items():
            if lengths == tuple([tensors[number].shape[axis] for tensors in tried]):
                return symbol.name
        return None

    def told_apart(self, tried):
        """Whether no two names had the same lengths in all runs."""
        found = {s.name: tuple([tensors[number].shape[axis] for tensors in tried]) for (number, axis), s in self.lengths.items()}
        return len(set(found.values())) == len(found)

    # ------------------------------------------------------------------ other examples

    def strategies(self):
        """Pairs of other sizes to run at, {name: length}, in the order in which to try: a program may want sizes that go together."""
        if not self.symbols:
            return [({}, {})]
        return [tuple([{s.name: s.within(rule(i, s.value)) for i, s in enumerate(self.symbols.values())} for rule in pair]) for pair in RULES]

    def alone(self, symbol):
        """The same for one length, the others as in the example."""
        rest = {s.name: s.value for s in self.symbols.values()}
        pairs = dict.fromkeys(tuple([symbol.within(rule(0, symbol.value)) for rule in pair]) for pair in RULES)
        return [({**rest, symbol.name: a}, {**rest, symbol.name: b}) for a, b in pairs if symbol.value not in (a, b)]

    def varied(self, sizes, seed, how="drawn"):
        """Inputs of other sizes. Their elements are those of the example, "drawn" by chance, "repeated" in order, or "thinned", some being 0."""
        generator = pyxtorch.Generator().manual_seed(seed + 1)
        out = []
        for number, t in enumerate(self.tensors):
            shape = [sizes[self.lengths[number, i].name] if (number, i) in self.lengths else n for i, n in enumerate(t.shape)]
            count = 1
            for n in shape:
                count *= n
            if not t.numel():
                out.append(pyxtorch.zeros(shape, dtype=t.dtype))
                continue
            flat = t.detach().reshape(-1)
            if how == "repeated":
                out.append(flat[pyxtorch.arange(count) % flat.numel()].reshape(shape))
                continue
            x = flat[pyxtorch.randint(0, flat.numel(), (count,), generator=generator)]
            if how == "thinned":
                x = pyxtorch.where(pyxtorch.rand(count, generator=generator) < 0.1 * seed, pyxtorch.zeros_like(x), x)
            elif bool((flat == flat[0]).all()):
                noise = pyxtorch.rand(count, generator=generator)
                if t.dtype == pyxtorch.bool:
                    x = noise < 0.5
                elif t.is_floating_point():
                    x = (x * (0.5 + noise / 2) + (noise if flat[0] == 0 else 0)).to(t.dtype)
            out.append(x.reshape(shape))
        return out

"""What `script` and `trace` give: modules and functions that call, save and load."""
import copy
import inspect
import io
import sys
import textwrap

import pyxtorch
from pyxtorch import Tensor, nn
from pyxtorch.jit import _recorder
from pyxtorch.jit._program import mentions, text
from pyxtorch.jit._recorder import Program
from pyxtorch.nn.modules.module import Module

PLAIN = (type(None), bool, int, float, complex, str)
known_classes = {}  # classes and functions that this program has given to `script`: files may name them


def know(thing):
    """Files that name this class or function may be loaded: the program itself has handed it over."""
    known_classes[f"{thing.__module__}.{thing.__qualname__}"] = thing
    return thing


def source_of(thing):
    """The source of a function or class; a note where there is none."""
    try:
        return textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):
        return f"# {getattr(thing, '__qualname__', thing)}: its source is not there.\n"


class _Saved:
    def save(self, f, _extra_files=None):
        """Write it to a path or file: `jit.save`."""
        from pyxtorch.jit import _archive

        _archive.save(self, f, _extra_files)

    def save_to_buffer(self, _extra_files=None):
        """What `save` writes, as bytes."""
        buffer = io.BytesIO()
        self.save(buffer, _extra_files)
        return buffer.getvalue()


class ScriptModule(_Saved, Module):
    """A module that `save` writes whole, for `jit.load`; the base of what `script` and `trace` give.

    A subclass of one's own is an ordinary module, whose methods may be marked by `script_method`.
    """

    @property
    def code(self):
        """The source of forward: the program's own, or that of the graph."""
        return source_of(type(self).forward)

    @property
    def graph(self):
        """forward as a graph of operations.

        Raises:
            fx.proxy.TraceError: it decides by the elements of tensors, so that no graph is all of it.
        """
        from pyxtorch import fx

        return fx.symbolic_trace(self).graph

    inlined_graph = graph

    @property
    def original_name(self):
        """The name of the class of the module that it was made of."""
        return type(self).__name__

    def _saved_programs(self):
        """Two dicts from methods to graphs, for training and for evaluation, where the module is given by graphs alone; else None."""


class RecursiveScriptModule(ScriptModule):
    """What `script` makes of a module: the same attributes and methods, which are run as Python runs them.

    It and the module share everything that they hold, so that either may be trained.
    """

    def __new__(cls, *args, **kwargs):
        raise TypeError("RecursiveScriptModule: call jit.script(module).")

    @property
    def code(self):
        return source_of(type(self._original()).forward)

    @property
    def original_name(self):
        return type(self._original()).__name__

    @classmethod
    def _original(cls):
        return cls._of

    def _get_name(self):
        return "RecursiveScriptModule"

    def __reduce_ex__(self, protocol):
        return script_module, (self._original(),)

    def __deepcopy__(self, memo):
        return script_module(copy.deepcopy(self._original(), memo))

    def __copy__(self):
        return script_module(copy.copy(self._original()))


def script_module(module):
    """The module as a RecursiveScriptModule."""
    know(type(module))
    kind = type("RecursiveScriptModule", (RecursiveScriptModule, type(module)), {"_of": module, "__module__": "torch.jit", "__doc__": type(module).__doc__})
    scripted = object.__new__(kind)
    scripted.__dict__ = module.__dict__
    return scripted


# ------------------------------------------------------------------------------------- traces

class TracedModule(ScriptModule):
    """The operations that a module ran, on its parameters and buffers: what `trace` makes of it.

    One that was loaded may have graphs for training and for evaluation.
    """

    def __init__(self, skeleton, programs, name, evaluated=None):
        super().__init__()
        own = {members: self.__dict__[members] for members in ("_parameters", "_buffers", "_modules")}
        self.__dict__.update(skeleton.__dict__)
        self.__dict__.update(own)
        for members, items in own.items():
            items.update(skeleton.__dict__[members])
        self._train_programs = {method: Program(graph) for method, graph in programs.items()}
        self._eval_programs = self._train_programs if evaluated is None else {method: Program(graph) for method, graph in evaluated.items()}
        self._traced_name = name
        for method in programs:
            if method != "forward":
                self.__dict__[method] = _Method(self, method)

    def forward(self, *args, **kwargs):
        return self._run("forward", args, kwargs)

    @property
    def _programs(self):
        return self._train_programs if self.training else self._eval_programs

    def _run(self, method, args, kwargs):
        program = self._programs.get(method)
        if program is None:
            raise NotImplementedError(f"{self._traced_name}: no method {method!r} was traced; those traced are {', '.join(self._programs)}.")
        return program.run(self, args, kwargs, f"{self._traced_name}.{method}")

    @property
    def graph(self):
        return self._programs["forward"].graph

    inlined_graph = graph

    @property
    def code(self):
        return text(self.graph)

    @property
    def original_name(self):
        return self._traced_name

    def _saved_programs(self):
        train, evaluated = ({name: program.graph for name, program in part.items()} for part in (self._train_programs, self._eval_programs))
        return train, None if self._eval_programs is self._train_programs else evaluated

    def __deepcopy__(self, memo):
        kept = {k: v for k, v in self.__getstate__().items() if k not in ("_train_programs", "_eval_programs") and not isinstance(v, _Method)}
        held = Module()
        held.__dict__.update(copy.deepcopy(kept, memo))
        train, evaluated = copy.deepcopy(self._saved_programs())
        return type(self)(held, train, self._traced_name, evaluated)

    def __reduce_ex__(self, protocol):
        from pyxtorch.jit import _archive

        return _archive.load_bytes, (self.save_to_buffer(),)

    def extra_repr(self):
        return f"original_name={self._traced_name}"


class TopLevelTracedModule(TracedModule):
    """The module that `trace` gives."""


class _Method:
    """A traced method besides forward."""

    def __init__(self, module, name):
        self.module, self.name = _weak(module), name

    def __call__(self, *args, **kwargs):
        return self.module()._run(self.name, args, kwargs)


def _weak(x):
    import weakref

    return weakref.ref(x)


def skeleton(module, keep=None):
    """A module of the same tree, tensors and plain attributes; of layers of pyxtorch.nn the class stays, others become bare modules.

    Args:
        keep: whether a module, given with its dotted name, stays as it is.
    """
    memo = {}

    def copied(m):
        if id(m) in memo:
            return memo[id(m)]
        own = is_layer(m)
        new = memo[id(m)] = type(m).__new__(type(m)) if own else Module()
        Module.__init__(new)
        for name, value in m.__dict__.items():
            if own and name not in ("_parameters", "_buffers", "_modules", "_hooks") and not isinstance(value, (Module, Tensor)):
                new.__dict__[name] = value
            elif is_plain(value) or isinstance(value, Tensor) and name not in m._parameters and name not in m._buffers:
                new.__dict__[name] = value
        new._non_persistent_buffers_set = set(m._non_persistent_buffers_set)
        new._parameters.update(m._parameters)
        new._buffers.update(m._buffers)
        for name, child in m._modules.items():
            new._modules[name] = None if child is None else copied(child)
        return new

    return copied(module)


def is_layer(module):
    """Whether the module's class is one of pyxtorch.nn itself."""
    return getattr(nn, type(module).__name__, None) is type(module)


def is_plain(value):
    """Whether a file may hold the value as it is."""
    if isinstance(value, (tuple, list)):
        return type(value) in (tuple, list) and all(map(is_plain, value))
    if type(value) is dict:
        return all(is_plain(k) and is_plain(v) for k, v in value.items())
    return type(value) in PLAIN or isinstance(value, (pyxtorch.dtype, pyxtorch.device, pyxtorch.Size))


# ---------------------------------------------------------------------------------- functions

class ScriptFunction(_Saved):
    """What `script` and `trace` make of a function. A traced one runs the operations that were recorded."""

    def __init__(self, function, graph=None, held=None):
        self._function, self._held = function, held or Module()
        self._program = None if graph is None else Program(graph)
        self.__name__ = getattr(function, "__name__", "forward")
        self.__qualname__ = getattr(function, "__qualname__", self.__name__)
        self.__doc__, self.__module__ = getattr(function, "__doc__", None), getattr(function, "__module__", None)
        if graph is None:
            know(function)
            self.__wrapped__ = function

    def __call__(self, *args, **kwargs):
        if self._program is not None:
            return self._program.run(self._held, args, kwargs, self.name)
        recorder = _recorder.active()
        return self._function(*args, **kwargs) if recorder is None else recorder.opaque(self._function, args, kwargs)

    def __get__(self, instance, owner=None):
        import types

        return self if instance is None else types.MethodType(self, instance)

    @property
    def name(self):
        """The function's name."""
        return self.__name__

    @property
    def qualified_name(self):
        """The function's name, with that of its module."""
        return f"{self.__module__}.{self.__qualname__}"

    @property
    def graph(self):
        """The function as a graph; a traced one's own."""
        if self._program is not None:
            return self._program.graph
        from pyxtorch import fx

        return fx.symbolic_trace(self._function).graph

    inlined_graph = graph

    @property
    def code(self):
        """The function's source; of a traced one, that of the graph."""
        return source_of(self._function) if self._program is None else text(self.graph, self.name)

    def __repr__(self):
        return f"<torch.jit.ScriptFunction {self.qualified_name}>"


def export_opnames(m):
    """The names of the operations that a scripted or traced module or function calls, sorted."""
    programs = m._saved_programs() if isinstance(m, ScriptModule) else None
    graphs = [m.graph] if programs is None else [graph for part in programs for graph in (part or {}).values()]
    return sorted({name for graph in graphs for name in mentions(graph)})


class CompilationUnit:
    """Functions from the text of a program that is given here, as attributes.

    >>> torch.jit.CompilationUnit("def double(x): return 2 * x").double(torch.ones(1))
    """

    def __init__(self, lang=None, _frames_up=0):
        self._functions = {}
        if lang is not None:
            self.define(lang)

    def define(self, lang, rcb=None, _frames_up=0):
        """Add the functions of a text."""
        import typing

        space = {"torch": pyxtorch, "Tensor": Tensor, "math": sys.modules["math"], **{n: getattr(typing, n) for n in ("List", "Dict", "Tuple", "Optional", "Any", "Union")}}
        before = set(space)
        exec(compile(textwrap.dedent(lang), "<CompilationUnit>", "exec"), space)  # the text stands in the program itself
        for name in set(space) - before - {"__builtins__"}:
            self._functions[name] = ScriptFunction(space[name])

    def get_functions(self):
        """All functions."""
        return list(self._functions.values())

    def __getattr__(self, name):
        try:
            return self.__dict__["_functions"][name]
        except KeyError:
            raise AttributeError(f"'CompilationUnit' has no attribute '{name}'") from None

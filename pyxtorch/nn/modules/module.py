"""Module, the base of all layers and networks."""
import itertools
import os
import weakref

import pyxtorch
from pyxtorch import Tensor
from pyxtorch._C._nn import _parse_to
from pyxtorch._tape.sites import enter_module, leave_module  # noqa: F401  (container._noted_call runs with the names of this file)
from pyxtorch.nn.modules._hooks import Hooks, call_with_hooks, everywhere
from pyxtorch.nn.modules._mistakes import AS_PARAMETER, NotYet, not_a_module, type_name
from pyxtorch.nn.modules._state import _EXTRA_STATE_KEY_SUFFIX, StateDict, _IncompatibleKeys, convert  # noqa: F401  (two are asked for here)
from pyxtorch.nn.parameter import Buffer, Parameter, is_lazy

_MISSING = object()
_PACKAGE = os.path.dirname(pyxtorch.__file__) + os.sep


class _Members(dict):
    """Parameters, buffers or children of a module by name.

    Each is an attribute of the module as well, so that reading `self.weight` costs what reading
    any attribute does. A dict of its own class, because programs write to `module._parameters`.
    """

    __slots__ = ("owner",)

    def __init__(self, owner, items=()):
        self.owner = owner  # weakly, or a module would only be freed by the garbage collector
        self.update(items)

    def __setitem__(self, name, value):
        dict.__setitem__(self, name, value)
        owner = self.owner()
        if owner is not None and owner._members_are_attributes and not hasattr(type(owner), name):  # the class comes first, as in PyTorch
            owner.__dict__[name] = value

    def __delitem__(self, name):
        dict.__delitem__(self, name)
        self._forget(name)

    def _forget(self, name):
        owner = self.owner()
        if owner is not None:
            owner.__dict__.pop(name, None)

    def pop(self, name, *default):
        if name in self:
            self._forget(name)
        return dict.pop(self, name, *default)

    def popitem(self):
        name, value = dict.popitem(self)
        self._forget(name)
        return name, value

    def clear(self):
        for name in list(self):
            del self[name]

    def update(self, items=(), **more):
        for name, value in {**dict(items), **more}.items():
            self[name] = value

    def setdefault(self, name, default=None):
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, items):
        self.update(items)
        return self

    def copy(self):
        return dict(self)

    def __reduce_ex__(self, protocol):
        return dict, (dict(self),)


_MEMBERS = ("_parameters", "_buffers", "_modules")


class Module(StateDict):
    """Base class of all networks: assign Parameters and Modules as attributes, write `forward`.

        class Net(Module):
            def __init__(self):
                super().__init__()
                self.fc = Linear(2, 3)

            def forward(self, x):
                return self.fc(x).relu()

    An error raised inside says where: `... (in Net.fc)`.
    """

    training: bool
    dump_patches = call_super_init = False
    _members_are_attributes = True  # but not where a subclass has __getattr__, which is asked for them, as in PyTorch
    _version = 1
    _hooks = None  # Hooks, made when the first is registered
    _parameters, _buffers, _modules = map(NotYet, _MEMBERS)

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and (args or kwargs):
            what = f"unexpected keyword argument '{next(iter(kwargs))}'" if kwargs else f"takes 1 positional argument but {len(args) + 1} were given"
            raise TypeError(f"{type(self).__name__}.__init__() got an {what}" if kwargs else f"{type(self).__name__}.__init__() {what}")
        own = self.__dict__
        owner = weakref.ref(self)
        own["training"] = True
        for members in _MEMBERS:
            own[members] = _Members(owner)
        own["_non_persistent_buffers_set"] = set()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # It makes every attribute slower to read, so Module has one only once a subclass may call it by super().
        # One that assigns in a way of its own may put a plain dict in the place of the members.
        if any("__getattr__" in vars(base) or "__setattr__" in vars(base) for base in cls.__mro__ if base not in (Module, object)):
            cls._members_are_attributes = False
            Module.__getattr__ = _member_or_error

    # ------------------------------------------------------------------------------ calling

    def forward(self, *input):
        """To be written by every subclass."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, input=_MISSING, /, *args, **kwargs):
        try:
            if self._hooks is not None:
                return self._call_hooked(*(() if input is _MISSING else (input,)), *args, **kwargs)
            if args or kwargs or input is _MISSING:
                return self.forward(**kwargs) if input is _MISSING else self.forward(input, *args, **kwargs)
            return self.forward(input)
        except Exception as error:
            say_where(self, error)
            raise

    def _call_hooked(self, *args, **kwargs):
        if self._hooks is not None and not self._hooks:
            self._hooks = None  # all have been removed
        return call_with_hooks(self, self._hooks, args, kwargs)

    _call_impl = __call__

    # ------------------------------------------------------------------------------ members

    def register_parameter(self, name, param):
        """Add a Parameter (or None, to reserve the name)."""
        self._check_name(name, "parameter", self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(f"cannot assign '{type_name(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)")
            if param.grad_fn is not None:
                raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To express '{name}' as a function of another Tensor, compute the value in the forward() method.")
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that moves with the module but is not trained; state_dict has it if `persistent`."""
        self._check_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name, module):
        """Add a child (or None)."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(not_a_module(self, module))
        self._check_name(name, "module", self._modules)
        self._modules[name] = module

    def register_module(self, name, module):
        """The same as add_module."""
        self.add_module(name, module)

    def _check_name(self, name, kind, members):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}' if kind == "module" else f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in members and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def __setattr__(self, name, value):
        own = self.__dict__
        if isinstance(value, Parameter):
            self._own_members("parameters")
            self._drop(name, but="_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._own_members("module")
            self._drop(name, but="_modules")
            self._modules[name] = value
        elif "_parameters" not in own:
            object.__setattr__(self, name, value)
            return
        elif name in own["_parameters"]:
            if value is not None:
                raise TypeError(f"cannot assign '{type_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected){AS_PARAMETER}")
            own["_parameters"][name] = None
        elif name in own["_modules"]:
            if value is not None:
                raise TypeError(f"cannot assign '{type_name(value)}' as child module '{name}' (torch.nn.Module or None expected)")
            own["_modules"][name] = None
        elif isinstance(value, Buffer):
            self._drop(name, but="_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in own["_buffers"]:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign '{type_name(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            own["_buffers"][name] = value
        else:
            object.__setattr__(self, name, value)
            return
        if self._members_are_attributes and not hasattr(type(self), name):
            own[name] = value

    def _own_members(self, what):
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call: {type(self).__name__}.__init__ begins with super().__init__()")

    def _drop(self, name, but):
        """Forget `name` as anything else than a member of the kind `but`."""
        own = self.__dict__
        if name not in own[but]:
            own.pop(name, None)
        for members in {*_MEMBERS} - {but}:
            own[members].pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def __delattr__(self, name):
        own = self.__dict__
        for members in _MEMBERS:
            if name in own.get(members, ()):
                del own[members][name]
                own.pop(name, None)
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        return sorted({name for name in object.__dir__(self) if not name[:1].isdigit()})

    def __getstate__(self):
        state = dict(self.__dict__)
        for members in _MEMBERS:
            for name in state.get(members, ()):
                state.pop(name, None)
        for members in _MEMBERS:
            if members in state:
                state[members] = dict(state[members])
        return state

    def __setstate__(self, state):
        own = self.__dict__
        own.update(state)
        owner = weakref.ref(self)
        for members in _MEMBERS:
            own[members] = _Members(owner, own.get(members, ()))
        own.setdefault("_non_persistent_buffers_set", set())
        own.setdefault("training", True)

    # ------------------------------------------------------------------------------ the tree

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """(path, module) of this module and all below it, each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate=True):
        """This module and all below it, each once, or with remove_duplicate=False wherever it stands."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self):
        """(name, module) of the direct children, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """The direct children, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(self, get_members_fn, prefix="", recurse=True, remove_duplicate=True):
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(path, Parameter) of this module and, if `recurse`, of all below it."""
        return self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """The Parameters of this module and, if `recurse`, of all below it."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """(path, buffer) of this module and, if `recurse`, of all below it."""
        return self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """The buffers of this module and, if `recurse`, of all below it."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target):
        """The module at the path `target` ("a.b"); AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Put `module` at the path `target`; with `strict`, only in place of another."""
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        setattr(parent, name, module)

    def _get_member(self, target, members, what):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if name not in getattr(module, members):
            raise AttributeError(f"`{name}` is not {what}")
        return getattr(module, name)

    def get_parameter(self, target):
        """The Parameter at the path `target`."""
        return self._get_member(target, "_parameters", "an nn.Parameter")

    def get_buffer(self, target):
        """The buffer at the path `target`."""
        return self._get_member(target, "_buffers", "a buffer")

    def apply(self, fn):
        """Call `fn` on every module below and then on this one; returns self."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ------------------------------------------------------------------------------ modes

    def train(self, mode=True):
        """Switch this module and all below it to training (or evaluation); returns self."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """The same as train(False)."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Switch the recording of all parameters; returns self."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Drop the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                parameter.grad = parameter.grad.detach()
                parameter.grad.zero_()

    # ------------------------------------------------------------------------------ conversion

    def _apply(self, fn, recurse=True):
        if recurse:
            for module in self.children():
                module._apply(fn)
        with pyxtorch.no_grad():
            for name, parameter in self._parameters.items():
                if parameter is not None:
                    convert(self, name, parameter, fn)
            for name, buffer in self._buffers.items():
                if is_lazy(buffer):
                    buffer.data = fn(buffer.detach())
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def _convert_floating(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self):
        """All floating-point parameters and buffers to float32; returns self."""
        return self._convert_floating(pyxtorch.float32)

    def double(self):
        """All floating-point parameters and buffers to float64; returns self."""
        return self._convert_floating(pyxtorch.float64)

    def half(self):
        """All floating-point parameters and buffers to float16; returns self."""
        return self._convert_floating(pyxtorch.float16)

    def bfloat16(self):
        """All floating-point parameters and buffers to bfloat16; returns self."""
        return self._convert_floating(pyxtorch.bfloat16)

    def type(self, dst_type):
        """All parameters and buffers to the dtype `dst_type`; returns self."""
        return self._apply(lambda t: t.to(dst_type) if isinstance(dst_type, pyxtorch.dtype) else t.type(dst_type))

    def cpu(self):
        """All parameters and buffers to the CPU; returns self."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device=None):
        """All parameters and buffers to the GPU; returns self."""
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self, *, device, recurse=True):
        """All parameters and buffers to `device` without their values; returns self."""
        return self._apply(lambda t: pyxtorch.empty_like(t, device=device), recurse=recurse)

    def share_memory(self):
        """All parameters, their gradients and buffers to memory that other processes see; returns self."""
        for t in itertools.chain(self.parameters(), self.buffers()):
            t.share_memory_()
            if t.grad is not None:
                t.grad.share_memory_()
        return self

    def to(self, *args, **kwargs):
        """to(device, dtype), to(dtype), to(tensor), with non_blocking=False, memory_format=None; returns self.

        Floating-point and complex parameters and buffers are cast, all are moved, those of 4 or 5 dimensions are laid out as memory_format says.
        """
        device, dtype, non_blocking, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")

        def convert(t):
            cast = dtype if dtype is not None and (t.is_floating_point() or t.is_complex()) else t.dtype
            if t.is_meta and device is not None and device.type != "meta":
                raise NotImplementedError(
                    "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() "
                    "when moving module from meta to a different device."
                )
            order = memory_format if t.ndim in (4, 5) else None
            return t.to(t.device if device is None else device, cast, non_blocking, memory_format=order)

        return self._apply(convert)

    # ------------------------------------------------------------------------------ hooks

    def _add_hook(self, kind, hook, **options):
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks.add(kind, hook, **options)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call `hook(module, args)` before forward; what it returns replaces args.

        With `with_kwargs`: `hook(module, args, kwargs)`, which may return (args, kwargs).
        """
        return self._add_hook("forward_pre", hook, prepend=prepend, with_kwargs=with_kwargs)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call `hook(module, args, output)` after forward; what it returns replaces output.

        With `with_kwargs`: `hook(module, args, kwargs, output)`; with `always_call` also when
        forward raises.
        """
        return self._add_hook("forward", hook, prepend=prepend, with_kwargs=with_kwargs, always_call=always_call)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call `hook(module, grad_output)` when the output's gradient is there; it may replace it."""
        return self._add_hook("backward_pre", hook, prepend=prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are there.

        It may return other ones for grad_input. Gradients of what is no tensor are None.
        """
        return self._add_hook("backward", hook, prepend=prepend)

    def register_backward_hook(self, hook):
        """Old form, of the last operation in forward only; use register_full_backward_hook."""
        return self._add_hook("backward_partial", hook)

    # Names under which PyTorch programs look at the hooks.
    _forward_hooks = property(lambda self: self._hooks_of_kind("forward"))
    _forward_pre_hooks = property(lambda self: self._hooks_of_kind("forward_pre"))
    _backward_hooks = property(lambda self: self._hooks_of_kind("backward"))
    _backward_pre_hooks = property(lambda self: self._hooks_of_kind("backward_pre"))

    def _hooks_of_kind(self, kind):
        if self._hooks is None:
            self._hooks = Hooks()
        return getattr(self._hooks, kind)

    # ------------------------------------------------------------------------------ printing

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """To override: what stands between the parentheses."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if not self._modules and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        lines += [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


def _member_or_error(self, name):
    for members in (self.__dict__.get(m, ()) for m in _MEMBERS):
        if name in members:
            return members[name]
    if name in _MEMBERS:
        NotYet(name).__get__(self)
    raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")



def indent(text):
    """`text` with all lines but the first moved in by two spaces."""
    return _addindent(text, 2)


def _addindent(s_, numSpaces):  # noqa: N803 (asked for by packages that print modules)
    """`s_` with all lines but the first moved in."""
    return s_.replace("\n", "\n" + " " * numSpaces)


# ---------------------------------------------------------------------------------- errors


def say_where(module, error):
    """Add to `error`, on its way up through `module`, the path of the innermost module.

    Each module on the way knows its own tree only, so the path grows until the outermost one has
    written it. Messages of this package get it appended; other exceptions keep their message and
    get a note.
    """
    try:
        found = error.__dict__.get("_module_path")
        if found is None:
            innermost, text, plain = module, None, _own_message(error)
        else:
            innermost, text, plain = found
        for path, other in module.named_modules():
            if other is innermost:
                break
        else:
            return  # called from a forward, but no child of that module
        if text is not None:
            getattr(error, "__notes__", [text]).remove(text)
        where = type(module).__name__ + ("." + path if path else "")
        if plain is not None:
            error.args = (f"{plain} (in {where})",)
        else:
            text = f"in module {where}"
            error.add_note(text)
        error._module_path = innermost, text, plain
    except Exception:  # saying more must never hide the error itself
        return


def _own_message(error):
    """The message of an error that this package's compiled code has raised, else None."""
    if len(error.args) != 1 or not isinstance(error.args[0], str) or type(error).__str__ is not Exception.__str__:
        return None
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename  # compiled code gives a relative name
    return error.args[0] if file.startswith(("pyxtorch/", _PACKAGE)) else None


# ---------------------------------------------------------------------------------- hooks of all

_direct_call = Module.__call__


def _hooked_call(self, input=_MISSING, /, *args, **kwargs):
    try:
        return self._call_hooked(*(() if input is _MISSING else (input,)), *args, **kwargs)
    except Exception as error:
        say_where(self, error)
        raise


def _everywhere(kind, hook, **options):
    """Register for all modules. While there is one, every call looks for hooks."""
    handle = everywhere.add(kind, hook, **options)
    Module.__call__ = _hooked_call
    remove = handle.remove
    handle = _GlobalHandle(handle.hooks, handle.id)
    handle.take_out = remove
    return handle


class _GlobalHandle:
    def __init__(self, hooks, key):
        self.hooks, self.id = hooks, key

    def remove(self):
        self.take_out()
        if not everywhere:
            Module.__call__ = _direct_call

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


def register_module_forward_pre_hook(hook):
    """Call `hook(module, args)` before every module's forward."""
    return _everywhere("forward_pre", hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call `hook(module, args, output)` after every module's forward."""
    return _everywhere("forward", hook, with_kwargs=with_kwargs, always_call=always_call)


def register_module_full_backward_pre_hook(hook):
    """Call `hook(module, grad_output)` in every module's backward."""
    return _everywhere("backward_pre", hook)


def register_module_full_backward_hook(hook):
    """Call `hook(module, grad_input, grad_output)` in every module's backward."""
    return _everywhere("backward", hook)


register_module_backward_hook = register_module_full_backward_hook

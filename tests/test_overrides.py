"""The gate: `__torch_function__` of subclasses and foreign classes, modes, and what survives operations."""
import copy
import inspect
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import Tensor, nn, overrides
from pyxtorch.nn import functional as F
from pyxtorch.overrides import BaseTorchFunctionMode, TorchFunctionMode, resolve_name


class Logged(Tensor):
    """Fifteen lines that see every operation of what they take part in."""

    seen = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen.append(resolve_name(func))
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.fixture(autouse=True)
def forget():
    Logged.seen.clear()
    yield
    Logged.seen.clear()


def logged(*shape, **options):
    return torch.rand(*shape, **options).as_subclass(Logged)


# ------------------------------------------------------------------------------------ subclasses

def test_a_whole_training_step_is_logged():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))
    for module in net.modules():
        for name, p in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(p.detach().as_subclass(Logged)))
    plain = copy.deepcopy(net)
    for module in plain.modules():
        for name, p in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(p.detach().as_subclass(Tensor)))
    assert all(type(p) is Logged and isinstance(p, nn.Parameter) for p in net.parameters()) and len(list(net.parameters())) == 6
    x, target = torch.rand(5, 4), torch.tensor([0, 1, 2, 1, 0])
    optimizer, other = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9)
    Logged.seen.clear()
    for _ in range(2):
        optimizer.zero_grad()
        y = net(x)
        loss = F.cross_entropy(y, target)
        loss.backward()
        optimizer.step()
        other.zero_grad()
        expected = F.cross_entropy(plain(x), target)
        expected.backward()
        other.step()
    assert type(y) is Logged and type(loss) is Logged and type(expected) is Tensor
    functional = "torch.nn.functional."
    forward = [name for name in Logged.seen if name.startswith(functional)]
    assert forward == [functional + name for name in ("linear", "relu", "layer_norm", "linear", "cross_entropy")] * 2
    assert Logged.seen.count("torch.Tensor.backward") == 2 and Logged.seen.count("torch.Tensor.add_") >= 12
    assert abs(loss.item() - expected.item()) < 1e-6
    for a, b in zip(net.parameters(), plain.parameters(), strict=True):
        assert type(a) is Logged and torch.allclose(a.as_subclass(Tensor), b, rtol=1e-6)


def test_subclasses_survive_operations():
    class Mine(Tensor):
        pass

    x = torch.arange(6.0).reshape(2, 3).as_subclass(Mine)
    single = {
        "add": x + 1, "radd": 1 + x, "rsub": 1 - x, "pow": x**2, "rpow": 2**x, "matmul": x @ x.T, "rmatmul": torch.ones(2, 2) @ x,
        "compare": x > 1, "eq": x == x, "neg": -x, "abs": abs(x), "index": x[0], "mask": x[x > 1], "T": x.T, "mT": x.mT, "real": x.real,
        "data": x.data, "detach": x.detach(), "clone": x.clone(), "to": x.to(torch.float64), "view": x.view(3, 2), "sum": x.sum(),
        "relu": F.relu(x), "cat": torch.cat([torch.ones(1, 3), x]), "stack": torch.stack([x, x]), "zeros_like": torch.zeros_like(x),
        "where": torch.where(x > 1, x, 0.0), "einsum": torch.einsum("ij,kj->ik", x, x), "linalg": torch.linalg.norm(x), "fft": torch.fft.fft(x),
        "special": torch.special.expit(x), "new": x.new_zeros(2), "expand": x[0].expand(4, 3), "copy": copy.copy(x), "deepcopy": copy.deepcopy(x),
        "flip": next(reversed([x])), "iter": next(iter(x)), "pickle": None,
    }  # fmt: skip
    del single["pickle"]
    wrong = {name: type(y) for name, y in single.items() if type(y) is not Mine}
    assert not wrong
    for many in (x.max(1), x.split(1), torch.std_mean(x), x.unbind(), torch.meshgrid(x[0], x[0], indexing="ij"), x.sort(), torch.frexp(x)):
        assert many and all(type(y) is Mine for y in many)
    assert type(x.max(1)).__name__ == "max" and x.max(1).values.tolist() == [2, 5]
    assert type(torch.tensor([x[0, 0], x[0, 1]])) is Tensor and torch.as_tensor(x) is x
    y = x.clone()
    z = y
    y += 1
    y.mul_(2)
    y[0] = 0.0
    assert z is y and y.tolist() == [[0, 0, 0], [8, 10, 12]]
    assert type(x.shape) is torch.Size and type(x.tolist()) is list and type(x.numpy()) is np.ndarray and type(x.sum().item()) is float
    assert type(x.as_subclass(Tensor)) is Tensor and type(x.as_subclass(Tensor) + 1) is Tensor and type(torch.ones(2)) is Tensor
    assert repr(x).startswith("Mine(")


def test_subclasses_differentiate():
    w = torch.tensor([1.0, 2.0, 3.0]).as_subclass(Logged).requires_grad_()
    y = (w * w)[1:].T
    assert y.requires_grad and y.grad_fn is not None and not y.is_leaf and type(y) is Logged
    y.sum().backward()
    assert w.grad.tolist() == [0, 4, 6]
    leaf = torch.ones(2, requires_grad=True)
    seen = leaf.as_subclass(Logged)
    (seen * 3).sum().backward()
    assert leaf.grad.tolist() == [3, 3] and seen.grad_fn is not None
    # What was computed and is then changed in place keeps its history.
    a = torch.ones(3, requires_grad=True)
    b = (a * 2).as_subclass(Logged)
    b.mul_(torch.tensor([1.0, 2.0, 3.0]))
    b[0] = 7.0
    b.sum().backward()
    assert a.grad.tolist() == [0, 4, 6]
    (g,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
    g.sum().backward()
    assert w.grad.tolist() == [6, 16, 24]


def test_constructing_copying_and_saving(tmp_path):
    assert type(Mine([1.0, 2.0])) is Mine and Mine(torch.ones(2)).tolist() == [1, 1] and Mine(2, 3).shape == (2, 3)
    x = Mine([1.0, 2.0])
    x.note = ["kept"]
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(y) is Mine and y.note == ["kept"] and y.note is not x.note and y.tolist() == [1, 2]
        y.add_(1)
    assert x.tolist() == [1, 2]
    torch.save({"x": x}, tmp_path / "x.pt")
    with torch.serialization.safe_globals([Mine]):
        y = torch.load(tmp_path / "x.pt")["x"]
    assert type(y) is Mine and y.note == ["kept"] and y.tolist() == [1, 2]
    p = nn.Parameter(x)
    assert type(p) is Mine and isinstance(p, nn.Parameter) and p.requires_grad and not isinstance(x, nn.Parameter)
    module = nn.Module()
    module.p = p
    assert list(module.parameters())[0] is p and type(copy.deepcopy(module).p) is Mine and len(list(copy.deepcopy(module).parameters())) == 1


class Mine(Tensor):
    pass


def test_parameter_is_plain_and_quiet():
    p = nn.Parameter(torch.ones(2))
    assert type(p) is nn.Parameter and type(p * 2) is Tensor and type(p.detach()) is Tensor and type(p[0]) is Tensor
    assert nn.Parameter.__torch_function__ is torch._C._disabled_torch_function_impl

    class Own(nn.Parameter):
        pass

    assert type(Own(torch.ones(2)) + 1) is Tensor and not isinstance(p, Own) and isinstance(Own(torch.ones(2)), nn.Parameter)
    assert type(torch.add(p, logged(2))) is Logged


# -------------------------------------------------------------------------------- order and refusal

def asker(name, base=object, answer=NotImplemented):
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        ASKED.append((cls.__name__, [t.__name__ for t in types]))
        return answer

    return type(name, (base,), {"__torch_function__": classmethod(__torch_function__)})


ASKED = []


def test_subclasses_are_asked_before_superclasses_and_left_before_right():
    A, B, C = asker("A"), asker("B"), None
    C = asker("C", A)
    for args, order in [((A(), B(), C()), "CAB"), ((B(), A()), "BA"), ((A(), A()), "A"), ((B(), C(), A()), "BCA")]:
        ASKED.clear()
        with pytest.raises(TypeError, match="no implementation found for"):
            torch.cat(list(args))
        assert [name for name, _ in ASKED] == list(order) and ASKED[0][1] == list(order)


def test_an_answer_ends_the_asking():
    D, E = asker("D", answer="D's"), asker("E", answer="E's")
    x = torch.ones(2)
    assert torch.add(D(), E()) == "D's" and torch.add(E(), D()) == "E's" and F.linear(x, x, D()) == "D's"
    assert x + D() == "D's"
    assert x.add(D()) == "D's" and (x == D()) == "D's" and x[D()] == "D's" and x @ E() == "E's" and x**D() == "D's" and x - D() == "D's"
    x[0] = D()
    assert x.tolist() == [1, 1]
    x += D()
    assert x == "D's"
    assert torch.stack([torch.ones(2), D()]) == "D's" and torch.lstm_cell(torch.ones(1, 2), (D(), E()), x, x) == "D's"
    assert torch.zeros(2).sum(D()) == "D's" and torch.ones(2).add(1, out=D()) == "D's" and torch.clamp(torch.ones(2), max=E()) == "E's"


def test_refusals_are_type_errors():
    A = asker("A")
    x = torch.ones(2)
    for call in (lambda: torch.add(A(), 1), lambda: F.relu(A()), lambda: x.add(A()), lambda: x[A()], lambda: x + A(), lambda: x < A()):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError, match=r"(?s)torch\.add.*A"):
        torch.add(A(), 1)
    assert (x == A()) is False


def test_errors_of_operations_and_handlers_pass():
    class Angry:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        torch.add(Angry(), 1)
    with pytest.raises(RuntimeError):
        logged(2) @ torch.ones(3)
    with pytest.raises(TypeError):
        torch.add(torch.ones(2), object())
    with pytest.raises(IndexError):
        logged(2)[5]


# --------------------------------------------------------------------------------------------- modes

class Log(TorchFunctionMode):
    def __init__(self, log, name=""):
        self.log, self.name = log, name

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.log.append(self.name + resolve_name(func).removeprefix("torch."))
        return func(*args, **(kwargs or {}))


def test_a_mode_sees_everything():
    log = []
    with Log(log) as mode:
        assert overrides._get_current_function_mode() is mode
        x = torch.ones(2)
        y = torch.tensor([1.0]) + x
        y += 1
        y.shape, y[0], -y, len(y), bool(y[0] > 5), y.sum().item(), torch.randn(2), F.relu(y), nn.Identity()(y)  # noqa: B018
        repr(y)
    torch.ones(2)
    for name in ("ones", "tensor", "Tensor.add", "Tensor.add_", "Tensor.shape.__get__", "Tensor.__getitem__", "Tensor.neg", "Tensor.__len__",
                 "Tensor.__bool__", "Tensor.gt", "Tensor.sum", "Tensor.item", "randn", "nn.functional.relu", "Tensor.__repr__"):  # fmt: skip
        assert name in log, name
    assert log.count("ones") == 1 and overrides._get_current_function_mode() is None


def test_modes_nest_and_are_off_in_their_own_handler():
    log = []
    with Log(log, "outer "), Log(log, "inner "):
        torch.ones(2)
        logged(2)
    assert log[:2] == ["inner ones", "outer ones"]

    class Calls(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            log.append(func.__name__)
            if func is torch.add:
                torch.ones(1)  # not seen
                with self:
                    torch.zeros(1)
            return func(*args, **(kwargs or {}))

    log.clear()
    with Calls(), BaseTorchFunctionMode():
        torch.add(torch.ones(1), 1)
    assert log == ["ones", "add", "zeros"]


def test_a_mode_may_refuse_and_comes_before_subclasses():
    class No(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return NotImplemented

    x = logged(2)
    with No():
        with pytest.raises(TypeError, match="mode object"):
            torch.ones(2)
    log = []
    Logged.seen.clear()
    with Log(log):
        x + 1
    assert log == ["Tensor.add"] and Logged.seen == ["torch.Tensor.add"]
    with pytest.raises(RuntimeError):
        overrides._pop_mode()
    with pytest.raises(NotImplementedError), TorchFunctionMode():
        torch.ones(1)


def test_modes_belong_to_their_thread():
    log, other = [], []
    entered, done = threading.Event(), threading.Event()

    def work():
        with Log(other):
            entered.set()
            done.wait(10)
            torch.zeros(1)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(10)
    with Log(log):
        torch.ones(1)
    done.set()
    thread.join()
    assert log == ["ones"] and other == ["zeros"]


def test_backward_is_one_operation():
    log = []
    w = torch.ones(3, requires_grad=True)
    w.register_hook(lambda g: g * 2)
    with Log(log):
        y = (w * w).tanh().sum()
        log.clear()
        torch.autograd.backward(y)
    assert log == ["Tensor.mul"]  # what the hook does
    v = torch.ones(3).as_subclass(Logged).requires_grad_()
    loss = (v * torch.ones(3, requires_grad=True)).sum().as_subclass(Tensor)
    Logged.seen.clear()
    loss.backward()
    assert Logged.seen == [] and v.grad.tolist() == [1, 1, 1]


def test_switches():
    x = logged(2)
    Logged.seen.clear()
    with torch._C.DisableTorchFunctionSubclass():
        assert type(x + 1) is Tensor and not torch._C._is_torch_function_enabled()
        log = []
        with Log(log):
            x * 2
        assert log == ["Tensor.mul"]
        with overrides.enable_reentrant_dispatch():
            assert type(x + 1) is Logged
    assert Logged.seen == ["torch.Tensor.add"]
    with Log(log), torch._C.DisableTorchFunction():
        torch.ones(1)
    assert log == ["Tensor.mul"]


# -------------------------------------------------------------------------------------- operations

def test_operations_are_what_they_wrap():
    assert inspect.signature(torch.add).parameters.keys() == {"input", "other", "alpha", "out"} and "broadcast" in torch.add.__doc__
    assert inspect.getsourcefile(torch.add).endswith("pyxtorch/ops/elementwise.pyx")
    assert inspect.getsourcefile(F.triplet_margin_loss).endswith("ops/loss_composed.py")
    assert (torch.add.__name__, torch.add.__qualname__, torch.add.__module__, torch.add.family) == ("add", "add", "pyxtorch", "elementwise")
    assert (Tensor.add.__qualname__, F.relu.__module__, torch.linalg.qr.__module__) == ("Tensor.add", "pyxtorch.nn.functional", "pyxtorch.linalg")
    assert list(inspect.signature(torch.ones(2).add).parameters) == ["other", "alpha", "out"] and torch.ones(2).add.__self__.tolist() == [1, 1]
    assert Tensor.add is not torch.add and Tensor.add.__wrapped__ is torch.add.__wrapped__ and F.conv2d is torch.conv2d
    assert repr(torch.add) == "<operation torch.add>"
    for operation in (torch.add, Tensor.add, F.relu, torch.linalg.svd, torch.fft.fft, torch.special.expit, torch.abs_, torch.detach_):
        assert pickle.loads(pickle.dumps(operation)) is operation and copy.deepcopy(operation) is operation and copy.copy(operation) is operation
    module = nn.Module()
    module.f = torch.relu
    assert module.f(torch.ones(1)).item() == 1 and copy.deepcopy(module).f is torch.relu

    class Holder:
        method = torch.neg

    assert Holder().method.__self__.__class__ is Holder
    assert torch.add(*[torch.ones(1)] * 2, alpha=2).item() == 3 and torch.add.__call__(torch.ones(1), 1).item() == 2


def test_attributes_may_be_set_on_tensor():
    Tensor.twice = lambda self: self * 2
    try:
        assert torch.ones(1).twice().item() == 2 and type(logged(1).twice()) is Logged and nn.Parameter(torch.ones(1)).twice().item() == 2
    finally:
        del Tensor.twice
    assert not hasattr(torch.ones(1), "twice")
    saved = Tensor.__add__
    try:
        Tensor.__add__ = lambda self, other: "mine"
        assert torch.ones(1) + 1 == "mine"
    finally:
        Tensor.__add__ = saved
    assert (torch.ones(1) + 1).item() == 2


def test_python_side_of_overrides():
    x, y = torch.ones(2), logged(2)
    assert overrides.has_torch_function([x, y]) and not overrides.has_torch_function([x, 1]) and overrides.has_torch_function_unary(y)
    assert overrides.has_torch_function_variadic(x, y) and not overrides.has_torch_function_variadic(x)
    assert overrides.is_tensor_like(x) and overrides.is_tensor_like(asker("A")()) and not overrides.is_tensor_like(3)

    @overrides.wrap_torch_function(lambda a, b: (a, b))
    def mine(a, b):
        return "plain"

    assert mine(1, 2) == "plain" and mine(x, 2) == "plain" and mine(1, asker("A", answer="A's")()) == "A's"
    with pytest.raises(TypeError, match="no implementation found"):
        mine(asker("A")(), 1)
    names = {resolve_name(f) for functions in overrides.get_overridable_functions().values() for f in functions}
    assert {"torch.add", "torch.Tensor.add", "torch.Tensor.shape.__get__", "torch.nn.functional.relu", "torch.linalg.svd", "torch.fft.fft"} <= names
    assert None not in names and resolve_name(len) is None and not names & {"torch.ones", "torch.randn", "torch.manual_seed", "torch.is_tensor"}
    assert torch.ones in overrides.get_ignored_functions() and torch.is_tensor in overrides.get_ignored_functions()
    assert overrides.is_tensor_method_or_property(Tensor.add) and overrides.is_tensor_method_or_property(Tensor.shape.__get__)
    assert not overrides.is_tensor_method_or_property(torch.add) and Tensor.grad.__get__ in overrides.get_default_nowrap_functions()


OVERRIDABLE = {resolve_name(f): f for functions in overrides.get_overridable_functions().values() for f in functions}


def test_there_are_many():
    assert len(OVERRIDABLE) > 1100


TESTING = overrides.get_testing_overrides()


class Answers(Tensor):
    """Answers for all operations, and says what it was asked."""

    asked = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.asked.append(func)
        return -1


class AnsweringMode(TorchFunctionMode):
    def __init__(self):
        self.asked = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.asked.append(func)
        return -1


def places(function):
    """How many arguments `function` needs."""
    parameters = inspect.signature(TESTING[function]).parameters.values()
    return max(1, sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters))


# What Python makes of an answer where it wants none, or a bool.
ANSWERS = {"torch.Tensor.__bool__": True, "torch.Tensor.__contains__": True, "torch.Tensor.__setitem__": None, "torch.Tensor.__delitem__": None}


def test_every_operation_can_be_overridden_by_a_subclass_in_every_place():
    mine, plain, wrong = torch.ones(2).as_subclass(Answers), torch.ones(2), []
    for name, function in OVERRIDABLE.items():
        assert TESTING[function].__name__ == function.__name__
        count = places(function)
        for at in range(1 if name.startswith("torch.Tensor.") and type(function) is not torch._gate.Operation else count):
            Answers.asked.clear()
            try:
                answer = function(*[mine if i == at else plain for i in range(count)])
            except Exception as error:
                answer = error
            # A slot is asked for under the name of its method: `Tensor.__lt__` is `Tensor.lt`.
            if answer != ANSWERS.get(name, -1) or len(Answers.asked) != 1 or (type(function) is torch._gate.Operation and Answers.asked != [function]):
                wrong.append((name, at, answer))
    assert not wrong


def test_every_operation_can_be_overridden_by_a_mode():
    plain, wrong = torch.ones(2), []
    for name, function in [*OVERRIDABLE.items(), *((resolve_name(f), f) for f in (torch.ones, torch.tensor, torch.randn, torch.arange))]:
        arguments = [plain] * (places(function) if name in OVERRIDABLE else 1)
        with AnsweringMode() as mode:
            answer = function(*arguments)
        if answer != ANSWERS.get(name, -1) or len(mode.asked) != 1 or (type(function) is torch._gate.Operation and mode.asked != [function]):
            wrong.append((name, answer))
    assert not wrong


FIRST_SEEN = """
import gc, inspect
import pyxtorch as torch
from pyxtorch import overrides

tested, wrong = 0, []
testing = overrides.get_testing_overrides()
gc.collect()
gc.freeze()
for function, stand_in in testing.items():
    name = overrides.resolve_name(function)
    if type(function) is not torch._gate.Operation:
        continue
    count = sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in inspect.signature(stand_in).parameters.values())
    for at in range(max(count, 1)):
        class Foreign:
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                return func

        assert not torch._gate.watching(), name
        tensors = [torch.ones(2) for i in range(max(count, 1))]
        tensors[at] = Foreign()
        try:
            answer = function(*tensors)
        except Exception as error:
            answer = error
        tested += 1
        if type(answer) is not torch._gate.Operation:  # the operation, or one that it consists of
            wrong.append((name, at, answer))
        del Foreign, answer, tensors
        gc.collect()
assert not wrong, wrong
assert tested > 1500, tested

# Nothing of the package itself makes operations look at their arguments.
import importlib, pkgutil
for info in pkgutil.walk_packages(torch.__path__, "pyxtorch."):
    if not info.name.startswith(("pyxtorch.kernels.cuda", "pyxtorch.kernels.cpu._")):
        importlib.import_module(info.name)
assert not torch._gate.watching()
"""


def test_a_foreign_class_is_found_when_it_is_first_seen():
    """Where nobody has overridden anything before: the operation fails on it, and then it is asked."""
    done = subprocess.run([sys.executable, "-c", FIRST_SEEN], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def test_names_of_the_compiled_module():
    """What libraries ask of torch._C as they are imported."""
    from pyxtorch._C import _get_tracing_state, _log_api_usage_once, _TensorMeta

    assert isinstance(Tensor, _TensorMeta) and isinstance(nn.Parameter, _TensorMeta)
    assert not isinstance(int, _TensorMeta) and not isinstance(torch.ones(1), _TensorMeta)

    class Meta(_TensorMeta):
        made = []

        def __init__(cls, *args):
            cls.made.append(cls.__name__)

    class Own(Tensor, metaclass=Meta):
        pass

    assert type(torch.ones(2).as_subclass(Own) + 1) is Own and Meta.made == ["Own"] and isinstance(Own, Meta) and not isinstance(Tensor, Meta)
    seen = []
    torch.jit.trace(lambda x: seen.append(_get_tracing_state()) or x + 1, torch.ones(1), check_trace=False)
    assert torch._C._nn._parse_to("cpu", torch.half, True) == (torch.device("cpu"), torch.half, True, None)
    assert torch._C._nn._parse_to(torch.ones(1).double(), memory_format=torch.channels_last) == (torch.device("cpu"), torch.double, False, torch.channels_last)
    with pytest.raises(TypeError, match="not list"):
        nn.Linear(1, 1).to([1])
    assert seen[0] is not None and _get_tracing_state() is None and _log_api_usage_once("here") is None


def test_modes_see_what_iteration_does():
    seen = []

    class Names(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(func.__name__)
            return func(*args, **(kwargs or {}))

    x = torch.arange(6).reshape(2, 3)
    with Names():
        rows, (a, b), turned = list(x), x, reversed(x)
    assert torch.equal(torch.stack(rows), x) and torch.equal(torch.stack((a, b)), x) and torch.equal(turned, x.flip(0))
    assert seen.count("unbind") == 2 and "__reversed__" in seen


def test_a_class_without_instances_costs_nothing():
    before = torch._gate.watching()

    class Late(Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return "seen"

    assert torch._gate.watching() == before
    for make in (lambda: Late([1.0]), lambda: torch.ones(1).as_subclass(Late), lambda: Tensor._make_subclass(Late, torch.ones(1))):
        late = make()
        assert torch._gate.watching() and torch.add(torch.ones(1), late) == torch.ones(1) * late == late.exp() == "seen"


def test_a_subclass_that_would_never_be_asked_is_refused():
    class Logged(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    with pytest.raises(NotImplementedError, match="Logged: __torch_dispatch__ .*TorchDispatchMode"):
        torch.ones(2).as_subclass(Logged)

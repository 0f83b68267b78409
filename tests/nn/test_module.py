"""Module and its containers: members, state, hooks, modes, conversion, copies, errors."""
import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.fc2 = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc2(self.fc1(x).relu())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)
        self.head = Head()
        self.tail = None

    def forward(self, x):
        self.seen += 1
        return self.head(x) * self.scale


NAMES = ["scale", "head.fc1.weight", "head.fc1.bias", "head.fc2.weight", "head.fc2.bias"]


# ------------------------------------------------------------------------------ members


def test_parameters_and_buffers_by_name():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == NAMES
    assert [n for n, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert [n for n, _ in net.named_buffers()] == ["seen", "scratch"]
    assert [n for n, _ in net.named_parameters(prefix="net")][0] == "net.scale"
    assert sum(p.numel() for p in net.parameters()) == 2 + 16 + 10
    assert net.get_parameter("head.fc1.bias") is net.head.fc1.bias
    assert net.get_buffer("seen") is net.seen
    assert net.get_submodule("head.fc2") is net.head.fc2 and net.get_submodule("") is net


def test_modules_by_name():
    net = Net()
    assert [n for n, _ in net.named_modules()] == ["", "head", "head.fc1", "head.fc2"]
    assert [n for n, _ in net.named_children()] == ["head"]
    assert list(net.modules())[1] is net.head and list(net.children()) == [net.head]


def test_shared_members_are_named_once():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    net.c = nn.Linear(2, 2)
    net.c.weight = net.a.weight
    assert [n for n, _ in net.named_modules()] == ["", "a", "c"]
    assert [n for n, _ in net.named_parameters()] == ["a.weight", "a.bias", "c.bias"]
    assert [n for n, _ in net.named_parameters(remove_duplicate=False)] == ["a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias"]


def test_assignment_decides_the_kind():
    m = nn.Module()
    m.x = 3
    m.x = nn.Parameter(torch.ones(1))
    assert "x" in m._parameters
    with pytest.raises(TypeError, match="cannot assign 'int' as parameter 'x'"):
        m.x = 3
    m.x = None
    assert m.x is None and list(m.parameters()) == []
    m.x = nn.Linear(1, 1)
    assert "x" in m._modules and "x" not in m._parameters
    with pytest.raises(TypeError, match="cannot assign 'str' as child module 'x'"):
        m.x = "text"
    m.register_buffer("y", torch.zeros(2))
    m.y = torch.ones(3)
    assert m._buffers["y"] is m.y and m.y.shape == (3,)
    with pytest.raises(TypeError, match="as buffer 'y'"):
        m.y = 1
    del m.y
    assert "y" not in m._buffers and not hasattr(m, "y")
    m.z = nn.Buffer(torch.ones(1))
    assert "z" in m._buffers


def test_the_dicts_are_the_attributes():
    m = nn.Linear(2, 1)
    new = nn.Parameter(torch.zeros(1, 2))
    m._parameters["weight"] = new
    assert m.weight is new
    del m._parameters["bias"]
    assert not hasattr(m, "bias")


@pytest.mark.parametrize(
    "register, error, match",
    [
        (lambda m: m.register_parameter("a.b", None), KeyError, "contain"),
        (lambda m: m.register_parameter("", None), KeyError, "empty"),
        (lambda m: m.register_parameter(1, None), TypeError, "should be a string"),
        (lambda m: m.register_parameter("forward", None), KeyError, "already exists"),
        (lambda m: m.register_parameter("p", torch.ones(1)), TypeError, "Parameter or None required"),
        (lambda m: m.register_buffer("p", 1), TypeError, "Tensor or None required"),
        (lambda m: m.add_module("p", 1), TypeError, "not a Module subclass"),
        (lambda m: m.get_submodule("nothing"), AttributeError, "nothing"),
        (lambda m: m.get_parameter("nothing"), AttributeError, "nothing"),
        (lambda m: m.missing, AttributeError, "missing"),
        (lambda m: m(1), NotImplementedError, "forward"),
    ],
)
def test_wrong_members_are_refused(register, error, match):
    with pytest.raises(error, match=match):
        register(nn.Module())


def test_members_need_init():
    class Bare(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match="before Module.__init__"):
        Bare()


# -------------------------------------------------------------------------------- state


def test_state_dict_round_trip():
    torch.manual_seed(0)
    a, b = Net(), Net()
    a.seen += 5
    state = a.state_dict()
    assert list(state) == ["scale", "seen", *NAMES[1:]]  # scratch is not persistent
    assert not any(v.requires_grad for v in state.values())
    assert b.load_state_dict(state) == ([], [])
    for name, value in b.state_dict().items():
        assert torch.equal(value, state[name]) and value.data_ptr() != state[name].data_ptr()
    x = torch.randn(5, 3)
    assert torch.equal(a(x), b(x))


def test_state_dict_shares_memory_and_takes_a_prefix():
    m = nn.Linear(2, 2)
    state = m.state_dict(prefix="m.")
    assert list(state) == ["m.weight", "m.bias"]
    with torch.no_grad():
        m.weight.fill_(7)
    assert state["m.weight"].tolist() == [[7, 7], [7, 7]]
    assert m.state_dict(keep_vars=True)["weight"] is m.weight


def test_strict_loading_names_everything_wrong():
    net = Net()
    state = net.state_dict()
    del state["scale"]
    state["other"] = torch.ones(1)
    state["head.fc1.bias"] = torch.ones(7)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    assert "Error(s) in loading state_dict for Net" in text
    assert 'Missing key(s) in state_dict: "scale"' in text and 'Unexpected key(s) in state_dict: "other"' in text
    assert "size mismatch for head.fc1.bias" in text and "[7]" in text and "[4]" in text
    del state["head.fc1.bias"]
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert missing == ["scale", "head.fc1.bias"] and unexpected == ["other"]
    with pytest.raises(TypeError, match="dict-like"):
        net.load_state_dict([1])


def test_loading_by_assignment():
    m = nn.Linear(2, 1)
    state = {"weight": torch.ones(1, 2, dtype=torch.float64), "bias": torch.zeros(1, dtype=torch.float64)}
    m.load_state_dict(state, assign=True)
    assert m.weight.dtype == torch.float64 and m.weight.requires_grad and isinstance(m.weight, nn.Parameter)
    assert m.weight.data_ptr() == state["weight"].data_ptr()


def test_extra_state():
    class Extra(nn.Module):
        kept = 1

        def get_extra_state(self):
            return {"kept": self.kept}

        def set_extra_state(self, state):
            self.kept = state["kept"]

    a, b = Extra(), Extra()
    a.kept = 9
    b.load_state_dict(a.state_dict())
    assert b.kept == 9


# -------------------------------------------------------------------------------- hooks


def test_forward_hooks_see_and_replace():
    m = nn.Linear(2, 2)
    calls = []
    handle = m.register_forward_pre_hook(lambda mod, args: calls.append("pre") or (args[0] * 0,))
    m.register_forward_hook(lambda mod, args, out: calls.append("post") or out + 1)
    out = m(torch.ones(1, 2))
    assert calls == ["pre", "post"] and torch.equal(out, (m.bias + 1).reshape(1, 2))
    handle.remove()
    m(torch.ones(1, 2))
    assert calls == ["pre", "post", "post"]


def test_forward_hooks_with_keywords_and_order():
    class Add(nn.Module):
        def forward(self, x, y=0):
            return x + y

    m, calls = Add(), []
    m.register_forward_pre_hook(lambda mod, args, kwargs: (args, {"y": kwargs["y"] * 10}), with_kwargs=True)
    m.register_forward_hook(lambda mod, args, kwargs, out: calls.append(kwargs["y"]), with_kwargs=True)
    m.register_forward_hook(lambda mod, args, out: calls.append("first"), prepend=True)
    assert m(1, y=2) == 21 and calls == ["first", 20]


def test_always_called_hooks_run_after_errors():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("broken")

    m, calls = Broken(), []
    m.register_forward_hook(lambda mod, args, out: calls.append(out), always_call=True)
    with pytest.raises(ValueError, match="broken"):
        m(1)
    assert calls == [None]


def test_backward_hooks_see_and_replace():
    m = nn.Linear(3, 2, bias=False)
    seen = {}
    m.register_full_backward_pre_hook(lambda mod, grads: seen.setdefault("pre", grads) and (grads[0] * 2,))
    m.register_full_backward_hook(lambda mod, gin, gout: seen.update(gin=gin, gout=gout) or (gin[0] * 10,))
    x = torch.randn(4, 3, requires_grad=True)
    m(x).sum().backward()
    w = m.weight.detach().numpy()
    np.testing.assert_array_equal(seen["pre"][0].numpy(), np.ones((4, 2)))
    np.testing.assert_array_equal(seen["gout"][0].numpy(), 2 * np.ones((4, 2)))
    np.testing.assert_allclose(seen["gin"][0].numpy(), 2 * np.ones((4, 2)) @ w, rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), 20 * np.ones((4, 2)) @ w, rtol=1e-6)


def test_hooks_of_all_modules():
    calls = []
    handle = nn.modules.module.register_module_forward_hook(lambda mod, args, out: calls.append(type(mod).__name__))
    try:
        nn.Sequential(nn.Linear(1, 1), nn.ReLU())(torch.ones(1, 1))
    finally:
        handle.remove()
    nn.ReLU()(torch.ones(1))
    assert calls == ["Linear", "ReLU", "Sequential"]


def test_state_dict_hooks():
    m, calls = nn.Linear(1, 1), []
    m.register_state_dict_pre_hook(lambda mod, prefix, keep: calls.append("save"))
    m.register_state_dict_post_hook(lambda mod, state, prefix, meta: state.update(more=torch.ones(1)) or None)
    m.register_load_state_dict_pre_hook(lambda mod, state, *rest: state.pop("more"))
    m.register_load_state_dict_post_hook(lambda mod, keys: calls.append(list(keys.missing_keys)))
    state = m.state_dict()
    assert "more" in state
    m.load_state_dict(state)
    assert calls == ["save", []]


# ----------------------------------------------------------------- modes and conversion


def test_train_and_eval_reach_all():
    net = Net()
    assert net.training and net.eval() is net
    assert not any(m.training for m in net.modules())
    net.head.train()
    assert net.head.fc1.training and not net.training
    with pytest.raises(ValueError, match="boolean"):
        net.train(1)


def test_apply_goes_from_the_leaves():
    net, order = Net(), []
    assert net.apply(lambda m: order.append(type(m).__name__)) is net
    assert order == ["Linear", "Linear", "Head", "Net"]


def test_conversion_keeps_parameters_and_gradients():
    net = Net()
    before = list(net.parameters())
    net(torch.ones(1, 3)).sum().backward()
    assert net.to(torch.float64) is net
    assert all(a is b for a, b in zip(before, net.parameters()))
    assert all(p.dtype == torch.float64 and p.grad.dtype == torch.float64 for p in net.parameters())
    assert net.seen.dtype == torch.float64
    assert net.half().scale.dtype == torch.float16 and net.bfloat16().scale.dtype == torch.bfloat16
    assert net.float().scale.dtype == torch.float32 and net.to("cpu").scale.device.type == "cpu"
    net.register_buffer("count", torch.zeros(1, dtype=torch.int64))
    assert net.double().count.dtype == torch.int64
    with pytest.raises(TypeError, match="floating point"):
        net.to(torch.int64)


def test_gradients_are_dropped_or_zeroed():
    m = nn.Linear(2, 1)
    m(torch.ones(1, 2)).sum().backward()
    m.zero_grad(set_to_none=False)
    assert m.weight.grad.tolist() == [[0, 0]]
    m.zero_grad()
    assert m.weight.grad is None
    m.requires_grad_(False)
    assert not m(torch.ones(1, 2)).requires_grad


# ------------------------------------------------------------------------ copies, repr


def test_deepcopy_is_independent():
    net = Net()
    net.head.fc1.register_forward_hook(lambda mod, args, out: out * 0)
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.scale.fill_(5)
    assert net.scale.tolist() == [1, 1] and isinstance(other.scale, nn.Parameter)
    assert other.head is not net.head
    x = torch.ones(1, 3)
    assert torch.equal(other.head(x), net.head(x))
    other.head.fc1 = nn.Linear(3, 4)
    assert [n for n, _ in net.named_parameters()] == NAMES


def test_pickle_round_trip():
    net = nn.Sequential(nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3), nn.ReLU())
    net(torch.randn(4, 2, 5))
    net.eval()
    other = pickle.loads(pickle.dumps(net))
    x = torch.randn(2, 2, 5)
    assert torch.equal(net(x), other(x)) and not other.training
    assert [n for n, _ in other.named_buffers()] == [n for n, _ in net.named_buffers()]


def test_repr_shows_the_tree():
    assert repr(Head()) == (
        "Head(\n"
        "  (fc1): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (fc2): Linear(in_features=4, out_features=2, bias=True)\n"
        ")"
    )
    assert repr(nn.Sequential(nn.ReLU(inplace=True))) == "Sequential(\n  (0): ReLU(inplace=True)\n)"
    assert repr(nn.Conv2d(1, 2, 3, padding=1)) == "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"
    assert repr(nn.ModuleList([nn.Linear(1, 1)] * 2)) == "ModuleList(\n  (0-1): 2 x Linear(in_features=1, out_features=1, bias=True)\n)"


# --------------------------------------------------------------------------- containers


def test_sequential():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    x = torch.randn(4, 2)
    assert torch.equal(net(x), c(b(a(x))))
    assert len(net) == 3 and net[0] is a and net[-1] is c and list(net[1:]) == [b, c]
    net.append(nn.Sigmoid())
    net.insert(1, nn.Tanh())
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "ReLU", "Linear", "Sigmoid"]
    del net[1]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    named = nn.Sequential(OrderedDict(one=a, two=b))
    assert named.one is a and [n for n, _ in named.named_children()] == ["one", "two"]
    with pytest.raises(IndexError):
        net[9]


def test_module_list_and_dict():
    layers = nn.ModuleList([nn.Linear(1, 1)])
    layers += [nn.ReLU()]
    layers.append(nn.Tanh())
    layers.insert(0, nn.Sigmoid())
    assert len(layers) == 4 and isinstance(layers[0], nn.Sigmoid) and isinstance(layers[-1], nn.Tanh)
    assert isinstance(layers[:2], nn.ModuleList) and len(layers[:2]) == 2
    del layers[0]
    assert [n for n, _ in layers.named_parameters()] == ["0.weight", "0.bias"]
    table = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    table["c"] = nn.Linear(1, 1)
    assert list(table) == list(table.keys()) == ["a", "b", "c"] and "a" in table
    assert isinstance(table.pop("a"), nn.ReLU) and len(table) == 2
    table.update({"d": nn.ReLU()})
    assert [k for k, _ in table.items()] == ["b", "c", "d"]
    with pytest.raises(KeyError):
        table["nothing"]


def test_parameter_list_and_dict():
    values = nn.ParameterList([torch.ones(1), nn.Parameter(torch.zeros(2))])
    values.append(torch.ones(3))
    assert len(values) == 3 and all(isinstance(p, nn.Parameter) for p in values)
    assert [n for n, _ in values.named_parameters()] == ["0", "1", "2"]
    table = nn.ParameterDict({"a": torch.ones(1)})
    table["b"] = nn.Parameter(torch.ones(2))
    assert [n for n, _ in table.named_parameters()] == ["a", "b"] and table["b"].shape == (2,)
    assert "a" in table and len(table) == 2
    del table["a"]
    assert list(table.keys()) == ["b"]
    pairs = [(name, torch.ones(1)) for name in "zyx"]           # a dict is sorted, and nothing else is
    kinds = (dict(pairs), pairs, OrderedDict(pairs), nn.ParameterDict(pairs))
    assert ["".join(nn.ParameterDict(kind)) for kind in kinds] == ["xyz", "zyx", "zyx", "zyx"]
    both = nn.ParameterDict(pairs) | {"b": torch.ones(1), "a": torch.ones(1)}
    assert "".join(both) == "zyxab" == "".join(both.copy()) and "".join(both.fromkeys("ba")) == "ba"
    assert "".join(nn.ModuleDict({"b": nn.ReLU(), "a": nn.ReLU()})) == "ba"


def test_parameter_is_a_leaf_of_its_own_class():
    p = nn.Parameter(torch.ones(2))
    assert p.requires_grad and p.is_leaf and isinstance(p, torch.Tensor)
    assert type(p * 1) is torch.Tensor
    assert not nn.Parameter(torch.ones(1), requires_grad=False).requires_grad
    assert repr(p).startswith("Parameter containing:")
    q = pickle.loads(pickle.dumps(p))
    assert isinstance(q, nn.Parameter) and torch.equal(p, q)


# ------------------------------------------------------------------------------- errors


def test_errors_name_the_module():
    net = Net()
    net.head.fc2 = nn.Linear(5, 2)
    with pytest.raises(RuntimeError, match=r"linear: .*\(in Net\.head\.fc2\)$"):
        net(torch.ones(1, 3))
    with pytest.raises(RuntimeError, match=r"dtype.*\(in Net\.head\.fc1\)$"):
        net(torch.ones(1, 3, dtype=torch.float64))
    with pytest.raises(RuntimeError, match=r"\(in Sequential\.1\.0\)$"):
        nn.Sequential(nn.ReLU(), nn.Sequential(nn.Conv2d(3, 1, 1)))(torch.ones(1, 2, 4, 4))
    with pytest.raises(IndexError, match=r"\(in Embedding\)$"):
        nn.Embedding(3, 2)(torch.tensor([5]))


def test_errors_of_the_users_code_get_a_note():
    class Inner(nn.Module):
        def forward(self, x):
            return {}[x]

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.ModuleList([Inner()])

        def forward(self, x):
            return self.inner[0](x)

    with pytest.raises(KeyError) as caught:
        Outer()(7)
    assert caught.value.args == (7,) and caught.value.__notes__ == ["in module Outer.inner.0"]


def test_errors_outside_modules_are_unchanged():
    with pytest.raises(RuntimeError) as caught:
        nn.functional.linear(torch.ones(1, 3), torch.ones(2, 4))
    assert "(in " not in str(caught.value)


def test_unexpected_arguments_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        nn.Module(nothing=1)
    with pytest.raises(TypeError):
        nn.ReLU()(torch.ones(1), torch.ones(1))


def test_modules_with_and_without_duplicates():
    layer = nn.Linear(1, 1)
    twice = nn.Sequential(layer, layer)
    assert len(list(twice.modules())) == 2 and len(list(twice.modules(remove_duplicate=False))) == 3


def test_a_getattr_of_ones_own_is_asked_for_members():
    """As in PyTorch, whose modules keep none of these as attributes: packages that watch parameters rely on it."""
    asked = []

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.plain = 1
            self.weight = nn.Parameter(torch.ones(2))
            self.inner = nn.Linear(2, 2)
            self.register_buffer("seen", torch.zeros(1))

        def __getattr__(self, name):
            asked.append(name)
            return super().__getattr__(name)

    net = Watched()
    del asked[:]
    assert net.weight is net._parameters["weight"] and net.inner is net._modules["inner"] and net.seen is net._buffers["seen"]
    assert asked == ["weight", "inner", "seen"] and net.plain == 1
    assert [name for name, _ in net.named_parameters()] == ["weight", "inner.weight", "inner.bias"]
    again = copy.deepcopy(net)
    assert torch.equal(again.weight, net.weight) and again.weight is not net.weight
    net.weight = None
    assert net.weight is None
    del net.inner
    with pytest.raises(AttributeError, match="'Watched' object has no attribute 'inner'"):
        net.inner
    assert "weight" in nn.Linear(1, 1).__dict__     # others are read at once


def test_a_child_with_the_name_of_a_method_does_not_hide_it():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parameters = nn.ParameterList([nn.Parameter(torch.ones(2))])
            self.half = nn.Linear(2, 2)

    net = Net()
    assert len(list(net.parameters())) == 3
    net.half()
    assert dict(net.named_children())["half"].weight.dtype == torch.float16
    assert [name for name, _ in net.named_children()] == ["parameters", "half"]


def test_a_module_that_keeps_its_members_in_a_plain_dict():
    """As packages do that put tensors with a history in the place of parameters."""

    class Patched(nn.Linear):
        def __init__(self):
            nn.Module.__init__(self)
            self._parameters = {"weight": None, "bias": None}

        def __setattr__(self, name, value):
            if name in self.__dict__.get("_parameters", ()):
                self._parameters[name] = value
            else:
                object.__setattr__(self, name, value)

    fast = Patched()
    w = torch.ones(2, 3, requires_grad=True)
    fast.weight, fast.bias = w * 2, torch.zeros(2)
    fast(torch.ones(1, 3)).sum().backward()
    assert w.grad.tolist() == [[2.0] * 3] * 2

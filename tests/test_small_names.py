"""Small names of PyTorch's beside the large ones: each does what it says."""
import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import nn
from pyxtorch.autograd import gradcheck as checks  # noqa: F401
from pyxtorch.func import rearrange


def test_hashes():
    x = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    bits = x.double().numpy().view(np.uint64)
    assert torch.hash_tensor(x).item() == np.bitwise_xor.reduce(bits, None) and torch.hash_tensor(x).dtype == torch.uint64
    assert torch.hash_tensor(x, 1).tolist() == np.bitwise_xor.reduce(bits, 1).tolist() and torch.hash_tensor(x, (0, -1), keepdim=True).shape == (1, 5, 1)
    assert x.hash_tensor((0, 2)).tolist() == np.bitwise_xor.reduce(bits, (0, 2)).tolist()
    assert torch.hash_tensor(torch.tensor([1, 2, 3])).item() == 0 and torch.hash_tensor(torch.empty(0)).item() == 0 and torch.hash_tensor(torch.tensor(1.0)).item() == 4607182418800017408
    out = torch.empty(0, dtype=torch.uint64)
    assert torch.hash_tensor(x, out=out) is out
    for wrong in (lambda: torch.hash_tensor(x, mode=1), lambda: torch.hash_tensor(x + 0j)):
        with pytest.raises(RuntimeError, match="hash_tensor"):
            wrong()


def test_copies_of_parts():
    x = torch.arange(12.0).view(3, 4)
    y = torch.slice_copy(x, 1, 1, 4, 2)
    assert y.tolist() == x[:, 1:4:2].tolist() and y.data_ptr() != x[:, 1:].data_ptr() and torch.slice_copy(x, -1, end=1).shape == (3, 1)
    with pytest.raises(RuntimeError, match="positive"):
        torch.slice_copy(x, 0, step=0)
    s = torch.eye(3).to_sparse().coalesce()
    assert torch.indices_copy(s).tolist() == s.indices().tolist() and torch.values_copy(s).tolist() == [1, 1, 1] and torch.values_copy(s).data_ptr() != s.values().data_ptr()
    c = torch.eye(3).to_sparse_csr()
    assert torch.crow_indices_copy(c).tolist() == [0, 1, 2, 3] and torch.col_indices_copy(c).tolist() == [0, 1, 2]
    assert torch.arange(5).index(3).item() == 3 and torch.arange(4).index(torch.tensor([True, False, False, True])).tolist() == [0, 3]


def test_products_of_groups():
    g = torch.Generator().manual_seed(0)
    a, stack = torch.randn(6, 4, generator=g), torch.randn(3, 4, 5, generator=g)
    offs = torch.tensor([2, 2, 6], dtype=torch.int32)
    assert torch.allclose(F.grouped_mm(a, stack, offs=offs), torch.cat([a[:2] @ stack[0], a[2:] @ stack[2]]))
    left, b = torch.randn(3, 5, 4, generator=g), torch.randn(4, 6, generator=g)
    assert torch.allclose(F.grouped_mm(left, b, offs=offs), torch.cat([left[0] @ b[:, :2], left[2] @ b[:, 2:]], 1))
    p, q = torch.randn(3, 6, generator=g), torch.randn(6, 2, generator=g)
    assert torch.allclose(F.grouped_mm(p, q, offs=offs)[2], p[:, 2:] @ q[2:]) and F.grouped_mm(p, q, offs=offs)[1].abs().sum() == 0
    assert F.grouped_mm(left, stack.mT.contiguous().mT, out_dtype=torch.float64).dtype == torch.float64
    for wrong in (lambda: F.grouped_mm(a, stack), lambda: F.grouped_mm(a, stack, offs=torch.tensor([2, 9, 10])), lambda: F.grouped_mm(a, stack[:2], offs=offs)):
        with pytest.raises(RuntimeError, match="grouped_mm"):
            wrong()


def test_axes_by_name():
    x = torch.arange(2 * 12 * 3.0).view(2, 12, 3)
    assert torch.equal(rearrange(x, "b (h w) c -> b c h w", h=4), x.view(2, 4, 3, 3).permute(0, 3, 1, 2))
    assert torch.equal(rearrange(x, "b ... c -> c b ..."), x.permute(2, 0, 1)) and rearrange(x, "b h c -> b 1 (c h)").shape == (2, 1, 36)
    assert torch.equal(rearrange(x, "b ... -> b (...)"), x.reshape(2, 36)) and rearrange(x[:, None], "b 1 h c -> (b h) c").shape == (24, 3)
    assert rearrange([x, x], "n b h c -> b (n h) c").shape == (2, 24, 3)
    for pattern, sizes in (("b h -> h b", {}), ("b (h w) c -> b h w c", {}), ("b (h w) c -> b h w c", {"h": 5}), ("a b c -> a b", {}), ("a b c", {}), ("a b? c -> a c", {})):
        with pytest.raises(ValueError, match="rearrange"):
            rearrange(x, pattern, **sizes)


def test_conversions_of_modules():
    from pyxtorch import __future__ as settings

    assert not settings.get_overwrite_module_params_on_conversion() and not settings.get_swap_module_params_on_conversion()
    module = nn.Linear(2, 2)
    before = module.weight
    module.double()
    assert module.weight is before
    try:
        settings.set_overwrite_module_params_on_conversion(True)
        module.weight.grad = torch.ones(2, 2, dtype=torch.float64)
        module.float()
        assert module.weight is not before and before.dtype == torch.float64 and module.weight.grad.dtype == module.weight.dtype == torch.float32
        settings.set_overwrite_module_params_on_conversion(False)
        settings.set_swap_module_params_on_conversion(True)
        kept = module.weight
        module.double()
        assert module.weight is kept and kept.dtype == torch.float64
        module.load_state_dict({"weight": torch.ones(2, 2), "bias": torch.zeros(2)})
        assert module.weight is kept and kept.tolist() == [[1, 1], [1, 1]] and kept.dtype == torch.float64 and isinstance(kept, nn.Parameter)
    finally:
        settings.set_overwrite_module_params_on_conversion(False)
        settings.set_swap_module_params_on_conversion(False)


def test_order_of_weights_in_memory():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv3d(3, 4, 3), nn.Linear(2, 2))
    assert nn.utils.convert_conv2d_weight_memory_format(net, torch.channels_last) is net
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last) and net[1].weight.is_contiguous()
    nn.utils.convert_conv3d_weight_memory_format(net, torch.channels_last_3d)
    assert net[1].weight.is_contiguous(memory_format=torch.channels_last_3d) and isinstance(net[0].weight, nn.Parameter)


def test_jacobians_by_old_names():
    from pyxtorch.autograd.gradcheck import get_analytical_jacobian, get_numerical_jacobian

    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    (numerical,) = get_numerical_jacobian(lambda inputs: (inputs[0] ** 2)[:2], (x,), eps=1e-6)
    (found,), steady, shapes, dtypes = get_analytical_jacobian((x,), (x**2)[:2])
    assert torch.allclose(numerical, found, atol=1e-6) and found.tolist() == [[2, 0], [0, 4], [0, 0]] and steady and shapes and dtypes
    with pytest.raises(ValueError, match="grad_out"):
        get_numerical_jacobian(None, (x,), grad_out=2)


def test_streams_and_events():
    stream = torch.Stream(device="cpu")
    with stream:
        first = stream.record_event()
    start, end = torch.Event(enable_timing=True, device="cpu"), torch.Event(enable_timing=True, device="cpu")
    with pytest.raises(RuntimeError, match="must be recorded"):
        start.elapsed_time(end)
    start.record()
    end.record(stream)
    assert first.query() and stream.query() and start.elapsed_time(end) >= 0 and isinstance(stream, torch.Stream) and not isinstance(3, torch.Event)
    with pytest.raises(RuntimeError, match="enable_timing"):
        start.elapsed_time(first)
    with pytest.raises(RuntimeError, match="meta"):
        torch.Stream(device="meta")
    assert issubclass(torch.AcceleratorError, RuntimeError) and torch.thread_safe_generator() is None and torch.AggregationType.SUM is torch.SUM
    assert torch.Tag.pointwise.name == "pointwise" and torch.DispatchKey.CPU.name == "CPU"


def test_ways_of_attention():
    from pyxtorch.nn import attention

    removed = []

    class Handle:
        def remove(self):
            removed.append(1)

    attention.register_flash_attention_impl("mine", register_fn=Handle)
    try:
        attention.activate_flash_attention_impl("mine")
        assert attention.current_flash_attention_impl() == "mine" and attention.list_flash_attention_impls() == ["mine"]
        attention.restore_flash_attention_impl()
        assert removed == [1] and attention.current_flash_attention_impl() is None
        with pytest.warns(UserWarning, match="no other"):
            attention.restore_flash_attention_impl()
        with pytest.raises(ValueError, match="'other'"):
            attention.activate_flash_attention_impl("other")
    finally:
        attention._implementations.clear()


def test_helpers_of_the_profiler():
    from pyxtorch.autograd.profiler import EnforceUnique, KinetoStepTracker, MemRecordsAcc

    once = EnforceUnique()
    once.see("a", 1)
    with pytest.raises(RuntimeError, match="duplicate"):
        once.see("a", 1)
    step = KinetoStepTracker.current_step()
    KinetoStepTracker.init_step_count("one")
    KinetoStepTracker.init_step_count("two")
    assert KinetoStepTracker.increment_step("one") == step + 1 == KinetoStepTracker.increment_step("two") and KinetoStepTracker.increment_step("two") == step + 2
    assert KinetoStepTracker.erase_step_count("one") and not KinetoStepTracker.erase_step_count("one") and KinetoStepTracker.erase_step_count("two")

    class At:
        def __init__(self, t):
            self.start_ns = lambda: t

    assert [r[1] for r in MemRecordsAcc([(At(5), "b"), (At(1), "a"), (At(9), "c")]).in_interval(1, 5)] == ["a", "b"]


def test_filters_of_guards():
    from types import SimpleNamespace

    guards = [SimpleNamespace(guard_type="TENSOR_MATCH", is_global=False, value=nn.Parameter(torch.ones(1))), SimpleNamespace(guard_type="SHAPE_ENV", is_global=True, value=None)]
    c = torch.compiler
    assert c.keep_tensor_guards_unsafe(guards) == [False, False] and c.keep_tensor_guards_unsafe(guards, True) == [True, False] and c.skip_all_guards_unsafe(guards) == [False, False]
    assert c.keep_portable_guards_unsafe(guards) == [True, True] and c.skip_guard_on_globals_unsafe(guards) == [True, False]
    assert not c.set_enable_guard_collectives(True) and c.set_enable_guard_collectives(False)
    with pytest.raises(RuntimeError, match="checkpoint"):
        torch.autograd.graph.region_activation_memory_budget(0.5)
    with torch.autograd.enforce_grad_layout_policy(False), torch.autograd.set_multithreading_enabled(True):
        x = torch.ones(2, requires_grad=True)
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_states_of_devices():
    from pyxtorch.utils import checkpoint

    numbers, states = checkpoint.get_device_states(torch.ones(1), [torch.ones(1)])
    assert numbers == [] and states == []
    assert checkpoint.DefaultDeviceType.get_device_type() in ("cpu", "cuda")


def test_names_of_functions():
    assert F.has_torch_function((torch.ones(1),)) is False and not F.has_torch_function_unary(3) and not F.has_torch_function_variadic(1, 2)
    assert torch.return_types.sort in torch.return_types.all_return_types
    with pytest.raises(TypeError, match="named tuples"):
        torch.return_types.pytree_register_structseq(int)
    assert nn.Module.T_destination and nn.parameter.is_lazy(nn.parameter.UninitializedParameter()) and isinstance(nn.parameter.UninitializedParameter(), nn.parameter.UninitializedTensorMixin)


def test_storages_of_eight_bits():
    storage = torch.tensor([1.0, 2.0, 3.3]).storage()
    for name in ("float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz"):
        made = getattr(storage, name)()
        assert made.dtype == getattr(torch, name) and made.tolist() == torch.tensor([1.0, 2.0, 3.3]).to(made.dtype).float().tolist()


def test_dtypes_without_tensors():
    import pickle

    assert repr(torch.int4) == "torch.int4" and pickle.loads(pickle.dumps(torch.uint3)) is torch.uint3 and torch.float4_e2m1fn_x2.is_floating_point and torch.bits16.itemsize == 2
    assert torch.int4 != torch.int8 and not torch.uint4.is_signed and torch.int2.is_signed and torch.int4.to_real() is torch.int4
    for wrong in (lambda: torch.zeros(2, dtype=torch.int4), lambda: torch.ones(2).to(torch.uint7), lambda: torch.ones(2, dtype=torch.uint8).view(torch.bits8),
                  lambda: torch.promote_types(torch.int4, torch.int8), lambda: torch.set_default_dtype(torch.float4_e2m1fn_x2)):  # fmt: skip
        with pytest.raises(TypeError, match="no tensor has this dtype"):
            wrong()

"""Names that PyTorch does not document and programs take all the same."""
import pytest

import pyxtorch as torch


@pytest.mark.parametrize("kind", ["xpu", "mps", "mtia"])
def test_devices_that_are_never_there(kind):
    namespace = getattr(torch, kind)
    assert namespace.is_available() is False and namespace.device_count() == 0
    namespace.empty_cache()
    namespace.manual_seed(1)
    with pytest.raises(AssertionError, match=f"{kind}.synchronize.*device='cpu'.*{kind}.is_available"):
        namespace.synchronize()
    with pytest.raises(AttributeError, match="nothing_such"):
        namespace.nothing_such


def test_settings_of_a_compiler():
    config, inductor = torch._dynamo.config, torch._inductor.config
    config.suppress_errors = True
    try:
        assert config.suppress_errors
        with config.patch(suppress_errors=False, cache_size_limit=64):
            assert not config.suppress_errors and config.cache_size_limit == 64
        assert config.suppress_errors and config.cache_size_limit == 8
    finally:
        config.suppress_errors = False

    @inductor.patch({"triton.cudagraphs": True, "of_ones_own": 1})
    def inside():
        return inductor.triton.cudagraphs, inductor.of_ones_own

    assert inside() == (True, 1) and not inductor.triton.cudagraphs and not hasattr(inductor, "of_ones_own")
    assert torch._dynamo.optimize("eager")(lambda x: x + 1)(torch.ones(1)).item() == 2.0


def test_vmap_by_its_old_name():
    from pyxtorch._vmap_internals import _vmap

    x = torch.arange(6.0).reshape(3, 2)
    assert _vmap(lambda v: v.sum())(x).tolist() == [1.0, 5.0, 9.0]
    twice, nothing = _vmap(lambda v: (2 * v, None), allow_none_pass_through=True)(x)
    assert torch.equal(twice, 2 * x) and nothing is None
    assert _vmap(lambda v: None, allow_none_pass_through=True)(x) is None


def test_reductions_by_number():
    from pyxtorch.nn import _reduction

    assert [_reduction.get_enum(r) for r in ("none", "mean", "sum")] == [0, 1, 2]
    with pytest.raises(ValueError, match="average is not"):
        _reduction.get_enum("average")
    with pytest.warns(UserWarning, match="reduction='sum'"):
        assert _reduction.legacy_get_string(False, True) == "sum"


def test_states_of_generators_without_a_gpu():
    from pyxtorch.utils.checkpoint import get_device_states, set_device_states

    assert get_device_states(torch.ones(2), [torch.ones(1)]) == ([], [])
    set_device_states([], [])
    with pytest.raises(RuntimeError, match="xpu"):
        set_device_states([0], [None], device_type="xpu")


def test_for_python_2_and_3():
    from pyxtorch._six import container_abcs, inf, string_classes

    assert isinstance("a", string_classes) and issubclass(list, container_abcs.Sequence) and inf > 1e308


def test_an_optimiser_spread_over_one_process():
    from pyxtorch import distributed
    from pyxtorch.distributed.optim import ZeroRedundancyOptimizer

    weight, same = (torch.ones(2, requires_grad=True) for _ in range(2))
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        spread = ZeroRedundancyOptimizer([weight], torch.optim.Adam, lr=0.1)
    finally:
        distributed.destroy_process_group()
    plain = torch.optim.Adam([same], lr=0.1)
    for _ in range(3):
        for w, optimizer in ((weight, spread), (same, plain)):
            optimizer.zero_grad()
            (w**2).sum().backward()
            optimizer.step()
    assert torch.equal(weight, same)
    spread.consolidate_state_dict()
    assert spread.state_dict()["state"][0]["step"] == 3
    with pytest.raises(ValueError, match="no process 1"):
        spread.consolidate_state_dict(to=1)


def test_collectives_that_gradients_pass():
    from pyxtorch import distributed
    from pyxtorch.distributed import nn as collectives

    x = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="init_process_group"):
        collectives.all_reduce(x)
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        (3 * collectives.all_reduce(x) + 4 * collectives.all_gather(x)[0] + 5 * collectives.scatter([x])).sum().backward()
        assert x.grad.tolist() == [12.0, 12.0]
        assert collectives.reduce_scatter(torch.zeros(2), [x]).tolist() == [1.0, 1.0]
        with pytest.raises(ValueError, match="no process 1"):
            collectives.broadcast(x, 1)
    finally:
        distributed.destroy_process_group()


def test_whether_a_gpu_is_in_use():
    assert torch.cuda._initialized is torch.cuda.is_initialized()


def test_prints_of_modules():
    from pyxtorch.nn.modules.module import _addindent

    assert _addindent("a\nb", 2) == "a\n  b"


def test_parts_of_functional():
    from pyxtorch.autograd import functional

    x, y = torch.ones(2), torch.ones(1, requires_grad=True)
    assert functional._as_tuple(x, "inputs", "f")[0] is False and functional._as_tuple((x, y))[0] is True
    a, b = functional._construct_standard_basis_for((x, y), (2, 1))
    assert torch.equal(torch.cat([a, b], 1), torch.eye(3)) and a.shape == (3, 2)
    assert not functional._grad_postprocess((y * 2,), False)[0].requires_grad and functional._grad_postprocess((y * 2,), True)[0].requires_grad
    assert functional._tuple_postprocess((x,), False) is x and functional._tuple_postprocess(((x,),), (False, False)) is x

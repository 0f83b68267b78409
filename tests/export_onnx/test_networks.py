"""Networks exported to ONNX and run by onnxruntime, at the example's sizes and at others."""
import importlib.util
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch.utils._pytree import tree_leaves

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

spec = importlib.util.spec_from_file_location("_networks_of_onnx", Path(__file__).with_name("networks.py"))
networks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(networks)


def greatest_error(module, program, arguments):
    """The greatest difference, relative to the greatest number of each output (at least 1)."""
    with torch.no_grad():
        expected = [x for x in tree_leaves(module(*arguments)) if x is not None]
    given = program(*arguments)
    assert len(given) == len(expected)
    worst = 0.0
    for got, want in zip(given, expected):
        assert got.shape == want.shape and got.dtype == want.dtype
        if want.numel():
            worst = max(worst, ((got.double() - want.double()).abs().max() / want.double().abs().max().clamp(min=1)).item())
    return worst


@pytest.mark.parametrize("name", sorted(networks.NETWORKS))
def test_network(name):
    torch.manual_seed(0)
    module, example, other, dynamic = networks.NETWORKS[name]()
    module.eval()
    program = torch.onnx.export(module, example, dynamic_shapes=dynamic)
    assert greatest_error(module, program, example) < 2e-5
    assert greatest_error(module, program, other) < 2e-5

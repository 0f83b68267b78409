"""Names that are in no documentation and that packages ask torch for: what each says is so."""
import importlib

import pytest

import pyxtorch as torch
from pyxtorch import nn


@pytest.mark.parametrize(("error", "words", "call"), [
    (AssertionError, "m", lambda: torch._assert(torch.tensor(False), "m")),
    (RuntimeError, "got zero", lambda: torch._assert_async(torch.tensor(0.0))),
    (RuntimeError, "^m$", lambda: torch._assert_async(torch.tensor(False), "m")),
    (RuntimeError, "more than one", lambda: torch._assert_async(torch.ones(2))),
    (RuntimeError, "no values", lambda: torch._assert_async(torch.ones(0))),
    (TypeError, "must be Tensor, not int", lambda: torch._assert_async(1)),
    (RuntimeError, "^3$", lambda: torch._check(False, lambda: 3)),
    (RuntimeError, "Expected cond to be True", lambda: torch._check(False)),
    (TypeError, "_check_tensor_all", lambda: torch._check(torch.tensor(True))),
    (TypeError, "int", lambda: torch._check(1)),
    (TypeError, "message must be a callable", lambda: torch._check(False, "m")),
    (IndexError, "^m$", lambda: torch._check_index(False, lambda: "m")),
    (ValueError, "^m$", lambda: torch._check_value(False, lambda: "m")),
    (TypeError, "^m$", lambda: torch._check_type(False, lambda: "m")),
    (NotImplementedError, "^m$", lambda: torch._check_not_implemented(False, lambda: "m")),
    (OSError, "^m$", lambda: torch._check_with(OSError, False, lambda: "m")),
    (RuntimeError, "^m$", lambda: torch._check_is_size(-1, lambda: "m")),
    (RuntimeError, "^m$", lambda: torch._check_is_size(3, lambda: "m", max=2)),
    (RuntimeError, "^m$", lambda: torch._check_tensor_all(torch.tensor([True, False]), lambda: "m")),
    (TypeError, "must be a tensor", lambda: torch._check_tensor_all(True)),
    (TypeError, "float32", lambda: torch._check_tensor_all(torch.zeros(2))),
    # What there is none of cannot be made.
    (RuntimeError, "CUDAGraph", lambda: torch.cuda.CUDAGraph()),
    (RuntimeError, "graph", lambda: torch.cuda.graph(None)),
    (RuntimeError, "DTensor", lambda: importlib.import_module("pyxtorch.distributed.tensor").DTensor(torch.ones(1))),
    (RuntimeError, "DTensor", lambda: importlib.import_module("pyxtorch.distributed.tensor").DTensor.from_local(torch.ones(1))),
    (RuntimeError, "meta", lambda: importlib.import_module("pyxtorch._subclasses").FakeTensor(torch.ones(1))),
])  # fmt: skip
def test_checks(error, words, call):
    with pytest.raises(error, match=words):
        call()


def test_checks_that_hold():
    torch._assert(True, "m")
    torch._assert_async(torch.tensor([2.0]))
    torch._check(True, lambda: 1 / 0)
    torch._check_is_size(2, max=2)
    torch._check_tensor_all(torch.tensor([True, True]))


def test_what_there_is_none_of():
    from pyxtorch._subclasses.fake_tensor import is_fake
    from pyxtorch.distributed import rpc
    from pyxtorch.distributed.tensor import DTensor
    from pyxtorch.fx.experimental.proxy_tensor import get_proxy_mode

    x = nn.Parameter(torch.ones(1))
    assert not is_fake(x) and not isinstance(x, DTensor) and get_proxy_mode() is None and not rpc.is_available()
    assert not torch.cuda.is_current_stream_capturing() and not torch._C._are_functorch_transforms_active()


def test_places_of_names():
    from pyxtorch.hub import HASH_REGEX
    from pyxtorch.nn.attention.flex_attention import _DEFAULT_SPARSE_BLOCK_SIZE
    from pyxtorch.nn.modules.module import _EXTRA_STATE_KEY_SUFFIX, _IncompatibleKeys

    assert torch.torch is torch and HASH_REGEX.search("resnet18-5c106cde.pth")[1] == "5c106cde"
    assert torch.nn.attention.flex_attention.create_block_mask(lambda b, h, q, k: q >= k, 1, 1, 4, 4).BLOCK_SIZE == (_DEFAULT_SPARSE_BLOCK_SIZE,) * 2

    class WithMore(nn.Module):
        def get_extra_state(self):
            return 1

    assert list(WithMore().state_dict()) == [_EXTRA_STATE_KEY_SUFFIX]
    assert isinstance(nn.Linear(1, 1).load_state_dict({}, strict=False), _IncompatibleKeys)


def test_indexing_by_tensors_of_one_element_within_vmap():
    from pyxtorch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex

    table, at = torch.arange(5) * 10, torch.tensor([3, 0, 4])
    with TransformGetItemToIndex():
        assert torch.vmap(lambda i: table[i] + 1)(at).tolist() == [31, 1, 41]


def test_parts_of_printing():
    from pyxtorch._tensor_str import PRINT_OPTS, _add_suffixes, _str_intern, _tensor_str

    assert PRINT_OPTS.threshold == 1000
    x = torch.tensor([[1.5, 2.0]], requires_grad=True)
    assert _tensor_str(x, 0) == "[[1.5000, 2.0000]]" and _tensor_str(torch.ones(0, 2), 0) == "[]"
    assert _str_intern(x) == repr(x) and _str_intern(x, tensor_contents="...") == "tensor(..., requires_grad=True)"
    assert _add_suffixes("f(1", ["a=2", "b=3"], 2, force_newline=True) == "f(1,\n  a=2, b=3)"


def test_iterators_of_a_loader():
    from pyxtorch.utils.data import DataLoader
    from pyxtorch.utils.data.dataloader import _BaseDataLoaderIter, _MultiProcessingDataLoaderIter

    class Doubled:
        def __init__(self, iterator):
            self.iterator, self.passes = iterator, 1

        def __iter__(self):
            return self

        def __next__(self):
            return 2 * next(self.iterator)

        def _reset(self, loader, first_iter=False):
            self.passes += 1
            self.iterator._reset(loader, first_iter)

    class Mine(DataLoader):
        def _get_iterator(self):
            return Doubled(super()._get_iterator())

    assert [b.tolist() for b in Mine(range(3), batch_size=2)] == [[0, 2], [4]]
    loader = Mine(range(4), batch_size=2, num_workers=1, persistent_workers=True)
    assert [[b.tolist() for b in loader] for _ in range(2)] == [[[0, 2], [4, 6]]] * 2
    found = loader._iterator
    assert found.passes == 2 and isinstance(found.iterator, _MultiProcessingDataLoaderIter) and isinstance(found.iterator, _BaseDataLoaderIter)
    found.iterator.__del__()                                    # its workers end
    assert not found.iterator.alive


def test_internal_names_of_operations():
    aten, x = torch.ops.aten, torch.arange(12.0).reshape(3, 4)
    assert repr(aten.add) == "<OpOverloadPacket(op='aten.add')>" and repr(aten.add.Tensor) == "<OpOverload(op='aten.add', overload='Tensor')>"
    assert str(aten.add.Tensor) == "aten.add.Tensor" and aten.add.Tensor.name() == "aten::add.Tensor" and aten.relu.default.name() == "aten::relu"
    assert aten.add.Tensor is aten.add.Tensor and aten.add.Tensor.overloadpacket is aten.add and len({aten.add.Tensor: 1, aten.add.Scalar: 2}) == 2
    assert torch.equal(aten.add.Tensor(x, x, alpha=2), 3 * x) and torch.equal(aten.add(x, 1), x + 1)
    assert torch.equal(aten.slice.Tensor(x, 1, 1, 3), x[:, 1:3]) and torch.equal(aten.slice.Tensor(x, -2, 1), x[1:])
    assert torch.equal(aten.index.Tensor(x, [None, torch.tensor([3, 0])]), x[:, [3, 0]])
    assert torch.equal(aten.select.int(x, 0, 1), x[1]) and torch.equal(aten.sum.dim_IntList(x, [0], True), x.sum(0, True))
    copied = aten._to_copy.default(x, dtype=torch.float64)
    assert copied.dtype == torch.float64 and aten._to_copy.default(x).data_ptr() != x.data_ptr() == aten.alias.default(x).data_ptr()
    assert torch.equal(aten._sparse_addmm.default(torch.zeros(3, 2), x.to_sparse(), torch.ones(4, 2)), x @ torch.ones(4, 2))
    assert torch.equal(aten.gelu.default(x), torch.nn.functional.gelu(x)) and torch.equal(aten._unsafe_view.default(x, [4, 3]), x.view(4, 3))
    y = x.clone()
    aten.add_.Tensor(y, 1)
    assert torch.equal(y, x + 1) and [t.tolist() for t in aten.sort.stable(-x[0], stable=True, dim=0)] == [[-3, -2, -1, 0], [3, 2, 1, 0]]
    for wrong in (lambda: aten.nothing, lambda: aten.add.nothing, lambda: aten.save, lambda: torch.ops.nothing):
        with pytest.raises(AttributeError, match="nothing|save"):
            wrong()


def test_scans_of_any_associative_function():
    from pyxtorch._higher_order_ops.associative_scan import associative_scan

    x = torch.arange(1.0, 15).reshape(2, 7)
    for mode in ("pointwise", "generic"):
        for n in range(1, 8):
            part = x[:, :n]
            torch.testing.assert_close(associative_scan(torch.add, part, 1, combine_mode=mode), part.cumsum(1))
        torch.testing.assert_close(associative_scan(torch.mul, x, -1, reverse=True, combine_mode=mode), x.flip(1).cumprod(1).flip(1))

        def step(a, b):                                         # of h[i] = a[i] h[i - 1] + b[i]
            return {"a": a["a"] * b["a"], "h": b["a"] * a["h"] + b["h"]}

        found = associative_scan(step, {"a": x / 10, "h": x}, 1, combine_mode=mode)["h"]
        h = torch.zeros(2)
        for i in range(7):
            h = x[:, i] / 10 * h + x[:, i]
            torch.testing.assert_close(found[:, i], h)
    turns = torch.randn(5, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(associative_scan(torch.matmul, turns, 0, combine_mode="generic")[-1], torch.linalg.multi_dot(list(turns)))
    leaf = x.clone().requires_grad_()
    associative_scan(torch.mul, leaf, 1)[:, -1].sum().backward()
    torch.testing.assert_close(leaf.grad, x.prod(1, keepdim=True) / x)
    for error, words, call in (
        (ValueError, "callable", lambda: associative_scan(1, x, 0)), (ValueError, "got x", lambda: associative_scan(torch.add, x, 0, combine_mode="x")),
        (IndexError, "5", lambda: associative_scan(torch.add, x, 5)), (ValueError, "one shape", lambda: associative_scan(torch.add, (x, x[:, :2]), 1)),
        (ValueError, "size 0", lambda: associative_scan(torch.add, x[:0], 0)), (ValueError, "dtypes", lambda: associative_scan(torch.eq, x, 1)),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            call()


def test_loops():
    assert [x.item() for x in torch.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (torch.tensor(0), torch.tensor(1.0)))] == [3, 8]
    with pytest.raises(RuntimeError, match="same number"):
        torch.while_loop(lambda i: i < 3, lambda i: (i, i), (torch.tensor(0),))
    with pytest.raises(RuntimeError, match="callable"):
        torch.while_loop(True, lambda i: i, (torch.tensor(0),))


def test_row_numbers_and_compressed_ones():
    rows, columns = torch.tensor([0, 0, 2, 3]), torch.tensor([1, 4, 0, 2])
    crow = torch._convert_indices_from_coo_to_csr(rows, 5)
    assert crow.tolist() == [0, 2, 2, 3, 4, 4] and crow.dtype == torch.int64
    assert torch._convert_indices_from_coo_to_csr(rows, 4, out_int32=True).dtype == torch.int32
    assert torch._convert_indices_from_coo_to_csr(rows[:0], 2).tolist() == [0, 0, 0]
    assert torch._convert_indices_from_csr_to_coo(crow, columns).tolist() == [rows.tolist(), columns.tolist()]
    assert torch._convert_indices_from_csr_to_coo(crow, columns, transpose=True, out_int32=True).tolist() == [columns.tolist(), rows.tolist()]
    for call in (lambda: torch._convert_indices_from_coo_to_csr(rows, 3), lambda: torch._convert_indices_from_coo_to_csr(rows.double(), 5),
                 lambda: torch._convert_indices_from_csr_to_coo(crow, columns[:3]), lambda: torch._convert_indices_from_csr_to_coo(crow, 3)):  # fmt: skip
        with pytest.raises(RuntimeError, match="_convert_indices"):
            call()

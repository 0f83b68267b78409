"""Sparse tensors: what they are made of, what is refused, conversions, files. Against dense computation and SciPy."""
import copy
import io
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import pyxtorch as torch

pytestmark = pytest.mark.filterwarnings("ignore:Sparse:UserWarning")     # of torch

INDICES = [[0, 1, 1, 0], [2, 0, 2, 2]]
VALUES = [3.0, 4.0, 5.0, -1.0]
DENSE = [[0.0, 0.0, 2.0], [4.0, 0.0, 5.0]]
LAYOUTS = {"coo": torch.sparse_coo, "csr": torch.sparse_csr, "csc": torch.sparse_csc}


def coo(**kwargs):
    return torch.sparse_coo_tensor(torch.tensor(INDICES), torch.tensor(VALUES), (2, 3), **kwargs)


def random_sparse(shape, dense_dim=0, nnz=12, dtype=torch.float64, seed=0):
    """An uncoalesced COO tensor."""
    generator = np.random.default_rng(seed)
    lead = shape[: len(shape) - dense_dim]
    indices = np.stack([generator.integers(0, n, nnz) for n in lead])
    values = generator.standard_normal((nnz, *shape[len(lead) :]))
    return torch.sparse_coo_tensor(torch.tensor(indices), torch.tensor(values).to(dtype), shape)


def numpy_of(x):
    """The elements of a COO tensor, added up by NumPy."""
    out = np.zeros(tuple(x.shape), x._values().numpy().dtype)
    np.add.at(out, tuple(x._indices().numpy()), x._values().numpy())
    return out


def test_is_a_tensor():
    x = coo()
    assert type(x) is torch.Tensor and isinstance(x, torch.Tensor) and torch.is_tensor(x)
    assert (x.layout, x.is_sparse, x.is_sparse_csr, x.device.type, x.is_meta, x.is_cpu) == (torch.sparse_coo, True, False, "cpu", False, True)
    assert (x.shape, x.ndim, x.numel(), len(x), x.dtype) == (torch.Size([2, 3]), 2, 6, 2, torch.float32)
    assert (x.sparse_dim(), x.dense_dim(), x._nnz(), x.is_coalesced()) == (2, 0, 4, False)
    assert not torch.ones(2).is_sparse and not torch.ones(2).is_sparse_csr and torch.ones(2, 3).dense_dim() == 2 and torch.ones(2).sparse_dim() == 0


def test_coalesce_and_parts():
    x = coo().coalesce()
    assert x.is_coalesced() and x.coalesce() is x
    assert x.indices().tolist() == [[0, 1, 1], [2, 0, 2]] and x.values().tolist() == [2.0, 4.0, 5.0]
    assert x.to_dense().tolist() == DENSE
    for name in "indices", "values":
        with pytest.raises(RuntimeError, match="uncoalesced"):
            getattr(coo(), name)()
    with pytest.raises(RuntimeError, match="row compressed tensor layout but got Sparse"):
        x.crow_indices()
    for name in "indices", "coalesce", "is_coalesced":
        with pytest.raises(RuntimeError, match="sparse coordinate tensor layout but got Strided"):
            getattr(torch.ones(2), name)()
    with pytest.raises(NotImplementedError):
        torch.ones(2)._nnz()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex128"])
def test_dtypes(dtype):
    dtype = getattr(torch, dtype)
    x = torch.sparse_coo_tensor(torch.tensor([[0, 1, 1]]), torch.tensor([1, 1, 0]).to(dtype), (3,))
    assert x.dtype is dtype and x.to_dense().dtype is dtype
    assert x.to_dense().to(torch.complex128).real.tolist() == [1.0, 1.0, 0.0]
    assert x.coalesce().values().dtype is dtype


def test_half_is_rounded_once():
    x = torch.sparse_coo_tensor(torch.zeros((1, 2049), dtype=torch.int64), torch.ones(2049, dtype=torch.float16), (1,))
    assert x.to_dense().item() == 2048.0 and x.coalesce().values().item() == 2048.0      # one by one, adding 1 to 2048 changes nothing
    y = torch.sparse_coo_tensor(torch.zeros((1, 4096), dtype=torch.int64), torch.ones(4096, dtype=torch.float16), (1,))
    assert y.to_dense().item() == 4096.0


@pytest.mark.parametrize("shape, dense_dim", [((4, 5), 0), ((4, 5), 1), ((3, 4, 5), 0), ((3, 4, 5), 1), ((3, 4, 5), 2), ((7,), 0), ((3, 0, 2), 1)])
def test_dense_and_back(shape, dense_dim):
    if 0 in shape:
        x = torch.zeros(shape).to_sparse(len(shape) - dense_dim)
        assert x._nnz() == 0 and tuple(x.to_dense().shape) == shape
        return
    x = random_sparse(shape, dense_dim)
    assert np.allclose(x.to_dense().numpy(), numpy_of(x))
    assert np.allclose(x.coalesce().to_dense().numpy(), numpy_of(x))
    y = x.to_dense().to_sparse(len(shape) - dense_dim)
    assert y.is_coalesced() and y.dense_dim() == dense_dim and np.array_equal(y.to_dense().numpy(), x.to_dense().numpy())


def test_no_dimensions_and_no_elements():
    assert torch.tensor(3.0).to_sparse().to_dense().item() == 3.0
    x = torch.sparse_coo_tensor(size=(2, 3))
    assert x._nnz() == 0 and x.to_dense().tolist() == [[0.0] * 3] * 2
    assert torch.sparse_coo_tensor((2, 3), dtype=torch.float64).dtype is torch.float64
    for layout in LAYOUTS.values():
        z = torch.zeros(2, 3, layout=layout)
        assert z.layout is layout and z.to_dense().tolist() == [[0.0] * 3] * 2
        assert torch.zeros_like(torch.ones(2, 3), layout=layout).layout is layout


@pytest.mark.parametrize("layout", ["csr", "csc"])
@pytest.mark.parametrize("dense_dim", [0, 1])
def test_compressed(layout, dense_dim):
    x = random_sparse((6, 7, 2)[: 2 + dense_dim], dense_dim, 20)
    y = x.to_sparse(layout=LAYOUTS[layout])
    assert y.layout is LAYOUTS[layout] and y.is_sparse_csr == (layout == "csr") and not y.is_sparse
    assert np.allclose(y.to_dense().numpy(), numpy_of(x))
    if not dense_dim:
        ours = (y.crow_indices(), y.col_indices()) if layout == "csr" else (y.ccol_indices(), y.row_indices())
        theirs = getattr(sp, f"{layout}_array")(numpy_of(x))
        assert np.array_equal(ours[0].numpy(), theirs.indptr) and np.array_equal(ours[1].numpy(), theirs.indices)
        assert np.allclose(y.values().numpy(), theirs.data)
    back = y.to_sparse_coo()
    assert back.layout is torch.sparse_coo and np.allclose(back.to_dense().numpy(), numpy_of(x))
    turned = y.to_sparse_csc() if layout == "csr" else y.to_sparse_csr()
    assert np.allclose(turned.to_dense().numpy(), numpy_of(x))


def test_shared_memory():
    values = torch.ones(2)
    x = torch.sparse_coo_tensor(torch.tensor([[0, 1]]), values, (2,))
    values.mul_(3)
    assert x.to_dense().tolist() == [3.0, 3.0]
    y = x.clone()
    values.zero_()
    assert y.to_dense().tolist() == [3.0, 3.0] and x.to_dense().tolist() == [0.0, 0.0]


BAD_COO = [
    (lambda i, v: (i, v, (2, 2)), "size is inconsistent with indices: for dim 1, size is 2 but found index 2"),
    (lambda i, v: (-i, v, (2, 3)), "found negative index -1 for dim 0"),
    (lambda i, v: (-i, v), "found negative index"),
    (lambda i, v: (i, v[:2], (2, 3)), "must have same nnz"),
    (lambda i, v: (i, v, (2, 3, 4)), r"len\(size\) == sparse_dim \+ dense_dim"),
    (lambda i, v: (i[0], v, (2,)), "indices must be sparse_dim x nnz"),
    (lambda i, v: (i, v, (-2, 3)), "size is inconsistent|negative"),
    (lambda i, v: (i, torch.ones(4, 2), (2, 3, 3)), "values has incorrect size"),
    (lambda i, v: (i, v.to_sparse(), (2, 3)), "not there for tensors of layout torch.sparse_coo|must be strided"),
]


@pytest.mark.parametrize("case", range(len(BAD_COO)))
def test_bad_coo(case):
    make, message = BAD_COO[case]
    with pytest.raises((RuntimeError, NotImplementedError), match=message):
        torch.sparse_coo_tensor(*make(torch.tensor(INDICES), torch.tensor(VALUES)))


BAD_CSR = [
    (([0, 1, 2], [0, 5], [1.0, 2.0], (2, 3)), "0 <= col_indices < ncols"),
    (([0, 1, 2], [0, -5], [1.0, 2.0], (2, 3)), "0 <= col_indices < ncols"),
    (([0, 3, 2], [0, 1], [1.0, 2.0], (2, 3)), "crow_indices"),
    (([0, 1, 2], [0, 1], [1.0, 2.0], (3, 3)), "number of rows"),
    (([1, 1, 2], [0, 1], [1.0, 2.0], (2, 3)), r"crow_indices\[..., 0\] == 0"),
    (([0, 1, 3], [0, 1], [1.0, 2.0], (2, 3)), r"crow_indices\[..., -1\] == nnz"),
    (([0.0, 2, 2], [1, 1], [1.0, 2.0], (2, 3)), "same dtype"),
    (([0.0, 2, 2], [1.0, 1], [1.0, 2.0], (2, 3)), "int32 or int64"),
    (([0, 1, 2], [0, 1], [1.0], (2, 3)), "nnz"),
    (([0, 1, 2], [0, 1], [1.0, 2.0], (2,)), "dimensionality"),
    (([], [], [], (0, 3)), "at least one element"),
    (([[0, 1, 2]], [[0, 1]], [[1.0, 2.0]], (1, 2, 3)), "batches"),
]


@pytest.mark.parametrize("case", range(len(BAD_CSR)))
def test_bad_csr(case):
    arguments, message = BAD_CSR[case]
    if case == 10:
        arguments = (torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64), torch.empty(0), (0, 3))
    with pytest.raises(RuntimeError, match=message):
        torch.sparse_csr_tensor(*arguments)


def test_invariants():
    check = torch.sparse.check_sparse_tensor_invariants
    bad = ([0, 2, 2], [1, 0], [1.0, 2.0], (2, 3))
    assert not check.is_enabled() and torch.sparse_csr_tensor(*bad).to_dense().tolist() == [[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    with check(), pytest.raises(RuntimeError, match="sorted and distinct"):
        torch.sparse_csr_tensor(*bad)
    with pytest.raises(RuntimeError, match="sorted and distinct"):
        torch.sparse_csr_tensor(*bad, check_invariants=True)
    with pytest.raises(RuntimeError, match="is_coalesced"):
        torch.sparse_coo_tensor([[1, 0]], [1.0, 2.0], (2,), is_coalesced=True, check_invariants=True)
    check.enable()
    try:
        assert check.is_enabled()
        with check(False):
            assert not check.is_enabled()
        with pytest.raises(RuntimeError):
            check(True)(lambda: torch.sparse_csr_tensor(*bad))()
    finally:
        check.disable()


def test_other_bad_arguments():
    with pytest.raises(TypeError):
        torch.sparse_coo_tensor()
    with pytest.raises(TypeError):
        torch.sparse_coo_tensor([[0]], [1.0], (1,), layout=torch.strided)
    with pytest.raises(RuntimeError, match="floating point"):
        torch.sparse_coo_tensor([[0]], [1], (1,), requires_grad=True)
    with pytest.raises(RuntimeError, match="layout must be SparseCsr but got SparseCsc"):
        torch.sparse_csr_tensor([0, 1], [0], [1.0], (1, 1), layout=torch.sparse_csc)
    with pytest.raises(RuntimeError, match="compressed tensor layout"):
        torch.sparse_compressed_tensor([0, 1], [0], [1.0], (1, 1))
    with pytest.raises(RuntimeError, match="CPU"):
        torch.sparse_coo_tensor([[0]], [1.0], (1,), device="meta")
    with pytest.raises(RuntimeError, match="layouts here"):
        torch.ones(2, 2).to_sparse(layout=torch.sparse_bsr)
    for sparse_dim in 0, 3:
        with pytest.raises(RuntimeError, match="sparse_dim"):
            torch.ones(2, 2).to_sparse(sparse_dim)


def test_indices_that_were_changed_are_not_believed():
    x = torch.eye(3).to_sparse()
    x._indices()[0, 0] = 10**9
    with pytest.raises(RuntimeError, match="outside"):
        x @ torch.ones(3, 2)
    with pytest.raises((IndexError, RuntimeError)):
        x.to_dense()
    y = torch.eye(3).to_sparse_csr()
    y.col_indices()[1] = -7
    with pytest.raises(RuntimeError, match="outside"):
        y @ torch.ones(3)
    z = torch.eye(3).to_sparse_csr()
    z.crow_indices()[1] = 10**6
    with pytest.raises(RuntimeError, match="compressed"):
        z @ torch.ones(3)


# ----------------------------------------------------------------------------------------- text

def test_repr():
    assert repr(coo()) == (
        "tensor(indices=tensor([[0, 1, 1, 0],\n                       [2, 0, 2, 2]]),\n       values=tensor([ 3.,  4.,  5., -1.]),\n"
        "       size=(2, 3), nnz=4, layout=torch.sparse_coo)"
    )
    torch_ = pytest.importorskip("torch")

    def both(t):
        x = t.sparse_coo_tensor(t.tensor(INDICES), t.tensor(VALUES), (2, 3))
        yield from (x, x.coalesce(), x.to_sparse_csr(), x.to_sparse_csc(), x.double(), x.long(), x.half(), x.clone().requires_grad_())
        yield from (t.sparse_coo_tensor(size=(2, 3)), t.ones(3, 4, 2).to_sparse(1), t.sparse_coo_tensor(size=(3,), dtype=t.float64), t.eye(40).to_sparse())
        yield t.nn.Parameter(x)

    for ours, theirs in zip(both(torch), both(torch_), strict=True):
        assert repr(ours) == repr(theirs)
        assert str(ours) == str(theirs) and f"{ours}" == f"{theirs}"


# ----------------------------------------------------------------------------- copies and files

EVERY = [
    lambda: coo(), lambda: coo().coalesce(), lambda: coo().to_sparse_csr(), lambda: coo().to_sparse_csc(), lambda: random_sparse((4, 3, 2), 1),
    lambda: coo().requires_grad_(), lambda: torch.sparse_coo_tensor(size=(2, 3)), lambda: torch.nn.Parameter(coo()),
]


def same(a, b, grad=True):
    if not grad:        # files do not say whether a sparse tensor requires grad, PyTorch's neither
        a.requires_grad_(b.requires_grad)
    assert a.layout is b.layout and a.dtype is b.dtype and a.shape == b.shape and type(a) is type(b) and a.requires_grad == b.requires_grad
    assert a._nnz() == b._nnz() and torch.equal(a._values(), b._values()) and torch.equal(a.to_dense(), b.to_dense())
    if a.layout is torch.sparse_coo:
        assert a.is_coalesced() == b.is_coalesced() and torch.equal(a._indices(), b._indices())


@pytest.mark.parametrize("case", range(len(EVERY)))
def test_copies(case):
    x = EVERY[case]()
    same(copy.deepcopy(x), x)
    same(pickle.loads(pickle.dumps(x)), x)
    file = io.BytesIO()
    torch.save({"x": x, "list": [x]}, file)
    file.seek(0)
    loaded = torch.load(file)
    same(loaded["x"], x, False)
    assert loaded["list"][0] is loaded["x"]


@pytest.mark.parametrize("case", range(len(EVERY)))
def test_files_of_torch(case):
    torch_ = pytest.importorskip("torch")
    x = EVERY[case]()
    file = io.BytesIO()
    torch.save(x, file)
    file.seek(0)
    theirs = torch_.load(file)
    assert str(theirs.layout) == str(x.layout) and theirs.to_dense().tolist() == x.to_dense().tolist() and theirs._nnz() == x._nnz()
    file = io.BytesIO()
    torch_.save(theirs, file)
    file.seek(0)
    same(torch.load(file), x, False)


def test_a_file_with_bad_indices_is_refused():
    x = torch.eye(3).to_sparse()
    x._indices()[0, 0] = 99
    file = io.BytesIO()
    torch.save(x, file)
    file.seek(0)
    with pytest.raises(Exception, match="size is inconsistent"):
        torch.load(file)


# ------------------------------------------------------------------------------------ the gate

def test_dense_operations_look_only_while_a_sparse_tensor_lives():
    import gc

    from pyxtorch import _gate

    gc.collect()
    before = _gate.watching()
    x = coo()
    assert _gate.watching()
    del x
    gc.collect()
    assert _gate.watching() == before


def test_modes_and_classes_see_sparse_operations():
    from pyxtorch.overrides import TorchFunctionMode, resolve_name

    seen = []

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(resolve_name(func))
            return func(*args, **(kwargs or {}))

    class Own(torch.Tensor):
        pass

    x = coo()
    with Mode():
        y = torch.sparse.mm(x, torch.ones(3, 2))
        z = x + x
    assert "torch.Tensor.add" in seen and y.tolist() == [[2.0, 2.0], [9.0, 9.0]] and z.is_sparse
    out = x @ torch.ones(3, 2).as_subclass(Own)
    assert type(out) is Own and out.tolist() == y.tolist()


def test_nothing_reads_what_is_not_there():
    x = coo()
    for call, error in [
        (lambda: x.numpy(), TypeError), (lambda: np.asarray(x), TypeError), (lambda: memoryview(x), (BufferError, TypeError)), (lambda: x.tolist(), RuntimeError),
        (lambda: x.data_ptr(), RuntimeError), (lambda: x.untyped_storage(), NotImplementedError), (lambda: x.view(3, 2), NotImplementedError),
        (lambda: x.__dlpack__(), BufferError), (lambda: torch.from_dlpack(x), BufferError), (lambda: torch.Tensor(x), TypeError), (lambda: x.item(), RuntimeError),
        (lambda: bool(x), RuntimeError), (lambda: x.exp(), NotImplementedError), (lambda: torch.nn.functional.conv1d(x, x), NotImplementedError),
        (lambda: torch.ones(2, 3).copy_(x), RuntimeError), (lambda: x.copy_(torch.ones(2, 3)), RuntimeError), (lambda: x == x, NotImplementedError),
        (lambda: x.as_subclass(torch.nn.Parameter), (NotImplementedError, RuntimeError)), (lambda: torch.tensor(x), NotImplementedError),
        (lambda: x.to("meta"), RuntimeError), (lambda: x.cuda(), RuntimeError), (lambda: x.nbytes, RuntimeError), (lambda: torch.linalg.norm(x), NotImplementedError),
        (lambda: torch.ones(2, 3).set_(x), NotImplementedError), (lambda: x.__setitem__(0, 1), TypeError), (lambda: x.share_memory_(), NotImplementedError),
    ]:
        with pytest.raises(error):
            call()
    assert x != None and not x == "text"  # noqa: E711


def _filled(a, make, sparse):
    """One of the arguments below."""
    if isinstance(a, list):
        return [_filled(b, make, sparse) for b in a]
    if a == "s":
        return make() if sparse else make().to_dense()
    return torch.full((2, 3), 2.0) if a == "d" else torch.tensor([1, 0]) if a == "i" else a


@pytest.mark.filterwarnings("ignore:This overload of")     # numbers before tensors
def test_every_operation_is_right_or_refuses():
    """Each method and function with sparse arguments gives what it gives for dense ones, or an error of PyTorch's kinds."""
    from pyxtorch._gate import Operation
    from pyxtorch.overrides import get_overridable_functions

    errors = (NotImplementedError, RuntimeError, TypeError, IndexError, ValueError, BufferError, AttributeError)
    skip = {"rand_like", "randn_like", "randint_like", "empty_like", "new_empty", "bernoulli", "dropout", "requires_grad_", "backward", "_nnz", "_coalesced_",
            "coalesce", "indices", "values", "_indices", "_values", "crow_indices", "col_indices", "ccol_indices", "row_indices", "is_coalesced", "stride",
            "sparse_dim", "dense_dim", "_dimI", "_dimV", "type", "is_contiguous", "storage_offset", "__repr__", "__reduce_ex__", "__format__", "layout"}
    functions = {f for space, group in get_overridable_functions().items() if isinstance(space, type) or hasattr(space, "__path__") or hasattr(space, "__name__")
                 for f in group if isinstance(f, Operation) and f.__name__ not in skip}
    computed = 0
    for function in sorted(functions, key=lambda f: (f.__module__, f.__name__)):
        for make in (coo, lambda: coo().to_sparse_csr()):
            for arguments in [("s",), ("s", "s"), ("s", "d"), ("d", "s"), ("s", 0), ("s", 2), ("s", "i"), (["s", "s"],), ("s", 0, 1)]:
                if arguments[1:] == (0,) and ("div" in function.__name__ or "remainder" in function.__name__):
                    continue        # 0 / 0 where no element is kept stays 0, as in PyTorch
                try:
                    result = function(*[_filled(a, make, True) for a in arguments])
                except errors:
                    continue
                assert not (isinstance(result, torch.Tensor) and result.is_meta), (function, arguments)
                try:
                    wanted = function(*[_filled(a, make, False) for a in arguments])
                except errors:      # sparse tensors can do more: batches of a product, say
                    continue
                if isinstance(result, torch.Tensor) and isinstance(wanted, torch.Tensor):
                    result, wanted = result.to_dense(), wanted.to_dense()
                    assert result.shape == wanted.shape and torch.allclose(result.to(torch.float64), wanted.to(torch.float64), equal_nan=True), (function, arguments)
                    computed += 1
                elif isinstance(result, (int, float, bool, torch.dtype)):
                    assert result == wanted, (function, arguments)
                    computed += 1
    assert computed > 200


def test_a_matrix_by_columns():
    x = torch.sparse_csc_tensor([0, 1, 3], [1, 0, 2], [5.0, 6.0, 7.0], (3, 2))
    assert x.to_dense().tolist() == [[0, 6], [5, 0], [0, 7]] and x.ccol_indices().tolist() == [0, 1, 3] and x.row_indices().tolist() == [1, 0, 2]
    with pytest.raises(TypeError, match="layout"):
        torch.sparse_csc_tensor([0, 1], [0], [1.0], (1, 1), layout=3)

"""Storages, typed tensors, and memory that moves under the tensors that look at it."""
import copy
import gc
import pickle
import random
import warnings

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.ops.create_legacy import DTYPES as KINDS

pytestmark = pytest.mark.timeout(120)


# ------------------------------------------------------------------- compared with PyTorch itself

# Each line is run by both. What it gives is compared, or the class of the error that it raises.
SAME = """
(x := torch.ones(3)).untyped_storage() is x.untyped_storage()
[(x := torch.arange(4.)), (y := x[1:]), x.share_memory_(), y.is_shared(), y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()][3:]
[(x := torch.ones(3)), (y := x.view(3)), x.resize_(10), x.__setitem__(0, 7), y.tolist()][-1]
[(x := torch.ones(3)), (a := x.numpy()), x.resize_(10)]
[(x := torch.ones(3)), (a := x.numpy()), x.untyped_storage().resize_(100)]
[(x := torch.ones(3)), (y := x.data), x.resize_(10), y.untyped_storage().nbytes()][-1]
torch.from_numpy(np.zeros(3)).resize_(5)
torch.from_numpy(np.zeros(3)).untyped_storage().resizable()
torch.ones(3).untyped_storage().resize_(-1)
torch.ones(3).untyped_storage().resize_(1.5)
torch.ones(3).untyped_storage().resize_(40).nbytes()
torch.ones(3).untyped_storage().tolist()
[torch.ones(3).untyped_storage()[i] for i in (0, -1, 3)]
torch.ones(3).untyped_storage()[12]
torch.ones(3).untyped_storage()[-13]
torch.ones(3).untyped_storage()['a']
torch.ones(3).untyped_storage()[1:5].tolist()
[(s := torch.ones(3).untyped_storage()), s[1:5].data_ptr() - s.data_ptr()][1]
torch.ones(3).untyped_storage()[1:9:2]
[(s := torch.ones(3).untyped_storage()), s.__setitem__(0, 300), s.__setitem__(1, -1), s.__setitem__(slice(4, 6), 3), s.tolist()][-1]
torch.ones(3).untyped_storage().__setitem__(0, 1.5)
torch.ones(3).untyped_storage().__setitem__(12, 1)
repr(torch.ones(3).untyped_storage())
torch.ones(3).untyped_storage().fill_(300).tolist()
torch.ones(3).untyped_storage().fill_(1.5)
[(x := torch.ones(3)), x.untyped_storage().byteswap(torch.float32), x.tolist()][-1]
[(x := torch.ones(3)), x.untyped_storage().byteswap(torch.int8), x.tolist()][-1]
[(x := torch.ones(3) * 1j), x.untyped_storage().byteswap(torch.complex64), x.view(torch.float32).tolist()][-1]
torch.ones(3).untyped_storage().float().tolist()
torch.ones(3).untyped_storage().new().tolist()
[(s := torch.ones(3).untyped_storage()), s.type(), s.element_size(), s.size(), s.nbytes(), len(s), s.is_cuda, str(s.device)][1:]
[(s := torch.ones(3).untyped_storage()), s.cpu() is s, s.clone() == s, s.untyped() is s, s.is_pinned(), s.is_shared(), s.filename][1:]
[(s := torch.ones(3).untyped_storage()), s.share_memory_() is s, s.is_shared()][1:]
torch.ones(3).untyped_storage().copy_(torch.zeros(4).untyped_storage())
torch.ones(3).untyped_storage().copy_(torch.zeros(3).storage()).tolist()
[torch.UntypedStorage(), torch.UntypedStorage(3).nbytes(), torch.UntypedStorage([1, 2, 300]).tolist()][1:]
torch.UntypedStorage([1, 2.5])
torch.UntypedStorage(3, 4)
torch.UntypedStorage('a')
torch.UntypedStorage(torch.ones(3))
torch.UntypedStorage(3, device='meta')[0]
torch.UntypedStorage(3, device='meta').tolist()
repr(torch.UntypedStorage(3, device='meta'))
torch.UntypedStorage.from_buffer(b'abcd', dtype=torch.int8).tolist()
torch.UntypedStorage.from_buffer(b'abcd', byte_order='big', dtype=torch.int16).tolist()
torch.UntypedStorage.from_buffer(b'abcd', count=1, offset=2, dtype=torch.int8).tolist()
torch.UntypedStorage(3) == 3
torch.UntypedStorage._new_shared(3).is_shared()
[copy.deepcopy(torch.UntypedStorage([1, 2])).tolist(), copy.copy(torch.UntypedStorage([1, 2])).tolist()]
torch.UntypedStorage.from_file('/no/such/file', False, 8)
torch.FloatTensor(2, 3).shape
torch.FloatTensor([1, 2]).tolist()
torch.FloatTensor().tolist()
torch.FloatTensor(torch.ones(2).double())
torch.LongTensor([1.5, 2]).tolist()
torch.FloatTensor(2.5)
torch.FloatTensor('a')
torch.FloatTensor(torch.Size([2, 3])).shape
torch.FloatTensor((2, 3)).tolist()
torch.FloatTensor(torch.ones(3).storage()).tolist()
torch.FloatTensor(torch.ones(3).untyped_storage()).tolist()
torch.FloatTensor(torch.ones(3).double().storage())
torch.FloatTensor(2, device='meta')
torch.FloatTensor([1], requires_grad=True)
torch.FloatTensor(size=(2,)).shape
torch.ByteTensor([True, 3]).tolist()
torch.BoolTensor([1, 0, 2]).tolist()
torch.FloatTensor([np.ones(3)]).tolist()
[torch.FloatTensor.dtype == torch.float32, str(torch.FloatTensor.layout), torch.FloatTensor.is_cuda, torch.FloatTensor.is_sparse, repr(torch.FloatTensor)]
[isinstance(x, t) for x in (torch.ones(1), torch.nn.Parameter(torch.ones(1)), 3) for t in (torch.FloatTensor, torch.DoubleTensor, torch.cuda.FloatTensor)]
issubclass(torch.FloatTensor, torch.Tensor)
str(torch.ones(1).type(torch.LongTensor).dtype)
torch.ones(1).type(torch.cuda.FloatTensor)
torch.ones(1).type('FloatTensor')
torch.ones(1).type('torch.Foo')
torch.ones(1).type(3)
torch.ones(1).type(torch.Tensor).tolist()
[torch.ones(1).type(torch.float64).type(), torch.ones(1).long().type(), torch.ones(1).type('torch.HalfTensor').type()]
torch.cuda.FloatTensor(2)
[torch.cuda.FloatTensor.is_cuda, repr(torch.cuda.FloatTensor), repr(torch.cuda.FloatStorage)]
torch.set_default_tensor_type(torch.LongTensor)
torch.set_default_tensor_type(torch.cuda.FloatTensor)
torch.set_default_tensor_type(torch.float32)
torch.set_default_tensor_type('torch.Foo')
torch.set_default_tensor_type(3)
[torch.set_default_tensor_type(torch.DoubleTensor), str(torch.ones(1).dtype), str(torch.Tensor([1]).dtype), torch.set_default_tensor_type('torch.FloatTensor'), str(torch.ones(1).dtype)]
[str(torch.ones(2).long().new(2, 3).dtype), torch.ones(2).new([1, 2]).tolist(), torch.ones(2).new().shape, torch.ones(2).new(torch.Size([2])).shape]
[(x := torch.ones(2)), x.new(x).data_ptr() == x.data_ptr(), x.new(torch.ones(4).storage()).tolist(), x.new((2, 3)).tolist()][1:]
torch.ones(2).new(torch.ones(2).long())
torch.ones(2).new(3.5)
[torch.Tensor(torch.ones(4).storage()).tolist(), torch.Tensor(torch.ones(2).long()).tolist(), torch.Tensor(2, 3).shape]
torch.Tensor(2.5)
torch.Tensor(2, dtype=torch.int32)
[repr(torch.ones(2).storage_type()), repr(torch.ones(2).storage()), torch.ones(2).storage().tolist()]
[isinstance(torch.ones(2).storage(), torch.FloatStorage), isinstance(torch.ones(2).storage(), torch.DoubleStorage), isinstance(3, torch.FloatStorage)]
[torch.FloatStorage(3).size(), repr(torch.FloatStorage([1, 2])), list(torch.FloatStorage([1, 2]))]
torch.FloatStorage('a')
[torch.TypedStorage(3, dtype=torch.int32).size(), torch.TypedStorage([1, 2], dtype=torch.int32).tolist()]
torch.TypedStorage(wrap_storage=torch.ones(2).untyped_storage(), dtype=torch.float32).tolist()
torch.TypedStorage(wrap_storage=torch.ones(2).untyped_storage())
torch.FloatStorage(wrap_storage=torch.ones(2).untyped_storage()).tolist()
torch.FloatStorage([1, 2, 3])[0:2]
torch.FloatStorage([1, 2, 3])[3]
torch.FloatStorage([1, 2, 3])['a']
[(s := torch.FloatStorage([1, 2, 3])), s.__setitem__(0, 5), s.__setitem__(slice(1, None), 7), s.tolist(), s[-1]][-2:]
[(s := torch.FloatStorage([1, 2, 3])), s.nbytes(), s.size(), len(s), s.element_size(), s.type(), s.is_shared(), s.is_cuda, s.is_sparse, s.pickle_storage_type(), s.resizable()][1:]
[(s := torch.FloatStorage([1, 2, 3])), s.resize_(5), s.size(), s.resize_(1), s.tolist()][1:]
[torch.FloatStorage([1, 2, 3]).double().tolist(), torch.FloatStorage([1.5, 2]).int().tolist()]
[(s := torch.FloatStorage([1, 2, 3])), s.clone() == s, s == s, s != s, s.copy_(torch.FloatStorage([4, 5, 6])).tolist(), s.fill_(2).tolist(), s.untyped().tolist()][1:]
torch.FloatStorage([1, 2, 3]).copy_(torch.LongStorage([4, 5, 6]))
[pickle.loads(pickle.dumps(torch.FloatStorage([1, 2]))).tolist(), copy.deepcopy(torch.FloatStorage([1, 2])).tolist()]
torch.FloatStorage.from_buffer(b'abcdefgh', 'little').tolist()
torch.FloatStorage.from_buffer(b'abcdefg', 'little')
torch.FloatStorage.from_buffer(b'abcdefgh', 'big', 1, 4).tolist()
torch.FloatStorage.from_buffer(b'abcdefgh')
torch.FloatStorage._new_shared(3).is_shared()
[torch.is_storage(torch.ones(2).storage()), torch.is_storage(torch.ones(2).untyped_storage()), torch.is_storage(3)]
torch.zeros(1).set_(torch.arange(4.).storage(), 1, (2,), (1,)).tolist()
torch.zeros(1).set_(torch.ones(4).storage()).tolist()
torch.zeros(1).set_(torch.ones(4).untyped_storage()).tolist()
torch.zeros(1).long().set_(torch.ones(4).storage())
[(x := torch.ones(4)), torch.zeros(1).set_(x.untyped_storage(), 1, (20,), (1,)).shape, x.untyped_storage().nbytes(), x.tolist()][1:]
torch.zeros(1).set_(torch.arange(4.), 1, (2,), (1,)).tolist()
torch.zeros(1).set_(source=torch.arange(4.).storage(), storage_offset=1, size=(2,), stride=(2,)).tolist()
torch.zeros(1).set_(torch.ones(4).storage(), -1, (2,), (1,))
torch.zeros(1).set_(torch.ones(4).storage(), 0, (2,), (-1,))
torch.zeros(1, requires_grad=True).set_(torch.ones(4).storage(), 0, (2,), (1,))
torch.zeros(1).double().set_(torch.ones(1))
[(x := torch.ones(3)), x.set_(), x.shape, x.untyped_storage().nbytes()][2:]
""".strip().splitlines()


def outcome(torch, line):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "gives", eval(line, {"torch": torch, "np": np, "pickle": pickle, "copy": copy})
        except Exception as error:
            return "raises", type(error)


@pytest.mark.parametrize("line", SAME)
def test_as_in_torch(line):
    theirs = outcome(pytest.importorskip("torch"), line)
    ours = outcome(torch, line)
    assert ours == theirs


def test_names_of_torch():
    theirs = pytest.importorskip("torch")
    for ours_, theirs_ in ((torch.UntypedStorage, theirs.UntypedStorage), (torch.TypedStorage, theirs.TypedStorage)):
        public = {name for name in dir(theirs_) if not name.startswith("_")}
        elsewhere = {"hpu", "is_hpu", "mps"}
        assert public - elsewhere - {n for n in public if n.startswith("float8")} <= set(dir(ours_))
    types = {f"{kind}{what}" for kind in KINDS for what in ("Tensor", "Storage")} & set(dir(theirs))
    assert len(types) > 20
    for name in types:
        assert repr(getattr(torch, name)) == repr(getattr(theirs, name)) and name in dir(torch)
        assert repr(getattr(torch.cuda, name, None)) == repr(getattr(theirs.cuda, name, None))
    with pytest.raises(AttributeError):
        torch.FooTensor  # noqa: B018
    with pytest.raises(AttributeError):
        torch.cuda.FooTensor  # noqa: B018


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind):
    dtype = KINDS[kind]
    x = torch.tensor([0, 1, 2], dtype=dtype)
    storage = x.storage()
    assert storage.dtype == dtype and storage.tolist() == x.tolist() and storage.type() == f"torch.{kind}Storage"
    assert type(x).storage_type(x) is getattr(torch, f"{kind}Storage") and isinstance(storage, getattr(torch, f"{kind}Storage"))
    assert getattr(torch, f"{kind}Storage")([0, 1, 2]).tolist() == x.tolist()
    cast = {"Half": "half", "BFloat16": "bfloat16", "ComplexFloat": "complex_float", "ComplexDouble": "complex_double"}.get(kind, kind.lower())
    assert getattr(torch.FloatStorage([0, 1, 2]), cast)().tolist() == x.tolist()
    assert torch.equal(torch.ones(2).type(f"torch.{kind}Tensor"), torch.ones(2, dtype=dtype))
    swapped = x.clone()
    swapped.untyped_storage().byteswap(dtype)
    item = dtype.to_real().itemsize
    assert bytes(swapped.untyped_storage()) == np.frombuffer(bytes(x.untyped_storage()), f"u{item}").byteswap().tobytes()


def test_files(tmp_path):
    path = str(tmp_path / "numbers")
    x = torch.from_file(path, shared=True, size=4)
    x.copy_(torch.arange(4.0))
    assert x.is_shared() and x.untyped_storage().filename == path and x.untyped_storage().nbytes() == 16
    assert np.fromfile(path, np.float32).tolist() == [0, 1, 2, 3]
    private = torch.FloatStorage.from_file(path, False, 3)
    private[0] = 9
    assert private.tolist() == [9, 1, 2] and not private.is_shared() and not private.resizable() and x[0] == 0
    x[2] = 5
    assert torch.FloatStorage.from_file(path, True, 4).tolist() == [0, 1, 5, 3] and torch.LongStorage.from_file(path, False).size() == 0
    with pytest.raises(RuntimeError, match="is smaller than the required mapping size <20>"):
        torch.from_file(path, size=5)
    with pytest.raises(RuntimeError, match="not resizable"):
        x.resize_(9)
    with pytest.raises(RuntimeError, match="unable to open file"):
        torch.from_file(str(tmp_path / "none"), size=5)
    assert torch.from_file(path, size=2, dtype=torch.int32, requires_grad=False).dtype == torch.int32


def test_checkpoints_hold_storages(tmp_path):
    x = torch.arange(4.0)
    path = tmp_path / "file"
    torch.save({"x": x, "typed": x.storage(), "bytes": torch.ones(2).untyped_storage(), "longs": torch.LongStorage([1, 2])}, path)
    read = torch.load(path)
    assert isinstance(read["typed"], torch.FloatStorage) and read["typed"].tolist() == [0, 1, 2, 3] and read["longs"].tolist() == [1, 2]
    assert read["typed"].untyped() is read["x"].untyped_storage() and isinstance(read["bytes"], torch.UntypedStorage)
    theirs = pytest.importorskip("torch")
    read = theirs.load(path)
    assert read["typed"].tolist() == [0, 1, 2, 3] and read["typed"].data_ptr() == read["x"].data_ptr() and read["longs"].dtype == theirs.int64
    theirs.save({"typed": theirs.ones(3).storage()}, path)
    assert torch.load(path)["typed"].tolist() == [1, 1, 1]


# ------------------------------------------------------------------------- memory that moves

def test_all_tensors_follow():
    x = torch.arange(4.0)
    views = [x[1:], x.data, x.data.view(2, 2), x.view(torch.int32), x.detach()[::2]]
    expected = [v.tolist() for v in views]
    storage = x.untyped_storage()
    for size in (10_000_000, 16, 64, 2_000_000):
        storage.resize_(size)
        assert [v.tolist() for v in views] == expected and all(v.untyped_storage() is storage for v in [x, *views]) and storage.nbytes() == size
    x[3] = 50
    assert views[0][2] == 50 and views[1][3] == 50 and views[2][1, 1] == 50


def test_versions_and_history_follow():
    x = torch.ones(3)
    x.add_(1)
    version, view = x._version, x[1:]
    x.untyped_storage().resize_(100)
    assert x._version == view._version == version
    x.add_(1)
    assert view._version == version + 1
    w = torch.ones(3, requires_grad=True)
    y = (w * x).sum()
    x.untyped_storage().resize_(200)
    y.backward()
    assert w.grad.tolist() == [3, 3, 3]


def test_freed_and_filled_again():
    """What programs do that free memory under tensors: they resize to nothing, and back before they use it."""
    for n in (3, 3_000_000):
        x = torch.ones(n)
        y, storage = x.view(-1), x.untyped_storage()
        storage.resize_(0)
        assert storage.nbytes() == 0 and storage.tolist() == [] and x.shape == (n,)
        x + y  # undefined values, but nobody else's memory
        storage.resize_(4 * n)
        x.copy_(torch.arange(float(n)))
        assert y[-1] == n - 1 and storage.nbytes() == 4 * n
        storage.resize_(0)
        storage.resize_(8 * n)
        x.fill_(2)
        assert y.sum() == 2 * n and storage.nbytes() == 8 * n


def test_what_cannot_be_resized_says_why():
    x = torch.ones(3)
    with pytest.raises(RuntimeError, match="cannot make a storage of 12 bytes 8 bytes long: a tensor looks at its first 12"):
        x.untyped_storage().resize_(8)
    array = x.numpy()
    for resize in (lambda: x.resize_(100), lambda: x.untyped_storage().resize_(400), lambda: x[1:].resize_(50), lambda: x.storage().resize_(1)):
        with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable.*lent"):
            resize()
    del array
    assert x.resize_(100).shape == (100,)
    view = memoryview(x.untyped_storage())
    with pytest.raises(RuntimeError, match="lent"):
        x.resize_(1000)
    view.release()
    part = x.untyped_storage()[4:8]
    with pytest.raises(RuntimeError, match="lent"):
        x.resize_(1000)
    del part
    capsule = x.__dlpack__()
    with pytest.raises(RuntimeError, match="lent"):
        x.resize_(1000)
    del capsule
    out = torch.ones(2)
    array = out.numpy()
    with pytest.raises(RuntimeError, match="not resizable"):
        torch.add(torch.ones(5), 1, out=out)
    assert array.tolist() == [1, 1]
    gc.freeze()
    try:
        y = torch.ones(3)
        hidden = y[1:]
        gc.freeze()
        with pytest.raises(RuntimeError, match="not resizable"):
            y.resize_(10)
        with pytest.raises(RuntimeError, match="gc.freeze"):
            y.share_memory_()
    finally:
        gc.unfreeze()
    assert y.resize_(10)[1] == 1 and hidden.tolist() == [1, 1]


def test_out_that_grows_takes_its_views_along():
    out = torch.zeros(2)
    view = out[:1]
    with pytest.warns(UserWarning, match="resized"):
        torch.add(torch.ones(50), 1, out=out)
    assert view.tolist() == [2] and view.untyped_storage() is out.untyped_storage()


class Twin:
    """What the tensors of a random program should hold: NumPy arrays over one bytearray for each storage, which may be exchanged."""

    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self):
        data = np.frombuffer(self.storage[0], np.float32)
        return np.lib.stride_tricks.as_strided(data[self.offset :], self.shape, [4 * s for s in self.strides])


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed):
    """resize_, set_, views, shared memory and arrays in any order: what tensors hold is what a model of flat buffers says, and no view reaches outside."""
    chance = random.Random(seed)
    pairs, lent = [], []

    def fresh():
        n = chance.choice([0, 1, 5, 40, 300_000])
        values = np.arange(n, dtype=np.float32) + chance.randrange(100)
        pairs.append((torch.from_numpy(values.copy()).clone() if n else torch.empty(0), Twin([bytearray(values.tobytes())], 0, (n,), (1,))))

    def view(x, t):
        if len(x.shape) != 1 or t.shape[0] < 2:
            return
        a, step = chance.randrange(t.shape[0]), chance.choice([1, 2, 3])
        y = chance.choice([lambda v: v, lambda v: v.data, lambda v: v.detach()])(x)[a::step]
        pairs.append((y, Twin(t.storage, t.offset + a * t.strides[0], (y.shape[0],), (t.strides[0] * step,))))

    def grown(t, nbytes):
        if nbytes > len(t.storage[0]):
            t.storage[0] = t.storage[0] + bytearray(nbytes - len(t.storage[0]))

    def resize(x, t):
        shape = chance.choice([(3,), (2, 7), (90,), (0, 4), (400_000,)])
        n = int(np.prod(shape))
        try:
            x.resize_(shape)
        except RuntimeError as error:
            assert "not resizable" in str(error)
            return
        before = len(t.storage[0])
        if n:
            grown(t, (t.offset + n) * 4)
        t.shape, t.strides = shape, tuple(int(np.prod([max(s, 1) for s in shape[i + 1 :]])) for i in range(len(shape)))
        if len(t.storage[0]) > before:  # new elements are uninitialised
            _new(x.untyped_storage(), t, before)

    def _new(storage, t, before):
        torch.zeros(0).set_(storage, before // 4, ((len(t.storage[0]) - before) // 4,), (1,)).zero_()

    def set_(x, t):
        _, other = chance.choice(pairs)
        source = next(p for p in pairs if p[1] is other)[0]
        offset, n = chance.randrange(6), chance.randrange(1, 50)
        try:
            x.set_(source.untyped_storage(), offset, (n,), (2,))
        except RuntimeError as error:
            assert "not resizable" in str(error)
            return
        before = len(other.storage[0])
        grown(other, (offset + 1 + 2 * (n - 1)) * 4)
        t.storage, t.offset, t.shape, t.strides = other.storage, offset, (n,), (2,)
        if len(t.storage[0]) > before:
            _new(x.untyped_storage(), t, before)

    def write(x, t):
        value = float(chance.randrange(1000))
        x.fill_(value)
        if 0 not in t.shape:
            t.array()[...] = value

    def storage_resize(x, t):
        size = chance.choice([0, 8, 4000, 2_000_000])
        try:
            x.untyped_storage().resize_(size)
        except RuntimeError as error:
            assert "not resizable" in str(error) or "a tensor looks at" in str(error)
            return
        before = len(t.storage[0])
        if size == 0 and any(0 not in u.shape for _, u in pairs if u.storage is t.storage):  # freed: undefined until it is whole again
            x.untyped_storage().resize_(before)
            for y, u in pairs:
                if u.storage is t.storage:
                    write(y, u)
            torch.zeros(0).set_(x.untyped_storage()).zero_()
            t.storage[0][:] = bytes(before)
            return
        t.storage[0] = (t.storage[0] + bytearray(max(0, size - before)))[:size]
        if size > before:
            _new(x.untyped_storage(), t, before)

    def share(x, t):
        x.share_memory_()
        lent.clear()

    def lend(x, t):
        lent.append(x.detach().numpy())
        del lent[:-2]

    def drop(x, t):
        if len(pairs) > 6:
            pairs.pop(chance.randrange(len(pairs)))

    fresh()
    fresh()
    for _ in range(150):
        step = chance.choice([view, view, view, resize, set_, write, write, storage_resize, lend, drop, drop] + [share] * (chance.random() < 0.2))
        step(*chance.choice(pairs))
        if chance.random() < 0.1:
            fresh()
        for x, t in pairs:
            assert tuple(x.shape) == tuple(t.shape) and x.storage_offset() == t.offset
            assert x.untyped_storage().nbytes() == len(t.storage[0])
            if 0 not in t.shape:
                assert np.array_equal(x.numpy(), t.array())


@pytest.mark.parametrize("make", [torch.tensor, torch.as_tensor, torch.asarray])
def test_a_tensor_on_a_storage(make, tmp_path):
    """A storage is memory, not a list of numbers: readers of files lay tensors on parts of it."""
    x = torch.arange(6, dtype=torch.float32)
    storage = x.untyped_storage()
    for dtype, n in ((torch.uint8, 24), (torch.float32, 6), (torch.int16, 12), (None, 3)):
        y = make(storage, dtype=dtype)
        assert y.shape == (n,) and y.dtype == (dtype or torch.int64) and y.data_ptr() == x.data_ptr()
    part = make(storage[4:12], dtype=torch.uint8).view(torch.float32)
    part += 10
    assert x.tolist() == [0, 11, 12, 3, 4, 5] and make(x.storage()).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="float32"):
        make(x.storage(), dtype=torch.uint8)
    path = tmp_path / "x"
    path.write_bytes(bytes(range(16)))
    mapped = torch.UntypedStorage.from_file(str(path), False, 16)
    assert make(mapped[3:7], dtype=torch.uint8).tolist() == [3, 4, 5, 6]
    assert torch.asarray(storage, dtype=torch.uint8, copy=False).data_ptr() == x.data_ptr()

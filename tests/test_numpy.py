"""Arrays and tensors: what is shared, what is copied, what is refused, and arithmetic between them."""
import operator

import numpy as np
import pytest

import pyxtorch as torch

SHARED = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64", "complex128"]


@pytest.mark.parametrize("name", SHARED)
def test_memory_is_shared_both_ways_in_any_layout(name):
    whole = np.arange(24).reshape(4, 6).astype(name)
    for a in (whole, whole.T, np.asfortranarray(whole), whole[1::2, ::3], whole[2], whole[:0], whole[1:2, 1:2].reshape(())):
        x = torch.from_numpy(a)
        back = x.numpy()
        assert x.dtype == getattr(torch, name) and back.dtype == a.dtype
        assert tuple(x.shape) == a.shape == back.shape and np.array_equal(back, a)
        assert [s * a.itemsize for s, n in zip(x.stride(), a.shape) if n > 1] == [s for s, n in zip(a.strides, a.shape) if n > 1]
        if a.size:
            assert x.data_ptr() == a.__array_interface__["data"][0] == back.__array_interface__["data"][0]
            x.fill_(1)
            assert a.all()
            a[...] = 0
            assert not x.any()


@pytest.mark.parametrize("array, error", [
    (lambda: np.arange(4.0)[::-1], ValueError), (lambda: np.arange(4, dtype=">f4"), ValueError), (lambda: np.array(["a"]), TypeError),
    (lambda: np.array([None]), TypeError), (lambda: np.zeros(2, "M8[s]"), TypeError), (lambda: np.zeros(2, "f4,i1"), TypeError),
    (lambda: np.zeros(3, [("a", "f4"), ("b", "i1")])["a"], ValueError), (lambda: np.zeros(2, np.longdouble), TypeError), (lambda: [1.0], TypeError),
    (lambda: np.float64(1), TypeError),
])
def test_what_cannot_be_shared_is_refused(array, error):
    with pytest.raises(error):
        torch.from_numpy(array())


def test_read_only_memory():
    a = np.arange(3.0)
    a.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        assert torch.from_numpy(a).tolist() == [0.0, 1.0, 2.0]
    with pytest.warns(UserWarning, match="not writable"):
        torch.frombuffer(b"abcd", dtype=torch.uint8)
    for make in (torch.tensor, torch.as_tensor, torch.asarray):    # copied, so nothing is written through them
        make(a).fill_(7)
    assert a.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="copy"):
        torch.asarray(a, copy=False)


def test_tensor_copies_and_as_tensor_shares():
    a = np.zeros(3)
    torch.tensor(a).fill_(1)
    assert not a.any()
    torch.as_tensor(a).fill_(1)
    assert a.all()
    torch.as_tensor(a, dtype=torch.float32).fill_(2)
    assert (a == 1).all()
    assert torch.tensor(a[::-1]).tolist() == [1.0, 1.0, 1.0]        # negative strides are copied


def test_arrays_and_numpy_numbers_as_data():
    assert torch.tensor(np.float32(1.5)).dtype == torch.float32 and torch.tensor(np.int8(3)).dtype == torch.int8
    assert torch.tensor([np.ones(2), np.zeros(2)]).dtype == torch.float64
    assert torch.tensor([np.float32(1), np.float32(2)]).tolist() == [1.0, 2.0]
    assert torch.full((2,), np.float64(3)).tolist() == [3.0, 3.0]
    x = torch.zeros(3)
    x[np.int64(1)] = np.float32(2)
    assert x.tolist() == [0.0, 2.0, 0.0]
    assert torch.zeros(np.int64(2), np.int32(3)).shape == (2, 3)
    assert torch.ones(4).sum(np.int64(0)).item() == 4.0


def test_operators_between_arrays_and_tensors():
    a, x = np.array([1.0, 2.0]), torch.tensor([2.0, 4.0], dtype=torch.float64)
    for got, expected in (
        (x + a, [3.0, 6.0]), (x * a, [2.0, 8.0]), (x - a, [1.0, 2.0]), (x / a, [2.0, 2.0]), (a / x, [0.5, 0.5]), (x // a, [2.0, 2.0]),
        (x == a, [False, False]), (a == x / 2, [True, True]), (a != x, [True, True]), (x > a, [True, True]), (a < x, [True, True]),
        (np.float64(2) * x, [4.0, 8.0]), (np.float64(2) - x, [0.0, -2.0]), (x ** np.int64(2), [4.0, 16.0]), (np.float64(3) > x, [True, False]),
    ):
        assert isinstance(got, torch.Tensor) and got.tolist() == expected
    assert (np.float64(2) * torch.ones(1)).dtype == torch.float32      # a number is weak


def test_numpy_functions_of_tensors():
    x = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert np.sin(x).tolist() == torch.from_numpy(np.sin(x.numpy())).tolist()
    assert np.asarray(x).dtype == np.float32 and np.asarray(x, dtype=np.int16).tolist() == [[0, 1], [2, 3]]
    assert np.array(x).base is None and np.stack([x, x]).shape == (2, 2, 2)
    assert np.arange(5)[torch.tensor([1, 3])].tolist() == [1, 3] and list(range(torch.tensor(2))) == [0, 1]
    assert np.array(x, copy=True).__array_interface__["data"][0] != x.data_ptr() == np.asarray(x).__array_interface__["data"][0]


def test_what_numpy_may_not_have():
    x = torch.ones(2, requires_grad=True)
    for call in (x.numpy, lambda: np.asarray(x), lambda: (x * 2).numpy()):
        with pytest.raises(RuntimeError, match="requires grad"):
            call()
    assert x.detach().numpy().tolist() == x.numpy(force=True).tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="BFloat16"):
        torch.ones(1, dtype=torch.bfloat16).numpy()


def test_an_array_keeps_the_memory_of_a_tensor_alive():
    arrays = [torch.full((1000,), float(i)).numpy() for i in range(50)]
    torch.zeros(50, 1000)
    assert all((a == i).all() for i, a in enumerate(arrays))


ARITHMETIC = "add sub mul truediv floordiv mod pow".split()
BITS = "and_ or_ xor lshift rshift".split()


@pytest.mark.parametrize("name", ARITHMETIC + BITS)
def test_arrays_on_either_side_of_an_operator(name):
    """As if the array were a tensor; the result is a tensor, and recorded where the tensor is."""
    function = getattr(operator, name)
    whole = name in BITS
    t = torch.tensor([3, 5]) if whole else torch.tensor([3.0, 5.0])
    for array in (np.array([1, 2]), np.array([1, 2], np.int16)) if whole else (np.array([1.0, 2.0]), np.array([[1.0], [2.0]], np.float32), np.array(2.0)):
        expected = function(array, t.numpy())
        y = function(array, t)
        assert type(y) is torch.Tensor and y.tolist() == expected.tolist() and y.dtype == torch.from_numpy(np.asarray(expected)).dtype
        other = function(t, array)
        assert type(other) is torch.Tensor and other.tolist() == function(t.numpy(), array).tolist() and other.dtype == y.dtype
    if not whole:
        leaf = torch.tensor([3.0, 5.0], requires_grad=True)
        function(np.array([1.0, 2.0]), leaf).sum().backward()
        assert leaf.grad.dtype == torch.float32 and leaf.grad.shape == (2,)


@pytest.mark.parametrize("name", ["i" + name.rstrip("_") for name in ARITHMETIC + BITS])
def test_augmented_assignment_of_an_array(name):
    """`t += array` takes what `t + array` takes."""
    t = torch.tensor([3, 5]) if name[1:] in ("and", "or", "xor", "lshift", "rshift") else torch.tensor([3.0, 5.0])
    array = np.array([1, 2]).astype(t.numpy().dtype)
    expected = getattr(operator, name)(t.numpy().copy(), array)
    y = getattr(operator, name)(t, array)
    assert type(y) is torch.Tensor and y.tolist() == expected.tolist()


@pytest.mark.parametrize("name", ARITHMETIC + BITS)
def test_numpy_numbers_are_numbers(name):
    """NumPy's scalars promote as Python's do: the tensor's dtype stays."""
    function = getattr(operator, name)
    for number in (np.float64(2), np.float32(2), np.int64(2), np.uint8(2)):
        whole = name in BITS
        if whole and isinstance(number, np.floating):
            continue
        t = torch.tensor([3, 5], dtype=torch.int32 if whole else torch.float32)
        for y, expected in ((function(t, number), function(t, number.item())), (function(number, t), function(number.item(), t))):
            assert type(y) is torch.Tensor and y.dtype == t.dtype and torch.equal(y, expected)


def test_numbers_of_numpy_in_lists_keep_their_dtype():
    """np.float64 is a float, np.complex128 a complex: they are looked at as NumPy's all the same."""
    for dtype in ("float64", "float32", "float16", "int64", "int8", "uint8", "bool", "complex128", "complex64"):
        number = np.ones(1, dtype)[0]
        for make in (torch.tensor, torch.as_tensor, torch.asarray):
            for data in ([number], (number, number), [[number]], list(np.ones(2, dtype)), number):
                assert str(make(data).dtype) == f"torch.{dtype}", (make, data)
    assert torch.tensor([1.0, np.float64(1)]).dtype == torch.tensor([np.float64(1), 1.0]).dtype == torch.float64
    assert torch.tensor([np.float64(1), 1]).dtype == torch.float64
    assert torch.tensor([1.0]).dtype == torch.float32


def test_from_dlpack_copies_where_it_must():
    array = np.arange(4.0)
    shared, apart = torch.from_dlpack(array), torch.from_dlpack(array, copy=True)
    array[0] = 9
    assert shared[0] == 9 and apart[0] == 0
    assert torch.from_dlpack(array, device="cpu", copy=False)[0] == 9
    array.flags.writeable = False
    safe = torch.from_dlpack(array)             # a tensor could write it
    safe[0] = 1
    assert array[0] == 9
    with pytest.raises(ValueError, match="read-only"):
        torch.from_dlpack(array, copy=False)
    x = torch.arange(3)
    y = torch.from_dlpack(x)
    y[0] = 7
    assert x[0] == 7 and torch.from_dlpack(x.__dlpack__())[0] == 7
    del x
    assert y.tolist() == [7, 1, 2]


def test_reductions_of_numpy():
    """NumPy would hand these to the tensor's method, with arguments of its own; they are NumPy's, and give tensors as ufuncs do."""
    x = torch.tensor([[1.0, 4.0], [3.0, 2.0]])
    a = x.numpy()
    for got, expected in (
        (np.mean(x), a.mean()), (np.mean(x, axis=0), a.mean(0)), (np.sum(x, axis=1, keepdims=True), a.sum(1, keepdims=True)), (np.max(x, axis=0), a.max(0)),
        (np.min(x), a.min()), (np.std(x), a.std()), (np.var(x, ddof=1, axis=1), a.var(1, ddof=1)), (np.prod(x, axis=-1), a.prod(-1)), (np.any(x > 3), (a > 3).any()),
        (np.all(x > 1, axis=0), (a > 1).all(0)), (np.amax(x, 1), a.max(1)), (np.sum(x, where=x > 1), a.sum(where=a > 1)), (np.sum(x, dtype=np.float64), a.sum(dtype=float)),
        (np.sum(x, axis=0, initial=5), a.sum(0, initial=5)),
    ):
        assert type(got) is torch.Tensor and got.numpy().dtype == np.asarray(expected).dtype and np.array_equal(got.numpy(), expected)
    for got in (np.concatenate([x, x]), np.where(x > 2, x, 0), np.dot(x, x), np.stack([x, a])):        # as in PyTorch
        assert type(got) is np.ndarray
    for got, expected in ((np.reshape(x, 4), a.reshape(4)), (np.transpose(x), a.T), (np.clip(x, 0, 2), a.clip(0, 2)), (np.squeeze(x[None], axis=0), a), (np.argmax(x), 1)):
        assert type(got) is torch.Tensor and got.tolist() == np.asarray(expected).tolist()
    assert np.allclose(x, a) and np.ndim(x) == 2 and np.shape(x) == (2, 2)
    with pytest.raises(RuntimeError, match="requires grad"):
        np.mean(x.requires_grad_())

    class Foreign:
        def __array_function__(self, func, types, args, kwargs):
            return sorted(kind.__name__ for kind in types)

    assert np.concatenate([x.detach(), Foreign()]) == ["Foreign", "Tensor"]


def test_dlpack_says_what_is_asked_for():
    x = torch.arange(3.0)
    shared, apart = np.from_dlpack(x), np.from_dlpack(x, device="cpu", copy=True)
    shared[0] = 7
    assert x[0] == 7 and apart[0] == 0 and apart.flags.writeable and np.from_dlpack(x, copy=False)[0] == 7
    for wishes, versioned in (({}, False), ({"max_version": (1, 0)}, True), ({"max_version": (1, 3)}, True), ({"max_version": (0, 8)}, False), ({"dl_device": (1, 0)}, False)):
        capsule = x.__dlpack__(**wishes)
        assert ("dltensor_versioned" in repr(capsule)) == versioned and torch.from_dlpack(capsule).data_ptr() == x.data_ptr()
    assert torch.from_dlpack(x.__dlpack__(copy=True)).data_ptr() != x.data_ptr() == torch.from_dlpack(x.__dlpack__(copy=False)).data_ptr()
    for wishes in ({"dl_device": (9, 0)}, {"dl_device": (2, 0), "copy": False}):
        with pytest.raises(BufferError, match=r"\(\d, 0\)"):
            x.__dlpack__(**wishes)

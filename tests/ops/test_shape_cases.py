"""Views and their history, changes of shape in place, sizes and strides that lie."""
import numpy as np
import pytest

import pyxtorch as torch

HUGE = 2**62


# ------------------------------------------------------------------------- sizes and strides that lie

@pytest.mark.parametrize("call", [
    lambda x: x.as_strided((5,), (1,)), lambda x: x.as_strided((2,), (1,), 3), lambda x: x.as_strided((2,), (1,), -1),
    lambda x: x.as_strided((2,), (-1,), 2), lambda x: x.as_strided((-1,), (1,)), lambda x: x.as_strided((2, 2), (1,)),
    lambda x: x.as_strided((2**40, 2**40), (1, 1)), lambda x: x.as_strided((2, 2), (HUGE, HUGE)), lambda x: x.as_strided((2,), (2**63 - 1,)),
    lambda x: x.as_strided((2**33, 2**33), (0, 2**31)), lambda x: x.as_strided((1,), (1,), HUGE), lambda x: x.as_strided_((5,), (1,)),
    lambda x: torch.as_strided_copy(x, (5,), (1,)), lambda x: x.as_strided_scatter(x[:1], (1,), (1,), 4),
    lambda x: x.view(HUGE, 4), lambda x: x.view(2**32, 2**32), lambda x: x.view(-1, HUGE), lambda x: x.view(3), lambda x: x.view(-1, -1),
    lambda x: x[:0].view(-1, 0), lambda x: x.unflatten(0, (2**32, 2**32)), lambda x: x.reshape(-2, -2),
    lambda x: x.expand(3), lambda x: x.expand(-1, 4, 4), lambda x: x[:1].expand(-2),
    lambda x: x.narrow(0, 1, 2**63 - 1), lambda x: x.narrow(0, 5, 0), lambda x: x.narrow(0, -5, 1), lambda x: x.narrow(0, 0, -1),
    lambda x: x.unfold(0, 5, 1), lambda x: x.unfold(0, 1, 0), lambda x: x.unfold(0, -1, 1),
    lambda x: x.split([HUGE, HUGE, 4]), lambda x: x.split([5, -1]), lambda x: x.split(-1), lambda x: x.chunk(0),
    lambda x: x.repeat(2**61), lambda x: x.repeat(2**40, 2**40), lambda x: x.repeat(-1), lambda x: x.repeat_interleave(HUGE),
    lambda x: torch.diag_embed(x, 2**40), lambda x: x.resize_(-1), lambda x: x.resize_(HUGE), lambda x: x.resize_(2**40, 2**40),
    lambda x: x.set_(torch.ones(2).untyped_storage(), 0, (1,), (-1,)),
    lambda x: torch.empty_strided((2,), (-1,)), lambda x: torch.empty(2**32, 2**32), lambda x: torch.full((HUGE,), 1.0),
    lambda x: torch.frombuffer(bytearray(8), dtype=torch.float32, count=HUGE), lambda x: torch.frombuffer(bytearray(8), dtype=torch.float32, offset=-4),
    lambda x: torch.arange(0, 1e30, 1e-3), lambda x: torch.linspace(0, 1, -1),
])
def test_geometry_outside_of_memory_is_refused(call):
    x = torch.arange(4.0)
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        call(x)
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_geometry_within_memory_is_accepted():
    x = torch.arange(4.0)
    assert x.as_strided((0, 5), (1, HUGE)).shape == (0, 5)
    assert x[2:].as_strided((4,), (1,), 0).tolist() == [0.0, 1.0, 2.0, 3.0]     # offsets count from the start of the storage
    assert x[:1].expand(2**40).shape == (2**40,) and x.unfold(0, 2, HUGE).shape == (1, 2)
    assert torch.zeros(2**40, 2**20, 0).shape == (2**40, 2**20, 0)
    assert [p.shape for p in x.split(HUGE)] == [(4,)]
    assert [p.tolist() for p in x.tensor_split([HUGE, -1])] == [x.tolist(), [], [3.0]]


def test_memory_that_is_not_its_own_does_not_grow():
    a = np.zeros(4, np.float32)
    for change in (lambda x: x.resize_(5), lambda x: torch.ones(5, out=x), lambda x: torch.add(torch.ones(5), 1, out=x)):
        with pytest.raises(RuntimeError, match="grow|not resizable"):
            change(torch.from_numpy(a))
    x = torch.from_numpy(a)
    x.resize_(2).fill_(1.0)
    assert a.tolist() == [1.0, 1.0, 0.0, 0.0]


# ------------------------------------------------------------------------------------- views

def test_views_see_changes_of_the_base_and_the_other_way_round():
    x = torch.zeros(2, 6)
    views = {
        "view": x.view(3, 4), "t": x.t(), "select": x[1], "slice": x[:, ::2], "unfold": x.unfold(1, 2, 2), "diagonal": x.diagonal(),
        "chunk": x.chunk(2, 1)[1], "unbind": x.unbind(0)[0], "hsplit": x.hsplit(3)[2], "real": x.real, "view_as_complex": torch.view_as_complex(x.view(6, 2)),
        "as_strided": x.as_strided((2, 2), (6, 1), 1), "atleast_3d": torch.atleast_3d(x), "detach": x.detach(), "dtype": x.view(torch.int32),
    }
    for name, view in views.items():
        before = x._version
        view.fill_(7)
        assert x._version == before + 1 == view._version, name
        assert x.count_nonzero() == (view.numel() if name != "view_as_complex" else 6), name
        x.zero_()
        assert not view.any(), name


def test_copies_of_views_are_copies():
    x = torch.arange(12.0).reshape(3, 4).requires_grad_()
    z = torch.ones(3, dtype=torch.complex64)
    pairs = [
        (torch.expand_copy(x[:, :1], (3, 2)), x[:, :1].expand(3, 2)), (torch.permute_copy(x, (1, 0)), x.permute(1, 0)),
        (torch.squeeze_copy(x[:1]), x[:1].squeeze()), (torch.t_copy(x), x.t()), (torch.transpose_copy(x, 0, 1), x.transpose(0, 1)),
        (torch.unsqueeze_copy(x, 1), x.unsqueeze(1)), (torch.view_copy(x, (4, 3)), x.view(4, 3)), (torch.narrow_copy(x, 1, 1, 2), x.narrow(1, 1, 2)),
        (torch.as_strided_copy(x, (2,), (3,)), x.as_strided((2,), (3,))), (torch.diagonal_copy(x), x.diagonal()), (torch.select_copy(x, 0, 1), x.select(0, 1)),
        (torch.unfold_copy(x, 1, 2, 2), x.unfold(1, 2, 2)), (torch.alias_copy(x), x), (torch.detach_copy(x), x.detach()),
        (torch.view_as_real_copy(z), torch.view_as_real(z)), (torch.view_as_complex_copy(torch.ones(3, 2)), torch.view_as_complex(torch.ones(3, 2))),
        *zip(torch.split_copy(x, 2), x.split(2)), *zip(torch.split_with_sizes_copy(x, [1, 2]), x.split([1, 2])), *zip(torch.unbind_copy(x, 1), x.unbind(1)),
    ]
    for copy, view in pairs:
        assert copy.tolist() == view.tolist() and copy.is_contiguous()
        assert copy.untyped_storage().data_ptr() not in (x.untyped_storage().data_ptr(), z.untyped_storage().data_ptr())
        assert copy.requires_grad == view.requires_grad
    outs = torch.empty(4), torch.empty(4), torch.empty(4)
    assert torch.unbind_copy(x.detach(), out=outs) is None and outs[2].tolist() == [8.0, 9.0, 10.0, 11.0]


def test_as_strided_gradient_counts_elements_seen_twice():
    x = torch.arange(5.0, requires_grad=True)
    windows = x.as_strided((3, 3), (1, 1))
    (windows * torch.arange(9.0).reshape(3, 3)).sum().backward()
    assert x.grad.tolist() == [0.0, 1 + 3, 2 + 4 + 6, 5 + 7, 8]


def test_a_base_changed_through_a_view_after_it_was_saved():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y[0:1].add_(1)
    with pytest.raises(RuntimeError, match="in place|inplace"):
        z.sum().backward()


# --------------------------------------------------------------------- changes of shape, in place

@pytest.mark.parametrize("name, args", [
    ("t", ()), ("transpose", (0, 1)), ("swapaxes", (0, -1)), ("swapdims", (1, 0)), ("squeeze", ()), ("unsqueeze", (1,)), ("as_strided", ((2, 2), (1, 2))),
])
def test_changes_of_shape_in_place(name, args):
    base = torch.arange(6.0).reshape(3, 2)
    x = base.clone()
    memory, version = x.data_ptr(), x._version
    expected = getattr(base, name)(*args)
    assert getattr(x, f"{name}_")(*args) is x
    assert x.shape == expected.shape and x.stride() == expected.stride() and x.tolist() == expected.tolist()
    assert x.data_ptr() == memory and x._version == version + 1
    leaf = base.clone().requires_grad_()
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(leaf, f"{name}_")(*args)
    weight = torch.rand(expected.shape)
    changed = leaf * 1
    (getattr(changed, f"{name}_")(*args) * weight).sum().backward()
    plain = base.clone().requires_grad_()
    (getattr(plain, name)(*args) * weight).sum().backward()
    assert leaf.grad.tolist() == plain.grad.tolist()


def test_changes_after_a_change_of_shape_keep_the_history():
    leaf = torch.arange(6.0).reshape(2, 3).requires_grad_()
    x = leaf * 2
    view = x[0]
    x.t_()
    x.mul_(3)
    assert view.tolist() == [0.0, 6.0, 12.0]
    (x[0].sum() + view.sum()).backward()
    assert leaf.grad.tolist() == [[12.0, 6.0, 6.0], [6.0, 0.0, 0.0]]


# ------------------------------------------------------------------------------- joining, diagonals

def test_fill_diagonal():
    for shape in ((3, 4), (7, 3), (4, 3), (3, 3, 3)):
        for wrap in (False, True):
            a, x = np.zeros(shape), torch.zeros(shape, dtype=torch.float64)
            np.fill_diagonal(a, 5, wrap)
            assert x.fill_diagonal_(5, wrap).tolist() == a.tolist(), (shape, wrap)
    with pytest.raises(RuntimeError, match="equal length"):
        torch.zeros(2, 3, 2).fill_diagonal_(1)


def test_block_diag_and_combinations_have_gradients():
    a, b = torch.ones(2, 1, requires_grad=True), torch.ones(3, requires_grad=True)
    y = torch.block_diag(a, torch.tensor(2), b)
    assert y.shape == (4, 5) and y.sum().item() == 7.0
    (y * torch.arange(20.0).reshape(4, 5)).sum().backward()
    assert a.grad.tolist() == [[0.0], [5.0]] and b.grad.tolist() == [17.0, 18.0, 19.0]
    x = torch.arange(3.0, requires_grad=True)
    torch.combinations(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    assert torch.combinations(x, 5).shape == (0, 5) and torch.combinations(x, 0).shape == (0,)


@pytest.mark.parametrize("wrong", [
    lambda: torch.hsplit(torch.ones(3), 2), lambda: torch.hsplit(torch.ones(3), 0), lambda: torch.hsplit(torch.tensor(1), 1), lambda: torch.vsplit(torch.ones(3), 1),
    lambda: torch.hstack([]), lambda: torch.meshgrid(torch.ones(2, 2)), lambda: torch.meshgrid(torch.ones(2), torch.ones(2).double()),
    lambda: torch.meshgrid(torch.ones(2), indexing="ab"), lambda: torch.combinations(torch.ones(2, 2)), lambda: torch.cartesian_prod(torch.ones(2, 2)),
    lambda: torch.block_diag(torch.ones(1, 1, 1)), lambda: torch.diag(torch.ones(1, 1, 1)), lambda: torch.trace(torch.ones(2)), lambda: torch.rot90(torch.ones(2, 2), 1, (0, 0)),
    lambda: torch.diag_embed(torch.ones(2), 0, 1, 1), lambda: torch.fliplr(torch.ones(2)), lambda: torch.flipud(torch.tensor(1)), lambda: torch.roll(torch.tensor(1), 1, 0),
])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises((RuntimeError, IndexError)):
        wrong()


def test_a_single_tensor_is_no_sequence():
    for function in (torch.hstack, torch.vstack, torch.dstack, torch.column_stack, torch.cat):
        with pytest.raises(TypeError, match="tuple of Tensors"):
            function(torch.ones(2, 2))


def test_overlapping_windows_of_half_precision_are_added_in_float32():
    """Rounded once, not after each of the windows that an element is in."""
    x = torch.zeros(64, dtype=torch.float16, requires_grad=True)
    g = torch.linspace(0.5, 1.5, 33 * 32, dtype=torch.float64).reshape(33, 32).to(torch.float16)
    x.unfold(0, 32, 1).backward(g)
    exact = torch.zeros(64, dtype=torch.float64, requires_grad=True)
    exact.unfold(0, 32, 1).backward(g.double())
    assert torch.equal(x.grad, exact.grad.to(torch.float16))


def test_combinations_that_cannot_be_laid_out():
    with pytest.raises(RuntimeError, match="118264581564861424 combinations of 30 out of 60"):
        torch.combinations(torch.arange(60), 30)
    assert torch.combinations(torch.arange(60), 60).shape == (1, 60)
    assert torch.combinations(torch.arange(0), 2, True).shape == (0, 2)


def test_split_by_the_names_of_function_and_method():
    x = torch.arange(6)
    for parts in (torch.split(x, split_size_or_sections=4), x.split(split_size=4), x.split(4), x.split(split_size=[4, 2], dim=0)):
        assert [p.tolist() for p in parts] == [[0, 1, 2, 3], [4, 5]]
    for arguments in ({}, {"split_size": 2, "split_size_or_sections": 2}):
        with pytest.raises(TypeError, match="one of"):
            x.split(**arguments)

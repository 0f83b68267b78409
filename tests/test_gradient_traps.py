"""The table of docs/gradients.md: each row is computed anew, in reverse, in second order and forward."""
import math
import re
import sys
from pathlib import Path

import pytest

import pyxtorch

sys.path.insert(0, str(Path(__file__).parent))
from gradient_traps import ROWS, measured, text_of  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")      # of std of one element, and of what PyTorch does in forward mode
PAGE = Path(__file__).resolve().parent.parent / "docs" / "gradients.md"
# Where the derivative itself is infinite or does not exist: which of (reverse, second, forward) is not finite.
SINGULAR = {
    "sqrt at 0": (True, True, True),
    "nuclear norm at 0": (False, True, False),
    "eigvalsh, equal eigenvalues": (False, True, False),
    "svdvals, equal values": (False, True, False),
}


@pytest.mark.parametrize("name, function, point", ROWS, ids=[row[0] for row in ROWS])
def test_no_gradient_is_lost(name, function, point):
    found = measured(pyxtorch, function, point)
    for value, singular in zip(found, SINGULAR.get(name, (False,) * 3)):
        assert not isinstance(value, str), value
        assert all(map(math.isfinite, value)) is not singular, found


@pytest.mark.parametrize("name, function, point", [row for row in ROWS if row[0] not in SINGULAR], ids=[row[0] for row in ROWS if row[0] not in SINGULAR])
def test_forward_and_reverse_agree(name, function, point):
    reverse, _, forward = measured(pyxtorch, function, point)
    assert forward[0] == pytest.approx(sum(i * g for i, g in enumerate(reverse, 1)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name, function, point", [row for row in ROWS if row[0].startswith(("where", "masked"))], ids=lambda value: value if isinstance(value, str) else "")
def test_a_mask_gives_what_the_unmasked_elements_alone_give(name, function, point):
    """Elements that the mask leaves out change nothing, and get nothing."""
    if "norm" in name or "std" in name or "softmax" in name:
        pytest.skip("its elements depend on each other")
    whole, alone = measured(pyxtorch, function, point), measured(pyxtorch, function, point[:1])
    for a, b in zip(whole, alone):
        assert a[:1] == pytest.approx(b[:1]) and not any(a[1:]), (whole, alone)


def table():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.M)
    return {row[0]: row[1:] for row in rows}


@pytest.mark.skipif(not PAGE.exists(), reason="the sources are not beside the tests")
@pytest.mark.parametrize("name, function, point", ROWS, ids=[row[0] for row in ROWS])
def test_the_page_says_so(name, function, point):
    assert table()[name][2] == text_of(measured(pyxtorch, function, point))


@pytest.mark.skipif(not PAGE.exists(), reason="the sources are not beside the tests")
@pytest.mark.parametrize("name, function, point", ROWS, ids=[row[0] for row in ROWS])
def test_pytorch_gives_what_the_page_says(name, function, point):
    torch = pytest.importorskip("torch")
    assert table()[name][1] == text_of(measured(torch, function, point))

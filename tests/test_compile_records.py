"""Every record's operation, recorded with one set of inputs and replayed with another: all bits as eager, gradients too, or eager with a reason."""
import importlib.util
import os
import re
import warnings
from collections import Counter
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch import _recorder
from pyxtorch._compiled import Compiled
from pyxtorch.testing.operations import replaced, results_of, tensors_of

counts = Counter()


def _every_op():
    spec = importlib.util.spec_from_file_location("_every_op", Path(__file__).parent / "test_every_op.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OPS = _every_op().OPS
# In CI every 6th record; all of them with PYXTORCH_COMPILE_RECORDS=1.
CHOSEN = OPS if os.environ.get("PYXTORCH_COMPILE_RECORDS") else OPS[::6]


def whole(function, args, kwargs):
    """Results and, where there are any, gradients of an operation on copies of its arguments."""
    given = tensors_of(args, kwargs)
    leaves = [x.detach().clone() for x in given]
    for x in leaves:
        if x.dtype.is_floating_point:
            x.requires_grad_()
    a, k = replaced(args, kwargs, [x * 1 if x.requires_grad else x for x in leaves])
    outs = results_of(function(*a, **k))
    wanted = [x for x in leaves if x.requires_grad]
    losses = [(y * y).sum() for y in outs if y.requires_grad and y.dtype.is_floating_point]
    grads = torch.autograd.grad(sum(losses), wanted, allow_unused=True) if losses else ()
    return [y.detach().clone() for y in outs], [g for g in grads if g is not None]


def bits(results):
    return [[(tuple(x.shape), x.dtype, x.contiguous().view(torch.uint8).numpy().tobytes() if x.dim() else x.reshape(1).view(torch.uint8).numpy().tobytes())
             for x in group] for group in results]  # fmt: skip


def other_inputs(op, sample, args, kwargs):
    """Arguments of the same signature with other elements, where the operation takes them."""
    tensors = tensors_of(args, kwargs)
    others = [torch.roll(x, 1, None) if x.numel() > 1 else x.clone() for x in tensors]
    others = [x * 0.75 if x.dtype.is_floating_point else x for x in others]
    return replaced(args, kwargs, [x if x.stride() == y.stride() else y.clone() for x, y in zip(others, tensors, strict=True)])


@pytest.mark.parametrize("op", CHOSEN, ids=[op.name for op in CHOSEN])
def test_record(op):
    warnings.simplefilter("ignore")
    for sample in op.samples[:3]:
        try:
            args, kwargs = op.make(sample, torch.float32)
            torch.manual_seed(3)
            whole(op.function, args, kwargs)
            a, k = other_inputs(op, sample, args, kwargs)
            whole(op.function, a, k)
        except Exception:
            continue  # not for float32, or not for other elements: nothing to compare
        if any(x.requires_grad for x in tensors_of(args, kwargs)):
            args, kwargs = replaced(args, kwargs, [x.detach() for x in tensors_of(args, kwargs)])
        a, k = other_inputs(op, sample, args, kwargs)
        f = Compiled(whole)
        for turn, (x, y) in enumerate([(args, kwargs), (args, kwargs), (args, kwargs), (a, k), (args, kwargs), (a, k)]):
            torch.manual_seed(turn)
            expected = bits(whole(op.function, x, y))
            state = torch.get_rng_state().tolist()
            torch.manual_seed(turn)
            found = bits(f(op.function, x, y))
            assert found == expected, (op.name, sample, turn, f.explain())
            assert torch.get_rng_state().tolist() == state, (op.name, "the generator")
        reasons = [s.reason for s in f.signatures.values() if s.eager]
        assert f.counts["replayed"] or reasons or f.counts["eager"], (op.name, f.explain())
        counts["replayed" if f.counts["replayed"] else "eager"] += 1
        if reasons:
            counts[re.sub(r"[\d]+|\(.*", "", reasons[0])[:110]] += 1


def test_counts():
    """Last: most records are replayed (printed by hand with -s)."""
    print(dict(counts.most_common()))
    if len(counts) > 1:
        assert counts["replayed"] > counts["eager"]


def test_every_entry_is_known():
    """Each entry of each table of kernels is recorded, refused, or of no effect."""
    include = Path(torch.get_include()) / "pyxtorch"
    text = (include / "recorder.h").read_text()
    pure = {"elementwise": {"formula", "result_dtype", "loop"}, "optim": {"find", "name", "scalars"}, "reduce": {"find", "name", "dtypes"}, "random": {"blocks", "words"}}
    for family in _recorder.FAMILIES:
        header = (include / f"kernels/{family}.h").read_text()
        table = header[header.rindex("typedef struct"):]
        entries = set(re.findall(r"\(\*(\w+)\)\(", table))
        part = re.search(rf"PYX_FAMILY\({family}\)(.*?)PYX_END", text, re.S)[1]
        known = set(re.findall(r"PYX_(?:R|NO)\(K, (\w+)\)", part)) | pure.get(family, set())
        assert entries == known, family
    assert {p.stem for p in (include / "kernels").glob("*.h")} == set(_recorder.FAMILIES)

"""Checkpoints, pickles and copies of tensors on a GPU."""
import copy
import io
import pickle

import pyxtorch as torch


def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file


def test_save_and_load():
    x = torch.arange(12.0).reshape(3, 4)
    g = x.cuda()
    loaded = torch.load(saved([g, g.t(), x]))
    assert [y.device.type for y in loaded] == ["cuda", "cuda", "cpu"] and loaded[1].stride() == (1, 4)
    assert torch.equal(loaded[0].cpu(), x) and torch.equal(loaded[1].cpu(), x.t())
    loaded[0].zero_()
    assert loaded[1].cpu().sum() == 0 and loaded[2].sum() == 66
    for where in ("cpu", {"cuda:0": "cpu"}, lambda storage, location: storage):
        back = torch.load(saved(g), map_location=where)
        assert back.device.type == "cpu" and torch.equal(back, x)
    there = torch.load(saved(x), map_location="cuda")
    assert there.is_cuda and torch.equal(there.cpu(), x)


def test_pickle_and_deepcopy():
    x = torch.arange(6.0).reshape(2, 3)
    g = x.cuda().requires_grad_(True)
    for protocol in (2, 5):
        y = pickle.loads(pickle.dumps(g, protocol))
        assert y.is_cuda and y.requires_grad and torch.equal(y.detach().cpu(), x)
    twin = copy.deepcopy(g)
    assert twin.is_cuda and twin.requires_grad and torch.equal(twin.detach().cpu(), x)

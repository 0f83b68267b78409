"""Batches that come from workers by shared memory: nothing that is still looked at is overwritten."""
import os
import signal

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.utils.data import DataLoader, Dataset
from pyxtorch.utils.data import worker as worker_module

pytestmark = pytest.mark.timeout(120)


class Blocks(Dataset):
    """Sample i: a tensor and an array full of i, and a number."""

    def __init__(self, count, size=20_000):
        self.count, self.size = count, size

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return {"x": torch.full((self.size,), float(i)), "a": np.full(self.size // 2, i), "i": i}


def right(batch, first, n=2):
    return all((batch["x"][k] == first + k).all() and (batch["a"][k] == first + k).all() and batch["i"][k] == first + k for k in range(n))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_batches_are_shared_and_those_that_are_held_stay(workers, method):
    loader = DataLoader(Blocks(60), batch_size=2, num_workers=workers, persistent_workers=True, multiprocessing_context=method)
    held = list(loader)
    assert len(held) == 30 and held[0]["x"].is_shared()
    assert all(right(batch, 2 * k) for k, batch in enumerate(held))
    views = [batch["x"][1, ::7].numpy() for batch in held]
    del held
    for _ in range(2):
        for k, batch in enumerate(loader):
            assert right(batch, 2 * k)
    assert all((view == 2 * k + 1).all() for k, view in enumerate(views))


def test_slots_are_used_again():
    loader = DataLoader(Blocks(200), batch_size=2, num_workers=1)
    addresses = set()
    iterator = iter(loader)
    for k, batch in enumerate(iterator):
        assert right(batch, 2 * k)
        addresses.add(batch["x"].data_ptr())
    assert len(addresses) <= worker_module._SLOTS and len(iterator._workers[0]._slots) <= worker_module._SLOTS


def test_small_batches_and_batches_of_many_sizes():
    class Growing(Blocks):
        def __getitem__(self, i):
            return torch.full((1 + (i * 7919) % 50_000,), float(i))

    for k, batch in enumerate(DataLoader(Growing(80), batch_size=None, num_workers=2)):
        assert (batch == k).all() and len(batch) == 1 + (k * 7919) % 50_000
        assert batch.is_shared() == (4 * len(batch) >= worker_module._SMALL) or not batch.is_shared()


def test_what_a_forked_process_or_another_one_was_given_is_not_overwritten():
    import pyxtorch.multiprocessing as mp

    queue, results = mp.SimpleQueue(), os.pipe()
    iterator = iter(DataLoader(Blocks(100), batch_size=2, num_workers=1))
    first = next(iterator)
    pid = os.fork()
    if pid == 0:
        os.read(results[0], 1)  # until the parent has gone through all batches
        os._exit(0 if right(first, 0) else 1)
    second = next(iterator)
    queue.put(second["x"])
    del first, second
    for k, batch in enumerate(iterator):
        assert right(batch, 4 + 2 * k)
    os.write(results[1], b"1")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    x = queue.get()
    assert (x[0] == 2).all() and (x[1] == 3).all()


def test_worker_that_is_killed_leaves_its_batches():
    iterator = iter(DataLoader(Blocks(100), batch_size=2, num_workers=1))
    batch = next(iterator)
    os.kill(iterator._workers[0].process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="exited unexpectedly .killed by signal 9."):
        list(iterator)
    assert right(batch, 0) and not iterator._workers[0].close.alive


def test_without_memory_for_a_slot_the_pipe_is_used(monkeypatch):
    def none(nbytes):
        raise torch.OutOfMemoryError("none left")

    monkeypatch.setattr(worker_module._memory, "make_segment", none)
    for k, batch in enumerate(DataLoader(Blocks(20), batch_size=2, num_workers=2, multiprocessing_context="fork")):
        assert right(batch, 2 * k) and not batch["x"].is_shared()

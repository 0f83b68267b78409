"""pyxtorch.multiprocessing: tensors in several processes, the same memory behind them; and what happens when one of those ends."""
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import pyxtorch as torch
import pyxtorch.multiprocessing as mp
from pyxtorch.ops import _memory

pytestmark = [pytest.mark.timeout(180), pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfd_create")]
METHODS = ["fork", "spawn"]


@pytest.fixture(params=METHODS)
def context(request):
    return mp.get_context(request.param)


def finish(*processes):
    for process in processes:
        process.join(60)
        assert process.exitcode == 0


def shared_bytes():
    """Bytes of segments that this process maps."""
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps if "memfd:pyxtorch" in line]
    return sum(int(line[0].split("-")[1], 16) - int(line[0].split("-")[0], 16) for line in lines)


# ------------------------------------------------------------------------------ the same memory

def change(queue, back):
    for x in queue.get():
        assert x.is_shared()
        x.add_(1)
    back.put("done")


def test_queue_shares_memory(context):
    queue, back = context.Queue(), context.SimpleQueue()
    x, large = torch.zeros(5), torch.zeros(600_000)
    process = context.Process(target=change, args=(queue, back))
    process.start()
    queue.put([x, large])
    assert back.get() == "done"
    assert x.tolist() == [1] * 5 and large.sum() == 600_000 and x.is_shared() and large.is_shared()
    finish(process)


def views(queue, back):
    a, b, c = queue.get()
    assert a.untyped_storage() is b.untyped_storage() is c.untyped_storage()
    assert (a.shape, b.stride(), b.storage_offset(), c.dtype) == ((4, 4), (1, 4), 1, torch.int32)
    a.fill_(7)
    assert (b == 7).all() and c[0] == torch.tensor([7.0]).view(torch.int32)
    back.put(b)


def test_views_stay_views_of_one_storage(context):
    queue, back = context.Queue(), context.Queue()
    a = torch.zeros(4, 4)
    b, c = a.t()[1:], a.view(-1).view(torch.int32)
    process = context.Process(target=views, args=(queue, back))
    process.start()
    queue.put((a, b, c))
    again = back.get()
    assert again.untyped_storage() is a.untyped_storage() and again.data_ptr() == b.data_ptr()  # it came home
    assert (a == 7).all()
    finish(process)


class Marked(torch.Tensor):
    pass


def kinds(queue, back):
    parameter, buffer, leaf, marked, empty, scalar, meta, untyped, typed, big = queue.get()
    assert type(parameter) is torch.nn.Parameter and parameter.requires_grad and parameter.grad is None and parameter.note == "kept"
    assert type(buffer) is torch.nn.Buffer and not buffer.persistent
    assert type(leaf) is torch.Tensor and leaf.requires_grad and leaf.is_leaf
    assert type(marked) is Marked and marked.tolist() == [1, 1]
    assert empty.shape == (0, 3) and scalar.item() == 5 and scalar.dtype == torch.int64
    assert meta.is_meta and meta.shape == (2, 3)
    assert untyped.tolist() == [1, 2, 3] and typed.tolist() == [1.5, 2.5] and typed.dtype == torch.float64 and typed.is_shared()
    assert big.shape == (3, 4) and big.stride() == (0, 1)
    back.put("done")


def test_kinds_of_tensors_and_storages(context):
    queue, back = context.Queue(), context.Queue()
    process = context.Process(target=kinds, args=(queue, back))
    process.start()
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.note = "kept"
    parameter.grad = torch.ones(2)
    queue.put((
        parameter, torch.nn.Buffer(torch.ones(2), persistent=False), torch.ones(2, requires_grad=True), torch.ones(2).as_subclass(Marked),
        torch.empty(0, 3), torch.tensor(5), torch.empty(2, 3, device="meta"), torch.UntypedStorage([1, 2, 3]), torch.DoubleStorage([1.5, 2.5]),
        torch.ones(4).expand(3, 4),
    ))
    assert back.get() == "done"
    finish(process)


def test_part_of_a_graph_is_refused(context):
    x = torch.ones(3, requires_grad=True) * 2
    for put in (context.Queue().put, context.SimpleQueue().put, context.Pipe()[0].send):
        with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which requires_grad"):
            put(x)


def pipe_end(end):
    while (x := end.recv()) is not None:
        end.send(x.mul_(2))


def test_pipe_and_its_ends_as_arguments(context):
    mine, yours = context.Pipe()
    process = context.Process(target=pipe_end, args=(yours,))
    process.start()
    yours.close()
    x = torch.ones(3)
    for expected in (2, 4):
        mine.send(x)
        assert mine.recv().untyped_storage() is x.untyped_storage() and x.tolist() == [expected] * 3
    mine.send(None)
    finish(process)
    with pytest.raises((EOFError, OSError)):
        mine.recv()


def fill(i, x, model, barrier):
    barrier.wait()
    x[i] = i + 1
    with torch.no_grad():
        model.weight[i] += 1


def test_arguments_of_processes(context):
    x, model = torch.zeros(3), torch.nn.Linear(4, 3).share_memory()
    before, barrier = model.weight.detach().clone(), context.Barrier(3)
    if context.get_start_method() == "fork":
        x.share_memory_()  # nothing is pickled there
    processes = [context.Process(target=fill, args=(i, x, model, barrier)) for i in range(3)]
    for process in processes:
        process.start()
    finish(*processes)
    assert x.tolist() == [1, 2, 3] and torch.equal(model.weight, before + 1)


def double(x):
    return x.mul_(2), x.sum()


def pid(_):
    time.sleep(0.05)
    return os.getpid()


def test_pool_shares_memory(context):
    x = torch.ones(3, 2).share_memory_()
    with context.Pool(2) as pool:
        results = pool.map(double, list(x))
        assert x.tolist() == [[2, 2]] * 3 and all(r.untyped_storage() is x.untyped_storage() for r, _ in results)
        assert [total.item() for _, total in results] == [4] * 3
        assert len(set(pool.map(pid, range(8), 1))) == 2
        assert sum(t.item() for t in pool.imap_unordered(torch.sum, [torch.ones(2)] * 4)) == 8


def through_manager(shared, queue):
    shared["x"].add_(1)
    queue.put(shared["x"])


def test_manager(context):
    with context.Manager() as manager:
        shared, queue, x = manager.dict(), manager.Queue(), torch.zeros(3)
        shared["x"] = x
        process = context.Process(target=through_manager, args=(shared, queue))
        process.start()
        assert queue.get().untyped_storage() is x.untyped_storage() and x.tolist() == [1] * 3
        finish(process)


def test_pythons_own_queue():
    import multiprocessing

    queue, x = multiprocessing.get_context("fork").Queue(), torch.zeros(3)
    queue.put(x)
    assert queue.get(timeout=30).untyped_storage() is x.untyped_storage()


def many(queue, back):
    got = [queue.get() for _ in range(400)]
    back.put(sum(x.sum().item() for x in got))
    back.put(len(os.listdir("/proc/self/fd")))


def test_many_messages_need_few_descriptors(context):
    queue, back = context.Queue(), context.Queue()
    process = context.Process(target=many, args=(queue, back))
    process.start()
    kept = [torch.full((100,), float(i)) for i in range(400)]
    for x in kept:
        queue.put(x)
    assert back.get() == sum(range(400)) * 100
    assert back.get() < 100 and len(os.listdir("/proc/self/fd")) < 100
    finish(process)


def test_one_message_of_many_segments():
    a, b = mp.Pipe()
    tensors = [torch.full((300_000,), float(i)) for i in range(300)]  # each has a segment of its own at first
    sender = threading.Thread(target=a.send, args=(tensors,))
    sender.start()
    assert [x[0].item() for x in b.recv()] == list(range(300))
    sender.join()


@pytest.mark.parametrize("strategy", ["file_descriptor", "file_system"])
def test_strategies(strategy, context):
    assert mp.get_all_sharing_strategies() == {"file_descriptor", "file_system"} and mp.get_sharing_strategy() == "file_descriptor"
    with pytest.raises(AssertionError, match="invalid sharing strategy 'foo'"):
        mp.set_sharing_strategy("foo")
    mp.set_sharing_strategy(strategy)
    try:
        test_queue_shares_memory(context)
    finally:
        mp.set_sharing_strategy("file_descriptor")


def test_names_of_torch():
    theirs = pytest.importorskip("torch").multiprocessing
    assert set(theirs.__all__) <= set(mp.__all__) and all(hasattr(mp, name) for name in theirs.__all__)
    assert all(hasattr(mp.get_context("spawn"), name) for name in dir(theirs.get_context("spawn")))


# ------------------------------------------------------------------------------- share_memory_

def test_share_memory_moves_the_storage_with_all_tensors_on_it():
    import numpy

    x = torch.arange(6.0)
    y, twin, same = x[2:], x.data, x.untyped_storage()
    assert not y.is_shared() and x.share_memory_() is x
    assert all(t.is_shared() and t.untyped_storage() is same for t in (x, y, twin)) and same.is_shared() and x.storage().is_shared()
    x[3] = 10
    assert y.tolist() == [2, 10, 4, 5] and twin[3] == 10 and x.tolist() == [0, 1, 2, 10, 4, 5]
    array = numpy.ones(3)
    z = torch.from_numpy(array)
    z.share_memory_().add_(1)
    assert array.tolist() == [1] * 3 and z.tolist() == [2] * 3  # the array stays where it was
    lent = torch.ones(3)
    array = lent.numpy()
    lent.share_memory_().add_(1)
    assert array.tolist() == [1] * 3 and lent.tolist() == [2] * 3


def test_module_share_memory_with_gradients():
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    module[0].weight.requires_grad_(False)
    module(torch.rand(3, 2)).sum().backward()
    assert module.share_memory() is module
    assert all(p.is_shared() and (p.grad is None or p.grad.is_shared()) for p in module.parameters())
    assert all(b.is_shared() for b in module.buffers())


def test_share_memory_of_meta_and_of_nothing():
    with pytest.raises(RuntimeError, match="_share_fd_: only available on CPU"):
        torch.ones(3, device="meta").share_memory_()
    assert torch.ones(0).share_memory_().is_shared() and not torch.ones(3, device="meta").is_shared()


def test_saved_tensors_survive_the_move():
    w = torch.ones(3, requires_grad=True)
    x = torch.arange(3.0)
    y = (w * x).sum()
    x.share_memory_()
    y.backward()
    assert w.grad.tolist() == [0, 1, 2]
    y = (w * x).sum()
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def hogwild(model, seed, x, y):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(100):
        rows = torch.randint(0, len(x), (16,))
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimiser.step()


def test_hogwild(context):
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = x @ torch.tensor([[1.0], [-2.0], [3.0], [0.5]])
    model = torch.nn.Linear(4, 1).share_memory()
    processes = [context.Process(target=hogwild, args=(model, seed, x, y)) for seed in range(3)]
    for process in processes:
        process.start()
    finish(*processes)
    assert torch.nn.functional.mse_loss(model(x), y) < 1e-2 and model.weight.grad is None


# ---------------------------------------------------------------------------------- endings

def fail(i, how):
    if i == 1:
        if how == "raise":
            raise ValueError("on purpose")
        if how == "exit":
            os._exit(7)
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["raise", "exit", "kill"])
def test_failures_of_processes_that_were_spawned(how, method):
    start = time.monotonic()
    with pytest.raises(Exception) as caught:
        mp.start_processes(fail, (how,), nprocs=2, start_method=method)
    error = caught.value
    assert error.error_index == 1 and error.pid > 0 and time.monotonic() - start < 40
    if how == "raise":
        assert type(error) is mp.ProcessRaisedException and "-- Process 1 terminated with the following error" in str(error)
        assert "ValueError: on purpose" in str(error) and "Traceback" in str(error)
    else:
        code, name = (7, None) if how == "exit" else (-9, "SIGKILL")
        assert type(error) is mp.ProcessExitedException and (error.exit_code, error.signal_name) == (code, name)
        import pickle

        assert pickle.loads(pickle.dumps(error)).exit_code == code


def write(i, x):
    x[i] = i


def test_spawn_and_its_context():
    x = torch.full((3,), -1.0)
    assert mp.spawn(write, (x,), nprocs=3) is None and x.tolist() == [0, 1, 2]
    started = mp.spawn(write, (x.zero_(),), nprocs=2, join=False)
    assert isinstance(started, mp.SpawnContext) and len(started.pids()) == 2
    while not started.join(timeout=0.5):
        pass
    assert x.tolist() == [0, 1, 0]
    with pytest.warns(FutureWarning, match="only supports start_method=spawn"):
        mp.spawn(write, (x,), nprocs=1, start_method="fork")


def killed(i):
    if i == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return i


def test_pool_with_a_dead_worker_is_an_error(context):
    with context.Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
        result = pool.map_async(killed, range(20), 1)
        with pytest.raises(RuntimeError, match="exited unexpectedly .killed by signal 9."):
            result.get(60)
        with pytest.raises(RuntimeError, match="the pool is broken"):
            pool.apply(abs, (1,))
    with context.Pool(1) as pool, pytest.raises(RuntimeError, match="exited unexpectedly"):
        for _ in pool.imap(killed, range(3, 6)):
            pass


def test_a_dead_worker_is_noticed_after_it_was_replaced(context, monkeypatch):
    wait = multiprocessing.connection.wait

    def late(*args):
        ready = wait(*args)
        time.sleep(0.5)
        return ready

    monkeypatch.setattr(multiprocessing.connection, "wait", late)
    with context.Pool(1) as pool, pytest.raises(RuntimeError, match="exited unexpectedly"):
        pool.map_async(killed, range(3, 6), 1).get(60)


def hold(queue, ready):
    kept = queue.get()
    ready.put(len(kept))
    time.sleep(60)


@pytest.mark.parametrize("when", ["with the message", "without it"])
def test_receiver_that_is_killed_leaves_nothing_behind(context, when):
    before = shared_bytes()
    queue, ready = context.Queue(), context.Queue()
    process = context.Process(target=hold, args=(queue, ready))
    process.start()
    queue.put([torch.ones(2_000_000)])
    if when == "with the message":
        assert ready.get() == 1
    else:
        time.sleep(0.2)
    process.kill()
    process.join(30)
    queue.close()
    queue.join_thread()
    del queue
    assert shared_bytes() - before < 8_000_000


def test_killed_sender_leaves_nothing_behind():
    """Its memory has no name, and what it had sent stays as long as it is used."""
    code = """
import os, signal, sys
import pyxtorch as torch, pyxtorch.multiprocessing as mp
def child(end):
    x = torch.ones(1_000_000).share_memory_()
    end.send(x)
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    mine, yours = mp.Pipe()
    process = mp.get_context("fork").Process(target=child, args=(yours,))
    process.start()
    x = mine.recv()
    process.join()
    print(process.exitcode, x.sum().item(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    shm = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "-9 1000000.0\n" and done.returncode == -9, done.stderr
    left = set(os.listdir("/dev/shm")) - shm if os.path.isdir("/dev/shm") else set()
    assert not [name for name in left if "torch" in name]


def test_memory_is_given_back():
    before = shared_bytes()
    for _ in range(20):
        torch.ones(1_000_000).share_memory_()
    assert shared_bytes() - before < 8_000_000
    queue = mp.SimpleQueue()
    for _ in range(20):
        queue.put(torch.ones(1_000_000))
        queue.get()
    assert shared_bytes() - before < 8_000_000


def test_forked_processes_do_not_share_places():
    x = torch.ones(10).share_memory_()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        y = torch.zeros(10).share_memory_()  # from the child's own segment
        os.write(writer, b"1")
        time.sleep(0.5)
        os._exit(0 if (y == 0).all() and (x == 1).all() else 1)
    os.read(reader, 1)
    z = torch.full((10,), 5.0).share_memory_()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0 and (z == 5).all()


def test_handles_are_checked():
    segment, offset, nbytes = _memory.place_of(torch.ones(4).share_memory_().untyped_storage())
    for wrong in ((offset, segment.nbytes), (-1, 4), (segment.nbytes, 1), (0, -1), (2**62, 2**62)):
        with pytest.raises(RuntimeError, match="are not all in a segment"):
            _memory.storage_at(segment, *wrong)
    assert _memory.storage_at(segment, offset, nbytes).nbytes() == 16


def test_threads_that_compute_while_memory_moves():
    x = torch.ones(200_000)
    errors = []

    def compute():
        for _ in range(50):
            if (x + 1).sum().item() != 400_000:
                errors.append("wrong")

    threads = [threading.Thread(target=compute) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        x.share_memory_()
        x.set_(x.clone())
    for thread in threads:
        thread.join()
    assert not errors

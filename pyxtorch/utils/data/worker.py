"""Worker processes of a DataLoader: what runs in them, and how batches come back.

Each worker has two pipes: numbers of samples go in by one, batches come out by the other, in the
order in which they were asked for. The memory of tensors and arrays goes through shared memory, in
slots which the worker fills anew when the main process has let go of what was in them; small
batches, and those that find no slot free, are written to the pipe as they lie and read straight
into new storages. A worker that dies closes its pipe: nothing waits for it.
"""
import array
import multiprocessing.connection
import multiprocessing.process
import os
import pickle
import queue
import random
import select
import socket
import struct
import sys
import threading
import time
import traceback
import warnings
import weakref

import pyxtorch
from pyxtorch.ops import _memory
from pyxtorch.storage import UntypedStorage

_HEAD = struct.Struct("<2Qq")  # length of the pickle, number of buffers, the slot that they are in (-1: they follow)
_SMALL = 1 << 16  # bytes of a batch that are not worth a slot
_SLOTS = 8  # of a worker, at most
_CHUNKS = 512  # pieces of memory that one system call takes (IOV_MAX is 1024)
_PATIENCE = 5.0  # seconds: how often a worker looks whether its parent lives, how long it may take to end


# ------------------------------------------------------------------------------- in the worker

class WorkerInfo:
    """What `get_worker_info()` gives in a worker: `id`, `num_workers`, `seed`, `dataset` (this process's copy)."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def __setattr__(self, name, value):
        raise RuntimeError("Cannot assign attributes to WorkerInfo objects")

    def __repr__(self):
        return f"WorkerInfo({', '.join(f'{k}={v}' for k, v in self.__dict__.items())})"


_info = None


def get_worker_info():
    """About the DataLoader worker that this process is; None in any other process."""
    return _info


class _Sender:
    """Writes messages to the pipe by a thread, so that the next batch is made meanwhile; without one where none can be had."""

    def __init__(self, pipe):
        self.pipe, self.queue = pipe, queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:
            self.thread = None
            warnings.warn(f"DataLoader worker: {error}; it sends its batches without a thread of its own.", stacklevel=2)

    def _run(self):
        try:
            while (message := self.queue.get()) is not None:
                _write(self.pipe.fileno(), *message)
        except OSError:  # nobody reads any more
            pass

    def send(self, pieces, segment=None):
        if self.thread is None:
            _write(self.pipe.fileno(), pieces, segment)
        else:
            self.queue.put((pieces, segment))

    def finish(self):
        if self.thread is not None:
            self.queue.put(None)
            self.thread.join()


def _write(descriptor, pieces, segment=None):
    """Write the pieces; with a segment that is new, its file descriptor goes with the first byte."""
    pieces = [memoryview(piece).cast("B") for piece in pieces]
    if segment is not None:
        with socket.socket(fileno=os.dup(descriptor)) as pipe:
            pipe.sendmsg([pieces[0][:1]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [segment.fd]))])
        pieces[0] = pieces[0][1:]
    at = 0
    while at < len(pieces):
        written = os.writev(descriptor, pieces[at : at + _CHUNKS])
        while at < len(pieces) and written >= len(pieces[at]):
            written -= len(pieces[at])
            at += 1
        if written:
            pieces[at] = pieces[at][written:]


class _Slots:
    """A worker's places in shared memory: segments, of which some are free."""

    def __init__(self):
        self.segments, self.free, self.made = {}, [], 0

    def take_back(self, numbers):
        """The main process has let go of these; of ~number it has not, but that one is no longer this worker's."""
        for number in numbers:
            if number >= 0:
                self.free.append(number)
            else:
                del self.segments[~number]

    def find(self, nbytes):
        """(number, segment, whether it is new) of a free slot of this size; None where there is none."""
        fitting = [number for number in self.free if self.segments[number].nbytes >= nbytes]
        if fitting:
            number = min(fitting, key=lambda n: self.segments[n].nbytes)
            self.free.remove(number)
            return number, self.segments[number], False
        if len(self.segments) >= _SLOTS:
            return None
        try:
            segment = _memory.make_segment(nbytes + nbytes // 8)
        except RuntimeError:
            return None
        self.segments[self.made] = segment
        self.made += 1
        return self.made - 1, segment, True


def _message(kind, value, slots=None):
    """The pieces of a message: head, sizes of the buffers, pickle, buffers; and the segment that the buffers are in, if it is new."""
    buffers = []
    pickled = pickle.dumps((kind, value), 5, buffer_callback=buffers.append)
    buffers = [buffer.raw() for buffer in buffers]
    places = _places([len(buffer) for buffer in buffers])
    found = slots.find(places[-1]) if slots is not None and places[-1] >= _SMALL else None
    number, segment, new = found or (-1, None, False)
    head = _HEAD.pack(len(pickled), len(buffers), number) + struct.pack(f"<{len(buffers)}Q", *map(len, buffers)) + pickled
    if segment is None:
        return [head, *(buffer for buffer in buffers if len(buffer))], None
    memory = memoryview(_memory.storage_at(segment, 0, segment.nbytes))
    for place, buffer in zip(places, buffers):
        memory[place : place + len(buffer)] = buffer
    return [head], segment if new else None


def _places(sizes):
    """Where buffers of these sizes lie in a slot, one behind the other, and where they end."""
    places = [0]
    for size in sizes:
        places.append(places[-1] + (size + 63 & ~63))
    return places


def _failure(where):
    """The message that an exception becomes: its class, where it can travel, and its traceback as text."""
    cls, text = sys.exc_info()[0], traceback.format_exc()
    text = f"Caught {cls.__name__} {where}.\nOriginal {text}"
    try:
        return _message("error", (cls, text))
    except Exception:
        return _message("error", (RuntimeError, text))


def _seed_all(seed):
    random.seed(seed)
    pyxtorch.manual_seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF])


def work(tasks, results, number, count, base_seed, dataset, make_fetch, init):
    """The life of a worker: read a task from `tasks`, write the batch to `results`, until the other side closes."""
    global _info
    sender, slots = _Sender(results), _Slots()
    parent, fetch, broken, where = os.getppid(), None, None, f"in DataLoader worker process {number}"
    try:
        try:
            pyxtorch.set_num_threads(1)
            seed = base_seed + number
            _seed_all(seed)
            _info = WorkerInfo(id=number, num_workers=count, seed=seed, dataset=dataset)
            if init is not None:
                init(number)
        except Exception:
            broken = _failure(where)
        while True:
            while not tasks.poll(_PATIENCE):
                if os.getppid() != parent:
                    return
            task = tasks.recv()
            if task == "restart":  # a new epoch
                fetch = None
                continue
            slots.take_back(task[1])
            try:
                if broken is None and fetch is None:
                    fetch = make_fetch()
                message = broken or _message("batch", fetch(task[0]), slots)
            except StopIteration:
                message = _message("end", None)
            except Exception:
                message = _failure(where)
            sender.send(*message)
    except (EOFError, OSError, KeyboardInterrupt):
        pass
    finally:
        sender.finish()


# --------------------------------------------------------------------------- in the main process

_workers = weakref.WeakSet()
_forks = 0  # how often this process forked: what was in a slot then, a child may still read
# Held while pipes are opened or closed, and while this process forks: a child that was forked off in the middle of
# a close would take the number of a pipe that is closed already, perhaps its own by then, for one that is open.
_pipes = threading.RLock()


def _hang_up(*connections):
    with _pipes:
        for connection in connections:
            connection.close()


def _before_fork():
    global _forks
    _forks += 1
    _pipes.acquire()


def _forget_workers():
    """In a process that was forked off: the workers are none of its business, and its copies of their pipes must not keep them alive."""
    _pipes.release()
    for worker in list(_workers):
        worker.close.detach()
        multiprocessing.process._children.discard(worker.process)  # or the child, as it ends, stops and awaits them
        worker.tasks.close()
        worker.results.close()
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_pipes.release, after_in_child=_forget_workers)


class Worker:
    """A worker process, seen from the main process."""

    def __init__(self, context, *arguments):
        with _pipes:
            tasks_in, self.tasks = context.Pipe(duplex=False)
            self.results, out = socket.socketpair()  # file descriptors can go with what is written
            out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            results_out = multiprocessing.connection.Connection(out.detach())
            self._slots = {}  # number to [segment, whether a batch is in it that was not let go of, forks when it came]
            self.waiting = 0  # tasks without an answer so far
            self.ended = False  # its share of an IterableDataset is used up
            self.process = context.Process(target=work, args=(tasks_in, results_out, *arguments), daemon=True)
            self.close = weakref.finalize(self, _close, self.process, self.tasks, self.results)
            _workers.add(self)
            with warnings.catch_warnings():
                # Threads and fork: the pool of this package is made anew in the child.
                warnings.simplefilter("ignore", DeprecationWarning)
                self.process.start()
            # The worker's ends belong to the worker alone, so that its death closes them.
            tasks_in.close()
            results_out.close()
        os.set_blocking(self.results.fileno(), False)
        self._poll = select.poll()
        self._poll.register(self.results.fileno(), select.POLLIN)
        self._poll.register(self.process.sentinel, select.POLLIN)
        self._last_words = None

    def send(self, task):
        self.waiting += 1
        try:
            self.tasks.send((*task, list(self._let_go())))
        except OSError:
            pass  # it is dead: reading its answer says so

    def _let_go(self):
        """Numbers of slots that nothing in this process looks at any more; ~number of those that others may look at."""
        for number, slot in list(self._slots.items()):
            segment, filled, forks = slot
            if filled and (segment.sent or forks != _forks):
                del self._slots[number]
                yield ~number
            elif filled and not segment.in_use():
                slot[1] = False
                yield number

    def restart(self):
        self.ended = False
        try:
            self.tasks.send("restart")
        except OSError:
            pass

    def dismiss(self):
        """Let it end: without tasks it has nothing to do."""
        _hang_up(self.tasks)

    def ready(self):
        """Whether an answer begins to arrive, or never will."""
        return bool(self._poll.poll(0))

    def _read_into(self, views, deadline):
        """Fill the views one after the other."""
        views = [view for view in views if len(view)]
        descriptor, at = self.results.fileno(), 0
        while at < len(views):
            try:
                count = os.readv(descriptor, views[at : at + _CHUNKS])
            except BlockingIOError:
                self._wait(deadline)
                continue
            if count == 0:
                self._dead()
            while at < len(views) and count >= len(views[at]):
                count -= len(views[at])
                at += 1
            if count:
                views[at] = views[at][count:]

    def _read_head(self, deadline):
        """What a head says; a slot that is new comes with it."""
        head, new = bytearray(), []
        while len(head) < _HEAD.size:
            try:
                data, extra, _, _ = self.results.recvmsg(_HEAD.size - len(head), socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                self._wait(deadline)
                continue
            if not data:
                self._dead()
            head += data
            new += [_memory.open_segment(array.array("i", descriptor)[0]) for _, _, descriptor in extra if len(descriptor) == 4]
        n_pickle, n_buffers, slot = _HEAD.unpack(head)
        if new:
            self._slots[slot] = [new[0], False, 0]
        elif slot >= 0 and slot not in self._slots:
            raise RuntimeError("DataLoader: a batch in shared memory could not be received: too many files are open. Raise `ulimit -n`.")
        return n_pickle, n_buffers, slot

    def _wait(self, deadline):
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        found = self._poll.poll(left)
        if not found:
            raise RuntimeError("DataLoader timed out")
        if any(descriptor == self.results.fileno() for descriptor, _ in found):
            return
        # The process has ended, and nothing is left in the pipe. What it wrote last may have come since.
        if self._last_words is None:
            self._last_words = True
            return
        self._dead()

    def _dead(self):
        self.process.join(_PATIENCE)
        code = self.process.exitcode
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        raise RuntimeError(f"DataLoader worker (pid(s) {self.process.pid}) exited unexpectedly ({how}).")

    def receive(self, timeout):
        """(kind, value) of the next answer, which is waited for."""
        deadline = time.monotonic() + timeout if timeout else None
        try:
            n_pickle, n_buffers, slot = self._read_head(deadline)
            rest = bytearray(8 * n_buffers + n_pickle)
            self._read_into([memoryview(rest)], deadline)
            sizes = struct.unpack_from(f"<{n_buffers}Q", rest)
            if slot >= 0:
                self._slots[slot][1:] = True, _forks
                segment = self._slots[slot][0]
                storages = [_memory.storage_at(segment, place, size) for place, size in zip(_places(sizes), sizes)]
            else:
                storages = [UntypedStorage(size) for size in sizes]
                self._read_into([memoryview(storage) for storage in storages], deadline)
        except RuntimeError as error:
            self.process.terminate()  # half a message may be left in the pipe
            self.close()
            if str(error) == "DataLoader timed out":
                raise RuntimeError(f"DataLoader timed out after {timeout} seconds") from None
            raise
        self.waiting -= 1
        return pickle.loads(memoryview(rest)[8 * n_buffers :], buffers=storages)


def _close(process, tasks, results):
    """End the worker: without its pipes it has nothing to do."""
    _hang_up(tasks, results)
    if process.pid is None:  # never started
        return
    process.join(_PATIENCE)
    if process.is_alive():
        process.terminate()
        process.join(_PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()


class _Text(str):
    """A message that KeyError, which shows the repr of what it is given, shows as it is."""

    def __repr__(self):
        return str(self)


def reraise(cls, text):
    """Raise in the main process what was raised in a worker."""
    try:
        error = cls(_Text(text))
        whole = text in str(error)
    except Exception:  # its constructor wants something else, or it cannot be shown
        whole = False
    raise error if whole else RuntimeError(text)

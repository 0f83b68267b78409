"""NCCL under the groups, for tensors of the GPU: opened when the first of them is sent.

A group's Nccl takes the calls that `_mpi.Group` takes for tensors of the CPU. Each only puts work on a stream of its own; who waits for
a call lets its current stream wait. MPI gives the group its communicator's id, and everything else that is said between processes.
"""
import ctypes
import functools
import time
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_size_t, c_uint, c_void_p

import pyxtorch
from pyxtorch import cuda
from pyxtorch._cuda_device import record_stream
from pyxtorch.distributed._group import DistBackendError

__all__ = ["Nccl", "is_available", "together"]

_UNSET, _MAGIC, _WRITTEN_FOR = -(1 << 31), 0xCAFEBEEF, 23203
_BUSY = 7  # "in progress"
# _mpi's kinds and the codes of ReduceOp that NCCL has. AVG of what is not floating is the sum, then divided.
_BARRIER, _BROADCAST, _ALL_GATHER, _ALL_REDUCE, _REDUCE, _REDUCE_SCATTER, _EXCHANGE = range(7)
_OPS = {0: 0, 1: 4, 2: 1, 3: 3, 4: 2, 8: 0}
_BOOL = {0: 2, 2: 3, 3: 3, 4: 2, 5: 3, 6: 2}  # of bool, as bytes of 0 and 1: "or" is the maximum, "and" the minimum
_TYPES = {"int8": 0, "uint8": 1, "int32": 2, "uint32": 3, "int64": 4, "uint64": 5, "float16": 6, "float32": 7, "float64": 8, "bfloat16": 9}


class _Id(ctypes.Structure):
    _fields_ = [("data", c_char * 128)]


class _Config(ctypes.Structure):
    """ncclConfig_t as far as it is known here; NCCL reads no further than its own size says."""

    _fields_ = [("size", c_size_t), ("magic", c_uint), ("version", c_uint), *((name, c_int) for name in ("blocking", "cga", "least", "most")), ("net", c_char_p),
                *((name, c_int) for name in ("split", "traffic")), ("name", c_char_p), *((f"more{i}", c_int) for i in range(16))]  # fmt: skip


_ARGUMENTS = {
    "GetVersion": (POINTER(c_int),), "GetUniqueId": (POINTER(_Id),), "CommInitRankConfig": (POINTER(c_void_p), c_int, _Id, c_int, POINTER(_Config)),
    "CommFinalize": (c_void_p,), "CommDestroy": (c_void_p,), "CommAbort": (c_void_p,), "CommGetAsyncError": (c_void_p, POINTER(c_int)),
    "GetErrorString": (c_int,), "GetLastError": (c_void_p,), "GroupStart": (), "GroupEnd": (),
    "AllReduce": (c_void_p, c_void_p, c_size_t, c_int, c_int, c_void_p, c_void_p), "AllGather": (c_void_p, c_void_p, c_size_t, c_int, c_void_p, c_void_p),
    "Broadcast": (c_void_p, c_void_p, c_size_t, c_int, c_int, c_void_p, c_void_p),
    "Reduce": (c_void_p, c_void_p, c_size_t, c_int, c_int, c_int, c_void_p, c_void_p),
    "ReduceScatter": (c_void_p, c_void_p, c_size_t, c_int, c_int, c_void_p, c_void_p),
    "Send": (c_void_p, c_size_t, c_int, c_int, c_void_p, c_void_p), "Recv": (c_void_p, c_size_t, c_int, c_int, c_void_p, c_void_p),
}  # fmt: skip
_found = []  # the table of functions, or why there is none


def _open():
    """{name: function}, or a text that says why there is none."""
    from pyxtorch._cuda_program import library_paths

    names, paths = library_paths("libnccl.so.2")
    for path, mode in [(name, 4) for name in names] + [(path, 0) for path in paths]:  # 4: only if it is loaded already
        try:
            library = ctypes.CDLL(path, mode=mode)
        except OSError:
            continue
        table = {}
        for name, arguments in _ARGUMENTS.items():
            function = getattr(library, f"nccl{name}", None)
            if function is None:
                return f"NCCL in {path} is too old: it has no nccl{name}"
            function.argtypes, function.restype = arguments, c_char_p if name in ("GetErrorString", "GetLastError") else c_int
            table[name] = function
        return table
    return "NCCL (libnccl.so.2) was not found; install the extra: pip install 'pyxtorch[nccl]'"


def _library():
    if not _found:
        _found.append(_open())
    if isinstance(_found[0], str):
        raise RuntimeError(_found[0] + ".")
    return _found[0]


def is_available():
    """Whether there is a GPU and NCCL's library."""
    if not cuda.is_available():
        return False
    try:
        return bool(_library())
    except RuntimeError:
        return False


class _Call:
    """What was put on the stream: `wait` lets the current stream wait for it."""

    def __init__(self, owner, name, event, kept):
        self.owner, self.name, self.event, self.kept = owner, name, event, kept

    def is_done(self):
        """Whether it has ended."""
        return self.event.query()

    def wait(self, seconds=-1):
        """True; with a time, whether it was done within that, which the host waits for."""
        end = time.monotonic() + seconds
        while seconds >= 0 and not self.event.query():
            if time.monotonic() > end:
                return False
            self.owner.check(self.name)
            time.sleep(0.001)
        self.owner.check(self.name)
        cuda.current_stream(self.owner.device).wait_event(self.event)
        self.kept = None
        return True


class Nccl:
    """NCCL's communicator of a group, on this process's GPU.

    Args:
        tell: gives bytes of the group's first process to all, by MPI. timeout: seconds that it may take to be made.
    """

    def __init__(self, rank, size, device, tell, timeout, name="pyxtorch"):
        self.lib, self.rank, self.size, self.device, self.timeout, self.broken = _library(), rank, size, device, timeout, None
        self.comm = c_void_p()
        with cuda.device(device):
            cuda.current_stream(device)  # the device's context is current from here on
            one = _Id()
            if rank == 0:
                self._checked("GetUniqueId", self.lib["GetUniqueId"](byref(one)))
            ctypes.memmove(byref(one), tell(ctypes.string_at(byref(one), 128)), 128)
            self._config = config = _Config(ctypes.sizeof(_Config), _MAGIC, _WRITTEN_FOR, 0, _UNSET, _UNSET, _UNSET, None, _UNSET, _UNSET, name.encode(), *[_UNSET] * 16)
            self._checked("CommInitRankConfig", self.lib["CommInitRankConfig"](byref(self.comm), size, one, rank, byref(config)))
            self.stream = cuda.Stream(device)

    def _checked(self, what, code):
        """Wait while NCCL is still about a call; raise its error."""
        end, state = time.monotonic() + self.timeout, c_int(code)
        while state.value == _BUSY:
            if time.monotonic() > end:
                self._abort(f"{what} took longer than the group's timeout of {self.timeout:g} s")
            time.sleep(0.0005)
            code = self.lib["CommGetAsyncError"](self.comm, byref(state))
            state.value = state.value if code == 0 else code
        if state.value:
            said = [self.lib["GetErrorString"](state.value), self.lib["GetLastError"](self.comm)]
            self._abort(f"{what} failed: {'; '.join(text.decode(errors='replace') for text in said if text)}")

    def _abort(self, why):
        self.broken = f"rank {self.rank} of {self.size}: NCCL's {why}"
        if self.comm:
            self.lib["CommAbort"](self.comm)
            self.comm = c_void_p()
        raise DistBackendError(self.broken)

    def check(self, what):
        """Raise the error that came to light since, another process's among them."""
        if self.broken is not None:
            raise DistBackendError(f"this group cannot go on: {self.broken}")
        state = c_int(0)
        code = self.lib["CommGetAsyncError"](self.comm, byref(state))
        if code or state.value not in (0, _BUSY):
            self._checked(what, code or state.value)

    def call(self, name, kind, source, target, count, op=0, factor=1.0, root=0, sends=None, recvs=None, background=False, told=-1, label=-1):
        """As `_mpi.Group.call`, of tensors on this GPU."""
        self.check(name)
        for x in (source, target, *(x for x, _ in (sends or []) + (recvs or []))):
            if x is not None and x.device.index != self.device:
                raise RuntimeError(f"{name}: a tensor on {x.device}, where this process's group sends those of cuda:{self.device}: one process has one GPU")
        touched = [x for x in (source, target) if x is not None] + [x for x, _ in (sends or []) + (recvs or [])]
        after = None
        if kind in (_ALL_REDUCE, _REDUCE, _REDUCE_SCATTER):
            source, target, count, dtype, op, after = self._reduction(name, kind, source, target, count, op, factor, root)
            touched += [source, target]
        ready = cuda.Event()
        ready.record(cuda.current_stream(self.device))
        self.stream.wait_event(ready)
        run, stream = self.lib, self.stream.cuda_stream
        with cuda.device(self.device):
            if kind == _BROADCAST:
                code = run["Broadcast"](target.data_ptr(), target.data_ptr(), count, 1, root, self.comm, stream)
            elif kind == _ALL_GATHER:
                code = run["AllGather"](source.data_ptr(), target.data_ptr(), count, 1, self.comm, stream)
            elif kind == _ALL_REDUCE:
                code = run["AllReduce"](source.data_ptr(), target.data_ptr(), count, dtype, op, self.comm, stream)
            elif kind == _REDUCE:
                code = run["Reduce"](source.data_ptr(), target.data_ptr(), count, dtype, op, root, self.comm, stream)
            elif kind == _REDUCE_SCATTER:
                code = run["ReduceScatter"](source.data_ptr(), target.data_ptr(), count, dtype, op, self.comm, stream)
            else:
                code = self._exchange(sends, recvs, stream)
            self._checked(name, code)
        if after is not None:
            with cuda.stream(self.stream):
                after()
        done = cuda.Event()
        done.record(self.stream)
        for x in touched:
            record_stream(x, self.stream)
        made = _Call(self, name, done, touched)
        if not background:
            made.wait()
        return made

    def _reduction(self, name, kind, source, target, count, op, factor, root):
        """(source, target, count, NCCL's dtype and op, what is to be done on the stream afterwards)."""
        dtype, after = target.dtype, None
        if factor != 1.0 and kind == _ALL_REDUCE:
            target.mul_(factor)
        elif factor != 1.0:
            source = (target if source is None else source) * factor
        if dtype is pyxtorch.bool:
            if op not in _BOOL:
                raise RuntimeError(f"{name}: NCCL has no such reduction of bool. Move the tensors to the CPU.")
            code, dtype = _BOOL[op], pyxtorch.uint8
        elif op not in _OPS:
            raise RuntimeError(f"{name}: NCCL cannot reduce bit by bit. Move the tensors to the CPU.")
        else:
            code = _OPS[op]
            if op == 1 and not dtype.is_floating_point:
                code = 0
                if kind != _REDUCE or self.rank == root:
                    after = functools.partial(self._divide, target)
        if dtype.is_complex:
            dtype, count = (pyxtorch.float64 if dtype is pyxtorch.complex128 else pyxtorch.float32), 2 * count
        number = _TYPES.get(str(dtype).rpartition(".")[2])
        if number is None:
            raise RuntimeError(f"{name}: NCCL does not add {dtype}. Use another dtype, or move the tensors to the CPU.")
        return target if source is None else source, target, count, number, code, after

    def _divide(self, x):
        """The rest of an AVG that NCCL would round in its own way, or does not know."""
        x.copy_(x / self.size if x.dtype.is_complex else pyxtorch.div(x, self.size, rounding_mode="trunc"))

    def _exchange(self, sends, recvs, stream):
        """Several messages that may overtake each other."""
        code = self.lib["GroupStart"]()
        for way, parts in (("Send", sends), ("Recv", recvs)):
            for x, peer in parts:
                if code in (0, _BUSY) and x.numel():
                    code = self.lib[way](x.data_ptr(), x.numel() * x.element_size(), 1, peer, self.comm, stream)
        ended = self.lib["GroupEnd"]()
        return code if code not in (0, _BUSY) else ended

    def close(self):
        """End the communicator, after what is under way."""
        if self.comm and self.broken is None:
            self.stream.synchronize()
            self._checked("CommFinalize", self.lib["CommFinalize"](self.comm))
            self.lib["CommDestroy"](self.comm)
        self.comm, self.broken = c_void_p(), self.broken or "it was destroyed"


def together(group, messages):
    """Send and receive as one: [(tensor, place in the group, whether it is sent)]; a call to wait for."""
    sends, recvs = ([(x, peer) for x, peer, way in messages if way is wanted] for wanted in (True, False))
    return group._engine.nccl().call("batch_isend_irecv", _EXCHANGE, None, None, 0, sends=sends, recvs=recvs, background=True)

"""Pipes that carry file descriptors beside the bytes of a message, and so the memory of tensors."""
import array
import errno
import io
import socket
import struct
import time
from multiprocessing import connection, reduction

from pyxtorch.multiprocessing import reductions

_HEAD = struct.Struct("!QI")  # of a message: bytes, file descriptors
_TOGETHER = 250  # descriptors that one system call takes (SCM_MAX_FD is 253)
_AT_ONCE = 1 << 20  # bytes read at once


class Connection(connection.Connection):
    """One end of a pipe between processes: `send`, `recv` and what else Python's connections have."""

    def __init__(self, handle, readable=True, writable=True):
        super().__init__(handle, readable, writable)
        self._socket = socket.socket(fileno=self._handle)

    def _close(self):
        self._socket.close()

    def send(self, obj):
        """Send an object; tensors in it by handle."""
        self._check_closed()
        self._check_writable()
        self._send_packed(reductions.Packed(obj))

    def _send_packed(self, packed):
        self._send_message(packed.data, [segment.fd for segment in packed.segments])

    def send_last_packed(self, data):
        """Send what this thread pickled last, a Packed, of which `data` is but a sign."""
        self._send_packed(reductions.Packed.last())

    def _send_bytes(self, buf):
        self._send_message(buf, ())

    def _send_message(self, data, descriptors):
        head = memoryview(_HEAD.pack(len(data), len(descriptors)))
        at = 0
        while at < len(descriptors):  # one byte of the head for each call; a head has 12
            some = descriptors[at : at + _TOGETHER] if at < _TOGETHER * (_HEAD.size - 1) else descriptors[at:]
            self._send_some(head[:1], some)
            head, at = head[1:], at + len(some)
        if len(head) + len(data) < 16384:
            self._socket.sendall(bytes(head) + bytes(data))
        else:
            self._socket.sendall(head)
            self._socket.sendall(data)

    def _send_some(self, data, descriptors):
        """One byte with descriptors. As long as too many are under way, the receivers are waited for."""
        while True:
            try:
                self._socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])
                return
            except OSError as error:
                if error.errno != errno.ETOOMANYREFS:
                    raise
                time.sleep(0.001)

    def _recv_bytes(self, maxsize=None):
        head, descriptors = bytearray(_HEAD.size), []
        space, at = socket.CMSG_SPACE(4 * (_TOGETHER + 3)), 0
        while at < len(head):
            count, extra, _, _ = self._socket.recvmsg_into([memoryview(head)[at:]], space, socket.MSG_CMSG_CLOEXEC)
            if count == 0:
                if at:
                    raise OSError("got end of file during message")
                raise EOFError
            at += count
            for level, kind, data in extra:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    descriptors += array.array("i", data[: len(data) // 4 * 4])
        size, expected = _HEAD.unpack(head)
        reductions.received(descriptors, expected - len(descriptors))
        if maxsize is not None and size > maxsize:
            return None
        data = bytearray(size)
        view, at = memoryview(data), 0
        while at < size:
            count = self._socket.recv_into(view[at : at + _AT_ONCE])
            if count == 0:
                raise OSError("got end of file during message")
            at += count
        return io.BytesIO(data)


def _rebuild(duplicate, readable, writable):
    return Connection(duplicate.detach(), readable, writable)


def _reduce(end):
    return _rebuild, (reduction.DupFd(end.fileno()), end.readable, end.writable)


reduction.ForkingPickler.register(Connection, _reduce)


def Pipe(duplex=True):
    """Two ends of a pipe; with duplex=False the first only receives and the second only sends."""
    a, b = socket.socketpair()
    return Connection(a.detach(), True, duplex), Connection(b.detach(), duplex, True)

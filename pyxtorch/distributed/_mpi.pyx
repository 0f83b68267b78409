"""Calls of MPI at C speed: the table of its functions, groups that collectives run in, messages, and the board of the ranks.

mpi4py starts and ends MPI and makes communicators; here its library is opened again, and called without the interpreter's lock.
See mpi_calls.h for how ranks reduce, wait and give up, rank_board.h for what each says about itself.
"""
cimport cython
from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, strlen, strncpy
from posix.unistd cimport getpid
from pyxtorch._core cimport CPU, FLOAT32, FLOAT64, TensorBase, bump, dtype_of, is_contiguous, itemsize_of

import os

cdef extern from "dlfcn.h" nogil:
    void* dlopen(const char*, int)
    void* dlsym(void*, const char*)
    int RTLD_NOW
    int RTLD_NOLOAD

cdef extern from "Python.h":
    ctypedef struct PyFrameObject
    ctypedef struct PyCodeObject
    PyFrameObject* PyEval_GetFrame()
    int PyFrame_GetLineNumber(PyFrameObject*)
    PyFrameObject* PyFrame_GetBack(PyFrameObject*)
    PyCodeObject* PyFrame_GetCode(PyFrameObject*)
    void Py_XDECREF(void*)
    void Py_XINCREF(void*)
    int PyErr_CheckSignals() except -1

cdef extern from *:
    """
    #include <stdlib.h>
    #include <stdio.h>
    #include <unistd.h>
    #ifdef __GLIBC__
    static void pyx_leave(int status, void* nothing) { (void)nothing; fflush(NULL); _exit(status); }
    static void pyx_leave_early(void) { on_exit(pyx_leave, NULL); }
    #else
    static void pyx_leave_early(void) {}
    #endif
    """
    void pyx_leave_early() nogil

cdef extern from "pyxtorch/mpi_calls.h" nogil:
    ctypedef uint64_t pyx_word
    cdef struct pyx_mpi:
        void* isend
        void* irecv
        void* test
        void* get_count
        void* ibarrier
        void* ibcast
        void* iallgather
        pyx_word byte
        void* in_place
        int source_at
    enum:
        BARRIER "PYX_BARRIER"
        BROADCAST "PYX_BROADCAST"
        ALL_GATHER "PYX_ALL_GATHER"
        ALL_REDUCE "PYX_ALL_REDUCE"
        REDUCE "PYX_REDUCE"
        REDUCE_SCATTER "PYX_REDUCE_SCATTER"
        EXCHANGE "PYX_EXCHANGE"
        OK "pyx_ranks::OK"
        FAILED "pyx_ranks::FAILED"
        GIVEN_UP "pyx_ranks::GIVEN_UP"
        NO_MEMORY "pyx_ranks::NO_MEMORY"
        NO_DTYPE "pyx_ranks::NO_DTYPE"
        UNEQUAL "pyx_ranks::UNEQUAL"
    cdef struct pyx_part:
        char* data
        int64_t bytes
        int peer
    cdef struct pyx_call:
        const pyx_mpi* mpi
        pyx_word comm
        int kind, rank, size, dtype, op, root, tag
        int64_t count
        double factor
        char* in_ "in"
        char* out
        pyx_part* sends
        pyx_part* recvs
        int nsends, nrecvs
        int (*idle)(pyx_call*, double) noexcept
        void* context
        int code
    cdef struct pyx_message:
        pyx_call call
        pyx_word request
        int source
        int64_t bytes
    cdef struct pyx_ticket:
        int result
        int done
    cdef struct pyx_queue:
        int waiting
    pyx_ticket* pyx_new_ticket(pyx_call*)
    void pyx_free_ticket(pyx_ticket*)
    int pyx_run_call(pyx_call*)
    int pyx_start_message(pyx_message*, bint, char*, int)
    int pyx_end_message(pyx_message*, bint, int*)
    pyx_queue* pyx_new_queue()
    void pyx_submit(pyx_queue*, pyx_ticket*)
    bint pyx_await(pyx_queue*, pyx_ticket*, double)
    double seconds "pyx_ranks::now"()

cdef extern from "pyxtorch/rank_board.h" nogil:
    int BOARD_MAGIC "PYX_BOARD_MAGIC"
    cdef struct pyx_entry:
        uint64_t key
        int64_t count
        uint64_t kind
        int32_t line
    cdef struct pyx_line:
        int32_t magic
        int32_t rank
        int32_t pid
        int32_t state
        int32_t inside
        int32_t line
        int64_t since
        uint64_t key
        uint64_t kind
        int64_t count
        char file[200]
        char text[240]
    void pyx_enter(pyx_line*, uint64_t, uint64_t, int64_t, int, int64_t)
    int pyx_same_call(pyx_line*, uint64_t, uint64_t, int64_t)
    pyx_entry* pyx_entry_of(pyx_line*, uint64_t)

KINDS = {"barrier": BARRIER, "broadcast": BROADCAST, "all_gather": ALL_GATHER, "all_reduce": ALL_REDUCE, "reduce": REDUCE, "reduce_scatter": REDUCE_SCATTER,
         "exchange": EXCHANGE}
LINE_BYTES = sizeof(pyx_line)
RUNNING, RAISED, LEFT = 1, 2, 3

cdef pyx_mpi table
cdef pyx_queue* queue = NULL
cdef int owner = 0              # the process that the table is of
cdef list abandoned = []        # what MPI may still write to, after a call that was given up
cdef str here = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


cdef object plain = None, the_sum = None, the_mean = None   # the class Tensor, and two of ReduceOp


def know(type tensor, add, mean):
    """Tell this module what `all_reduce_now` takes."""
    global plain, the_sum, the_mean
    plain, the_sum, the_mean = tensor, add, mean


def leave_early():
    """Let this process end where Python has, past the handlers that libraries have registered before now.

    MPICH's own, which runs last, reads freed memory now and then where no mpiexec has started the process (seen with 5.0.2).
    """
    pyx_leave_early()


def load(mpi):
    """Fill the table from mpi4py's module MPI, once for the process."""
    global owner
    cdef bytes path = os.fsencode(mpi.__file__)
    cdef void* library = dlopen(path, RTLD_NOW | RTLD_NOLOAD)
    cdef void* found[7]
    cdef int i
    if library == NULL:
        raise RuntimeError(f"{mpi.__file__} is not open, though mpi4py is imported.")
    for i, name in enumerate((b"MPI_Isend", b"MPI_Irecv", b"MPI_Test", b"MPI_Get_count", b"MPI_Ibarrier", b"MPI_Ibcast", b"MPI_Iallgather")):
        found[i] = dlsym(library, name)
        if found[i] == NULL:
            raise RuntimeError(f"{mpi.Get_library_version().splitlines()[0]} has no {name.decode()}.")
    memcpy(&table, found, sizeof(found))
    table.byte = mpi._handleof(mpi.BYTE)
    table.in_place = <void*><uintptr_t>(int(mpi.IN_PLACE) & 0xFFFFFFFFFFFFFFFF)
    status = mpi.Status()
    status.Set_source(0x5A17C3)     # found again in memory, it tells where in a status the sender stands
    cdef const char* bytes_of = <const char*><uintptr_t>mpi._addressof(status)
    cdef int32_t value
    table.source_at = -1
    for i in range(0, mpi._sizeof(mpi.Status) - 3, 4):
        memcpy(&value, bytes_of + i, 4)
        if value == 0x5A17C3:
            table.source_at = i
    if table.source_at < 0:
        raise RuntimeError("the sender's rank is nowhere in an MPI_Status of this library.")
    owner = getpid()


# ---------------------------------------------------------------------------- the board

@cython.binding(False)
cdef class Board:
    """Memory that the ranks of a machine share: a line for each, by its number on the machine.

    Args:
        memory: a writable buffer of `lines` times LINE_BYTES, zeros at first.
    """
    cdef unsigned char[::1] memory
    cdef readonly int lines
    cdef readonly int mine
    cdef pyx_line* line
    cdef PyCodeObject* last_code        # whose file the line has

    def __init__(self, memory, int lines, int mine):
        if len(memory) < lines * LINE_BYTES:
            raise ValueError(f"Board: {len(memory)} bytes for {lines} lines of {LINE_BYTES}")
        self.memory, self.lines, self.mine = memory, lines, mine
        self.line = self.at(mine) if mine >= 0 else NULL

    def __dealloc__(self):
        Py_XDECREF(self.last_code)

    cdef pyx_line* at(self, int i) except NULL:
        if not 0 <= i < self.lines:
            raise IndexError(f"Board: line {i} of {self.lines}")
        return <pyx_line*>&self.memory[i * sizeof(pyx_line)]

    def open(self, int rank):
        """Say who and which process this is."""
        self.line.rank = rank
        self.line.pid = getpid()
        self.line.state = RUNNING
        self.line.since = <int64_t>(seconds() * 1e9)
        self.line.magic = BOARD_MAGIC

    def end(self, int state, str text):
        """Say that this rank has RAISED, or LEFT, and why; the first word counts."""
        cdef bytes encoded = text.encode()[:239]
        if self.line.state == RUNNING:
            strncpy(self.line.text, encoded, 239)
            self.line.state = state

    def read(self, int i):
        """What line i says, as a dict; None while nobody has opened it."""
        cdef pyx_line* l = self.at(i)
        if l.magic != BOARD_MAGIC:
            return None
        return {"rank": l.rank, "pid": l.pid, "state": l.state, "inside": bool(l.inside), "file": l.file[:strlen(l.file)].decode(errors="replace"), "line": l.line,
                "ago": seconds() - l.since * 1e-9, "key": l.key, "kind": l.kind, "count": l.count, "text": l.text[:strlen(l.text)].decode(errors="replace")}

    def entry(self, int i, uint64_t key):
        """(kind, count, line) of the call that line i made under a key; None if it has not yet, or made many since."""
        cdef pyx_entry* e = pyx_entry_of(self.at(i), key)
        return (e.kind, e.count, e.line) if e.key == key else None

    cdef int enter(self, uint64_t key, uint64_t kind, int64_t count) except -1:
        """Write down a call, with the place in the program that made it: the first frame outside of the package."""
        cdef PyFrameObject* frame = PyEval_GetFrame()
        cdef PyCodeObject* code
        cdef PyFrameObject* back
        cdef int number = 0
        Py_XINCREF(frame)
        while frame != NULL:
            code = PyFrame_GetCode(frame)
            if code == self.last_code or not (<str>(<object>code).co_filename).startswith(here):
                if code != self.last_code:
                    name = (<str>(<object>code).co_filename).encode(errors="replace")[-199:]
                    strncpy(self.line.file, name, 199)
                    Py_XDECREF(self.last_code)
                    self.last_code = code
                else:
                    Py_XDECREF(code)
                number = PyFrame_GetLineNumber(frame)
                Py_XDECREF(frame)
                break
            Py_XDECREF(code)
            back = PyFrame_GetBack(frame)
            Py_XDECREF(frame)
            frame = back
        pyx_enter(self.line, key, kind, count, number, <int64_t>(seconds() * 1e9))
        return 0


# ---------------------------------------------------------------------------- collectives

cdef int ask(pyx_call* call, double waited) noexcept with gil:
    """Called while a call waits: whether it is to be given up."""
    cdef Call about = <Call>call.context
    try:
        PyErr_CheckSignals()
        about.trouble = about.group.watch(about, waited)
    except BaseException as error:      # KeyboardInterrupt among them
        about.trouble = error
    return about.trouble is not None


@cython.binding(False)
cdef class Group:
    """Ranks that run collectives together, on a communicator of their own.

    Args:
        comm: the value of its handle. ranks: of its members among all. number: the group's own, the same on all of them.
        board: or None. lines: of the members on it, -1 for those of another machine.
        watch: called as watch(call, seconds waited) now and then; what it returns, if not None, is raised.
    """
    cdef pyx_word comm
    cdef readonly int rank
    cdef readonly int size
    cdef readonly tuple ranks
    cdef readonly uint64_t number
    cdef readonly uint64_t calls        # that this rank has made
    cdef readonly Board board
    cdef readonly tuple lines
    cdef readonly object watch
    cdef public object broken           # why it cannot be used any more, or None

    def __init__(self, uint64_t comm, int rank, tuple ranks, uint64_t number, Board board, tuple lines, watch):
        self.comm, self.rank, self.size, self.ranks, self.number = comm, rank, len(ranks), ranks, number
        self.board, self.lines, self.watch = board, lines, watch

    cdef int check(self) except -1:
        if getpid() != owner:
            raise RuntimeError("a collective was called in a forked child. Only the process that called init_process_group may: start others by spawn.")
        if self.broken is not None:
            raise RuntimeError(f"this group cannot go on: {self.broken}")
        return 0

    def call(self, str name, int kind, TensorBase source, TensorBase target, int64_t count, int op=0, double factor=1, int root=0, list sends=None,
             list recvs=None, bint background=False, int64_t told=-1, int label=-1):
        """Run a collective, at once or by the thread: a Call. Tensors are contiguous, of equal dtypes, and long enough.

        Args:
            count: elements, or bytes for what is only moved. sends, recvs: (tensor, rank in the group) of an exchange.
            told: what is compared with the others as the number of elements. label: what is compared as the kind.
        """
        self.check()
        cdef Call made = Call.__new__(Call)
        cdef pyx_call* c = &made.c
        cdef TensorBase of = source if source is not None else target
        made.name, made.kept = name, (source, target, sends, recvs)
        c.kind, c.op, c.root, c.factor, c.count = kind, op, root, factor, count
        c.dtype = of.dt if of is not None else 1
        c.in_ = source.ptr if source is not None else NULL
        c.out = target.ptr if target is not None else NULL
        if sends is not None:
            c.sends, c.nsends = made.parts(sends), len(sends)
            c.recvs, c.nrecvs = made.parts(recvs), len(recvs)
        self.run(made, count if told < 0 else told, kind if label < 0 else label, background)
        return made

    def all_reduce_now(self, x, op):
        """`all_reduce` of a plain tensor that needs nothing done before or after; False: it is not one, and nothing has happened."""
        cdef TensorBase t
        cdef Call made
        if type(x) is not plain or (op is not the_sum and op is not the_mean):
            return False
        t = <TensorBase>x
        if t.dev != CPU or (t.dt != FLOAT32 and t.dt != FLOAT64) or not is_contiguous(t.nd, t.sizes, t.strides):
            return False
        self.check()
        made = Call.__new__(Call)
        made.name, made.kept = "all_reduce", t
        made.c.kind, made.c.op, made.c.factor, made.c.count, made.c.dtype, made.c.out = ALL_REDUCE, op is the_mean, 1, t.n, t.dt, t.ptr
        self.run(made, t.n, ALL_REDUCE, False)
        bump(t)
        return True

    cdef int run(self, Call made, int64_t told, int label, bint background) except -1:
        """Run what a Call holds: all but what is the same for all calls of the group."""
        global queue
        cdef pyx_call* c = &made.c
        made.group = self
        c.mpi, c.comm, c.rank, c.size = &table, self.comm, self.rank, self.size
        c.idle, c.context = ask, <void*>made
        self.calls += 1
        c.tag = <int>(self.calls & 0x3FFF)
        made.key = self.number << 32 | (self.calls & 0xFFFFFFFF)
        made.kind = <uint64_t>label | <uint64_t>c.dtype << 8 | <uint64_t>c.op << 16 | <uint64_t>c.root << 32
        made.told = told
        if self.board is not None:
            self.board.enter(made.key, made.kind, made.told)
        if background or (queue != NULL and queue.waiting > 0):
            if queue == NULL:
                queue = pyx_new_queue()
                if queue == NULL:
                    raise RuntimeError("the communication thread cannot be started.")
            made.ticket = pyx_new_ticket(c)
            waiting.append(made)
            with nogil:
                pyx_submit(queue, made.ticket)
            if background:
                return 0
        else:
            with nogil:
                made.result = pyx_run_call(c)
            made.done = True
        made.wait(-1)
        return 0

    def message(self, uint64_t comm, TensorBase x, bint sends, int peer, int tag, int any_source):
        """A Message under way."""
        return Message(self, comm, x, sends, peer, tag, any_source)

    cdef str differing(self, Call call):
        """Whoever called something else than this rank, of those that must have called something."""
        cdef int i
        if self.board is None:
            return None
        for i in range(self.size):
            if i != self.rank and self.lines[i] >= 0 and call.met(i) and pyx_same_call(self.board.at(self.lines[i]), call.key, call.kind, call.told) == 0:
                return self.watch.differs(call, i)
        return None


cdef list waiting = []      # calls of the thread, kept alive until they are done


@cython.binding(False)
cdef class Call:
    """A collective under way: `wait()` until it is done; raises what went wrong."""
    cdef pyx_call c
    cdef pyx_ticket* ticket
    cdef readonly Group group
    cdef readonly str name
    cdef readonly uint64_t key
    cdef readonly uint64_t kind
    cdef readonly int64_t told
    cdef readonly bint done
    cdef int result
    cdef bint checked
    cdef object kept
    cdef public object trouble

    def __dealloc__(self):
        free(self.c.sends)
        free(self.c.recvs)
        pyx_free_ticket(self.ticket)

    cdef pyx_part* parts(self, list given) except NULL:
        cdef pyx_part* made = <pyx_part*>calloc(len(given) + 1, sizeof(pyx_part))
        cdef TensorBase x
        if made == NULL:
            raise MemoryError()
        for i, (x, peer) in enumerate(given):
            made[i].data, made[i].bytes, made[i].peer = x.ptr, x.n * itemsize_of(x.dt), peer
        return made

    cdef bint met(self, int rank):
        """Whether rank must have come to its part before this rank's could end."""
        if self.c.kind == BROADCAST:
            return rank == self.c.root
        if self.c.kind == REDUCE:
            return self.c.rank == self.c.root
        if self.c.kind == EXCHANGE:
            for i in range(self.c.nrecvs):
                if self.c.recvs[i].peer == rank:
                    return True
            return False
        return True

    def is_done(self):
        """Whether it has ended, well or not."""
        return self.done or self.ticket.done != 0

    def wait(self, double limit=-1):
        """Wait until it is done, `limit` seconds at most (negative: as long as the group allows). False: not done yet.

        Raises:
            RuntimeError: MPI's error, another rank is gone or called something else, or the group's time is over.
        """
        cdef bint over = False
        cdef double start = seconds()
        while not self.done:
            with nogil:
                over = pyx_await(queue, self.ticket, 0.05)
            if over:
                self.result, self.done = self.ticket.result, True
                if self in waiting:
                    waiting.remove(self)
            else:
                PyErr_CheckSignals()
                if 0 <= limit < seconds() - start:
                    return False
        if self.checked:
            return True
        if self.group.board is not None:
            self.group.board.line.inside = 0
        wrong = self.group.differing(self)
        if self.result == OK and wrong is None:
            self.kept, self.checked = None, True
            return True
        abandoned.append((self, self.kept))
        error = self.trouble
        if error is None:
            error = RuntimeError(self.group.watch.failed(self, self.result, self.c.code) if wrong is None else wrong)
        self.group.broken = str(error) or type(error).__name__
        raise error

    def describe(self):
        """(name, dtype, number of elements or bytes)."""
        return self.name, dtype_of(self.c.dtype).name, self.told


# ---------------------------------------------------------------------------- messages

@cython.binding(False)
cdef class Message:
    """One tensor on its way to or from another rank of a group: `wait()`. `source` is the sender's rank in the group.

    Args:
        peer: -1: from anybody.
    """
    cdef pyx_message m
    cdef Call about
    cdef bint sends
    cdef readonly bint done
    cdef object kept

    def __init__(self, Group group, uint64_t comm, TensorBase x, bint sends, int peer, int tag, int any_source):
        group.check()
        if x.n * itemsize_of(x.dt) >= 1 << 31:
            raise RuntimeError(f"{'send' if sends else 'recv'}: {x.n * itemsize_of(x.dt)} bytes are more than one message takes, 2 GiB. Send parts.")
        self.about = Call.__new__(Call)
        self.about.group, self.about.name, self.about.told = group, ("send" if sends else "recv"), x.n
        self.about.kind = <uint64_t>(101 if sends else 102) | <uint64_t>x.dt << 8 | <uint64_t>(peer & 0xFFFF) << 32
        self.about.c.dtype = x.dt
        self.about.key = group.number << 32
        self.kept, self.sends = x, sends
        self.m.call.mpi, self.m.call.comm, self.m.call.tag, self.m.call.count = &table, comm, tag, x.n * itemsize_of(x.dt)
        self.m.call.idle, self.m.call.context = ask, <void*>self.about
        if group.board is not None:
            group.board.enter(self.about.key, self.about.kind, x.n)
            group.board.line.inside = 0
        if pyx_start_message(&self.m, sends, x.ptr, any_source if peer < 0 else peer) != OK:
            raise RuntimeError(group.watch.failed(self.about, FAILED, self.m.call.code))

    @property
    def source(self):
        """The sender's rank in the group, once it is done."""
        return self.m.source

    def end(self, bint only_ask):
        """Wait, or only ask: whether it is done."""
        cdef int over = 1, result
        cdef Group group = self.about.group
        if self.done:
            return True
        group.check()
        if not only_ask and group.board is not None:
            group.board.enter(self.about.key, self.about.kind, self.about.told)
        with nogil:
            result = pyx_end_message(&self.m, only_ask, &over)
        if group.board is not None:
            group.board.line.inside = 0
        if result != OK:
            abandoned.append((self, self.kept))
            error = self.about.trouble
            if error is None:
                error = RuntimeError(group.watch.failed(self.about, result, self.m.call.code))
            group.broken = str(error) or type(error).__name__
            raise error
        if not over:
            return False
        self.done = True
        if not self.sends:
            bump(<TensorBase>self.kept)
        if not self.sends and self.m.bytes != self.m.call.count:
            raise RuntimeError(f"recv: {self.m.bytes} bytes came from rank {group.ranks[self.m.source]} of this group for a tensor of {self.m.call.count}. "
                               "Shapes and dtypes of both sides have to be equal.")
        self.kept = None
        return True


def dtype_name(int code):
    """The name of a dtype by its code."""
    return dtype_of(code).name


def changed(TensorBase x):
    """Note that a collective has written to x."""
    bump(x)


def address(TensorBase x):
    """Where its first element is."""
    return <uintptr_t>x.ptr

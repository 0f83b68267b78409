# cython: binding=False, embedsignature=False, boundscheck=False, wraparound=False
"""Recording a call of a function as a list of kernel calls, and running the list again (include/pyxtorch/recorder.h).

A `Recording` is what one call did, with what it relied on. `replay` runs it on other arguments of the same signature
and gives what the function would have given, in all bits, or raises `Miss`: something is not as it was.
"""
from cpython.object cimport PyObject
from libc.stdint cimport uintptr_t
from libc.string cimport memcmp, memcpy, memset
from libcpp.vector cimport vector
from pyxtorch._compound cimport COMPOUND
from pyxtorch._core cimport *
from pyxtorch._guards cimport Guards, Seen, Spent, extent, hooks_of_all, modes, named, same_geometry, same_number, same_result, seen_of, spent
from pyxtorch._listen cimport listener
from pyxtorch._tape.graph cimport Node
from pyxtorch._tape.modes cimport inference_enabled, levels_open
from pyxtorch.autograd cimport Variable
from pyxtorch.kernels.elementwise cimport pyx_elementwise_kernels
from pyxtorch.ops.random cimport Generator, generator_of

from pyxtorch import _gate
from pyxtorch._guards import leaves_of
from pyxtorch._reach import Reach, Refusal, ours

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* x)

cdef enum:
    FORMULAS = 4096
cdef int[FORMULAS] scalars_by_number     # of each formula, by its number in the table; -1: there is none


cdef int scalars_of(int formula) noexcept nogil:
    return scalars_by_number[formula] if 0 <= formula < FORMULAS else -1


cdef int ready = 0
FAMILIES = ("elementwise", "matmul", "softmax", "reduce", "scan", "norm", "conv", "pool", "rnn", "embedding", "index", "random", "optim", "sort")


cdef void users_line(char* text, int room) noexcept with gil:
    """The line of the user's program that runs."""
    import sys
    frame = sys._getframe()
    while frame is not None and ours(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        line = f" ({frame.f_code.co_filename}:{frame.f_lineno})".encode()[:room - 1]
        memcpy(text, <char*>line, len(line))
        text[len(line)] = 0


cdef int prepare_tables() except -1:
    """Once: the recording tables of all families, made from the CPU's."""
    global ready, formula_scalars, where
    cdef int count = 0, i, number
    cdef const pyx_formula* known
    cdef pyx_elementwise_kernels* table
    if ready:
        return 0
    known = all_formulas(&count)
    table = <pyx_elementwise_kernels*>kernel_tables(b"elementwise", sizeof(pyx_elementwise_kernels))[CPU]
    for i in range(FORMULAS):
        scalars_by_number[i] = -1
    for i in range(count):
        number = table.formula(known[i].name)
        if 0 <= number < FORMULAS:
            scalars_by_number[number] = known[i].scalars
    formula_scalars = scalars_of
    for name in FAMILIES:
        found = bytes(name, "ascii")
        add_family(found, kernel_tables(found, add_family(found, NULL)))
    where = users_line
    ready = 1
    return 0


class Miss(Exception):
    """The recording does not fit this call."""


cdef class Recording:
    """What one call of a function did."""
    cdef List* l
    cdef readonly Guards guards
    cdef list leaves                    # of the arguments; tensors are None there
    cdef vector[Seen] leaf_seen
    cdef list held                      # tensors that are no arguments
    cdef vector[Seen] held_seen         # of their grads before; dt = -1: none
    cdef vector[int] grad_slot          # of their grads before
    cdef vector[int] grad_after         # 0: as before, 1: None, 2: a new one
    cdef vector[Out] grad_out
    cdef vector[int64_t] arg_raised     # by how much the versions of arguments and of gradients are raised
    cdef vector[int64_t] grad_raised
    cdef vector[char] reuse             # of each block: this replay gives it to a gradient that nobody else has
    cdef vector[char] undo              # see remember()
    cdef readonly list pre              # what the slots held before the call, those that the recording before wrote
    cdef vector[int] arg_slots          # slot of each leaf, -1: none
    cdef list storages                  # tensors whose storage's version is raised
    cdef vector[int64_t] raised
    cdef list groups
    cdef object modes
    cdef object result                  # see `template`
    cdef list outs                      # (index in out_seen, node or None, output number)
    cdef vector[Out] out_seen
    cdef uint64_t drawn
    cdef readonly str why
    cdef readonly object value          # what the function returned
    cdef Variable blank
    cdef bint busy
    cdef readonly int64_t pool          # bytes

    def __cinit__(self):
        self.l = new List()
        self.blank = <Variable>new_empty(0, NULL, FLOAT32, CPU, 0)

    def __dealloc__(self):
        cdef size_t i
        if self.l != NULL:
            for i in range(self.l.blocks.size()):
                if self.l.blocks[i].st != NULL:
                    drop(self.l.blocks[i].st)
            del self.l

    @property
    def calls(self):
        return self.l.calls.size()

    @property
    def text(self):
        return <bytes>self.l.text

    @property
    def names(self):
        """Names of the kernels in the order of their calls."""
        return [call_name(self.l, i).decode() for i in range(<int64_t>self.l.calls.size())]

    # ------------------------------------------------------------------------------ recording

    cdef int add_slot(self, char* data, int64_t nbytes) except -2:
        cdef Slot s
        s.data, s.nbytes, s.read, s.written, s.first = data, nbytes, False, False, 0
        self.l.slots.push_back(s)
        self.l.places[data] = -<int>self.l.slots.size()
        return <int>self.l.slots.size() - 1

    def record(self, f, tuple args, dict kwargs, bint live, Recording before=None):
        """Call `f` and note what it does. Afterwards `value` is its result, and `why` says what forbids a replay (or None)."""
        cdef list leaves, others
        cdef Variable x, g
        cdef Generator generator = generator_of(None)
        cdef dict ranges = {}
        cdef pyx_storage* first
        cdef int i
        cdef Seen none
        cdef Out nothing
        memset(&none, 0, sizeof(none))
        memset(&nothing, 0, sizeof(nothing))
        none.dt = -1
        if self.guards is not None or self.why is not None:
            raise RuntimeError("record: a recording is made once.")
        prepare_tables()
        leaves, others = leaves_of(args, kwargs)
        try:
            reach = Reach(f, others, live)
            if reach.live != live:      # the learning rate is looked at by name
                reach = Reach(f, others, False)
        except Exception as e:      # programs may answer to looking at them as they like
            self.why = str(e) if isinstance(e, Refusal) else f"it cannot be followed ({type(e).__name__}: {e})"
            self.value = f(*args, **kwargs)
            return
        self.guards = reach.guards
        self.groups = reach.groups if reach.live else []
        self.modes = modes()
        self.why = self.before(leaves, reach)
        if self.why is not None:
            self.value = f(*args, **kwargs)
            return
        self.leaves, self.held, keep = [], [], []
        for leaf in leaves:
            if isinstance(leaf, Variable):
                x = <Variable>leaf
                self.leaves.append(None)
                self.leaf_seen.push_back(seen_of(x))
                self.arg_slots.push_back(self.add_slot(x.ptr, extent(x)) if x.n else -1)
                keep.append(x)
            else:
                self.leaves.append(leaf)
                self.leaf_seen.push_back(none)
                self.arg_slots.push_back(-1)
        for x, _ in reach.tensors:
            self.held.append(x)
            first = first_storage(x.st)
            if <uintptr_t>first not in ranges and x.n:
                ranges[<uintptr_t>first] = True
                self.add_slot(first.data, first.nbytes)
            g = <Variable?>x._grad if x._grad is not None else None
            if g is None:
                self.held_seen.push_back(none)
                self.grad_slot.push_back(-1)
            else:
                self.held_seen.push_back(seen_of(g))
                self.grad_slot.push_back(self.add_slot(g.ptr, extent(g)) if g.n else -1)
                keep.append(g)
        if self.overlap(False):
            self.why = "arguments or gradients share memory with each other or with tensors that the function refers to"
            self.value = f(*args, **kwargs)
            return
        grads = [(<Variable>x)._grad for x in self.held]
        self.storages, seen = [], {}
        for x in [*keep, *self.held]:
            if <uintptr_t>x.st not in seen:
                seen[<uintptr_t>x.st] = True
                self.storages.append(x)
        versions = [(<Variable>x).st.version for x in self.storages]
        if before is not None and before.l.slots.size() == self.l.slots.size():
            self.pre = []
            for i in range(<int>self.l.slots.size()):
                self.pre.append(<bytes>self.l.slots[i].data[:self.l.slots[i].nbytes] if before.l.slots[i].written and self.l.slots[i].nbytes else b"")
        self.l.seed, self.l.start = generator._seed, generator._offset
        begin(self.l, &listener)
        try:
            self.value = f(*args, **kwargs)
        except BaseException:
            end(self.l, &listener)
            self.why = "it raised an exception"
            raise
        end(self.l, &listener)
        self.drawn = generator._offset - self.l.start
        self.pool = self.l.bytes
        if self.l.why.size():
            self.why = self.l.why.decode()
            return
        self.why = self.after(generator, leaves, grads, versions)

    cdef str before(self, list leaves, reach):
        cdef Variable x
        if _gate.watching():
            return "modes, overriding subclasses, sparse tensors, the profiler or autocast are in force"
        if levels_open() or inference_enabled():
            return "forward mode or inference mode is in force"
        if hooks_of_all():
            return "hooks of all modules or all optimisers hang"
        for leaf in leaves:
            if isinstance(leaf, Variable):
                x = <Variable>leaf
                if x.dev != CPU or x.flags & COMPOUND or x.nd > 8:
                    return "an argument is not an ordinary tensor on the CPU, or has more than 8 dimensions"
                if x._extra is not None or type(x).__name__ != "Tensor" or named(x):
                    return "an argument has hooks, tangents or attributes of the program's own, or is a Parameter (let the function refer to it)"
                if x.flags & REQUIRES_GRAD or x._grad_fn is not None:
                    return "an argument requires grad: its graph goes on outside the function"
        for x, path in reach.tensors:
            if x.dev != CPU or x.flags & COMPOUND or x.nd > 8:
                return f"{path} is not an ordinary tensor on the CPU, or has more than 8 dimensions"
            if x._grad_fn is not None or x._extra is not None:
                return f"{path} is the result of recorded operations, or has hooks or tangents"
            if x._grad is not None and ((<Variable?>x._grad)._grad_fn is not None or (<Variable>x._grad)._extra is not None
                                        or (<Variable>x._grad).flags & (COMPOUND | REQUIRES_GRAD) or (<Variable>x._grad).dev != CPU or (<Variable>x._grad).nd > 8):
                return f"{path}.grad is part of a graph, or not an ordinary tensor"
        return None

    cdef bint overlap(self, bint used) noexcept:
        """Whether a slot whose memory changes from call to call shares it with another one. `used`: only where the list writes one of them."""
        cdef size_t i, k
        cdef Slot* s
        cdef Slot* t
        cdef vector[int] moving
        for i in range(self.arg_slots.size()):
            if self.arg_slots[i] >= 0:
                moving.push_back(self.arg_slots[i])
        for i in range(self.grad_slot.size()):
            if self.grad_slot[i] >= 0:
                moving.push_back(self.grad_slot[i])
        for i in range(moving.size()):
            s = &self.l.slots[moving[i]]
            if used and not (s.read or s.written):
                continue
            for k in range(self.l.slots.size()):
                t = &self.l.slots[k]
                if s != t and (not used or s.written or t.written) and s.data < t.data + t.nbytes and t.data < s.data + s.nbytes:
                    return True
        return False

    cdef str after(self, Generator generator, list leaves, list grads, list versions):
        """Look at what the call left behind."""
        cdef Variable x, g
        cdef size_t i
        cdef int k
        cdef Out o
        cdef int64_t change
        if generator._seed != self.l.seed or modes() != self.modes:
            return "it seeds the generator, or changes a mode or a setting"
        broken = self.guards.broken()
        if broken is not None:
            return f"it changes what it depends on: {broken}"
        for g_, lr in self.groups:
            if not same_number(g_.get("lr"), lr):
                return "it changes a learning rate"
        told = set()
        for i in range(self.l.lives.size()):
            told.add(<uintptr_t>self.l.lives[i].group)
        if self.groups and not all(<uintptr_t><PyObject*>g_ in told for g_, _ in self.groups):
            return "a learning rate is read outside the optimiser's kernel"
        for i in range(len(leaves)):
            if self.leaf_seen[i].dt >= 0:
                x = <Variable>leaves[i]
                if not same_geometry(x, &self.leaf_seen[i]) or x.ptr != self.leaf_seen[i].ptr or x._grad is not None and x.flags & REQUIRES_GRAD:
                    return "it changes the shape, memory or flags of an argument"
                if x._grad_fn is not None or x._extra is not None:
                    return "an argument becomes part of a graph"
        known = {}
        for i in range(len(self.held)):
            x = <Variable>self.held[i]
            memset(&o, 0, sizeof(o))
            k = 0
            if x._grad is not grads[i]:
                if x._grad is None:
                    k = 1
                else:
                    g = <Variable>x._grad
                    k = 2
                    if not self.place(g, &o) or g._grad_fn is not None or g.flags & (REQUIRES_GRAD | COMPOUND) or g._extra is not None or g._base is not None:
                        return "a gradient is part of a graph, or was not made by kernels"
                    known[<uintptr_t><PyObject*>g] = i
            elif x._grad is not None and self.held_seen[i].dt >= 0 and not same_geometry(<Variable>x._grad, &self.held_seen[i]):
                return "it changes a gradient's shape or flags"
            self.grad_after.push_back(k)
            self.grad_out.push_back(o)
        for i in range(len(self.storages)):
            x = <Variable>self.storages[i]
            change = x.st.version - <int64_t>versions[i]
            if change and not self.was_written(x):
                return "a tensor is written by something else than kernels known here"
            self.raised.push_back(change)
        self.settle(leaves, grads)
        self.reuse.resize(self.l.blocks.size())
        change = 0
        for i in range(self.l.slots.size()):
            if self.l.slots[i].written and self.l.slots[i].first <= self.l.last_look:
                change += self.l.slots[i].nbytes
        if change > 1 << 22:
            return "an element decides something (a branch, a check) after much has been written in place"
        self.undo.resize(change)
        self.outs = []
        try:
            self.result = self.template(self.value, leaves, known, {})
        except Refusal as e:
            return str(e)
        return None

    cdef bint was_written(self, Variable x) noexcept:
        cdef int k = self.l.find(x.ptr)
        return k < 0 and k > -(1 << 30) and self.l.slots[-1 - k].written

    cdef bint place(self, Variable x, Out* o) noexcept:
        """Where a result lies; False: not in memory that calls of the list have written."""
        cdef int k = self.l.find(x.ptr)
        if k < 0 or x.nd > 8 or x.dev != CPU or self.l.blocks[k].st != x.st or not (self.l.blocks[k].written or not x.n):
            return False
        o.seen = seen_of(x)
        o.block = k
        o.offset = x.ptr - x.st.data
        o.version = x.st.version
        return True

    cdef object template(self, object v, list leaves, dict known, dict made):
        """How to make the result anew: (kind, what)."""
        cdef Variable x
        cdef Out o
        t = type(v)
        if t in (int, float, bool, str, type(None), complex, bytes) or t.__name__ in ("dtype", "device", "Size"):
            return (0, v)
        if t is list or t is tuple:
            return (1, (t, [self.template(item, leaves, known, made) for item in v]))
        if t is dict:
            return (2, [(k, self.template(item, leaves, known, made)) for k, item in v.items()])
        if not isinstance(v, Variable):
            raise Refusal(f"it returns an object of the type {t.__qualname__}, which a replay cannot make")
        x = <Variable>v
        for i, leaf in enumerate(leaves):
            if leaf is v:
                return (3, i)
        for held in self.held:
            if held is v:
                return (0, v)
        i = known.get(<uintptr_t><PyObject*>x)
        if i is not None:
            return (4, i)
        if id(v) in made:
            return (5, made[id(v)])
        if t.__name__ != "Tensor" or x._extra is not None or not self.place(x, &o):
            raise Refusal("it returns a tensor that kernels of the list have not written, or a view of an argument")
        if x._base is not None:
            raise Refusal("it returns a view of a tensor made inside (return a copy, or take the view outside)")
        if x.flags & REQUIRES_GRAD:
            node = x._grad_fn
            if not isinstance(node, Node) or not spent(<Node>node):
                raise Refusal("it returns a tensor whose backward pass has still to run: call backward() inside, or run it under no_grad")
        elif x._grad_fn is not None:
            raise Refusal("it returns a tensor that is part of a graph")
        self.out_seen.push_back(o)
        node = x._grad_fn
        if node is not None and not (<Node>node).released:
            node = Spent.__new__(Spent)
            (<Spent>node).label = x._grad_fn.name()
            (<Spent>node).n_outputs = x.output_nr + 1
        self.outs.append((node, x.output_nr))
        made[id(v)] = len(self.outs) - 1
        return (5, len(self.outs) - 1)

    # ------------------------------------------------------------------------------ replaying

    cdef bint fits(self, list leaves):
        """Whether the arguments have the signature of the recorded ones."""
        cdef Py_ssize_t i
        cdef Variable x
        if len(leaves) != len(self.leaves):
            return False
        for i in range(len(leaves)):
            leaf = leaves[i]
            if self.leaves[i] is None and self.leaf_seen[i].dt >= 0:
                if not isinstance(leaf, Variable):
                    return False
                x = <Variable>leaf
                if not same_geometry(x, &self.leaf_seen[i]) or x.flags & COMPOUND or x._extra is not None or x._grad_fn is not None or type(x).__name__ != "Tensor" or named(x):
                    return False
            elif isinstance(leaf, Variable):
                return False
            elif leaf is not self.leaves[i] and not same_number(leaf, self.leaves[i]) and not (type(leaf) is tuple and leaf == self.leaves[i]):
                return False
        return True

    cdef bint grads_fit(self) noexcept:
        cdef size_t i
        cdef Variable x, g
        for i in range(self.held_seen.size()):
            x = <Variable>self.held[i]
            if (x._grad is None) != (self.held_seen[i].dt < 0):
                return False
            if x._grad is not None:
                g = <Variable>x._grad
                if not same_geometry(g, &self.held_seen[i]) or g._grad_fn is not None or g._extra is not None or g.flags & COMPOUND:
                    return False
        return True

    def accepts(self, list leaves):
        """Whether a call with these arguments, now, is one that was recorded here."""
        return self.result is not None and leaves is not None and self.fits(leaves) and modes() == self.modes and not _gate.watching() and not hooks_of_all() and self.guards.hold() and self.grads_fit()

    cdef int own(self, size_t i) except -1:
        """Give block i memory that nobody else has."""
        cdef pyx_storage* before = self.l.blocks[i].st
        cdef pyx_storage* s = new_storage(before.nbytes, CPU, 0)
        point(self.l.blocks[i].refs, s.data)
        self.l.blocks[i].st = s
        drop(before)
        return 0

    cdef int aim(self, int slot, Variable x) noexcept:
        if slot >= 0 and self.l.slots[slot].data != x.ptr:
            self.l.slots[slot].data = x.ptr
            point(self.l.slots[slot].refs, x.ptr)
        return 0

    def replay(self, list leaves):
        """Run the list on these arguments, which `accepts` has accepted. Raises Miss before anything is changed."""
        cdef Generator generator = generator_of(None)
        cdef Variable x, g
        cdef size_t i
        cdef int64_t at, code = 0
        cdef pyx_storage* s
        if self.busy or self.result is None or leaves is None or not self.fits(leaves) or not self.grads_fit():
            raise Miss("another call is running it, or it was recorded for other arguments")
        for i in range(self.l.lives.size()):
            lr = (<dict><PyObject*>self.l.lives[i].group).get("lr")
            if type(lr) is not float:
                raise Miss("a learning rate is no float")
            set_rate(self.l.lives[i].options, lr)
        for i in range(self.arg_slots.size()):
            if self.arg_slots[i] >= 0:
                self.aim(self.arg_slots[i], <Variable>leaves[i])
        for i in range(self.grad_slot.size()):
            if self.grad_slot[i] >= 0:
                self.aim(self.grad_slot[i], <Variable>(<Variable>self.held[i])._grad)
        if self.overlap(True):
            raise Miss("arguments or gradients share memory")
        self.busy = True
        try:
            for i in range(self.grad_after.size()):
                if self.grad_after[i] == 2:
                    g = <Variable>(<Variable>self.held[i])._grad
                    s = self.l.blocks[self.grad_out[i].block].st
                    # The reference of the parameter, and this one.
                    self.reuse[self.grad_out[i].block] = (g is not None and g.st == s and s.refcount == 2 and Py_REFCNT(<PyObject*>g) == 2
                                                         and g.ptr == s.data + self.grad_out[i].offset and same_geometry(g, &self.grad_out[i].seen))
            g = None
            for i in range(self.l.blocks.size()):
                s = self.l.blocks[i].st
                if s.refcount > 1 and not self.reuse[i]:
                    self.own(i)
            rewind(self.l, generator._seed, generator._offset)
            if self.undo.size():
                self.remember()
            at = play(self.l, &code)
            if at >= 0:
                if at <= self.l.last_look and self.undo.size():
                    self.recall()
                    raise Miss("an element that decides something is another one")
                if self.l.first_external_write < 0 or at < self.l.first_external_write:
                    raise Miss("a kernel reports an error")
                raise (IndexError if code == -2 else RuntimeError)(
                    f"compile: the kernel {call_name(self.l, at).decode()!r}, call {at} of a replayed function, reports the error {code}"
                    + (": an index is out of range." if code == -2 else "."))
            generator._offset += self.drawn
            for i in range(self.raised.size()):
                if self.raised[i]:
                    (<Variable>self.storages[i]).st.version += self.raised[i]
            for i in range(self.arg_raised.size()):
                if self.arg_raised[i]:
                    (<Variable>leaves[i]).st.version += self.arg_raised[i]
            for i in range(self.grad_raised.size()):
                if self.grad_raised[i]:
                    (<Variable>(<Variable>self.held[i])._grad).st.version += self.grad_raised[i]
            for i in range(self.grad_after.size()):
                x = <Variable>self.held[i]
                if self.grad_after[i] == 1:
                    x._grad = None
                elif self.grad_after[i] == 2:
                    if self.reuse[self.grad_out[i].block]:
                        (<Variable>x._grad).st.version = self.grad_out[i].version
                    else:
                        x._grad = self.tensor(&self.grad_out[i])
            new = [None] * len(self.outs)
            for i in range(self.out_seen.size()):
                x = self.tensor(&self.out_seen[i])
                node, number = <tuple>self.outs[i]
                x._grad_fn = node
                x.output_nr = number
                new[i] = x
            return self.build(self.result, leaves, new)
        finally:
            self.busy = False

    cdef int settle(self, list leaves, list grads) except -1:
        """`raised` is kept for what stays; for arguments and gradients, whose storages differ from call to call, it goes to lists of their own."""
        cdef list kept = []
        cdef vector[int64_t] raised
        cdef size_t i
        by = {<uintptr_t>(<Variable>self.storages[i]).st: self.raised[i] for i in range(self.raised.size())}
        for x in self.held:
            change = by.pop(<uintptr_t>(<Variable>x).st, 0)
            if change:
                kept.append(x)
                raised.push_back(change)
        for i in range(len(leaves)):
            self.arg_raised.push_back(by.pop(<uintptr_t>(<Variable>leaves[i]).st, 0) if self.leaf_seen[i].dt >= 0 else 0)
        for g in grads:
            self.grad_raised.push_back(by.pop(<uintptr_t>(<Variable>g).st, 0) if g is not None else 0)
        self.storages, self.raised = kept, raised
        return 0

    cdef void remember(self) noexcept:
        """Copy what is written before the last look, so that the call can begin anew where it finds something else."""
        cdef size_t i
        cdef char* p = self.undo.data()
        for i in range(self.l.slots.size()):
            if self.l.slots[i].written and self.l.slots[i].first <= self.l.last_look:
                memcpy(p, self.l.slots[i].data, self.l.slots[i].nbytes)
                p += self.l.slots[i].nbytes

    cdef void recall(self) noexcept:
        cdef size_t i
        cdef char* p = self.undo.data()
        for i in range(self.l.slots.size()):
            if self.l.slots[i].written and self.l.slots[i].first <= self.l.last_look:
                memcpy(self.l.slots[i].data, p, self.l.slots[i].nbytes)
                p += self.l.slots[i].nbytes

    cdef Variable tensor(self, const Out* o):
        """A tensor on block o.block, as the recorded one was."""
        cdef pyx_storage* s = self.l.blocks[o.block].st
        cdef Variable y = <Variable>new_view(self.blank, o.seen.nd, o.seen.dims, o.seen.dims + 8, s.data + o.offset)
        hold(s)
        drop(y.st)
        y.st = s
        y.dt = o.seen.dt
        y.flags = o.seen.flags
        s.version = o.version
        return y

    cdef object build(self, tuple how, list leaves, list new):
        kind = how[0]
        if kind == 5:
            return new[how[1]]
        if kind == 0:
            return how[1]
        if kind == 1:
            made = [self.build(item, leaves, new) for item in how[1][1]]
            return made if how[1][0] is list else tuple(made)
        if kind == 2:
            return {k: self.build(item, leaves, new) for k, item in how[1]}
        if kind == 3:
            return leaves[how[1]]
        return (<Variable>self.held[how[1]])._grad

    # ------------------------------------------------------------------------------ trial

    def snapshot(self):
        """The bytes of all slots that the list writes, in the order of the slots."""
        return [(<bytes>self.l.slots[i].data[:self.l.slots[i].nbytes] if self.l.slots[i].written and self.l.slots[i].nbytes else b"")
                for i in range(<int64_t>self.l.slots.size())]

    cdef bint put_back(self, list bytes_of):
        """Write what `snapshot` gave. True: the slots are the same."""
        cdef size_t i
        if bytes_of is None or <size_t>len(bytes_of) != self.l.slots.size():
            return False
        for i in range(self.l.slots.size()):
            if self.l.slots[i].written and self.l.slots[i].nbytes:
                if type(bytes_of[i]) is not bytes or <int64_t>len(bytes_of[i]) != self.l.slots[i].nbytes:
                    return False
        for i in range(self.l.slots.size()):
            if self.l.slots[i].written and self.l.slots[i].nbytes:
                memcpy(self.l.slots[i].data, <char*><bytes>bytes_of[i], self.l.slots[i].nbytes)
        return True

    def trial(self, list before):
        """Run the list again from the state `before` (a snapshot of this call's slots) on poisoned memory: "" where all bits are those
        of the call, else what differs. The state after it is the one after the call, whatever comes out."""
        cdef size_t i
        cdef Generator generator = generator_of(None)
        cdef uint64_t offset = generator._offset
        cdef int64_t code = 0, at
        cdef pyx_storage* s
        cdef str wrong = ""
        cdef list after = self.snapshot(), blocks = []
        for i in range(self.l.blocks.size()):
            s = self.l.blocks[i].st
            blocks.append(<bytes>s.data[:s.nbytes] if s.nbytes and self.l.blocks[i].written else b"")
        if self.result is None or not self.put_back(before):
            return "what is written differs from call to call"
        for i in range(self.l.blocks.size()):
            if self.l.blocks[i].st.refcount > 1:
                self.own(i)
            memset(self.l.blocks[i].st.data, 0xff, self.l.blocks[i].st.nbytes)
        for i in range(self.l.lives.size()):
            set_rate(self.l.lives[i].options, (<dict><PyObject*>self.l.lives[i].group)["lr"])
        rewind(self.l, generator._seed, self.l.start)
        at = play(self.l, &code)
        if at >= 0:
            wrong = f"call {at} ({call_name(self.l, at).decode()}) fails"
        else:
            for i in range(self.l.blocks.size()):
                s = self.l.blocks[i].st
                if blocks[i] and memcmp(s.data, <char*><bytes>blocks[i], s.nbytes):
                    wrong = f"result {i} of {self.l.blocks.size()} ({s.nbytes} bytes)"
                    break
            if not wrong and self.snapshot() != after:
                wrong = "a tensor written in place"
        self.put_back(after)
        generator._offset = offset
        return wrong

    def take(self):
        """The result of the recorded call, which is then forgotten here."""
        value = self.value
        self.value = None
        return value

    def same(self, Recording other not None):
        """Whether two calls did the same."""
        cdef size_t i
        if self.l.text != other.l.text or self.grad_after != other.grad_after or self.raised != other.raised or self.arg_raised != other.arg_raised:
            return False
        if self.drawn != other.drawn or self.grad_raised != other.grad_raised or self.out_seen.size() != other.out_seen.size():
            return False
        for i in range(self.out_seen.size()):
            if self.out_seen[i].block != other.out_seen[i].block or self.out_seen[i].version != other.out_seen[i].version:
                return False
        return same_result(self.result, other.result)


def recording_here():
    """Whether this thread records."""
    return is_recording()

"""The engine that sends gradients through the graph.

A Task is one run: it counts how many gradients each node awaits, holds those that have arrived, and
calls each node when its last one is there, the latest made first. Nodes hold only the graph, so runs
nest and run side by side in several threads.

Nothing and zero differ: a node to which no gradient was sent sends zeros on, which cost nothing until
they reach a leaf or the user; only what no run reaches has no gradient at all.
"""
import os
import threading

import cython
from cython.cimports.cpython.mem import PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cython.cimports.cpython.object import PyObject
from cython.cimports.libc.string import memcpy
from cython.cimports.pyxtorch._beneath import recorder
from cython.cimports.pyxtorch._compound import COMPOUND
from cython.cimports.pyxtorch._core import (
    CONTIGUOUS,
    REQUIRES_GRAD,
    TensorBase,
    dtype_of,
    same_shape,
    shape_of,
)
from cython.cimports.pyxtorch._gate import hear, hush, set_silent, unhush
from cython.cimports.pyxtorch._tape._thread import references
from cython.cimports.pyxtorch._tape.graph import AccumulateGrad, Node, Run, swap_running, watch_nodes
from cython.cimports.pyxtorch._tape.hooks import call_hooks, call_many, call_output_hooks
from cython.cimports.pyxtorch._tape.modes import grad_enabled, set_grad

from pyxtorch._tape.sites import explain_by, look_back, look_into

LARGE = cython.declare(cython.longlong, 16384)      # elements from which kernels may run without the GIL

# ------------------------------------------------------------------- what the floors above hand over

_add = cython.declare(object, None)
_add_into = cython.declare(object, None)
_clone = cython.declare(object, None)
_to = cython.declare(object, None)
_ones = cython.declare(object, None)
_zeros = cython.declare(object, None)
_zeros_of = cython.declare(object, None)
_stack = cython.declare(object, None)
_dense = cython.declare(object, None)


def provide(functions):
    """Take the operations on tensors that a run needs; the engine itself knows none."""
    global _add, _add_into, _clone, _to, _ones, _zeros, _zeros_of, _stack, _dense
    _add, _add_into, _clone, _to = functions["add"], functions["add_"], functions["clone"], functions["to"]
    _ones, _zeros = functions["ones_like"], functions["zeros_like"]
    _zeros_of, _stack, _dense = functions["zeros"], functions["stack"], functions["dense"]
    return 0


def provide_operations(**functions):
    """See `provide`."""
    provide(functions)


def zeros_like(x):
    return _zeros(x)


def zeros_of(shape, dtype, device):
    return _zeros_of(shape, dtype=dtype, device=device)


def ones_like(x):
    return _ones(x)


def added(a, b):
    return _add(a, b)


def stacked(tensors):
    return _stack(tensors)


def converted(x, dt):
    return _to(x, dtype_of(dt))


# ------------------------------------------------------------------------------------- anomalies

_anomaly = cython.declare(cython.bint, False)        # runs look at what they give, nodes note where they are made


def is_anomaly_enabled():
    """Whether backward looks for nan in the gradients that it gives."""
    return _anomaly


def set_anomaly(mode, explain=None):
    """Whether runs tell `explain(kind, *run)` of gradients that have inf (kind 1) or nan (2), and of results that have (0)."""
    global _anomaly
    _anomaly = mode
    explain_by(explain)
    watch_nodes(_anomaly)


# ------------------------------------------------------------------------------------- one run

_latest = cython.declare(cython.ulonglong, 0)           # the number of the run that began last

# Adding to one .grad from several threads: large additions run without the GIL. One lock of several by address.
_locks = cython.declare(list, [threading.Lock() for _ in range(16)])


def _renew_locks():
    """In a child process: a lock may have been held by a thread that is not here."""
    _locks[:] = [threading.Lock() for _ in range(16)]


os.register_at_fork(after_in_child=_renew_locks)


@cython.final
@cython.binding(False)
@cython.cclass
class Task(Run):
    """One run of gradients through the graph."""

    def __cinit__(self):
        global _latest
        _latest += 1
        self.id = _latest
        self.slots = self.few
        self.room = 8
        self.targets = []
        self.grads = []

    def __dealloc__(self):
        if self.slots != self.few:
            PyMem_Free(self.slots)
        PyMem_Free(self.heap)

    # For Python: hooks may ask for the run that they are part of.

    def queue_callback(self, callback):
        """Call `callback()` when this run has ended."""
        if not callable(callback):
            raise TypeError(f"queue_callback: expected a function, not {type(callback).__name__}.")
        if self.callbacks is None:
            self.callbacks = []
        self.callbacks.append(callback)

    def leaves(self):
        """The leaves that this run reaches, in the order in which they were met."""
        return [t for t in self.targets if not isinstance(t, Node)]

    def is_restricted(self):
        """Whether gradients of some inputs only were asked for."""
        return self.restricted

    def reaches(self, node, output_nr=0):
        """Whether this run sends a gradient to a node (an AccumulateGrad: to its leaf)."""
        target = cython.cast(AccumulateGrad, node).variable if isinstance(node, AccumulateGrad) else node
        k: cython.int = self.find(target)
        return k >= 0 and (not self.restricted or self.slots[k].wanted != 0)

    # What the run knows of a node or leaf stands in its slot.

    def find(self, target):
        """The slot of a node or leaf; -1 if the run has not met it."""
        node: Node
        leaf: TensorBase
        if isinstance(target, Node):
            node = target
            if node.mark == self.id:
                return node.slot
        else:
            leaf = target
            if leaf.task_mark == self.id:
                return leaf.task_slot
        if _latest == self.id:
            return -1
        # Another run has begun since, and may have put its marks over this one's.
        if self.index is None:
            self.index = {}
        i: cython.int
        for i in range(len(self.index), self.count):
            self.index[id(self.targets[i])] = i
        return self.index.get(id(target), -1)

    def place(self, target):
        k: cython.int = self.find(target)
        if k >= 0:
            return k
        k = self.count
        if k == self.room:
            grow(self)
        slot: cython.pointer(Slot) = cython.address(self.slots[k])
        slot.awaited = 0
        slot.reached = 0
        slot.wanted = 0
        node: Node
        leaf: TensorBase
        if isinstance(target, Node):
            node = target
            node.mark = self.id
            node.slot = k
            slot.sequence = node.sequence
        else:
            leaf = target
            leaf.task_mark = self.id
            leaf.task_slot = k
            slot.sequence = 0
        self.targets.append(target)
        self.grads.append(None)
        self.count = k + 1
        return k

    def explore(self):
        """Meet everything that can be reached from the slots that there are, and count the edges that lead to each."""
        node: Node
        i: cython.int
        j: cython.int
        k: cython.int = 0
        while k < self.count:
            target = self.targets[k]
            if isinstance(target, Node):
                node = cython.cast(Node, target)
                for i in range(node.n_inputs):
                    child = node.edge(i)
                    if child is not None and not (self.floor and beneath(child, self.floor)):
                        j = self.place(child)
                        self.slots[j].awaited += 1
            k += 1
        return 0

    def restrict(self):
        """Count anew, only along edges that lead to something asked for."""
        node: Node
        i: cython.int
        j: cython.int
        k: cython.int
        # What a node's inputs came from was made before it: the earliest first is an order from the leaves on.
        for _, k in sorted([(self.slots[k].sequence, k) for k in range(self.count)]):
            self.slots[k].awaited = 0
            target = self.targets[k]
            if isinstance(target, Node):
                node = cython.cast(Node, target)
                for i in range(node.n_inputs):
                    child = node.edge(i)
                    j = -1 if child is None else self.find(child)
                    if j >= 0 and self.slots[j].wanted:
                        self.slots[k].wanted |= 1
                        break
        for k in range(self.count):
            target = self.targets[k]
            if isinstance(target, Node) and self.slots[k].wanted & 1:
                node = cython.cast(Node, target)
                for i in range(node.n_inputs):
                    child = node.edge(i)
                    if child is not None:
                        j = self.find(child)
                        if j >= 0 and self.slots[j].wanted:
                            self.slots[j].awaited += 1
        return 0

    def receive(self, target, number, g):
        """Gradient `g` arrives: the first is kept as it is, later ones are added."""
        k: cython.int = self.find(target)
        if k < 0 or (self.restricted and self.slots[k].wanted == 0):
            return 0
        grads: list = self.grads
        if cython.cast(TensorBase, g).flags & COMPOUND and isinstance(target, Node) and not type(target).__flags__ & (1 << 9):
            g = _dense(g)           # the gradients of built-in operations know strided tensors only
        if isinstance(target, Node) and cython.cast(Node, target).n_outputs > 1:
            if grads[k] is None:
                grads[k] = [None] * cython.cast(Node, target).n_outputs
            grads = grads[k]
            k = number
        if grads[k] is None:
            grads[k] = g
        else:
            add_to(grads, k, g)
        return 0

    # What nodes ask for.

    def wants(self, node, target):
        if not self.restricted or self.node is not node:
            return True
        k: cython.int = self.find(target)
        return k >= 0 and self.slots[k].wanted != 0

    def deliver(self, node, i, target, g):
        if self.watcher is not None and self.caught is None:
            self.watcher(node, i, g)
        if self.caught is not None:
            have = self.caught[i]
            self.caught[i] = g if have is None else _add(have, g)
            return 0
        return self.receive(target, node.edge_nr(i), g)

    def withhold(self, i):
        if self.withheld is None:
            self.withheld = set()
        self.withheld.add(i)
        return 0

    # Ready nodes: a heap, the latest made first.

    def push(self, k):
        if self.ready == self.heap_room:
            grow_heap(self)
        heap: cython.p_int = self.heap
        i: cython.int = self.ready
        parent: cython.int
        self.ready += 1
        while i > 0:
            parent = (i - 1) >> 1
            if self.slots[heap[parent]].sequence >= self.slots[k].sequence:
                break
            heap[i] = heap[parent]
            i = parent
        heap[i] = k
        return 0

    def pop(self):
        heap: cython.p_int = self.heap
        first: cython.int = heap[0]
        self.ready -= 1
        last: cython.int = heap[self.ready]
        i: cython.int = 0
        child: cython.int = 1
        while child < self.ready:
            if child + 1 < self.ready and self.slots[heap[child + 1]].sequence > self.slots[heap[child]].sequence:
                child += 1
            if self.slots[last].sequence >= self.slots[heap[child]].sequence:
                break
            heap[i] = heap[child]
            i = child
            child = 2 * i + 1
        heap[i] = last
        return first

    def execute(self):
        while self.ready:
            self.visit(self.pop())
        return 0

    def visit(self, k):
        """Let a node whose gradients have all arrived send its own, then see who became ready."""
        node: Node = cython.cast(Node, self.targets[k])
        g = self.grads[k]
        many: list = None
        self.grads[k] = None
        reached: cython.bint = self.slots[k].reached
        extra: dict = node.extra
        if node.n_outputs > 1:
            many = g if g is not None else [None] * node.n_outputs
        if extra is not None or self.captures is not None:
            if many is None:
                many = [g]
            g = None
            if extra is not None:
                before_node(extra, many, reached, self.watcher is not None)
                if self.watcher is not None and extra.get("tensor_hooks"):
                    for x in many:
                        self.watcher(node, -1, x)
            if self.captures is not None:
                places = self.captures.get(k)
                if places is not None:
                    for number, place in places.items():
                        self.captured[place] = many[number] if many[number] is not None else reached
            if self.restricted and not self.slots[k].wanted & 1:
                return 0
            if extra is not None and extra.get("prehooks"):
                many = call_many(extra["prehooks"], many, None, node.name(), "prehook")
            if node.n_outputs <= 1:
                g = many[0]
        anything: cython.bint = g is not None or node.always
        if not anything and many is not None:
            for x in many:
                if x is not None:
                    anything = True
                    break
        self.withheld = None
        if anything:
            reached = True
            self.node = node
            if self.told is not None:
                self.mark = self.told.begin_node(node, node.sequence)
            if extra is not None and extra.get("hooks"):
                self.call_hooked(node, extra, g, many)
            elif node.n_outputs > 1:
                g = None
                node.send(many)
            else:
                many = None
                node.send(g)
            self.node = None
            if self.told is not None:
                self.told.end(self.mark)
        if not self.keep:
            node.release()
        g = None
        many = None
        return self.settle(node, reached)

    def call_hooked(self, node, extra, g, many):
        """Run a node whose hooks want to see (and may change) the gradients it sends."""
        i: cython.int
        before: list = list(many) if many is not None else [g]
        self.caught = [None] * node.n_inputs
        try:
            node.send(many if node.n_outputs > 1 else g)
            caught = self.caught
        finally:
            self.caught = None
        changed = call_many(extra["hooks"], caught, before, node.name(), "hook")
        for i in range(node.n_inputs):
            if changed[i] is None and caught[i] is not None:
                node.withhold(i)            # a hook took it away
            node.pass_grad(i, changed[i])
        return 0

    def settle(self, node, anything):
        """A node has run: those behind it await one gradient less."""
        withheld = self.withheld
        i: cython.int
        j: cython.int
        for i in range(node.n_inputs):
            target = node.edge(i)
            if target is None:
                continue
            j = self.find(target)
            if self.restricted and (j < 0 or not self.slots[j].wanted):
                continue
            if anything and (withheld is None or i not in withheld):
                self.slots[j].reached = 1
            self.slots[j].awaited -= 1
            if self.slots[j].awaited == 0:
                if isinstance(target, Node):
                    self.push(j)
                else:
                    self.finish_leaf(j)
        return 0

    def finish_leaf(self, k):
        """The gradient of a leaf is complete: into .grad, or to whoever asked for it."""
        leaf: TensorBase = self.targets[k]
        g = self.grads[k]
        self.grads[k] = None
        notes: dict = None
        hooks: dict = None
        if g is None:
            if not self.slots[k].reached:
                return 0
            if leaf._extra is None and leaf._grad is not None and self.captures is None:
                return 0            # a zero changes nothing
            g = _zeros(leaf)
        if leaf._extra is not None:
            notes = leaf._extra
            g = call_hooks(notes.get("hooks"), g)
        if self.watcher is not None:
            self.watcher(leaf, -1, g)
            return 0
        if self.again is not None and g is not None:
            look_into(g, self.again)
        if self.captures is not None:
            places = self.captures.get(k)
            if places is not None:
                self.captured[places[0]] = g
        if self.restricted and (self.accumulates is None or id(leaf) not in self.accumulates):
            return 0
        if notes is not None:
            hooks = notes.get("accumulator_notes")
            if hooks is not None and hooks.get("prehooks"):
                g = call_many(hooks["prehooks"], [g], None, "AccumulateGrad", "prehook")[0]
        if self.told is not None:
            self.mark = self.told.begin_node(leaf, None)
            store_leaf(leaf, g)
            self.told.end(self.mark)
        else:
            store_leaf(leaf, g)
        if leaf._extra is None:
            return 0
        if hooks is not None and hooks.get("hooks"):
            call_many(hooks["hooks"], [], [g], "AccumulateGrad", "hook")
        hooks = notes.get("post_accumulate")
        if hooks:
            level: cython.int = hear()
            for hook in tuple(hooks.values()):
                hook(leaf)
            set_silent(level)
        return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def beneath(target, floor: cython.ulonglong) -> cython.bint:
    """Whether a run that asks for nodes made since `floor` alone need not look at `target`."""
    return not isinstance(target, Node) or cython.cast(Node, target).sequence < floor


@cython.cfunc
@cython.exceptval(-1, check=False)
def grow(task: Task) -> cython.int:
    room: cython.int = 4 * task.room
    slots: cython.pointer(Slot)
    if task.slots == task.few:
        slots = cython.cast(cython.pointer(Slot), PyMem_Malloc(room * cython.sizeof(Slot)))
        if slots != cython.NULL:
            memcpy(slots, task.few, task.count * cython.sizeof(Slot))
    else:
        slots = cython.cast(cython.pointer(Slot), PyMem_Realloc(task.slots, room * cython.sizeof(Slot)))
    if slots == cython.NULL:
        raise MemoryError("backward: no memory for the run.")
    task.slots = slots
    task.room = room
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def grow_heap(task: Task) -> cython.int:
    room: cython.int = 4 * task.heap_room + 8
    heap: cython.p_int = cython.cast(cython.p_int, PyMem_Realloc(task.heap, room * cython.sizeof(cython.int)))
    if heap == cython.NULL:
        raise MemoryError("backward: no memory for the run.")
    task.heap = heap
    task.heap_room = room
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def sole(g: TensorBase) -> cython.bint:
    """Whether the caller's one reference to `g` is the only way to its memory.

    `g` is borrowed: never assigned here, so that its reference count tells.
    """
    return (
        references(cython.cast(cython.pointer(PyObject), g)) <= 1
        and g.st.refcount == 1
        and g.st.size_class >= 0
        and g.flags & CONTIGUOUS
        and not g.flags & REQUIRES_GRAD
        and g._extra is None
    )


@cython.cfunc
@cython.exceptval(-1, check=False)
def add_to(grads: list, k: cython.Py_ssize_t, g: TensorBase) -> cython.int:
    """Add `g` to what has arrived, in its memory if nobody else can see it."""
    have: object = grads[k]
    h: TensorBase = have
    grads[k] = None
    have = None
    if not grad_enabled() and h.dt == g.dt and h.dev == g.dev and same_shape(h, g) and sole(h) and not g.flags & COMPOUND:
        _add_into(h, g)
        grads[k] = h
    else:
        grads[k] = _add(h, g)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def store_leaf(leaf: TensorBase, g: TensorBase) -> cython.int:
    """Add `g` to .grad; keep `g` itself where nobody else holds it (`g` is borrowed, as in `sole`)."""
    if g.dt != leaf.dt:
        return store_leaf(leaf, _to(g, dtype_of(leaf.dt)))
    if not same_shape(g, leaf):
        raise RuntimeError(
            f"backward: the gradient of a leaf has shape {list(shape_of(g))}, but the leaf has shape {list(shape_of(leaf))}."
        )
    if leaf.n < LARGE:
        return add_to_leaf(leaf, g)
    with _locks[(cython.cast(cython.size_t, cython.cast(cython.pointer(PyObject), leaf)) >> 6) & 15]:
        return add_to_leaf(leaf, g)


@cython.cfunc
@cython.exceptval(-1, check=False)
def add_to_leaf(leaf: TensorBase, g: TensorBase) -> cython.int:
    have: object = leaf._grad
    if have is None:
        if grad_enabled():
            leaf._grad = _clone(g)
        elif sole(g):
            g._base = None
            leaf._grad = g
        else:
            leaf._grad = _clone(g)
    elif grad_enabled() or (cython.cast(TensorBase, have).flags & COMPOUND and not g.flags & COMPOUND):
        leaf._grad = _add(have, g)
    else:
        _add_into(have, g)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def before_node(extra: dict, grads: list, reached: cython.bint, again: cython.bint) -> cython.int:
    """Hooks on the node's output tensors, and gradients that are to be retained."""
    if "tensor_hooks" in extra:
        call_output_hooks(extra, grads, reached)
    retained = extra.get("retained")
    if retained is not None and not again:
        x: TensorBase
        for number, reference in retained.items():
            t = reference()
            if t is None:
                continue
            g = grads[number]
            if g is None and reached:
                g = _zeros(t)
            if g is not None:
                x = t
                x._grad = _clone(g) if x._grad is None else _add(x._grad, g)
    return 0


def run(roots, numbers, firsts, keep, create, wanted, results, accumulates, floor=0, watcher=None):
    """One run from `roots`.

    Args:
        roots: nodes or leaves; numbers: which of their outputs; firsts: the gradients of these. Emptied.
        keep, create: retain_graph, create_graph.
        wanted: None, or the (node or leaf, output number) pairs that are asked for.
        results: list, gets for each of `wanted` its gradient, True (a zero), or None (not reached).
        accumulates: ids of leaves among `wanted` whose .grad is added to instead.
        floor: what was made before a node of this number cannot lead to what is asked for, and is not looked at.
        watcher: the run is one of `set_anomaly`'s replays.
    """
    task: Task = Task.__new__(Task)
    i: cython.int
    j: cython.int
    task.watcher = watcher
    if _anomaly and watcher is None and not floor:      # the tangent of one node is no run of the user's
        task.again = (list(zip(roots, numbers, firsts)), create, wanted, accumulates)
    task.keep = keep or task.again is not None or watcher is not None
    task.floor = floor
    task.told = recorder()
    task.mark = -1
    for root in roots:
        task.place(root)
    starts: cython.int = task.count
    task.explore()
    if wanted is not None:
        task.restricted = True
        task.accumulates = accumulates
        task.captures = {}
        task.captured = results
        place: cython.int = 0
        for target, number in wanted:
            j = task.find(target)
            if j >= 0:
                task.slots[j].wanted |= 2
                if accumulates is None:
                    task.captures.setdefault(j, {}).setdefault(number, place)
            place += 1
        task.restrict()
    before: cython.bint = set_grad(create)
    heard: cython.int = hush()
    outer: cython.pointer(PyObject) = swap_running(cython.cast(cython.pointer(PyObject), task))
    try:
        for i in range(len(roots)):
            target = roots[i]
            g = firsts[i]
            firsts[i] = None
            task.receive(target, numbers[i], g)
            g = None
            j = task.find(target)
            task.slots[j].reached = 1
        for i in range(starts):
            if task.slots[i].awaited == 0 and not (task.restricted and not task.slots[i].wanted):
                if isinstance(task.targets[i], Node):
                    task.push(i)
                else:
                    task.finish_leaf(i)
        task.execute()
        if task.again is not None:
            look_back(results, task.again)
        if task.callbacks is not None:
            hear()
            for callback in task.callbacks:
                callback()
    finally:
        if task.told is not None:
            task.told.end(task.mark)        # where an error has left it open
        swap_running(outer)
        unhush(heard)
        set_grad(before)
        if task.again is not None and not keep:
            for target in task.targets:
                if isinstance(target, Node):
                    cython.cast(Node, target).release()
    return 0

"""The graph of what was recorded: nodes, and what they ask of the run that they are part of.

A Node is one recorded operation; its edges lead to the nodes (or leaves) that its inputs came from.
"""
import weakref

import cython
from cython.cimports.cpython.object import PyObject
from cython.cimports.pyxtorch._core import TensorBase
from cython.cimports.pyxtorch._tape._thread import pyx_running
from cython.cimports.pyxtorch._tape.hooks import add_hook
from cython.cimports.pyxtorch._tape.sites import here

# ----------------------------------------------------------------------------------------- nodes

_graveyard = cython.declare(list, [])
_burying = cython.declare(cython.bint, False)
_sequence = cython.declare(cython.ulonglong, 0)
_watched = cython.declare(cython.bint, False)       # nodes note where they are made


@cython.binding(False)
@cython.freelist(256)
@cython.cclass
class Node:
    """One recorded operation; `next_functions` leads to those that made its inputs."""

    def __cinit__(self):
        global _sequence
        _sequence += 1
        self.sequence = _sequence
        if _watched:
            self.extra = {"site": here()}

    def __dealloc__(self):
        # A long chain of nodes would free itself recursively: hand the next ones to a list.
        global _burying
        if self.n_inputs == 0:
            return
        if self.e0 is not None and isinstance(self.e0, Node):
            _graveyard.append(self.e0)
        if self.n_inputs > 1:
            if self.e1 is not None and isinstance(self.e1, Node):
                _graveyard.append(self.e1)
            if self.e2 is not None and isinstance(self.e2, Node):
                _graveyard.append(self.e2)
            if self.e_more is not None:
                _graveyard.append(self.e_more)
                self.e_more = None
        self.e0 = None
        self.e1 = None
        self.e2 = None
        # What was saved holds nodes too; it goes while the graveyard keeps those.
        self.s0 = None
        self.s1 = None
        self.s2 = None
        self.s_more = None
        self.extra = None
        if not _burying and _graveyard:
            _burying = True
            try:
                while _graveyard:
                    last = _graveyard.pop()
                    if isinstance(last, list):
                        _graveyard.extend([e for e in last if isinstance(e, Node)])
                    last = None
            finally:
                _burying = False

    def renumber(self):
        """Count as made now: after a node that was made for one of its inputs meanwhile."""
        global _sequence
        _sequence += 1
        self.sequence = _sequence

    def send(self, g):
        raise RuntimeError(f"{self.name()}: has no gradient.")

    def pushforward(self, tangents, outs):
        return None

    def edge(self, i):
        if i == 0:
            return self.e0
        if i == 1:
            return self.e1
        if i == 2:
            return self.e2
        return self.e_more[i - 3]

    def edge_nr(self, i):
        if i == 0:
            return self.nr0
        if i == 1:
            return self.nr1
        if i == 2:
            return self.nr2
        return self.nr_more[i - 3]

    def put_edge(self, i, target, number):
        if i == 0:
            self.e0 = target
            self.nr0 = number
        elif i == 1:
            self.e1 = target
            self.nr1 = number
        elif i == 2:
            self.e2 = target
            self.nr2 = number
        else:
            if self.e_more is None:
                self.e_more = []
                self.nr_more = []
            self.e_more.append(target)
            self.nr_more.append(number)
        return 0

    def needs(self, i):
        target = self.edge(i)
        if target is None:
            return False
        return pyx_running == cython.NULL or cython.cast(Run, pyx_running).wants(self, target)

    def pass_grad(self, i, g):
        target = self.edge(i)
        if target is None or g is None:
            return 0
        if pyx_running == cython.NULL:
            raise RuntimeError(f"{self.name()}: gradients are sent in a backward only.")
        return cython.cast(Run, pyx_running).deliver(self, i, target, g)

    def withhold(self, i):
        if pyx_running != cython.NULL:
            cython.cast(Run, pyx_running).withhold(i)
        return 0

    def release(self):
        self.s0 = None
        self.s1 = None
        self.s2 = None
        self.s_more = None
        if self.n_saved > 0:
            self.released = True
        return 0

    def notes(self):
        if self.extra is None:
            self.extra = {}
        return self.extra

    # ------------------------------------------------------------------------- for Python

    def name(self):
        """The operation's name with Backward, as in `MulBackward0`."""
        kind = type(self).__name__
        return f"{kind}Backward0" if type(self).__flags__ & (1 << 9) == 0 else f"{kind}Backward"

    def __repr__(self):
        return f"<{self.name()} object at {hex(id(self))}>"

    @property
    def next_functions(self):
        """((node, number of its output), ...) for each input; (None, 0) where none is needed."""
        out = []
        i: cython.int
        for i in range(self.n_inputs):
            target = self.edge(i)
            if target is None or isinstance(target, Node):
                out.append((target, self.edge_nr(i)))
            else:
                out.append((accumulator(target), 0))
        return tuple(out)

    @property
    def metadata(self):
        """A dict for the user's own notes on this node."""
        return self.notes().setdefault("metadata", {})

    @property
    def site(self):
        """Where it was made (`_tape.sites.Site`), if that was in anomaly mode."""
        return None if self.extra is None else cython.cast(dict, self.extra).get("site")

    def _sequence_nr(self):
        """Nodes made later have higher numbers, and run earlier."""
        return self.sequence

    def register_hook(self, hook):
        """Call `hook(grad_inputs, grad_outputs)` after this node's backward.

        It may return new gradients for the inputs. Returns a handle with `remove()`.
        """
        return add_hook(self.notes(), "hooks", hook)

    def register_prehook(self, hook):
        """Call `hook(grad_outputs)` before this node's backward; it may return new gradients."""
        return add_hook(self.notes(), "prehooks", hook)


@cython.binding(False)
@cython.cclass
class AccumulateGrad(Node):
    """Stands for a leaf at the end of `next_functions`; its hooks run where the leaf's gradient is stored."""

    def name(self):
        return "torch::autograd::AccumulateGrad"

    def __repr__(self):
        return f"<AccumulateGrad object at {hex(id(self))}>"


def accumulator(leaf: TensorBase):
    """The node that stands for a leaf: the same one as long as somebody holds it. Its hooks live in the leaf."""
    if leaf._extra is None:
        leaf._extra = {}
    reference = leaf._extra.get("accumulator")
    node: AccumulateGrad = reference() if reference is not None else None
    if node is None:
        node = AccumulateGrad.__new__(AccumulateGrad)
        node.variable = leaf
        node.n_outputs = 1
        node.extra = leaf._extra.setdefault("accumulator_notes", {})
        leaf._extra["accumulator"] = weakref.ref(node)
    return node


def watch_nodes(mode):
    global _watched
    _watched = mode
    return 0


# ------------------------------------------------------------------------------------------- runs


@cython.binding(False)
@cython.cclass
class Run:
    """A run of gradients through the graph, as nodes see it; the engine's Task is the one kind there is."""

    def wants(self, node, target):
        raise RuntimeError("a Run is made by backward only.")

    def deliver(self, node, i, target, g):
        raise RuntimeError("a Run is made by backward only.")

    def withhold(self, i):
        raise RuntimeError("a Run is made by backward only.")


def running():
    if pyx_running == cython.NULL:
        return None
    return cython.cast(Run, pyx_running)


def swap_running(run):
    global pyx_running
    before: cython.pointer(PyObject) = pyx_running
    pyx_running = run
    return before


def current_task():
    """The run that this thread is in (engine.Task), or None."""
    return running()

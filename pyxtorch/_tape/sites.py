"""Where in the user's program nodes are made and tensors changed: what anomaly mode notes.

A Site is a code object, an instruction in it and the modules that the thread is in: which line that is, is found out when somebody
asks. It also holds the outputs of its node, so that the first one that is not finite can be looked for later.
Compiled by Cython in pure Python mode; sites.pxd has the C side.
"""
import os
import weakref

import cython
from cython.cimports.cpython.object import PyObject
from cython.cimports.cpython.ref import Py_DECREF
from cython.cimports.pyxtorch._beneath import Recorder, recorder, set_recorder  # noqa: F401
from cython.cimports.pyxtorch._core import TensorBase, alias
from cython.cimports.pyxtorch._tape.sites import pyx_calling_code, pyx_module

_files = cython.declare(dict, {})           # name of a file of Python: whether it belongs to this package
_package = cython.declare(object, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep)
_changes = cython.declare(object, None)     # the Changes that note last, or None
KEPT = cython.declare(cython.int, 4096)     # tensors whose changes are remembered
_look = cython.declare(object, None)        # 0: all of a tensor is finite; 1: it has inf; 2: nan
_explain = cython.declare(object, None)     # what raises the error
_watchers = cython.declare(list, [])        # who else wants to know that anomaly mode begins or ends


@cython.final
@cython.binding(False)
@cython.freelist(256)
@cython.cclass
class Site:
    """A place in the user's program, and what the node that was made there gave."""

    def outputs(self):
        """[(tensor, number of the output, whether it was changed in place since)]"""
        found: list = []
        i: cython.Py_ssize_t
        if self.kept is not None:
            for i in range(0, len(self.kept), 3):
                found.append((self.kept[i], self.kept[i + 1], self.kept[i + 2] != state(self.kept[i])))
        return found


@cython.cfunc
def state(x: TensorBase):
    return x.st.version + (cython.cast(cython.longlong, x.moves) << 40)


def here():
    site: Site = Site.__new__(Site)
    instruction: cython.int = -1
    code: cython.pointer(PyObject) = pyx_calling_code(_files, _package, cython.address(instruction))
    if code != cython.NULL:
        site.code = cython.cast(object, code)
        Py_DECREF(site.code)
    site.instruction = instruction
    if pyx_module != cython.NULL:
        site.modules = cython.cast(object, pyx_module)
    return site


def keep_output(extra, out, number):
    site: Site = extra.get("site")
    if site is not None:
        if site.kept is None:
            site.kept = []
        site.kept.append(alias(out))        # off the tape, or node and output would keep each other alive
        site.kept.append(number)
        site.kept.append(state(out))
    return 0


def kept_output(node, number):
    """Output `number` of a node, if it was kept and has not changed in place since; else None."""
    site: Site = getattr(node, "site", None)
    i: cython.Py_ssize_t
    if site is not None and site.kept is not None:
        for i in range(0, len(site.kept), 3):
            if site.kept[i + 1] == number and site.kept[i + 2] == state(site.kept[i]):
                return site.kept[i]
    return None


def provide_look(look):
    """Take the operation that looks at a tensor's elements."""
    global _look
    _look = look


def explain_by(explain):
    """Who is told of what is not finite: `explain(kind, *run)`, or None."""
    global _explain
    _explain = explain


def look_into(g, run):
    """Tell of a gradient that a run gives, if it is not finite."""
    kind = _look(g)
    if kind:
        _explain(kind, *run)


def look_back(results, run):
    """The same at the end of a run: of its results, and of what it started from."""
    for g in results or ():
        if isinstance(g, TensorBase):
            look_into(g, run)
    for root, number, _ in run[0]:
        kept = kept_output(root, number)
        if kept is not None and _look(kept):
            _explain(0, *run)


def enter_module(module):
    """This thread is in the forward of `module` now; returns what `leave_module` wants, and the caller must hold."""
    global pyx_module
    outer = None
    if pyx_module != cython.NULL:
        outer = cython.cast(object, pyx_module)
    entry = (module, outer)
    pyx_module = cython.cast(cython.pointer(PyObject), entry)
    return entry


def leave_module(entry):
    """Undo `enter_module`."""
    global pyx_module
    outer = cython.cast(tuple, entry)[1]
    if outer is None:
        pyx_module = cython.NULL
    else:
        pyx_module = cython.cast(cython.pointer(PyObject), outer)


def when_watched(watcher):
    """Call `watcher(whether anomaly mode is on)` when that changes."""
    _watchers.append(watcher)


def tell_watchers(mode):
    """Anomaly mode begins or ends."""
    for watcher in _watchers:
        watcher(mode)


# ------------------------------------------------------------------------------ changes in place


@cython.final
@cython.binding(False)
@cython.cclass
class Changes(Recorder):
    """Notes which operation of this thread raised the version of which tensor, and where."""

    def __init__(self):
        self.open = []
        self.found = {}

    def start(self):
        """Note from now on, unless the profiler records this thread; whether it does."""
        global _changes
        if recorder() is not None:
            return False
        set_recorder(self)
        _changes = self
        return True

    def stop(self):
        """Note no more. What was noted is remembered until another one starts."""
        if recorder() is self:
            set_recorder(None)

    @cython.cfunc
    @cython.exceptval(-2, check=False)
    def begin(self, name, args: cython.pointer(cython.pointer(PyObject)), n: cython.Py_ssize_t, names: cython.pointer(PyObject)) -> cython.Py_ssize_t:
        x: TensorBase
        if n == 0 or not isinstance(cython.cast(object, args[0]), TensorBase):
            return -1
        x = cython.cast(TensorBase, args[0])
        if x.st == cython.NULL:
            return -1
        self.open.append((name, x, x.st.version))
        return len(self.open) - 1

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def end(self, mark: cython.Py_ssize_t) -> cython.int:
        x: TensorBase
        before: cython.longlong
        if mark < 0:
            return 0
        last: tuple = self.open[mark]
        x = cython.cast(TensorBase, last[1])
        before = last[2]
        if x.st != cython.NULL and x.st.version != before:
            self.note(x, before, last[0])
        del self.open[mark:]
        return 0

    @cython.cfunc
    def note(self, x: TensorBase, before: cython.longlong, name):
        owner = x if x._base is None else x._base
        entry = self.found.get(id(owner))
        if entry is None or entry[0]() is not owner:
            if len(self.found) >= KEPT:
                self.found.clear()
            entry = (weakref.ref(owner), [])
            self.found[id(owner)] = entry
        changes: list = entry[1]
        changes.append((before, x.st.version, name, here()))
        del changes[:-16]


def changed_by(x, version):
    """(name of the operation, Site) of the first noted change of `x`'s memory after `version`; None: not known."""
    changes: Changes = _changes
    y: TensorBase
    if changes is None:
        return None
    version &= (1 << 40) - 1
    for reference, noted in changes.found.values():
        y = reference()
        if y is not None and y.st == x.st:
            for before, after, name, site in noted:
                if before <= version < after:
                    return name, site
    return None


def line_of(site):
    """(file, line, text of the line, name of the function) of a Site; None: no user's frame."""
    import linecache

    if site.code is None:
        return None
    code = site.code
    line = code.co_firstlineno
    for start, stop, number in code.co_lines():
        if start <= site.instruction < stop and number is not None:
            line = number
    return code.co_filename, line, linecache.getline(code.co_filename, line).strip(), code.co_name

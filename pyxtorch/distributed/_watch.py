"""Who waits, watches: what a rank that waits in a collective sees of the others on the board, and how it says so."""
import os
import sys
import time

NAMES = {0: "barrier", 1: "broadcast", 2: "all_gather", 3: "all_reduce", 4: "reduce", 5: "reduce_scatter", 6: "exchange", 10: "gather", 11: "scatter",
         12: "all_to_all", 101: "send", 102: "recv"}  # fmt: skip
_OPS = ("SUM", "AVG", "PRODUCT", "MIN", "MAX", "BAND", "BOR", "BXOR", "PREMUL_SUM")


def describe(kind, count):
    """A call as it was entered, as in "all_reduce(SUM) of 8 float32"."""
    from pyxtorch.distributed._mpi import dtype_name

    name, op, root = NAMES.get(kind & 0xFF, "?"), _OPS[kind >> 16 & 0xF], kind >> 32
    if name == "barrier":
        return name
    details = {"all_reduce": op, "reduce": f"{op}, to {root}", "reduce_scatter": op, "broadcast": f"from {root}", "gather": f"to {root}", "scatter": f"from {root}",
               "send": f"to {root}", "recv": "from anybody" if root == 0xFFFF else f"from {root}"}.get(name)  # fmt: skip
    what = f"{name}({details})" if details else name
    return f"{what} of {count} {dtype_name(kind >> 8 & 0xFF)}"


def is_dead(pid):
    """Whether a process of this machine is gone, or waits for its parent to notice that it is."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True


def is_stopped(pid):
    """Whether it was stopped by a signal, as a debugger does."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except OSError:
        return False


def where(line):
    """What a rank's line says of its whereabouts."""
    if not line["file"]:
        return "it has not called a collective yet"
    state = "in" if line["inside"] else "after"
    return f"{state} {describe(line['kind'], line['count'])} at {line['file']}:{line['line']}, {line['ago']:.1f} s ago"


def other_ended(board, seconds):
    """Wait until all others on the board have ended, or some seconds."""
    if board is None:
        return
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        lines = [board.read(i) for i in range(board.lines) if i != board.mine]
        if all(line is None or line["state"] != 1 or is_dead(line["pid"]) for line in lines):
            return
        time.sleep(0.01)


class Watch:
    """What the calls of a group ask while they wait, and how their errors are told.

    After PYXTORCH_DIST_WARN_S seconds (4) one line says who is missing; after `timeout` seconds it is an error. A rank that has
    died, raised, left, or that calls something else, is an error at once.
    """

    def __init__(self, board, ranks, lines, timeout):
        self.board, self.ranks, self.lines, self.timeout = board, ranks, lines, timeout
        self.warn = float(os.environ.get("PYXTORCH_DIST_WARN_S", "4"))
        self.warned = (None, 0.0)  # a call, and after how long

    def _others(self, call):
        """(place in the group, line on the board or None) of the ranks that a call has to do with."""
        kind = call.kind & 0xFF
        root = call.kind >> 32
        places = range(len(self.ranks)) if kind < 100 or root == 0xFFFF else [root]
        for i in places:
            if self.ranks[i] != self.ranks[call.group.rank]:
                yield i, self.board.read(self.lines[i]) if self.lines[i] >= 0 and self.board is not None else None

    def __call__(self, call, waited):
        """An error if the call cannot end well, or None."""
        mine = f"rank {self.ranks[call.group.rank]}: {describe(call.kind, call.told)}"
        missing = []
        for i, line in self._others(call):
            rank = self.ranks[i]
            if line is None:
                missing.append(f"rank {rank} (another machine, or not started)")
                continue
            entered = call.kind & 0xFF < 100 and self.board.entry(self.lines[i], call.key)
            if entered and (entered[0], entered[1]) != (call.kind, call.told):
                return self.error(self.differs(call, i))
            if line["state"] == 2 and (not entered or line["inside"]):
                return self.error(f"{mine} cannot end: rank {rank} raised {line['text']}, {where(line)}")
            if is_dead(line["pid"]):
                return self.error(f"{mine} cannot end: rank {rank} (pid {line['pid']}) died, {where(line)}")
            if not entered:
                if line["state"] == 3:
                    return self.error(f"{mine} cannot end: rank {rank} left the program, {where(line)}")
                missing.append(f"rank {rank} ({'stopped by a signal' if is_stopped(line['pid']) else 'alive'}, {where(line)})")
        said = f"{mine} has waited {waited:.1f} s for " + ("; ".join(missing) if missing else "what is under way; all ranks are in it")
        if waited > self.timeout:
            return self.error(said + f". The group's timeout is {self.timeout:g} s")
        before = self.warned[1] if self.warned[0] == (call.key, call.kind) else 0.0
        if waited > max(self.warn, 2 * before):
            self.warned = (call.key, call.kind), waited
            print(f"[pyxtorch.distributed] {said}", file=sys.stderr, flush=True)
        return None

    @staticmethod
    def error(message):
        """What is raised for it."""
        from pyxtorch.distributed._group import DistBackendError

        return DistBackendError(message)

    def differs(self, call, i):
        """That a member called something else at the same place."""
        entry, line = self.board.entry(self.lines[i], call.key), self.board.read(self.lines[i])
        mine = self.board.read(self.board.mine)
        return (f"call {call.key & 0xFFFFFFFF} of this group is {describe(call.kind, call.told)} on rank {self.ranks[call.group.rank]} ({mine['file']}:{mine['line']}), but "
                f"{describe(entry[0], entry[1])} on rank {self.ranks[i]} ({line['file']}:{entry[2]}). All ranks make the same calls in the same order, with equal sizes and dtypes.")  # fmt: skip

    def failed(self, call, result, code):
        """Why a call of `_mpi` ended with a result that is not OK."""
        mine = f"rank {self.ranks[call.group.rank]}: {describe(call.kind, call.told)}"
        for i, line in self._others(call):
            if line is not None and call.kind & 0xFF < 100 and self.board.entry(self.lines[i], call.key) not in (None, (call.kind, call.told)):
                entry = self.board.entry(self.lines[i], call.key)
                if (entry[0], entry[1]) != (call.kind, call.told):
                    return self.differs(call, i)
            if line is not None and (line["state"] != 1 or is_dead(line["pid"])):
                return f"{mine} failed: rank {self.ranks[i]} has ended: {line['text'] or 'it died'}, {where(line)}"
        if result == 5:
            return f"{mine} got fewer bytes from another rank than it expected: sizes or dtypes differ between ranks"
        if result == 3:
            return f"{mine}: no memory for what the other ranks send"
        if result == 4:
            return f"{mine} is not a reduction of that dtype"
        from mpi4py import MPI

        return f"{mine} failed in MPI: {MPI.Get_error_string(code) if code > 0 else code}"

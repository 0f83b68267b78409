"""Starting a number of processes that run one function, and waiting for them."""
import ctypes
import multiprocessing
import multiprocessing.connection
import signal
import sys
import time
import traceback
import warnings

_LONGEST = 30_000  # characters of a traceback that are sent: they must fit into a pipe that nobody reads yet


class ProcessException(Exception):
    """One of the processes failed: `error_index` says which, `pid` is its number."""

    def __init__(self, msg, error_index, pid):
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid

    def __reduce__(self):
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """A process raised an exception; the message holds its traceback."""

    def __init__(self, msg, error_index, error_pid):
        super().__init__(msg, error_index, error_pid)


class ProcessExitedException(ProcessException):
    """A process was killed, or ended with an exit code: `exit_code`, `signal_name`."""

    def __init__(self, msg, error_index, error_pid, exit_code, signal_name=None):
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self):
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


def _run(fn, i, args, errors):
    """In the process: run the function, and send home what it raises."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG: it ends with its parent
    except (OSError, AttributeError):
        pass
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass  # it was told to end
    except Exception:
        errors.send(traceback.format_exc()[-_LONGEST:])
        sys.exit(1)


class ProcessContext:
    """Processes that were started together. `processes` are they, `join` waits for them."""

    def __init__(self, processes, errors):
        self.processes, self._errors = processes, errors
        self.sentinels = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self):
        """The processes' numbers."""
        return [process.pid for process in self.processes]

    def join(self, timeout=None, grace_period=None):
        """Wait until one of the processes fails, all have ended, or `timeout` seconds have passed.

        Returns whether all have ended. Where one failed the others are terminated, and killed if `grace_period` seconds do not
        suffice them (None: 30).

        Raises:
            ProcessRaisedException: one raised an exception.
            ProcessExitedException: one was killed or ended with an exit code.
        """
        failed = None
        if not self.sentinels:
            return True
        for sentinel in multiprocessing.connection.wait(self.sentinels, timeout):
            index = self.sentinels.pop(sentinel)
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                failed = index
                break
        if failed is None:
            return not self.sentinels
        self._end(30 if grace_period is None else grace_period)
        process = self.processes[failed]
        text = self._text_of(failed)
        if text is not None:
            raise ProcessRaisedException(f"\n\n-- Process {failed} terminated with the following error:\n{text}", failed, process.pid)
        code = process.exitcode
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"<Unknown signal {-code}>"
            raise ProcessExitedException(f"process {failed} terminated with signal {name}", failed, process.pid, code, name)
        raise ProcessExitedException(f"process {failed} terminated with exit code {code}", failed, process.pid, code)

    def _text_of(self, index):
        try:
            return self._errors[index].recv() if self._errors[index].poll() else None
        except EOFError:
            return None

    def _end(self, patience):
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        deadline = time.monotonic() + patience
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


class SpawnContext(ProcessContext):
    """A ProcessContext of processes that were started by spawn."""


def start_processes(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Run `fn(i, *args)` in processes i = 0 ... nprocs - 1.

    Args:
        join: wait for all; otherwise the ProcessContext is returned.
        daemon: the processes end with this one and may not start others.
        start_method: "spawn", "fork" or "forkserver".
    Raises:
        ProcessRaisedException, ProcessExitedException: with `join`, one of them failed. The others are ended.
    """
    from pyxtorch.multiprocessing import get_context

    context = get_context(start_method)
    processes, errors = [], []
    for i in range(nprocs):
        reader, writer = multiprocessing.connection.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, i, args, writer), daemon=daemon)
        process.start()
        writer.close()  # so that its end is the end of the pipe
        processes.append(process)
        errors.append(reader)
    started = (SpawnContext if start_method == "spawn" else ProcessContext)(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """`start_processes` with the start method "spawn"."""
    if start_method != "spawn":
        warnings.warn(
            f"This method only supports start_method=spawn (got: {start_method}). To use a different start_method use start_processes(...).",
            FutureWarning, stacklevel=2,
        )
    return start_processes(fn, args, nprocs, join, daemon, start_method="spawn")

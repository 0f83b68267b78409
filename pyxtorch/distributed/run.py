"""Starts a program in several processes that compute together, as torchrun does.

    python -m pyxtorch.distributed.run --nproc-per-node 4 train.py arguments ...

The processes are started by the mpiexec of the MPI that mpi4py loads. Each finds RANK, WORLD_SIZE, LOCAL_RANK and the other names
of torchrun in its environment. When one fails, all are ended, and a line for each rank says what it did last.
"""
import argparse
import mmap
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time

from pyxtorch.distributed._token import NAME as TOKEN

__all__ = ["main"]

_PATIENCE = 1.0  # seconds that the other ranks have to end by themselves, once one has failed


def _parser():
    parser = argparse.ArgumentParser(prog="pyxtorch.distributed.run", description=__doc__.split("\n\n")[0], allow_abbrev=False)

    def add(name, **kwargs):
        both = {name, "--" + name[2:].replace("-", "_")} if name.startswith("--") else {name}
        parser.add_argument(*sorted(both), **kwargs)

    add("--nproc-per-node", default="1", help="processes on each machine: a number, or auto, cpu or gpu for as many as it has")
    add("--nnodes", default="1", help="machines; more than one are named with --hosts")
    add("--hosts", help="machines, as mpiexec takes them: a,b or a:4,b:4")
    add("--node-rank", type=int, default=0, help="taken, and not needed: mpiexec numbers the machines")
    add("--master-addr", default="127.0.0.1")
    add("--master-port", type=int, default=29500)
    add("--standalone", action="store_true", help="one machine, which is the default")
    add("--max-restarts", type=int, default=0, help="start all processes again, this often at most, when one has failed")
    add("--monitor-interval", type=float, default=0.1)
    for name in ("--start-method", "--event-log-handler", "--logs-specs", "--signals-to-handle", "--shutdown-timeout", "--numa-binding", "--local-ranks-filter",
                 "--duplicate-stdout-filters", "--duplicate-stderr-filters"):  # fmt: skip
        add(name, help="taken for torchrun's sake")
    add("--role", default="default")
    add("--rdzv-backend", default="static")
    add("--rdzv-endpoint", default="")
    add("--rdzv-id", default="none")
    add("--rdzv-conf", default="")
    add("--local-addr")
    add("--log-dir", help="a folder for what each rank writes, in a file of its own")
    add("--redirects", default="0", help="1, 2 or 3: write stdout, stderr or both there only")
    add("--tee", default="0", help="1, 2 or 3: write stdout, stderr or both there as well")
    parser.add_argument("-r", dest="redirects")
    parser.add_argument("-t", dest="tee")
    parser.add_argument("-m", "--module", action="store_true", help="the program is a module")
    add("--no-python", action="store_true", help="the program is not of Python")
    add("--run-path", action="store_true", help="taken for torchrun's sake")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def _processes(text):
    if text in ("auto", "cpu"):
        return len(os.sched_getaffinity(0))
    if text == "gpu":
        import pyxtorch

        if not pyxtorch.cuda.is_available():
            raise SystemExit("pyxtorch.distributed.run: --nproc-per-node gpu, and there is no GPU here")
        return pyxtorch.cuda.device_count()
    if not text.isdigit() or int(text) < 1:
        raise SystemExit(f"pyxtorch.distributed.run: --nproc-per-node {text} is no number of processes; say a number, auto, cpu or gpu")
    return int(text)


def find_mpiexec():
    """(path, kind) of the mpiexec that belongs to mpi4py's library, or else the first on the path; kind is "openmpi" or "mpich"."""
    beside = [os.path.join(folder, "mpiexec") for folder in (os.path.join(sys.prefix, "bin"), os.path.dirname(sys.executable))]
    path = next((p for p in beside if os.access(p, os.X_OK)), None) or shutil.which("mpiexec")
    if path is None:
        raise SystemExit("pyxtorch.distributed.run: there is no mpiexec. Install the extra: pip install 'pyxtorch[mpi]' (mpi4py and MPICH).")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30).stdout
    return path, "openmpi" if "Open MPI" in said or "OpenRTE" in said or "prte" in said.lower() else "mpich"


def command(mpiexec, kind, size, per_node, hosts, variables):
    """What starts `size` processes, without the program. `variables` are set for them where machines differ."""
    if kind == "openmpi":
        made = [mpiexec, "--oversubscribe", "-n", str(size), *(["--allow-run-as-root"] if os.getuid() == 0 else [])]
        made += [x for name in variables for x in ("-x", name)] if hosts else []
        return [*made, *(["--host", hosts] if hosts else [])]
    if hosts:
        return [mpiexec, "-ppn", str(per_node), "-hosts", hosts, "-n", str(size)]
    # Without this the others are killed before they can say whom they miss. The board's reader ends the job in its place.
    return [mpiexec, "-disable-auto-cleanup", "-n", str(size)]


class Board:
    """The ranks' board in memory that has no name: what each did last can still be read when all are gone."""

    def __init__(self, lines):
        from pyxtorch.distributed import _mpi

        self.lines, size = lines, lines * _mpi.LINE_BYTES
        self.file = os.memfd_create("pyxtorch_board")
        os.ftruncate(self.file, size)
        self.board = _mpi.Board(mmap.mmap(self.file, size), lines, -1)
        self.path = f"/proc/{os.getpid()}/fd/{self.file}"

    def failed(self):
        """Whether a rank has raised an error, or has died without a word."""
        from pyxtorch.distributed._watch import is_dead

        return any(line is not None and (line["state"] == 2 or (line["state"] == 1 and is_dead(line["pid"]))) for line in map(self.board.read, range(self.lines)))

    def report(self):
        """A line for each rank that did not come to its end."""
        from pyxtorch.distributed._watch import where

        for line in map(self.board.read, range(self.lines)):
            if line is not None and line["state"] != 3:
                what = f"raised {line['text']}" if line["state"] == 2 else "died, or was ended"
                print(f"[pyxtorch.distributed.run] rank {line['rank']} (pid {line['pid']}) {what}, {where(line)}", file=sys.stderr, flush=True)

    def pids(self):
        """Of the ranks."""
        return [line["pid"] for line in map(self.board.read, range(self.lines)) if line is not None]

    def close(self):
        """Let the memory go."""
        os.close(self.file)


def _end(process, pids):
    """End mpiexec and the ranks, in whatever state they are."""
    from pyxtorch.distributed._watch import is_dead

    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.kill(process.pid, how)
        for pid in pids:
            if not is_dead(pid):
                try:
                    os.kill(pid, how)
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
        end = time.monotonic() + 2
        while time.monotonic() < end and (process.poll() is None or not all(map(is_dead, pids))):
            time.sleep(0.01)
        if process.poll() is not None and all(map(is_dead, pids)):
            return


def _once(arguments, per_node, nodes, restarts):
    """One run of all processes: the exit code."""
    mpiexec, kind = find_mpiexec()
    size, board = per_node * nodes, Board(per_node) if nodes == 1 else None
    host, _, port = arguments.rdzv_endpoint.partition(":")
    more = {
        "MASTER_ADDR": host or arguments.master_addr, "MASTER_PORT": port or str(arguments.master_port), "ROLE_NAME": arguments.role,
        "TORCHELASTIC_RUN_ID": arguments.rdzv_id, "TORCHELASTIC_RESTART_COUNT": str(restarts), "TORCHELASTIC_MAX_RESTARTS": str(arguments.max_restarts),
        TOKEN: os.environ.get(TOKEN) or secrets.token_hex(32), "PYXTORCH_DIST_LOG": f"{arguments.log_dir or ''}:{arguments.redirects}:{arguments.tee}",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(max(1, len(os.sched_getaffinity(0)) // per_node)),
    }  # fmt: skip
    if board is not None:
        more["PYXTORCH_DIST_BOARD"] = board.path
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "PMIX_", "OMPI_COMM", "OMPI_MCA_ess", "PRTE_", "MPI_LOCAL"))}
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK", "ROLE_WORLD_SIZE", "GROUP_WORLD_SIZE"):
        environment.pop(name, None)
    environment.update(more)
    start = command(mpiexec, kind, size, per_node, arguments.hosts if nodes > 1 else None, more)
    worker = [sys.executable, "-m", "pyxtorch.distributed._worker", *(["--module"] if arguments.module else []), *(["--no-python"] if arguments.no_python else [])]
    process = subprocess.Popen([*start, *worker, arguments.program, *arguments.arguments], env=environment)
    failing, pids = None, []
    try:
        while True:
            try:
                code = process.wait(0.05 if board is not None else None)
                break
            except subprocess.TimeoutExpired:
                if board.failed():
                    failing = failing or time.monotonic()
                    if time.monotonic() - failing > _PATIENCE:
                        pids = board.pids()
                        _end(process, pids)
                        code = process.poll() or 1
                        break
    except BaseException:
        _end(process, board.pids() if board is not None else [])
        raise
    if board is not None:
        if code or board.failed():
            board.report()
            code = code or 1
            _end(process, board.pids())
        board.close()
    return code if code >= 0 else 128 - code


def main(arguments=None):
    """Run a command line, by default this process's: the exit code of the first rank that failed, or 0."""
    parsed = _parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    if ":" in parsed.nnodes and parsed.nnodes.split(":")[0] != parsed.nnodes.split(":")[1]:
        raise SystemExit(f"pyxtorch.distributed.run: --nnodes {parsed.nnodes}: the number of machines cannot change in a run of MPI; say one number")
    nodes, per_node = int(parsed.nnodes.split(":")[0]), _processes(parsed.nproc_per_node)
    if nodes > 1 and not parsed.hosts:
        raise SystemExit(f"pyxtorch.distributed.run: --nnodes {nodes} needs --hosts with the names of the machines: mpiexec starts the processes on all of them")
    if parsed.log_dir:
        os.makedirs(parsed.log_dir, exist_ok=True)
    if os.path.isabs(parsed.program) is False and not parsed.module and not parsed.no_python and not os.path.exists(parsed.program):
        raise SystemExit(f"pyxtorch.distributed.run: there is no program {parsed.program}")
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, frame: sys.exit(128 + number))
    for restarts in range(parsed.max_restarts + 1):
        code = _once(parsed, per_node, nodes, restarts)
        if code == 0:
            return 0
        if restarts < parsed.max_restarts:
            print(f"[pyxtorch.distributed.run] exit code {code}; starting all processes again, {restarts + 1} of {parsed.max_restarts}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())

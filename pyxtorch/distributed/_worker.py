"""What each process of `pyxtorch.distributed.run` begins with: the names of torchrun, the board, and the program itself.

An uncaught error, also before there is a group, is written on the board and ends the job.
"""
import atexit
import os
import runpy
import sys

from pyxtorch.distributed import _launched


def _redirect(rank):
    """Write what --redirects and --tee say into files of --log-dir."""
    folder, redirects, tee = os.environ.get("PYXTORCH_DIST_LOG", ":0:0").rsplit(":", 2)
    for number, name in ((1, "stdout"), (2, "stderr")):
        for setting, keep in ((redirects, False), (tee, True)):
            if folder and setting.isdigit() and int(setting) & number:
                path = os.path.join(folder, f"{rank}.{name}.log")
                if keep:
                    _copy_to(path, number)
                else:
                    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                    os.dup2(file, number)
                    os.close(file)


def _copy_to(path, number):
    """Let everything written to a file descriptor go to a file, too: through `tee`, which ends with this process."""
    import subprocess

    process = subprocess.Popen(["tee", "-a", path], stdin=subprocess.PIPE, stdout=os.dup(number), start_new_session=True)
    os.dup2(process.stdin.fileno(), number)
    process.stdin.close()
    _tees.append(process)


_tees = []


def main(arguments):
    """[--module] [--no-python] program, and its arguments."""
    flags = set()
    while arguments and arguments[0] in ("--module", "--no-python"):
        flags.add(arguments.pop(0))
    if _launched.set_environment() is None:
        raise SystemExit("pyxtorch.distributed._worker is started by pyxtorch.distributed.run")
    _redirect(os.environ["RANK"])
    if "--no-python" in flags:
        os.execvp(arguments[0], arguments)
    from pyxtorch.distributed import _engine

    _engine.open_board(int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["LOCAL_RANK"]))
    _engine.hook_errors()
    atexit.register(_engine.leave)
    try:
        sys.argv[:] = arguments
        if "--module" in flags:
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = os.path.dirname(os.path.realpath(arguments[0]))
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        if code:
            if not isinstance(ended.code, int):
                print(ended.code, file=sys.stderr)
            _engine.fail(ended, lambda: None, code)
        raise


if __name__ == "__main__":
    main(sys.argv[1:])

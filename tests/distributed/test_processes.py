"""Several processes on the MPI that is installed: `make test-distributed` runs this on MPICH and on Open MPI."""
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("mpi4py")
from pyxtorch.distributed._watch import is_dead  # noqa: E402

HERE = Path(__file__).parent
LAUNCH = [sys.executable, "-m", "pyxtorch.distributed.run"]
pytestmark = pytest.mark.timeout(170)


def mpi():
    from pyxtorch.distributed.run import find_mpiexec

    return find_mpiexec()[1]


def launch(n, *arguments, limit=120, flags=(), folders=(), **variables):
    """(exit code, output) of a launch, which is killed after `limit` seconds; nothing may be left of it."""
    shm = set(os.listdir("/dev/shm"))
    process = subprocess.Popen([*LAUNCH, "--nproc-per-node", str(n), *flags, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE.parent.parent), *map(str, folders), os.environ.get("PYTHONPATH", "")]), **variables})  # fmt: skip
    try:
        text = process.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        text = process.communicate(timeout=20)[0] + f"\nnot done after {limit} s"
    left = [x for x in set(os.listdir("/dev/shm")) - shm if "mpich" in x.lower() or "pyxtorch" in x]
    assert not left, left
    return process.returncode, text


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("module", [path.stem for path in sorted(HERE.glob("cases_*.py"))])
def test_cases(module, n, tmp_path):
    code, text = launch(n, HERE / "runner.py", tmp_path / "done", module, limit=120)
    done = (tmp_path / "done").read_text() if (tmp_path / "done").exists() else ""
    assert code == 0 and "FAILED" not in done, done + text
    wanted = [line.split("(")[0].removeprefix("def ") for line in (HERE / f"{module}.py").read_text().splitlines() if line.startswith("def case_")]
    assert done.split() == [word for name in wanted for word in ("ok", name)]


FAULTS = (HERE / "faults.py").read_text().splitlines()


def at(text):
    """The place in faults.py of the line with a text."""
    return f"{HERE / 'faults.py'}:{next(i for i, line in enumerate(FAULTS, 1) if text in line)}"


LOOP = at("dist.all_reduce(x)")
OTHERS = {
    "raise": f"rank 2 raised ValueError: bad day at {at('bad day')}", "exit": f"rank 2 raised SystemExit: 3 at {at('exit(3)')}", "leave": "rank 2 left the program",
    "shape": f"all_reduce(SUM) of 999 float32 on rank 2 ({at('999')})", "order": f"broadcast(from 0) of 1000 float32 on rank 2 ({at('broadcast(x')})",
    "dtype": f"all_reduce(SUM) of 1000 float64 on rank 2 ({at('double')})", "backward": f"rank 2 raised ValueError: bad gradient at {at('bad gradient')}",
}  # fmt: skip


@pytest.mark.parametrize("how", ["kill", *OTHERS])
def test_a_fault_is_named_and_ends_the_job(how, tmp_path):
    code, text = launch(3, HERE / "faults.py", how, tmp_path / "pid")
    ended, (pid, began) = time.time(), (tmp_path / "pid").read_text().split()
    assert code == {"exit": 3}.get(how, code) and code != 0, text
    assert "end" not in text.split(), text
    words = OTHERS.get(how, "rank 2 (pid {pid}) died").format(pid=pid)
    told = [r for r in (0, 1) if any(words in line for line in text.splitlines() if f"rank {r}: all_reduce" in line or f"on rank {r} (" in line)]
    # mpiexec may end a rank while it writes: then the launcher has its words from the board, which keeps so many of them.
    told = sorted({*told, *(r for r in (0, 1) if re.search(rf"run\] rank {r} \(pid \d+\) raised .*{re.escape(re.split(' at | [(]', words)[0])}", text))})
    if mpi() == "mpich" and told != [0, 1]:  # the first rank that ends itself lets its mpiexec end the others, which may not have said so yet
        assert told or f"rank 2 (pid {pid}) died, or was ended" in text, text
    else:
        assert told == [0, 1], text
    assert f"after all_reduce(SUM) of 1000 float32 at {LOOP}" in text or how in ("shape", "order", "dtype")
    assert ended - float(began) < 30, text  # a second on a quiet machine
    assert is_dead(pid)


@pytest.mark.parametrize("how", ["stop", "sleep"])
def test_a_rank_that_stalls_is_named_by_all_others(how, tmp_path):
    process = subprocess.Popen([*LAUNCH, "--nproc-per-node", "3", str(HERE / "faults.py"), how, str(tmp_path / "pid")], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1", "PYXTORCH_DIST_WARN_S": "1"})  # fmt: skip
    said, began = {}, None
    try:
        os.set_blocking(process.stderr.fileno(), False)
        end, text = time.monotonic() + 30, ""
        while len(said) < 2 and time.monotonic() < end:
            text += (process.stderr.read() or b"").decode()
            began = began or ((tmp_path / "pid").exists() and time.monotonic())
            for r in (0, 1):
                state = "stopped by a signal" if how == "stop" else "alive"
                if f"rank {r}: all_reduce(SUM) of 1000 float32 has waited" in text and f"for rank 2 ({state}, after all_reduce(SUM) of 1000 float32 at {LOOP}" in text:
                    said[r] = time.monotonic() - began
            time.sleep(0.02)
        assert len(said) == 2, text
        assert max(said.values()) < 25, text  # 1.3 s on a quiet machine
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stderr.close()
    assert is_dead((tmp_path / "pid").read_text().split()[0])


def test_a_child_may_not_call(tmp_path):
    code, text = launch(2, HERE / "faults.py", "fork", tmp_path / "pid")
    assert code == 0 and "called in a forked child" in text, text


def program(tmp_path, text):
    path = tmp_path / "program.py"
    path.write_text("import os, sys, time\nimport pyxtorch as torch\nimport pyxtorch.distributed as dist\n" + text)
    return path


def test_the_environment_of_torchrun(tmp_path):
    path = program(tmp_path, """
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT")
os.write(1, " ".join([*(os.environ[n] for n in names), *sys.argv[1:], __name__, chr(10)]).encode())
assert dist.is_torchelastic_launched() and dist.get_node_local_rank() == int(os.environ["LOCAL_RANK"])
""")  # fmt: skip
    code, text = launch(2, path, "--lr", "0.1", flags=("--master_port=1234", "--rdzv-id=job", "--nnodes=1", "--local_ranks_filter=0"))
    assert code == 0 and sorted(text.splitlines()) == [f"{r} {r} 2 2 job 0 127.0.0.1 1234 --lr 0.1 __main__ " for r in (0, 1)], text


def test_restarts_and_logs(tmp_path):
    path = program(tmp_path, """
os.write(1, b"hello from %s\\n" % os.environb[b"RANK"])
dist.init_process_group()
x = torch.ones(2)
dist.all_reduce(x)
if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and dist.get_rank() == 1:
    raise RuntimeError("once")
dist.barrier()
""")  # fmt: skip
    code, text = launch(2, path, flags=("--max-restarts", "2", "--log-dir", tmp_path / "logs", "--redirects", "1"))
    assert code == 0 and "starting all processes again, 1 of 2" in text and "once" in text, text
    assert (tmp_path / "logs" / "1.stdout.log").read_text().split() == ["hello", "from", "1"] * 2
    code, text = launch(2, path, flags=("--max-restarts", "0"))
    assert code == 1


def test_mpiexec_alone(tmp_path):
    from pyxtorch.distributed.run import command, find_mpiexec

    mpiexec, kind = find_mpiexec()
    path = program(tmp_path, "dist.init_process_group()\nx = torch.ones(1)\ndist.all_reduce(x)\nos.write(1, b'sum %d %s\\n' % (int(x), os.environb[b'LOCAL_RANK']))\n")
    done = subprocess.run([*command(mpiexec, kind, 2, 2, None, ()), sys.executable, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and sorted(done.stdout.splitlines()) == ["sum 2 0", "sum 2 1"], done


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


SPAWNED = """
from datetime import timedelta
def main(rank, how, path):
    method = {"env": None, "tcp": "tcp://127.0.0.1:" + os.environ["MASTER_PORT"], "file": "file://" + path}[how]
    if how == "env":
        os.environ.update(RANK=str(rank), WORLD_SIZE="3")
        dist.init_process_group("gloo")
    else:
        dist.init_process_group("gloo", init_method=method, rank=rank, world_size=3)
    x = torch.ones(1000) * rank
    dist.all_reduce(x)
    assert x.tolist() == [3] * 1000
    dist.destroy_process_group()
if __name__ == "__main__":
    import pyxtorch.multiprocessing as mp
    start = time.time()
    mp.spawn(main, args=tuple(sys.argv[1:]), nprocs=3)
    print("spawned in", time.time() - start)
"""


@pytest.mark.parametrize("how", ["env", "tcp", "file"])
def test_processes_that_nobody_launched(how, tmp_path):
    path = program(tmp_path, SPAWNED)
    variables = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "OMP_NUM_THREADS": "1", "PYXTORCH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, str(path), how, str(tmp_path / "meeting")], capture_output=True, text=True, timeout=120, env=variables)
    if mpi() == "openmpi":
        assert done.returncode == 1 and "python -m pyxtorch.distributed.run --nproc-per-node 3" in done.stderr, done
    else:
        assert done.returncode == 0 and "spawned in" in done.stdout, done
    assert not (tmp_path / "meeting").exists() or mpi() == "openmpi"


def test_a_launcher_of_another_mpi(tmp_path):
    path = program(tmp_path, "dist.init_process_group()\n")
    foreign = {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"} if mpi() == "mpich" else {"PMI_RANK": "0", "PMI_SIZE": "2"}
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=120, env={**os.environ, **foreign})
    assert done.returncode == 1 and "was started by an mpiexec of" in done.stderr and "mpi4py would load" in done.stderr, done


def test_nccl_is_missing(tmp_path):
    code, text = launch(2, program(tmp_path, "dist.init_process_group('nccl')\n"))
    assert code == 1 and "'nccl'" in text and "NCCL" in text


def test_nccl_on_the_stand_in(tmp_path):
    if mpi() != "mpich":
        pytest.skip("once is enough: MPI only tells the others where to meet")
    path, cache = HERE / "gpu" / "cases_nccl.py", HERE.parent.parent / "build" / "standin-cache"
    code, text = launch(2, HERE / "runner.py", tmp_path / "done", "cases_nccl", limit=150, folders=(path.parent,), PYXTORCH_CUDA_STANDIN="1", PYXTORCH_CACHE=str(cache))
    assert code == 0, text
    wanted = [line.split("(")[0].removeprefix("def ") for line in path.read_text().splitlines() if line.startswith("def case_")]
    assert (tmp_path / "done").read_text().split() == [word for name in wanted for word in ("ok", name)]


@pytest.mark.parametrize(("name", "words"), [("ddp_toy", "trained"), ("messages", "sent and received"), ("fsdp_toy", "sharded")])
def test_programs_for_torch(name, words, tmp_path):
    arguments = [sys.executable, "-m", "pyxtorch.run", "-m", "torch.distributed.run", "--standalone", "--nnodes=1", "--nproc_per_node", "2", "--rdzv_backend", "c10d",
                 "--rdzv_endpoint=localhost:0", "--max_restarts=0", str(HERE / "programs" / f"{name}.py"), str(tmp_path)]  # fmt: skip
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent.parent)})
    assert done.returncode == 0 and words in done.stdout, done.stdout + done.stderr

"""A program in which the last rank does something wrong after some steps, as its argument says."""
import os
import signal
import sys
import time

import pyxtorch as torch
from pyxtorch import distributed as dist

how, started = sys.argv[1], sys.argv[2]
dist.init_process_group("gloo")
rank, last = dist.get_rank(), dist.get_rank() == dist.get_world_size() - 1
x = torch.ones(1000)
w = torch.ones(3, requires_grad=True)


def fail(g):
    raise ValueError("bad gradient")


for step in range(20):
    dist.all_reduce(x)
    if step == 5 and last:
        with open(started, "w") as file:
            file.write(f"{os.getpid()} {time.time()}")
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "raise":
            raise ValueError("bad day")
        elif how == "exit":
            sys.exit(3)
        elif how == "leave":
            sys.exit(0)
        elif how == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif how == "sleep":
            time.sleep(1000)
        elif how == "shape":
            dist.all_reduce(torch.ones(999))
        elif how == "order":
            dist.broadcast(x, 0)
        elif how == "dtype":
            dist.all_reduce(x.double())
        elif how == "backward":
            w.register_hook(fail)
            w.sum().backward()
        elif how == "fork":
            pid = os.fork()
            if pid == 0:
                try:
                    dist.all_reduce(x)
                except RuntimeError as error:
                    print("in the child:", error, flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
print("end", rank, flush=True)

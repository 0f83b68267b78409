"""Run by every rank: all functions `case_*` of the modules named, one after the other. Rank 0 writes each one's name when it is done."""
import importlib
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("PYXTORCH_CPU_FILL", "1")

from pyxtorch import distributed as dist  # noqa: E402

if __name__ == "__main__":
    out, *modules = sys.argv[1:]
    dist.init_process_group("gloo")
    for module in map(importlib.import_module, modules):
        for name, case in list(vars(module).items()):
            if not name.startswith("case_"):
                continue
            try:
                case(dist.get_rank(), dist.get_world_size())
            except BaseException:
                with open(out, "a") as file:
                    file.write(f"FAILED {name} on rank {dist.get_rank()}\n{traceback.format_exc()}\n")
                raise
            dist.barrier()
            if dist.get_rank() == 0:
                with open(out, "a") as file:
                    file.write(f"ok {name}\n")
    dist.destroy_process_group()

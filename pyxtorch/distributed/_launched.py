"""Who started this process: what the launchers of MPI and Slurm say in the environment, under the names that programs read."""
import importlib.util
import os

# A launcher's variables for the rank, the number of ranks, the rank on the machine and the number there; the first that is there counts.
_LAUNCHERS = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
    ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"),
)


def installed():
    """Whether mpi4py can be imported."""
    return importlib.util.find_spec("mpi4py") is not None


def kind():
    """Which launcher this process is of: "openmpi", "mpich" (Intel's too), "slurm", or None."""
    for name, variables in zip(("openmpi", "mpich", "slurm"), _LAUNCHERS):
        if all(v in os.environ for v in variables[:2]) and (name != "slurm" or "SLURM_STEP_ID" in os.environ):
            return name
    return None


def set_environment():
    """Set RANK, WORLD_SIZE, LOCAL_RANK and the other names of torchrun, where a launcher knows them and nobody has set them: `kind()`."""
    launcher = kind()
    if launcher is None:
        return None
    rank, size, local, locals_ = (os.environ.get(v) for v in _LAUNCHERS[("openmpi", "mpich", "slurm").index(launcher)])
    if launcher == "slurm" and int(size) == 1:
        return None
    locals_ = locals_ or size
    nodes = max(1, int(size) // max(1, int(locals_)))
    for name, value in {
        "RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": local or rank, "LOCAL_WORLD_SIZE": locals_, "GROUP_RANK": str(int(rank) // max(1, int(locals_))),
        "ROLE_RANK": rank, "ROLE_NAME": "default", "ROLE_WORLD_SIZE": size, "GROUP_WORLD_SIZE": str(nodes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500",
    }.items():  # fmt: skip
        os.environ.setdefault(name, value)
    return launcher

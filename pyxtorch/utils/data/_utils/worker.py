"""What concerns a worker, in PyTorch's place for it."""
from pyxtorch.utils.data.worker import WorkerInfo, get_worker_info

__all__ = ["WorkerInfo", "_generate_state", "get_worker_info"]


def _generate_state(base_seed, worker_id):
    """Four 32-bit numbers of a loader's seed and a worker's number, for `numpy.random.seed`: those of NumPy's SeedSequence."""
    import numpy

    return numpy.random.SeedSequence([worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]).generate_state(4).tolist()

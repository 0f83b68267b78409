# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch.utils.data.worker import WorkerInfo as WorkerInfo
def _generate_state(base_seed: _t.Any, worker_id: _t.Any) -> _t.Any: ...
from pyxtorch.utils.data.worker import get_worker_info as get_worker_info

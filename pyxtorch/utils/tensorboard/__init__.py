"""torch.utils.tensorboard: what a training run measures, written for TensorBoard. Needs the package tensorboard: `pip install pyxtorch[tensorboard]`."""
from pyxtorch.utils.tensorboard.writer import FileWriter, RecordWriter, SummaryWriter

__all__ = ["FileWriter", "RecordWriter", "SummaryWriter"]

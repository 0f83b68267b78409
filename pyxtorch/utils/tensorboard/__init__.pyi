# Written by tools/stubs.py; do not edit.

from pyxtorch.utils.tensorboard.writer import FileWriter as FileWriter
from pyxtorch.utils.tensorboard.writer import RecordWriter as RecordWriter
from pyxtorch.utils.tensorboard.writer import SummaryWriter as SummaryWriter
from pyxtorch.utils.tensorboard import summary as summary
from pyxtorch.utils.tensorboard import writer as writer

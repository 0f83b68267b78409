# Written by tools/stubs.py; do not edit.

from pyxtorch.utils.data.sampler import BatchSampler as BatchSampler
from pyxtorch.utils.data.dataset import ChainDataset as ChainDataset
from pyxtorch.utils.data.dataset import ConcatDataset as ConcatDataset
from pyxtorch.utils.data.dataloader import DataLoader as DataLoader
from pyxtorch.utils.data.dataset import Dataset as Dataset
from pyxtorch.utils.data.distributed import DistributedSampler as DistributedSampler
from pyxtorch.utils.data.dataset import IterableDataset as IterableDataset
from pyxtorch.utils.data.sampler import RandomSampler as RandomSampler
from pyxtorch.utils.data.sampler import Sampler as Sampler
from pyxtorch.utils.data.sampler import SequentialSampler as SequentialSampler
from pyxtorch.utils.data.dataset import StackDataset as StackDataset
from pyxtorch.utils.data.dataset import Subset as Subset
from pyxtorch.utils.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from pyxtorch.utils.data.dataset import TensorDataset as TensorDataset
from pyxtorch.utils.data.sampler import WeightedRandomSampler as WeightedRandomSampler
from pyxtorch.utils.data import collate as collate
from pyxtorch.utils.data import dataloader as dataloader
from pyxtorch.utils.data import dataset as dataset
from pyxtorch.utils.data.collate import default_collate as default_collate
from pyxtorch.utils.data.collate import default_convert as default_convert
from pyxtorch.utils.data import distributed as distributed
from pyxtorch.utils.data.worker import get_worker_info as get_worker_info
from pyxtorch.utils.data.dataset import random_split as random_split
from pyxtorch.utils.data import sampler as sampler
from pyxtorch.utils.data import worker as worker

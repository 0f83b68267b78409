# Written by tools/stubs.py; do not edit.

from pyxtorch.backends import cpu as cpu
from pyxtorch.backends import cuda as cuda
from pyxtorch.backends import cudnn as cudnn
from pyxtorch.backends import mkl as mkl
from pyxtorch.backends import mkldnn as mkldnn
from pyxtorch.backends import mps as mps
from pyxtorch.backends import openmp as openmp

# Written by tools/stubs.py; do not edit.

from pyxtorch.nn.utils import clip_grad as clip_grad
from pyxtorch.nn.utils.clip_grad import clip_grad_norm as clip_grad_norm
from pyxtorch.nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from pyxtorch.nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from pyxtorch.nn.utils.clip_grad import clip_grads_with_norm_ as clip_grads_with_norm_
from pyxtorch.nn.utils import convert_parameters as convert_parameters
from pyxtorch.nn.utils.fusion import fuse_conv_bn_eval as fuse_conv_bn_eval
from pyxtorch.nn.utils.fusion import fuse_conv_bn_weights as fuse_conv_bn_weights
from pyxtorch.nn.utils.fusion import fuse_linear_bn_eval as fuse_linear_bn_eval
from pyxtorch.nn.utils.fusion import fuse_linear_bn_weights as fuse_linear_bn_weights
from pyxtorch.nn.utils import fusion as fusion
from pyxtorch.nn.utils.clip_grad import get_total_norm as get_total_norm
from pyxtorch.nn.utils import init as init
from pyxtorch.nn.utils import normalization as normalization
from pyxtorch.nn.utils.convert_parameters import parameters_to_vector as parameters_to_vector
from pyxtorch.nn.utils import parametrizations as parametrizations
from pyxtorch.nn.utils import parametrize as parametrize
from pyxtorch.nn.utils import prune as prune
from pyxtorch.nn.utils.normalization import remove_spectral_norm as remove_spectral_norm
from pyxtorch.nn.utils.normalization import remove_weight_norm as remove_weight_norm
from pyxtorch.nn.utils import rnn as rnn
from pyxtorch.nn.utils.init import skip_init as skip_init
from pyxtorch.nn.utils.normalization import spectral_norm as spectral_norm
from pyxtorch.nn.utils import stateless as stateless
from pyxtorch.nn.utils.convert_parameters import vector_to_parameters as vector_to_parameters
from pyxtorch.nn.utils.normalization import weight_norm as weight_norm

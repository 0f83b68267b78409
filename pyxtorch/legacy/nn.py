"""torch.legacy.nn: modules that keep their output and gradients themselves.

A module computes by `compute(input)`, in operations of today; `forward` records that, and `backward` differentiates it. What a
container computes is what its modules compute, so that each of them has its `output` after a forward of the whole.
"""
import copy
import math

import pyxtorch
import pyxtorch.nn.functional as F
from pyxtorch import Tensor


def _mapped(f, x):
    return [_mapped(f, part) for part in x] if isinstance(x, (list, tuple)) else f(x)


def _flat(x):
    return [leaf for part in x for leaf in _flat(part)] if isinstance(x, (list, tuple)) else [x]


class Module:
    """Base of all: a subclass has `compute(input)`. Parameters are tensors `weight` and `bias`, their gradients `gradWeight` and `gradBias`."""

    _PARAMETERS = (("weight", "gradWeight"), ("bias", "gradBias"))

    def __init__(self):
        self.output = self.gradInput = pyxtorch.empty(0)
        self.train, self._tape = True, None

    def compute(self, input):
        """The result, differentiable."""
        raise NotImplementedError(f"{type(self).__name__}: a module needs a method compute(input).")

    def _hold(self, **parameters):
        for (name, gradient), (key, value) in zip(self._PARAMETERS, parameters.items()):
            if key != name:
                raise AssertionError(f"expected the parameter {name}, got {key}")
            setattr(self, name, value)
            setattr(self, gradient, None if value is None else pyxtorch.zeros_like(value))

    def _own(self):
        """(owner, name, name of the gradient) of each parameter, those of modules within included."""
        found = [(self, name, gradient) for name, gradient in self._PARAMETERS if getattr(self, name, None) is not None]
        for module in getattr(self, "modules", ()):
            found += module._own()
        return found

    # ------------------------------------------------------------------------------ running

    def updateOutput(self, input):
        """Compute `output`, and give it."""
        own = self._own()
        with pyxtorch.enable_grad():
            leaves = _mapped(lambda x: x.detach().requires_grad_(x.is_floating_point()) if isinstance(x, Tensor) else x, input)
            for owner, name, _ in own:
                getattr(owner, name).requires_grad_(True)
            result = self.compute(leaves)
            for owner, name, _ in own:
                setattr(owner, name, getattr(owner, name))
        self._tape = leaves, result, own
        self.output = _mapped(lambda x: x.detach(), result)
        return self.output

    def forward(self, input):
        """`updateOutput`."""
        return self.updateOutput(input)

    __call__ = forward

    def _gradients(self, gradOutput, wanted, again):
        _, result, _ = self._tape
        outputs, given = _flat(result), _flat(gradOutput)
        pairs = [(y, g) for y, g in zip(outputs, given) if y.requires_grad]
        if not pairs or not wanted:
            return [None] * len(wanted)
        return pyxtorch.autograd.grad([y for y, _ in pairs], wanted, [g.expand_as(y) for y, g in pairs], retain_graph=again, allow_unused=True)

    def updateGradInput(self, input, gradOutput):
        """Compute `gradInput`, and give it."""
        leaves = _flat(self._tape[0])
        wanted = [x for x in leaves if isinstance(x, Tensor) and x.requires_grad]
        found = dict(zip(map(id, wanted), self._gradients(gradOutput, wanted, True)))
        self.gradInput = _mapped(lambda x: pyxtorch.zeros_like(x) if found.get(id(x)) is None else found[id(x)], self._tape[0])
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        """Add the gradients of the parameters, times `scale`, to what they are."""
        own = self._tape[2]
        for (owner, _, gradient), g in zip(own, self._gradients(gradOutput, [getattr(o, n) for o, n, _ in own], True)):
            if g is not None:
                getattr(owner, gradient).add_(g, alpha=scale)

    def backward(self, input, gradOutput, scale=1):
        """Both; gives `gradInput`."""
        self.updateGradInput(input, gradOutput)
        self.accGradParameters(input, gradOutput, scale)
        return self.gradInput

    # --------------------------------------------------------------------------- parameters

    def parameters(self):
        """(list of parameters, list of their gradients)"""
        own = self._own()
        return [getattr(o, n).detach() for o, n, _ in own], [getattr(o, g) for o, _, g in own]

    def zeroGradParameters(self):
        """Set all gradients to 0."""
        for gradient in self.parameters()[1]:
            gradient.zero_()

    def updateParameters(self, learningRate):
        """A step of gradient descent."""
        for parameter, gradient in zip(*self.parameters()):
            parameter.sub_(gradient, alpha=learningRate)

    def flattenParameters(self):
        """(all parameters in one vector, all gradients in another), of which they are parts from now on."""
        own = self._own()
        vectors = []
        for kind in (1, 2):
            tensors = [getattr(entry[0], entry[kind]).detach() for entry in own]
            vector = pyxtorch.cat([t.reshape(-1) for t in tensors]) if tensors else pyxtorch.empty(0)
            place = 0
            for entry, t in zip(own, tensors):
                setattr(entry[0], entry[kind], vector[place : place + t.numel()].view(t.shape))
                place += t.numel()
            vectors.append(vector)
        return tuple(vectors)

    def training(self):
        """Train from now on."""
        return self.apply(lambda m: setattr(m, "train", True))

    def evaluate(self):
        """Evaluate from now on."""
        return self.apply(lambda m: setattr(m, "train", False))

    def apply(self, callback):
        """Call a function of this module and all within; gives self."""
        callback(self)
        for module in getattr(self, "modules", ()):
            module.apply(callback)
        return self

    def listModules(self):
        """This module and all within."""
        found = []
        self.apply(found.append)
        return found

    def findModules(self, typename):
        """Those of a class, or of the name of one."""
        return [m for m in self.listModules() if (isinstance(m, typename) if isinstance(typename, type) else type(m).__name__ == typename)]

    def clone(self):
        """A copy."""
        tape, self._tape = self._tape, None
        try:
            return copy.deepcopy(self)
        finally:
            self._tape = tape

    def type(self, type=None):
        """Convert parameters and gradients, `type(torch.DoubleTensor)`; without an argument the type's name."""
        if type is None:
            return next((p.type() for p in self.parameters()[0]), "torch.FloatTensor")
        for owner, name, gradient in self._own():
            setattr(owner, name, getattr(owner, name).detach().type(type))
            setattr(owner, gradient, getattr(owner, gradient).type(type))
        return self

    def float(self):
        """To float32."""
        return self.type("torch.FloatTensor")

    def double(self):
        """To float64."""
        return self.type("torch.DoubleTensor")

    def __repr__(self):
        return f"nn.{type(self).__name__}"


# ------------------------------------------------------------------------------- containers

class Container(Module):
    """A module of modules."""

    def __init__(self, *modules):
        super().__init__()
        self.modules = list(modules)

    def add(self, module):
        """One more; gives self."""
        self.modules.append(module)
        return self

    def get(self, index):
        """The one of this number, from 0."""
        return self.modules[index]

    def size(self):
        """How many."""
        return len(self.modules)

    def _run(self, module, input):
        result = module.compute(input)
        module.output = _mapped(lambda x: x.detach(), result)
        return result

    def __repr__(self):
        return f"nn.{type(self).__name__} {{\n" + "".join(f"  ({i}): {m}\n" for i, m in enumerate(self.modules)) + "}"


class Sequential(Container):
    """One after the other."""

    def compute(self, input):
        for module in self.modules:
            input = self._run(module, input)
        return input


class ConcatTable(Container):
    """All of one input: a list of results."""

    def compute(self, input):
        return [self._run(module, input) for module in self.modules]


class ParallelTable(Container):
    """Each of its own input: a list of results."""

    def compute(self, input):
        return [self._run(module, part) for module, part in zip(self.modules, input)]


class Concat(Container):
    """All of one input, their results joined along a dimension."""

    def __init__(self, dimension):
        super().__init__()
        self.dimension = dimension

    def compute(self, input):
        return pyxtorch.cat([self._run(module, input) for module in self.modules], self.dimension)


# ---------------------------------------------------------------------------------- layers

def _uniform(bound, *sizes):
    return pyxtorch.empty(*sizes).uniform_(-bound, bound)


class Linear(Module):
    """y = W x + b."""

    def __init__(self, inputSize, outputSize, bias=True):
        super().__init__()
        bound = 1 / math.sqrt(inputSize)
        self._hold(weight=_uniform(bound, outputSize, inputSize), bias=_uniform(bound, outputSize) if bias else None)

    def compute(self, input):
        return F.linear(input, self.weight, self.bias)


class LookupTable(Module):
    """Rows of a table by number, from 0."""

    def __init__(self, nIndex, nOutput):
        super().__init__()
        self._hold(weight=pyxtorch.randn(nIndex, nOutput))

    def compute(self, input):
        return F.embedding(input.long(), self.weight)


class SpatialConvolution(Module):
    """Convolution of images."""

    def __init__(self, nInputPlane, nOutputPlane, kW, kH, dW=1, dH=1, padW=0, padH=None):
        super().__init__()
        self.stride, self.padding = (dH, dW), (padW if padH is None else padH, padW)
        bound = 1 / math.sqrt(kW * kH * nInputPlane)
        self._hold(weight=_uniform(bound, nOutputPlane, nInputPlane, kH, kW), bias=_uniform(bound, nOutputPlane))

    def compute(self, input):
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding)


class _Pooling(Module):
    def __init__(self, kW, kH, dW=None, dH=None, padW=0, padH=0):
        super().__init__()
        self.kernel, self.stride, self.padding, self.ceil_mode = (kH, kW), (dH or kH, dW or kW), (padH, padW), False

    def ceil(self):
        """Round sizes up."""
        self.ceil_mode = True
        return self

    def floor(self):
        """Round sizes down."""
        self.ceil_mode = False
        return self


class SpatialMaxPooling(_Pooling):
    """The greatest of each window of images."""

    def compute(self, input):
        return F.max_pool2d(input, self.kernel, self.stride, self.padding, ceil_mode=self.ceil_mode)


class SpatialAveragePooling(_Pooling):
    """The mean of each window of images."""

    def compute(self, input):
        return F.avg_pool2d(input, self.kernel, self.stride, self.padding, ceil_mode=self.ceil_mode)


class BatchNormalization(Module):
    """Each feature of a batch with mean 0 and variance 1."""

    def __init__(self, nOutput, eps=1e-5, momentum=0.1, affine=True):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = pyxtorch.zeros(nOutput), pyxtorch.ones(nOutput)
        self._hold(weight=pyxtorch.rand(nOutput) if affine else None, bias=pyxtorch.zeros(nOutput) if affine else None)

    def compute(self, input):
        return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, self.train, self.momentum, self.eps)


class SpatialBatchNormalization(BatchNormalization):
    """The same of images."""


class Dropout(Module):
    """Zeros with probability p while it trains."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def compute(self, input):
        return F.dropout(input, self.p, self.train)


class Reshape(Module):
    """Another shape for each sample of a batch."""

    def __init__(self, *sizes):
        super().__init__()
        self.size = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes

    def compute(self, input):
        whole = math.prod(self.size)
        return input.reshape(self.size) if input.numel() == whole and input.shape[0] != 1 else input.reshape(input.shape[0], *self.size)


class View(Module):
    """Another shape for all."""

    def __init__(self, *sizes):
        super().__init__()
        self.size = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes

    def compute(self, input):
        return input.reshape(self.size)


class JoinTable(Module):
    """A list of tensors joined along a dimension."""

    def __init__(self, dimension, nInputDims=None):
        super().__init__()
        self.dimension = dimension

    def compute(self, input):
        return pyxtorch.cat(list(input), self.dimension)


class SelectTable(Module):
    """One of a list of inputs."""

    def __init__(self, index):
        super().__init__()
        self.index = index

    def compute(self, input):
        return input[self.index]


class AddConstant(Module):
    """A number added."""

    def __init__(self, constant_scalar, inplace=False):
        super().__init__()
        self.constant_scalar = constant_scalar

    def compute(self, input):
        return input + self.constant_scalar


class MulConstant(AddConstant):
    """A number multiplied by."""

    def compute(self, input):
        return input * self.constant_scalar


class _Function(Module):
    """A layer without parameters: a function of the input."""

    def __init__(self, *options):
        super().__init__()
        self.options = options

    def compute(self, input):
        return self._function(input, *self.options)


def _total(parts, op):
    result = parts[0]
    for part in parts[1:]:
        result = op(result, part)
    return result


class Identity(_Function):
    """The input."""

    _function = staticmethod(lambda x, *options: x)


class ReLU(_Function):
    """max(x, 0)."""

    _function = staticmethod(lambda x, inplace=False: F.relu(x))


class ReLU6(_Function):
    """min(max(x, 0), 6)."""

    _function = staticmethod(lambda x, inplace=False: F.relu6(x))


class Tanh(_Function):
    """tanh."""

    _function = staticmethod(pyxtorch.tanh)


class Sigmoid(_Function):
    """1 / (1 + exp(-x))."""

    _function = staticmethod(pyxtorch.sigmoid)


class ELU(_Function):
    """alpha (exp(x) - 1) below 0."""

    _function = staticmethod(lambda x, alpha=1.0, inplace=False: F.elu(x, alpha))


class LeakyReLU(_Function):
    """negval x below 0."""

    _function = staticmethod(lambda x, negval=1 / 100, inplace=False: F.leaky_relu(x, negval))


class SoftPlus(_Function):
    """log(1 + exp(beta x)) / beta."""

    _function = staticmethod(lambda x, beta=1, threshold=20: F.softplus(x, beta, threshold))


class HardTanh(_Function):
    """Between two numbers."""

    _function = staticmethod(lambda x, low=-1, high=1, inplace=False: F.hardtanh(x, low, high))


class SoftMax(_Function):
    """Probabilities along the last dimension of vectors and batches of them, or along that of features."""

    _function = staticmethod(lambda x: F.softmax(x, 0 if x.dim() in (1, 3) else 1))


class LogSoftMax(_Function):
    """Their logarithms."""

    _function = staticmethod(lambda x: F.log_softmax(x, 0 if x.dim() in (1, 3) else 1))


class LogSigmoid(_Function):
    """log(1 / (1 + exp(-x)))."""

    _function = staticmethod(F.logsigmoid)


class Abs(_Function):
    """|x|."""

    _function = staticmethod(pyxtorch.abs)


class Exp(_Function):
    """exp."""

    _function = staticmethod(pyxtorch.exp)


class Log(_Function):
    """The natural logarithm."""

    _function = staticmethod(pyxtorch.log)


class Sqrt(_Function):
    """The square root."""

    _function = staticmethod(pyxtorch.sqrt)


class Square(_Function):
    """x^2."""

    _function = staticmethod(pyxtorch.square)


class CAddTable(_Function):
    """The sum of a list of inputs."""

    _function = staticmethod(lambda parts, inplace=False: _total(parts, pyxtorch.add))


class CMulTable(_Function):
    """The product of a list of inputs."""

    _function = staticmethod(lambda parts: _total(parts, pyxtorch.mul))


class CSubTable(_Function):
    """The difference of two inputs."""

    _function = staticmethod(lambda parts: parts[0] - parts[1])


class CDivTable(_Function):
    """The quotient of two inputs."""

    _function = staticmethod(lambda parts: parts[0] / parts[1])


# ------------------------------------------------------------------------------- criterions

class Criterion:
    """A loss: `forward(input, target)` gives a number, `backward(input, target)` its gradient by the input."""

    def __init__(self, sizeAverage=True):
        self.sizeAverage, self.output, self.gradInput = sizeAverage, 0, pyxtorch.empty(0)

    def compute(self, input, target):
        """The loss, differentiable."""
        raise NotImplementedError(f"{type(self).__name__}: a criterion needs a method compute(input, target).")

    @property
    def _reduction(self):
        return "mean" if self.sizeAverage else "sum"

    def forward(self, input, target):
        """The loss as a number."""
        self.output = self.compute(input.detach(), target).item()
        return self.output

    updateOutput = __call__ = forward

    def backward(self, input, target):
        """Its gradient."""
        with pyxtorch.enable_grad():
            leaf = input.detach().requires_grad_(True)
            (self.gradInput,) = pyxtorch.autograd.grad(self.compute(leaf, target), leaf)
        return self.gradInput

    updateGradInput = backward

    def __repr__(self):
        return f"nn.{type(self).__name__}"


class MSECriterion(Criterion):
    """The mean of squares of differences."""

    def compute(self, input, target):
        return F.mse_loss(input, target, reduction=self._reduction)


class AbsCriterion(Criterion):
    """The mean of their absolute values."""

    def compute(self, input, target):
        return F.l1_loss(input, target, reduction=self._reduction)


class SmoothL1Criterion(Criterion):
    """Squares of small differences, absolute values of large ones."""

    def compute(self, input, target):
        return F.smooth_l1_loss(input, target, reduction=self._reduction)


class _Weighted(Criterion):
    def __init__(self, weights=None, sizeAverage=True):
        super().__init__(sizeAverage)
        self.weights = weights


class ClassNLLCriterion(_Weighted):
    """Minus the log probability of the class, numbers from 0."""

    def compute(self, input, target):
        return F.nll_loss(input, target.long(), self.weights, reduction=self._reduction)


class CrossEntropyCriterion(_Weighted):
    """The same from scores."""

    def compute(self, input, target):
        return F.cross_entropy(input, target.long(), self.weights, reduction=self._reduction)


class BCECriterion(_Weighted):
    """Of two classes, by the probability of one."""

    def compute(self, input, target):
        return F.binary_cross_entropy(input, target, self.weights, reduction=self._reduction)


class DistKLDivCriterion(Criterion):
    """The Kullback-Leibler divergence from log probabilities to probabilities."""

    def compute(self, input, target):
        return F.kl_div(input, target, reduction=self._reduction)

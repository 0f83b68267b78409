"""captum: attributions by gradients, perturbation, layers and neurons; what has a closed form or sums to the output is checked."""

import torch
from agree import agree, fill, numbers
from captum.attr import (
    LRP,
    Deconvolution,
    DeepLift,
    DeepLiftShap,
    FeatureAblation,
    FeaturePermutation,
    GradientShap,
    GuidedBackprop,
    GuidedGradCam,
    InputXGradient,
    IntegratedGradients,
    InternalInfluence,
    KernelShap,
    LayerActivation,
    LayerConductance,
    LayerGradCam,
    LayerIntegratedGradients,
    Lime,
    NeuronConductance,
    NeuronGradient,
    NoiseTunnel,
    Occlusion,
    Saliency,
    ShapleyValueSampling,
    configure_interpretable_embedding_layer,
    remove_interpretable_embedding_layer,
)
from captum.metrics import infidelity, sensitivity_max
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.pool = nn.AvgPool2d(2)
        self.line = nn.Linear(4 * 16, 8)
        self.relu2 = nn.ReLU()
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.relu2(self.line(self.pool(self.relu1(self.conv(x))).flatten(1))))


torch.manual_seed(0)
model = fill(Net().eval())
x, base = numbers(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)
target = torch.tensor([0, 2])
rows = torch.arange(2)
difference = (model(x) - model(base))[rows, target].detach()

leaf = x.clone().requires_grad_()
(gradient,) = torch.autograd.grad(model(leaf)[rows, target].sum(), leaf)
assert torch.equal(Saliency(model).attribute(x, target=target), gradient.abs())
assert torch.allclose(InputXGradient(model).attribute(x, target=target), x * gradient)

integrated, delta = IntegratedGradients(model).attribute(x, base, target=target, n_steps=200, return_convergence_delta=True)
assert delta.abs().max() < 0.02 and torch.allclose(integrated.sum((1, 2, 3)), difference, atol=0.02)
lift, delta = DeepLift(model).attribute(x, base, target=target, return_convergence_delta=True)
assert delta.abs().max() < 1e-4 and torch.allclose(lift.sum((1, 2, 3)), difference, atol=1e-4)
shap = DeepLiftShap(model).attribute(x, torch.cat([base, base + 0.1]), target=target)
relevance = LRP(model).attribute(x, target=target)
agree("integrated gradients", integrated[0, 0, :2])
agree("DeepLift", lift[0, 0, :2])
agree("DeepLiftShap", shap[0, 0, :2])
agree("LRP", relevance[0, 0, :2])
for method in (GuidedBackprop(model), Deconvolution(model), GuidedGradCam(model, model.conv)):
    agree(type(method).__name__, method.attribute(x, target=target)[0, 0, :2])

cam = LayerGradCam(model, model.conv).attribute(x, target=target)
captured = []
hook = model.conv.register_forward_hook(lambda module, args, out: captured.append(out))
out = model(x)
hook.remove()
(slope,) = torch.autograd.grad(out[rows, target].sum(), captured[0])
assert torch.allclose(cam, (slope.mean((2, 3), keepdim=True) * captured[0]).sum(1, keepdim=True), atol=1e-6)
assert LayerGradCam.interpolate(cam, (16, 16)).shape == (2, 1, 16, 16)
assert torch.equal(LayerActivation(model, model.line).attribute(x), model.line(model.pool(model.relu1(model.conv(x))).flatten(1)))
for method in (LayerConductance, LayerIntegratedGradients):
    values = method(model, model.line).attribute(x, base, target=target, n_steps=100)
    assert torch.allclose(values.sum(1), difference, atol=0.05), method
agree("InternalInfluence", InternalInfluence(model, model.line).attribute(x, base, target=target))
agree("NeuronConductance", NeuronConductance(model, model.line).attribute(x, neuron_selector=2, target=target)[0, 0, :2])
agree("NeuronGradient", NeuronGradient(model, model.line).attribute(x, neuron_selector=3)[0, 0, :2])

mask = torch.arange(64).view(1, 1, 8, 8) // 16
ablated = FeatureAblation(model).attribute(x, base, target=target, feature_mask=mask)
without = x.clone()
without[:, :, :2] = 0
assert torch.allclose(ablated[:, 0, 0, 0], (model(x) - model(without))[rows, target], atol=1e-5)
occluded = Occlusion(model).attribute(x, sliding_window_shapes=(1, 4, 4), strides=(1, 4, 4), baselines=0, target=target)
without = x.clone()
without[:, :, :4, :4] = 0
assert torch.allclose(occluded[:, 0, 0, 0], (model(x) - model(without))[rows, target], atol=1e-5)
sampled = ShapleyValueSampling(model).attribute(x, base, target=target, feature_mask=mask, n_samples=5)
assert torch.allclose(sampled[:, 0, ::2, 0].sum(1), difference, atol=1e-4)
kernel = KernelShap(model).attribute(x[:1], base[:1], target=0, feature_mask=mask, n_samples=60)
assert abs(kernel[0, 0, ::2, 0].sum() - difference[0]) < 0.05, kernel
assert Lime(model).attribute(x[:1], base[:1], target=0, feature_mask=mask, n_samples=40).shape == (1, 1, 8, 8)
assert FeaturePermutation(model).attribute(x, target=target, feature_mask=mask).shape == x.shape
assert GradientShap(model).attribute(x, base, target=target, n_samples=5, stdevs=0.01).shape == x.shape
smooth = NoiseTunnel(Saliency(model)).attribute(x, nt_type="smoothgrad", nt_samples=5, stdevs=1e-4, target=target)
assert torch.allclose(smooth, gradient.abs(), atol=0.05)


def perturb(inputs, baselines=None):
    noise = torch.randn(inputs.shape) * 0.01
    return noise, inputs - noise


assert infidelity(model, perturb, x, gradient, target=target).max() < 1e-3
assert sensitivity_max(Saliency(model).attribute, x, target=target).isfinite().all()


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, tokens):
        return self.head(torch.tanh(self.embedding(tokens)).mean(1))


text, tokens = Text(), torch.tensor([[1, 2, 3]])
by_layer = LayerIntegratedGradients(text, text.embedding).attribute(tokens, torch.zeros_like(tokens), target=1, n_steps=100)
change = (text(tokens) - text(torch.zeros_like(tokens)))[0, 1]
assert by_layer.shape == (1, 3, 4) and abs(by_layer.sum() - change) < 1e-3
layer = configure_interpretable_embedding_layer(text, "embedding")
embedded = layer.indices_to_embeddings(tokens)
same = IntegratedGradients(text).attribute(embedded, layer.indices_to_embeddings(torch.zeros_like(tokens)), target=1, n_steps=100)
remove_interpretable_embedding_layer(text, layer)
assert torch.allclose(same, by_layer, atol=1e-5)

"""timm: four families of networks forward, backward and trained; features, pooling, heads, optimisers, EMA, files."""
import os
import tempfile

import safetensors.torch
import timm
import torch
from agree import agree, fill, numbers
from timm.data import create_transform, resolve_data_config
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3, accuracy

MODELS = {"resnet18": (64, {}), "vit_tiny_patch16_224": (64, {"img_size": 64}), "convnext_atto": (64, {}), "efficientnet_b0": (64, {})}
labels = torch.tensor([3, 7])


def one(name, size, arguments):
    """Forward as in use, then a step of training; the state through a file."""
    model = fill(timm.create_model(name, num_classes=10, **arguments))
    x = numbers(2, 3, size, size, seed=5)
    with torch.no_grad():
        agree(f"{name} in use", model.eval()(x)[0, :4])
        features = model.forward_features(x)
        assert torch.equal(model.forward_head(features), model(x))
    model, x = model.double(), x.double()                       # in float32, Adam's first steps follow the signs of what rounds to nothing
    losses, norms = [], []
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.05)
    assert len(optimizer.param_groups) == 2                     # vectors are not decayed
    ema = ModelEmaV3(model, decay=0.5)
    model.train()
    for _ in range(2):
        loss = LabelSmoothingCrossEntropy(0.1)(model(x), labels)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        optimizer.zero_grad()
        ema.update(model)
        losses.append(loss.item())
    agree(f"{name} losses and norms", [*losses, *norms])
    model, x = model.float(), x.float()
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "x.safetensors")
        safetensors.torch.save_model(model, file)
        again = timm.create_model(name, num_classes=10, checkpoint_path=file, **arguments).eval()
        assert torch.equal(again(x), model.eval()(x))
        assert accuracy(again(x), labels, topk=(1, 5))[1] <= 100
        assert not torch.equal(ema.module.float().eval()(x), again(x))


def other_uses():
    names = timm.list_models("resnet*")
    assert "resnet50" in names and len(timm.list_models()) > 1000
    maps = fill(timm.create_model("resnet18", features_only=True, out_indices=(1, 3))).eval()(numbers(1, 3, 64, 64))
    assert [tuple(m.shape) for m in maps] == [(1, 64, 16, 16), (1, 256, 4, 4)]
    pooled = fill(timm.create_model("efficientnet_b0", num_classes=0, global_pool="avg")).eval()(numbers(1, 3, 64, 64))
    assert pooled.shape == (1, 1280)
    model = timm.create_model("resnet18", in_chans=1, num_classes=4)
    model.reset_classifier(7)
    assert model(numbers(2, 1, 32, 32)).shape == (2, 7)
    vit = fill(timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=0)).eval()
    final, layers = vit.forward_intermediates(numbers(1, 3, 64, 64), indices=2)
    agree("vit, two layers from the end", [m.mean().item() for m in layers], rtol=1e-3)
    soft = SoftTargetCrossEntropy()(numbers(2, 5), torch.softmax(numbers(2, 5, seed=1), 1))
    agree("soft targets", soft.item())
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = CosineLRScheduler(optimizer, t_initial=10, warmup_t=2, warmup_lr_init=0.1)
    rates = []
    for epoch in range(5):
        schedule.step(epoch)
        rates.append(optimizer.param_groups[0]["lr"])
    agree("cosine", rates)


def images():
    """From a picture to the batch that a network takes."""
    import numpy as np
    from PIL import Image

    picture = Image.fromarray((np.random.RandomState(0).rand(80, 100, 3) * 255).astype(np.uint8))
    model = timm.create_model("resnet18")
    config = resolve_data_config({}, model=model)
    x = create_transform(**config)(picture)
    assert x.shape == (3, 224, 224)
    agree("a picture, prepared", [x.mean().item(), x[0, 0, 0].item(), x.std().item()], rtol=1e-3)
    torch.manual_seed(0)
    x = create_transform(64, is_training=True, auto_augment="rand-m9-mstd0.5", re_prob=0.5)(picture)
    assert x.shape == (3, 64, 64) and x.isfinite().all()


if __name__ == "__main__":
    for name, (size, arguments) in MODELS.items():
        one(name, size, arguments)
    other_uses()
    images()

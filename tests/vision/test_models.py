"""Networks: sizes and results of torchvision's, and what is said of weights."""
import copy
import hashlib
import importlib.util
import pickle
import sys
import warnings
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision import models
from pyxtorch.vision.models._api import BUILTIN_MODELS
from pyxtorch.vision.models._utils import IntermediateLayerGetter

spec = importlib.util.spec_from_file_location("vision_figures", Path(__file__).with_name("figures.py"))
figures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(figures)
QUIET = {"googlenet": {"init_weights": False}, "inception_v3": {"init_weights": False}}


@pytest.mark.parametrize("name", figures.NAMES)
def test_results_of_torchvision(name):
    """Five numbers that torchvision 0.28 gives for weights and an image by formula, in float64."""
    expected = figures.EXPECTED[name]
    found = figures.outcome(torch, models, name)
    assert max(abs(a - b) for a, b in zip(found, expected)) < 1e-10 * max(map(abs, expected))


@pytest.mark.parametrize("name", models.list_models(models))
def test_number_of_parameters_and_shape(name):
    """Without memory: as many parameters as the table of weights says, and a result for a thousand classes."""
    weights = models.get_model_weights(name).DEFAULT
    size = weights.transforms.keywords["crop_size"]
    options = {"image_size": size} if name.startswith("vit") else QUIET.get(name, {})
    with torch.device("meta"):
        model = models.get_model(name, **options).eval()
        count = sum(p.numel() for p in model.parameters())
        if name in ("googlenet", "inception_v3"):  # the table counts no auxiliary classifiers of the first
            count -= sum(p.numel() for key, p in model.named_parameters() if name == "googlenet" and key.startswith("aux"))
        assert count == weights.meta["num_params"]
        if not name.endswith(("128gf", "h_14")):
            assert model(torch.empty(1, 3, size, size)).shape == (1, 1000)


def test_training_gives_gradients_and_auxiliary_results():
    torch.manual_seed(0)
    model = models.googlenet(num_classes=5, init_weights=False)
    out = model(torch.rand(2, 3, 64, 64))
    assert isinstance(out, models.GoogLeNetOutputs) and [x.shape for x in out] == [(2, 5)] * 3
    sum(x.sum() for x in out).backward()
    assert all(p.grad is not None for p in model.parameters())
    model = models.densenet121(memory_efficient=True, num_classes=3, drop_rate=0.1)
    model(torch.rand(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    with pytest.warns(FutureWarning, match="init_weights"), torch.device("meta"):
        models.googlenet()


def test_options():
    with torch.device("meta"):
        model = models.resnet50(num_classes=7, replace_stride_with_dilation=[False, True, True], norm_layer=nn.InstanceNorm2d)
        assert model(torch.empty(1, 3, 64, 64)).shape == (1, 7) and model.layer4[1].conv2.dilation == (4, 4)
        assert models.mobilenet_v3_large(reduced_tail=True, dilated=True, width_mult=0.5)(torch.empty(1, 3, 64, 64)).shape == (1, 1000)
        assert models.mobilenet_v2(width_mult=0.35).last_channel == 1280
    model = models.resnet18(zero_init_residual=True)
    assert not model.layer1[0].bn2.weight.any() and model.layer1[0].bn1.weight.all()
    for call, message in (
        (lambda: models.resnet18(replace_stride_with_dilation=[True]), "3-element"), (lambda: models.resnext50_32x4d(groups=2), "groups"),
        (lambda: models.SqueezeNet("2_0"), "2_0"), (lambda: models.MNASNet(0.0), "alpha"), (lambda: models.vgg11(1, 2, 3), "positional"),
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError), match=message):
            call()
    with torch.device("meta"), pytest.raises(AssertionError, match="height"):
        models.vit_b_32()(torch.empty(1, 3, 32, 32))


def test_what_is_known_of_weights():
    weights = models.ResNet50_Weights.IMAGENET1K_V2
    assert models.ResNet50_Weights.DEFAULT is weights and weights.meta["num_params"] == 25557032 and len(weights.meta["categories"]) == 1000
    assert weights.meta["categories"][0] == "tench" and weights.meta["_metrics"]["ImageNet-1K"]["acc@1"] == 80.858
    assert weights.transforms().resize_size == [232] and weights.url.endswith("resnet50-11ad3fa6.pth") and repr(weights) == "ResNet50_Weights.IMAGENET1K_V2"
    assert models.get_weight("ResNet50_Weights.IMAGENET1K_V1") is models.ResNet50_Weights.IMAGENET1K_V1
    assert copy.deepcopy(weights) is weights and pickle.loads(pickle.dumps(weights)) is weights
    assert models.get_model_weights("resnet50") is models.get_model_weights(models.resnet50) is models.ResNet50_Weights
    assert models.list_models(include="resnet*", exclude=["*1*"]) == ["resnet34", "resnet50"]
    assert sorted(models.list_models(models) + models.list_models(models.segmentation)) == models.list_models() == sorted(BUILTIN_MODELS)
    for call in (lambda: models.get_weight("ResNet50_Weights"), lambda: models.get_weight("No_Weights.X"), lambda: models.get_model("nope"),
                 lambda: models.get_model_weights(lambda x: x)):  # fmt: skip
        with pytest.raises(ValueError):
            call()
    with pytest.raises(TypeError, match="expected ResNet18_Weights"):
        models.resnet18(weights=weights)
    with pytest.raises(KeyError):
        models.resnet18(weights="NOPE")


def test_weights_are_taken_from_the_folder_of_the_hub(tmp_path, monkeypatch):
    """No download: an error says which file to put where; a file that is there is checked and loaded."""
    monkeypatch.setattr(torch.hub, "_folder", None)
    torch.hub.set_dir(tmp_path)
    member = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    with pytest.raises(FileNotFoundError, match=r"squeezenet1_1-b8a52dc0\.pth.*load_state_dict"):
        models.squeezenet1_1(weights="DEFAULT")
    source = models.squeezenet1_1()
    (tmp_path / "checkpoints").mkdir()
    torch.save(source.state_dict(), tmp_path / "x.pth")
    digest = hashlib.sha256((tmp_path / "x.pth").read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(member.value, "url", f"https://download.pytorch.org/models/squeezenet1_1-{digest}.pth")
    (tmp_path / "x.pth").rename(tmp_path / "checkpoints" / f"squeezenet1_1-{digest}.pth")
    assert torch.equal(models.squeezenet1_1(weights=member).classifier[1].weight, source.classifier[1].weight)
    with pytest.warns(UserWarning, match="pretrained"):
        assert torch.equal(models.squeezenet1_1(pretrained=True).classifier[1].weight, source.classifier[1].weight)
    with pytest.warns(UserWarning, match="pretrained"):
        models.squeezenet1_1(False)
    with pytest.raises(ValueError, match="num_classes"):
        models.squeezenet1_1(weights=member, num_classes=10)
    (tmp_path / "checkpoints" / f"squeezenet1_1-{digest}.pth").write_bytes(b"other")
    with pytest.raises(RuntimeError, match="invalid hash"):
        models.squeezenet1_1(weights=member)


def test_old_state_dicts():
    """Names that published files still have: DenseNet's with points, ViT's linear_1, a pyramid's without Sequential."""
    from pyxtorch.vision.models.densenet import _load
    from pyxtorch.vision.models.vision_transformer import MLPBlock
    from pyxtorch.vision.ops import FeaturePyramidNetwork

    model = models.DenseNet(4, (2, 2), 8, num_classes=2)
    state = {key.replace("norm1", "norm.1").replace("conv2", "conv.2"): value + 1 for key, value in model.state_dict().items()}
    _load(model, state)
    assert torch.equal(model.state_dict()["features.denseblock1.denselayer1.norm1.weight"], state["features.denseblock1.denselayer1.norm.1.weight"])
    block = MLPBlock(2, 3, 0.0)
    block.load_state_dict({"linear_1.weight": torch.ones(3, 2), "linear_1.bias": torch.ones(3), "linear_2.weight": torch.ones(2, 3), "linear_2.bias": torch.ones(2)})
    assert (block[3].weight == 1).all()
    pyramid = FeaturePyramidNetwork([2, 3], 4)
    pyramid.load_state_dict({key.replace(".0.", "."): value for key, value in pyramid.state_dict().items()})


def test_intermediate_layers():
    model = models.resnet18().eval()
    part = IntermediateLayerGetter(model, {"layer1": "a", "layer3": "b"})
    with torch.no_grad():
        out = part(torch.ones(1, 3, 32, 32))
    assert {k: tuple(v.shape) for k, v in out.items()} == {"a": (1, 64, 8, 8), "b": (1, 256, 2, 2)} and "layer4" not in part
    with pytest.raises(ValueError, match="layer9"):
        IntermediateLayerGetter(model, {"layer9": "a"})


def test_feature_extractor():
    """Values by the names of torchvision's nodes, in both modes; nothing beyond them is computed."""
    from pyxtorch.vision.models.feature_extraction import create_feature_extractor, get_graph_node_names

    torch.manual_seed(0)
    model = models.resnet18().eval()
    train, evaluation = get_graph_node_names(model)
    assert train == evaluation and len(train) == 70 and train[:6] == ["x", "conv1", "bn1", "relu", "maxpool", "layer1.0.conv1"] and "layer1.0.add" in train and "layer4.1.relu_1" in train
    part = create_feature_extractor(model, {"layer1": "a", "layer2.0.add": "b", "conv1": "c"})
    x, kept = torch.rand(2, 3, 32, 32), {}
    model.layer1.register_forward_hook(lambda module, args, out: kept.update(a=out))
    with torch.no_grad():
        model(x)
        out = part(x)
    assert list(out) == ["c", "a", "b"] and torch.equal(out["a"], kept["a"]) and out["b"].shape == (2, 128, 4, 4) and not hasattr(part, "fc")
    assert part.conv1.weight is model.conv1.weight and not part.training and part.train().training and part(x)["a"].requires_grad
    for name in ("densenet121", "vit_b_32", "efficientnet_b0", "swin_t", "convnext_tiny", "inception_v3"):
        with torch.device("meta"):
            nodes, _ = get_graph_node_names(models.get_model(name, **QUIET.get(name, {})), suppress_diff_warning=True)
        assert len(nodes) == len(set(nodes)) > 50
    for arguments in ({}, {"train_return_nodes": ["conv1"]}, {"return_nodes": ["conv1"], "train_return_nodes": ["conv1"], "eval_return_nodes": ["conv1"]}, {"return_nodes": ["layer9"]}):
        with pytest.raises(ValueError, match="return_nodes|layer9"):
            create_feature_extractor(model, **arguments)


def test_nothing_is_imported_before_it_is_used():
    import subprocess

    code = "import pyxtorch, sys; assert not any(m.startswith('pyxtorch.vision') for m in sys.modules); import pyxtorch.vision; assert 'PIL' not in sys.modules\n" \
           "pyxtorch.vision.models, pyxtorch.vision.transforms, pyxtorch.vision.datasets, pyxtorch.vision.utils, pyxtorch.vision.io; assert 'PIL' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_warnings_when_built():
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("error")
        models.get_model("ResNet18", weights=None)


# Three numbers of torchvision 0.28's "out", weights and image by formula in float64 (figures.py), 64 x 64, 21 classes.
SEGMENTATION = {
    "fcn_resnet50": {"out": [-47.77563458679779, -36.556658193802036, 32.789406814847425], "aux": [-21.49851932412123, 6.763956212951995, 11.231790158257116]},
    "deeplabv3_mobilenet_v3_large": {"out": [-3.431300732667197, 2.336342600013167, 2.370465065312299], "aux": [0.15677346361274894, 0.1213886438326927, 0.24426775329228784]},
    "lraspp_mobilenet_v3_large": {"out": [22.714329123625514, 38.8415108541884, 31.78106663453917]},
}


@pytest.mark.parametrize("name", sorted(SEGMENTATION))
def test_segmentation(name):
    options = {"weights_backbone": None} | ({} if name.startswith("lraspp") else {"aux_loss": True})
    model = figures.fill(torch, models.get_model(name, **options))
    with torch.no_grad():
        found = model(figures.image(torch, 64))
    assert list(found) == ["out", "aux"][: len(options)] and found["out"].shape == (2, 21, 64, 64)
    for key, value in found.items():
        expected = SEGMENTATION[name][key]
        assert max(abs(a - b) for a, b in zip((value[0, 3, 5, 7].item(), value[1, 20, 60, 33].item(), value.std().item()), expected)) < 1e-10 * max(map(abs, expected))


def test_segmentation_options():
    weights = models.segmentation.FCN_ResNet50_Weights.DEFAULT
    assert weights.meta["categories"][1] == "aeroplane" and len(weights.meta["categories"]) == 21
    preset = weights.transforms()
    assert preset(torch.zeros(3, 26, 52, dtype=torch.uint8)).shape == (3, 520, 1040) and "resize_size=[520]" in repr(preset) and "520" in preset.describe()
    for name in models.list_models(models.segmentation):
        with torch.device("meta"):
            model = models.get_model(name, weights_backbone=None, **({} if name.startswith("lraspp") else {"aux_loss": True}))
        assert sum(p.numel() for p in model.parameters()) == models.get_model_weights(name).DEFAULT.meta["num_params"], name
    with pytest.raises(FileNotFoundError, match="weights_backbone=None"):
        models.segmentation.fcn_resnet50()
    with pytest.raises(FileNotFoundError, match="fcn_resnet50_coco"):
        models.segmentation.fcn_resnet50(weights="DEFAULT")
    with pytest.raises(ValueError, match="aux_loss"):
        models.segmentation.fcn_resnet50(weights="DEFAULT", aux_loss=False)
    with pytest.raises(NotImplementedError, match="auxiliary"):
        models.segmentation.lraspp_mobilenet_v3_large(weights_backbone=None, aux_loss=True)
    with torch.device("meta"):
        assert models.segmentation.deeplabv3_mobilenet_v3_large(pretrained_backbone=False, num_classes=2).aux_classifier is None

"""Train a small convolutional network on real handwritten digits.

The 1,797 images of scikit-learn's `load_digits` (8x8 grey levels, UCI "Optical Recognition of
Handwritten Digits") are split into training and test images; the network learns for some epochs,
its checkpoint is saved, loaded into a fresh network and checked, and a picture is drawn.

    python examples/digits.py --seed 0 --epochs 40 --out examples/out
    python examples/digits.py --model mlp --device cuda
"""
import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.utils.data import DataLoader, TensorDataset, random_split


def load_data(test_share=0.2):
    """Training and test set: images (N, 1, 8, 8) of floats from 0 to 1, labels (N,) from 0 to 9."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        sys.exit("digits.py needs scikit-learn for its images: pip install 'pyxtorch[examples]'")
    digits = load_digits()
    images = torch.from_numpy(digits.images.astype(np.float32)).unsqueeze(1) / 16
    labels = torch.from_numpy(digits.target.astype(np.int64))
    n_test = int(len(labels) * test_share)
    whole = TensorDataset(images, labels)
    return random_split(whole, [len(labels) - n_test, n_test], generator=torch.Generator().manual_seed(0))


class ConvNet(nn.Module):
    """Two convolutional blocks and a classifier: 8x8 images in, 10 scores out."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 2 * 2, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, images):
        return self.classifier(self.features(images))


class MLP(nn.Sequential):
    """A network of linear layers, the one that runs on every device."""

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


MODELS = {"cnn": ConvNet, "mlp": MLP}


def shifted(images):
    """Images moved by up to one pixel, as writing varies: more to learn from."""
    dx, dy = (int(k) for k in torch.randint(-1, 2, (2,)))
    padded = F.pad(images, (1, 1, 1, 1))
    return padded[:, :, 1 + dy : 9 + dy, 1 + dx : 9 + dx]


def progress(epoch, epochs, loss, accuracy, seconds):
    """One line that is written over: a bar, the loss, the accuracy."""
    width = 30
    done = width * epoch // epochs
    bar = "█" * done + "░" * (width - done)
    end = "\n" if epoch == epochs else ""
    print(f"\r{bar} epoch {epoch:3d}/{epochs}  loss {loss:.4f}  test {accuracy:6.2%}  {seconds:5.1f} s", end=end, flush=True)


@torch.no_grad()
def predict(model, images):
    """The digit with the highest score, for each image."""
    model.eval()
    return model(images).argmax(1).cpu()


def train(model, train_set, test_set, epochs, device):
    """Fit the model; returns mean training loss and test accuracy of each epoch."""
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    test_images, test_labels = test_set[:]
    test_images = test_images.to(device)
    losses, accuracies, start = [], [], time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        total, count = 0.0, 0
        for images, labels in loader:
            optimizer.zero_grad()
            scores = model(shifted(images).to(device))
            loss = F.cross_entropy(scores, labels.to(device), label_smoothing=0.1)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(labels)
            count += len(labels)
        losses.append(total / count)
        accuracies.append((predict(model, test_images) == test_labels).float().mean().item())
        progress(epoch, epochs, losses[-1], accuracies[-1], time.perf_counter() - start)
    return losses, accuracies


def table(predictions, labels):
    """Precision and recall by digit, as lines of text, and the confusion matrix (true, predicted)."""
    confusion = torch.zeros(10, 10, dtype=torch.int64)
    confusion.index_put_((labels, predictions), torch.ones(len(labels), dtype=torch.int64), accumulate=True)
    lines = ["digit  images  precision  recall"]
    for digit in range(10):
        right = confusion[digit, digit].item()
        predicted, true = confusion[:, digit].sum().item(), confusion[digit].sum().item()
        lines.append(f"{digit:5d}  {true:6d}  {right / max(predicted, 1):9.1%}  {right / max(true, 1):6.1%}")
    return "\n".join(lines), confusion


def picture(path, images, labels, predictions, confusion, losses, accuracies):
    """Test images with predictions (wrong ones first), the confusion matrix and the curves of training."""
    try:
        import matplotlib
    except ImportError:
        sys.exit("digits.py needs matplotlib for its picture: pip install 'pyxtorch[examples]'")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    wrong, right = "#c62828", "#2e7d32"
    order = (predictions == labels).int().argsort(stable=True)[:40]
    figure = pyplot.figure(figsize=(13, 7), layout="constrained")
    left, middle = figure.subfigures(1, 2, width_ratios=(10, 9), wspace=0.04)
    for axes, i in zip(left.subplots(5, 8).flat, order.tolist()):
        predicted, true = predictions[i].item(), labels[i].item()
        axes.imshow(images[i, 0].numpy(), cmap="gray_r")
        axes.set_title(f"{predicted}" if predicted == true else f"{predicted}, not {true}", color=right if predicted == true else wrong, fontsize=11, pad=3)
        axes.axis("off")
    left.suptitle(f"{len(order)} of {len(labels)} test images with predictions, the wrong ones first")
    top, bottom = middle.subplots(2, 1, height_ratios=(3, 2))
    top.imshow(confusion.sqrt().numpy(), cmap="Blues")  # the root, so that single mistakes show
    for true in range(10):
        for predicted in range(10):
            n = confusion[true, predicted].item()
            if n:
                top.text(predicted, true, n, ha="center", va="center", color="white" if true == predicted else wrong, fontsize=9)
    top.set(xlabel="predicted", ylabel="true", xticks=range(10), yticks=range(10), title=f"test accuracy {accuracies[-1]:.2%}")
    epochs = range(1, len(losses) + 1)
    bottom.plot(epochs, losses, color="tab:blue")
    bottom.set_xlabel("epoch")
    bottom.set_ylabel("training loss", color="tab:blue")
    beside = bottom.twinx()
    beside.plot(epochs, [100 * a for a in accuracies], color="tab:orange")
    beside.set_ylim(90, 100.2)
    beside.set_ylabel("test accuracy, %", color="tab:orange")
    for axes in (bottom, beside):
        axes.spines["top"].set_visible(False)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def positive(text):
    n = int(text)
    if n < 1:
        raise ValueError
    return n


def check_device(name):
    """End with one line where the device is not to be had."""
    try:
        torch.zeros(1, device=name)
    except RuntimeError as error:
        sys.exit(f"digits.py: --device {name}: {error}")


def check_folder(path):
    """Make the folder; end with one line where nothing can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        sys.exit(f"{Path(__file__).name}: cannot write to --out {path}: {error.strerror}")


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=positive, default=40)
    parser.add_argument("--model", choices=MODELS, default="cnn")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out")
    parser.add_argument("--require", type=float, default=0.0, help="exit with 1 below this test accuracy")
    args = parser.parse_args()
    check_device(args.device)
    check_folder(args.out)
    torch.manual_seed(args.seed)
    train_set, test_set = load_data()
    model = MODELS[args.model]().to(args.device)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{len(train_set)} training and {len(test_set)} test images; {args.model} of {parameters:,} parameters, seed {args.seed}")
    losses, accuracies = train(model, train_set, test_set, args.epochs, args.device)

    images, labels = test_set[:]
    predictions = predict(model, images.to(args.device))
    lines, confusion = table(predictions, labels)
    accuracy = (predictions == labels).float().mean().item()
    print(lines)

    checkpoint = args.out / f"digits-{args.model}.pt"
    torch.save({"model": model.state_dict(), "accuracy": accuracy, "seed": args.seed}, checkpoint)
    loaded = torch.load(checkpoint)
    fresh = MODELS[args.model]().to(args.device)
    fresh.load_state_dict(loaded["model"])
    again = predict(fresh, images.to(args.device))
    if not torch.equal(again, predictions):
        sys.exit(f"the network loaded from {checkpoint} predicts something else than the one that was saved")
    image_path = args.out / f"digits-{args.model}.png"
    picture(image_path, images, labels, predictions, confusion, losses, accuracies)
    print(f"test accuracy {accuracy:.2%} (seed {args.seed}); checkpoint {checkpoint} loads and predicts the same; picture {image_path}")
    return 0 if accuracy >= args.require else 1


if __name__ == "__main__":
    sys.exit(main())

"""AlexNet."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.vision.models._api import family


class AlexNet(nn.Module):
    """Five convolutions and three linear layers over images (N, 3, H, W), H and W at least 63; the result is (N, num_classes)."""

    def __init__(self, num_classes=1000, dropout=0.5):
        super().__init__()
        layers = []
        # channels in and out, kernel, stride, padding, and whether pooling follows
        for before, after, kernel, stride, padding, pool in (
            (3, 64, 11, 4, 2, True), (64, 192, 5, 1, 2, True), (192, 384, 3, 1, 1, False), (384, 256, 3, 1, 1, False), (256, 256, 3, 1, 1, True),
        ):  # fmt: skip
            layers += [nn.Conv2d(before, after, kernel, stride, padding), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(kernel_size=3, stride=2)] * pool
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 36, 4096), nn.ReLU(inplace=True),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, num_classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


__all__ = ["AlexNet", *family(globals(), 'Krizhevsky, "One weird trick for parallelizing convolutional neural networks" (2014).', {
    "alexnet": ("AlexNet_Weights", AlexNet),
})]  # fmt: skip

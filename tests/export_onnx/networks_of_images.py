"""Networks that are exported: convolutional ones, and what all of them share."""
import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

NETWORKS = {}  # name: function that gives (module, arguments, the same at another size, dynamic_shapes)


def network(function):
    NETWORKS[function.__name__] = function
    return function


def images(n=2, c=3, h=16, w=16):
    return torch.randn(n, c, h, w)


BATCH = ({0: "batch"},)
PLANE = ({0: "batch", 2: "height", 3: "width"},)


def of_images(module, dynamic=BATCH, more=None, **sizes):
    return module, (images(**sizes),), (images(**(more or {**sizes, "n": 5})),), dynamic


def conv_bn(i, o, k=3, s=1, groups=1, act=nn.ReLU):
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o), act())


def warmed(module, *args):
    """With running statistics of some data."""
    module.train()
    with torch.no_grad():
        module(*args)
    return module.eval()


# ---------------------------------------------------------------------------- convolutional

class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride > 1 or i != o else None

    def forward(self, x):
        same = x if self.down is None else self.down(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += same
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layers = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(16, 10)

    def forward(self, x):
        x = self.layers(self.pool(self.stem(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


@network
def resnet():
    return of_images(warmed(ResNet(), images(4)), PLANE, {"n": 3, "h": 23, "w": 18})


@network
def vgg():
    class VGG(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2, 2))
            self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
            self.classifier = nn.Sequential(nn.Linear(64, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, 10))

        def forward(self, x):
            x = self.avgpool(self.features(x))
            return self.classifier(x.view(x.size(0), -1))

    return of_images(VGG())


class SqueezeExcite(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(c, c // 4, 1), nn.Conv2d(c // 4, c, 1)

    def forward(self, x):
        s = F.adaptive_avg_pool2d(x, 1)
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(s))))


@network
def mobilenet_v3():
    body = nn.Sequential(conv_bn(3, 8, 3, 2, act=nn.Hardswish), conv_bn(8, 8, 3, groups=8, act=nn.ReLU6), SqueezeExcite(8), nn.Conv2d(8, 16, 1), nn.Hardswish(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))  # fmt: skip
    return of_images(warmed(body, images(4)), PLANE, {"n": 3, "h": 21, "w": 17})


@network
def efficientnet():
    class MBConv(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.block = nn.Sequential(conv_bn(c, 4 * c, 1, act=nn.SiLU), conv_bn(4 * c, 4 * c, 5, groups=4 * c, act=nn.SiLU))
            self.reduce, self.expand = nn.Conv2d(4 * c, c, 1), nn.Conv2d(c, 4 * c, 1)
            self.project = nn.Sequential(nn.Conv2d(4 * c, c, 1, bias=False), nn.BatchNorm2d(c))

        def forward(self, x):
            y = self.block(x)
            s = y.mean((2, 3), keepdim=True)
            y = y * torch.sigmoid(self.expand(F.silu(self.reduce(s))))
            return x + self.project(y)

    return of_images(warmed(nn.Sequential(conv_bn(3, 8, 3, 2, act=nn.SiLU), MBConv(8), MBConv(8)), images(4)), PLANE, {"n": 1, "h": 20, "w": 24})


@network
def convnext():
    class ConvNeXtBlock(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.dw, self.norm = nn.Conv2d(c, c, 7, padding=3, groups=c), nn.LayerNorm(c, eps=1e-6)
            self.pw1, self.pw2 = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)
            self.gamma = nn.Parameter(torch.full((c,), 0.5))

        def forward(self, x):
            y = self.norm(self.dw(x).permute(0, 2, 3, 1))
            y = self.gamma * self.pw2(F.gelu(self.pw1(y)))
            return x + y.permute(0, 3, 1, 2)

    return of_images(nn.Sequential(nn.Conv2d(3, 8, 4, 4), ConvNeXtBlock(8), ConvNeXtBlock(8)), PLANE, {"n": 3, "h": 24, "w": 20})


@network
def densenet():
    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Sequential(nn.BatchNorm2d(4 + 4 * i), nn.ReLU(), nn.Conv2d(4 + 4 * i, 4, 3, padding=1)) for i in range(3)])
            self.stem, self.transition = nn.Conv2d(3, 4, 3, padding=1), nn.Sequential(nn.Conv2d(16, 8, 1), nn.AvgPool2d(2))

        def forward(self, x):
            features = [self.stem(x)]
            for layer in self.layers:
                features.append(layer(torch.cat(features, 1)))
            return self.transition(torch.cat(features, 1))

    return of_images(warmed(Dense(), images(4)), PLANE, {"n": 1, "h": 12, "w": 20})


class UNet(nn.Module):
    def __init__(self, up):
        super().__init__()
        self.up = up
        self.enc1, self.enc2, self.mid = conv_bn(3, 8), conv_bn(8, 16), conv_bn(16, 16)
        self.up2, self.up1 = nn.ConvTranspose2d(16, 16, 2, 2), nn.ConvTranspose2d(8, 8, 2, 2)
        self.dec2, self.dec1, self.out = conv_bn(32, 8), conv_bn(16, 8), nn.Conv2d(8, 2, 1)

    def larger(self, conv, x, like):
        if self.up == "conv":
            return conv(x)
        if self.up == "scale":
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return F.interpolate(x, size=like.shape[2:], mode=self.up)

    def forward(self, x):
        a = self.enc1(x)
        b = self.enc2(F.max_pool2d(a, 2))
        c = self.mid(F.max_pool2d(b, 2))
        b = self.dec2(torch.cat([self.larger(self.up2, c, b), b], 1))
        return self.out(self.dec1(torch.cat([self.larger(self.up1, b, a), a], dim=1)))


@network
def unet_transposed():
    return of_images(warmed(UNet("conv"), images(4)), PLANE, {"n": 1, "h": 20, "w": 28})


@network
def unet_bilinear():
    return of_images(warmed(UNet("scale"), images(4)), PLANE, {"n": 3, "h": 24, "w": 12})


@network
def unet_nearest_to_any_size():
    return of_images(warmed(UNet("nearest"), images(4)), PLANE, {"n": 3, "h": 23, "w": 13})


@network
def interpolations():
    class All(nn.Module):
        def forward(self, x):
            out = [F.interpolate(x, scale_factor=s, mode="nearest") for s in (2, 1.5, (0.5, 2.0))]
            out += [F.interpolate(x, scale_factor=2, mode=m, align_corners=a) for m in ("bilinear", "bicubic") for a in (True, False)]
            out += [F.interpolate(x, size=(9, 21), mode=m) for m in ("nearest", "nearest-exact", "bilinear", "bicubic")]
            return (*out, F.interpolate(x, size=(7, 9), mode="bilinear", antialias=True), nn.Upsample(scale_factor=3)(x), nn.UpsamplingBilinear2d(scale_factor=2)(x))

    return of_images(All(), PLANE, {"n": 3, "c": 3, "h": 10, "w": 13})


@network
def interpolations_of_sequences_and_volumes():
    class All(nn.Module):
        def forward(self, x, v):
            return (F.interpolate(x, scale_factor=2, mode="linear"), F.interpolate(x, size=11, mode="nearest"), F.interpolate(v, scale_factor=2, mode="trilinear"),
                    F.interpolate(v, size=(3, 4, 5)))  # fmt: skip

    return All(), (torch.randn(2, 3, 8), torch.randn(2, 2, 4, 4, 4)), (torch.randn(3, 3, 8), torch.randn(3, 2, 4, 4, 4)), ({0: "n"}, {0: "n"})


@network
def pools():
    class All(nn.Module):
        def forward(self, x):
            values, places = F.max_pool2d(x, 2, return_indices=True)
            return (F.max_pool2d(x, 3, 2, 1, ceil_mode=True), F.avg_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), F.avg_pool2d(x, 2, divisor_override=3),
                    F.avg_pool2d(x, 3, 2, ceil_mode=True), F.adaptive_avg_pool2d(x, (4, 8)), F.adaptive_avg_pool2d(x, (5, 7)), F.adaptive_max_pool2d(x, (2, 4)), places,
                    F.max_unpool2d(values, places, 2), F.lp_pool2d(x.abs(), 2, 2), F.max_pool2d(x, 2, dilation=2))  # fmt: skip

    return of_images(All())


@network
def pools_of_sequences_and_volumes():
    class All(nn.Module):
        def forward(self, x, v):
            return (F.max_pool1d(x, 3, 2), F.avg_pool1d(x, 2), F.adaptive_avg_pool1d(x, 5), F.adaptive_max_pool1d(x, 4), F.max_pool3d(v, 2), F.avg_pool3d(v, 2),
                    F.adaptive_avg_pool3d(v, 1), F.adaptive_max_pool3d(v, 2))  # fmt: skip

    return All(), (torch.randn(2, 3, 8), torch.randn(2, 2, 4, 4, 4)), (torch.randn(3, 3, 8), torch.randn(3, 2, 4, 4, 4)), ({0: "n"}, {0: "n"})


@network
def normalisations():
    class All(nn.Module):
        def __init__(self):
            super().__init__()
            self.norms = nn.ModuleList([nn.GroupNorm(4, 8), nn.GroupNorm(1, 8, affine=False), nn.InstanceNorm2d(8), nn.InstanceNorm2d(8, affine=True),
                                        nn.InstanceNorm2d(8, track_running_stats=True), nn.BatchNorm2d(8), nn.BatchNorm2d(8, affine=False), nn.LocalResponseNorm(3)])  # fmt: skip
            self.layer, self.rms, self.plain = nn.LayerNorm(6), nn.RMSNorm(6), nn.LayerNorm((8, 6), elementwise_affine=False)
            for p in self.parameters():
                nn.init.uniform_(p, 0.5, 1.5)

        def forward(self, x):
            last = x.mean(2)
            return (*[norm(x) for norm in self.norms], self.layer(last), self.rms(last), self.plain(last), F.normalize(last, dim=-1))

    return of_images(warmed(All(), images(4, 8, 5, 6)), ({0: "batch", 2: "height"},), {"n": 3, "c": 8, "h": 9, "w": 6}, c=8, h=5, w=6)


@network
def convolutions():
    class All(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList([nn.Conv2d(4, 6, 3), nn.Conv2d(4, 8, (3, 2), (2, 1), (1, 0), (1, 2), groups=2, bias=False), nn.Conv2d(4, 4, 3, padding="same", dilation=2),
                                        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
                                        nn.Conv2d(4, 4, 3, padding=(2, 1), padding_mode="replicate"), nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2),
                                        nn.ConvTranspose2d(4, 3, 3, dilation=2)])  # fmt: skip
            self.one, self.three, self.back = nn.Conv1d(4, 5, 3, 2), nn.Conv3d(1, 2, 3, padding=1), nn.ConvTranspose1d(4, 2, 4, 2)

        def forward(self, x):
            line = x.flatten(2)
            return (*[conv(x) for conv in self.convs], self.one(line), self.back(line), self.three(x.unsqueeze(1)))

    return of_images(All(), PLANE, {"n": 3, "c": 4, "h": 9, "w": 11}, c=4, h=8, w=8)


@network
def super_resolution():
    return of_images(nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(3), nn.PixelUnshuffle(2), nn.ChannelShuffle(3)), PLANE, {"n": 3, "h": 7, "w": 9})


@network
def gan_generator():
    body = nn.Sequential(nn.ConvTranspose2d(8, 16, 4, 1, 0, bias=False), nn.BatchNorm2d(16), nn.ReLU(True), nn.ConvTranspose2d(16, 3, 4, 2, 1), nn.Tanh())
    return warmed(body, torch.randn(4, 8, 1, 1)), (torch.randn(2, 8, 1, 1),), (torch.randn(3, 8, 1, 1),), BATCH


@network
def spatial_transformer():
    class STN(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 6)

        def forward(self, x):
            theta = self.fc(x.mean((2, 3))).view(-1, 2, 3)
            grid = F.affine_grid(theta, x.size(), align_corners=False)
            return F.grid_sample(x, grid, align_corners=False), F.grid_sample(x, grid, mode="nearest", padding_mode="border", align_corners=True)

    return of_images(STN(), PLANE, {"n": 3, "h": 9, "w": 11})

"""ptflops and thop: products counted by hooks and by the internal operations that a dispatch mode sees."""
import torch
from agree import agree
from ptflops import get_model_complexity_info
from thop import profile
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Flatten(), nn.Linear(1024, 5, bias=False))
for backend in ("pytorch", "aten"):
    count, parameters = get_model_complexity_info(net, (3, 16, 16), as_strings=False, print_per_layer_stat=False, backend=backend)
    agree(f"{backend}: products, parameters", [count, parameters])

count, _ = get_model_complexity_info(nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8)), (6, 8), as_strings=False, print_per_layer_stat=False, backend="aten")
assert count >= 2 * 6 * 64
agree("thop", profile(net, inputs=(torch.zeros(1, 3, 16, 16),), verbose=False))

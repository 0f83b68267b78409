"""torchinfo: the summary's counts of parameters, products and bytes, and its table."""

import torch
from agree import agree
from torch import nn
from torchinfo import ModelStatistics, summary


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
        self.body = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2))
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.head = nn.Linear(32, 10)
        self.head.bias.requires_grad_(False)

    def forward(self, x):
        x = self.body(self.conv(x)).flatten(2).transpose(1, 2)
        return self.head(self.lstm(x)[0][:, -1])


columns = ("input_size", "output_size", "num_params", "params_percent", "kernel_size", "mult_adds", "trainable")
result = summary(Net(), input_size=(4, 1, 16, 16), col_names=columns, row_settings=("var_names", "depth"), verbose=0)
assert isinstance(result, ModelStatistics)
conv, norm, second, lstm, head = 80, 16, 8 * 16 * 9 + 16, 4 * (16 * 32 + 32 * 32 + 64), 330
assert result.total_params == conv + norm + second + lstm + head
assert result.trainable_params == result.total_params - 10
agree("products, bytes of outputs, parameters and inputs", [result.total_mult_adds, result.total_output_bytes, result.total_param_bytes, result.total_input])
text = str(result)
for part in ("Conv2d (conv)", "BatchNorm2d", "LSTM (lstm)", "[4, 1, 16, 16]", "[4, 8, 14, 14]", "[4, 10]", "Partial", "Total params: 7,994"):
    assert part in text, (part, text)
print(text)

attention = summary(nn.TransformerEncoderLayer(16, 4, batch_first=True), input_size=(2, 5, 16), verbose=0, depth=3)
assert attention.total_params == 16 * 48 + 48 + 16 * 16 + 16 + 2 * 32 + 16 * 2048 * 2 + 2048 + 16, attention
pairs = summary(nn.Bilinear(3, 4, 5), input_data=(torch.ones(2, 3), torch.ones(2, 4)), verbose=0)
assert pairs.total_params == 65
agree("shapes in attention", [[layer.depth, *layer.output_size] for layer in attention.summary_list if len(layer.output_size) == 3])

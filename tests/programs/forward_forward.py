"""The forward-forward algorithm: each layer has an optimiser and a loss of its own, on good and bad data; no gradient passes between layers."""
import numpy as np
import torch
import torch.nn as nn
from same import fill, say
from torch.optim import Adam


def overlay_y_on_x(x, y, classes=4):
    x_ = x.clone()
    x_[:, :classes] *= 0.0
    x_[range(x.shape[0]), y] = x.max()
    return x_


class Layer(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.relu, self.threshold, self.num_epochs = nn.ReLU(), 2.0, 120
        fill(self, in_features)
        self.opt = Adam(self.parameters(), lr=0.03)

    def forward(self, x):
        x_direction = x / (x.norm(2, 1, keepdim=True) + 1e-4)
        return self.relu(torch.mm(x_direction, self.weight.T) + self.bias.unsqueeze(0))

    def train_layer(self, x_pos, x_neg):
        for i in range(self.num_epochs):
            g_pos, g_neg = self.forward(x_pos).pow(2).mean(1), self.forward(x_neg).pow(2).mean(1)
            loss = torch.log(1 + torch.exp(torch.cat([-g_pos + self.threshold, g_neg - self.threshold]))).mean()
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            if i == 5:
                say(f"layer_{self.in_features}", loss)
        return self.forward(x_pos).detach(), self.forward(x_neg).detach()


class Net(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.layers = [Layer(a, b) for a, b in zip(dims, dims[1:])]

    def predict(self, x, classes=4):
        goodness_per_label = []
        for label in range(classes):
            h, goodness = overlay_y_on_x(x, label), []
            for layer in self.layers:
                h = layer(h)
                goodness = goodness + [h.pow(2).mean(1)]
            goodness_per_label += [sum(goodness).unsqueeze(1)]
        return torch.cat(goodness_per_label, 1).argmax(1)

    def train_net(self, x_pos, x_neg):
        h_pos, h_neg = x_pos, x_neg
        for layer in self.layers:
            h_pos, h_neg = layer.train_layer(h_pos, h_neg)


rng = np.random.RandomState(0)
y = torch.from_numpy(rng.randint(0, 4, 200))
centres = rng.standard_normal((4, 20)) * 1.5
x = torch.from_numpy(np.concatenate([np.zeros((200, 4)), centres[y.numpy()] + 0.5 * rng.standard_normal((200, 20))], 1)).float()
y_neg = (y + torch.from_numpy(rng.randint(1, 4, 200))) % 4
net = Net([24, 40, 30])
net.train_net(overlay_y_on_x(x, y), overlay_y_on_x(x, y_neg))
accuracy = net.predict(x).eq(y).float().mean().item()
assert accuracy > 0.8, accuracy

"""Digits read row by row: batch norm of pixels, an LSTM, dropout, Adadelta with a step schedule, arguments by argparse."""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from same import fill, say
from torch.optim.lr_scheduler import StepLR


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(input_size=8, hidden_size=20, batch_first=True)
        self.batchnorm = nn.BatchNorm1d(20)
        self.dropout1, self.dropout2 = nn.Dropout2d(0.0), nn.Dropout2d(0.0)
        self.fc1, self.fc2 = nn.Linear(20, 16), nn.Linear(16, 4)

    def forward(self, input):
        input = input.reshape(-1, 8, 8)
        output, hidden = self.rnn(input)
        output = self.batchnorm(output[:, -1, :])
        output = F.relu(self.fc1(output))
        return F.log_softmax(self.fc2(output), dim=1)


def train(args, model, batches, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(batches):
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if args.dry_run:
            break
    return loss


def test(model, batches):
    model.eval()
    test_loss = correct = count = 0
    with torch.no_grad():
        for data, target in batches:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
            count += len(target)
    return test_loss / count, correct / count


def main():
    parser = argparse.ArgumentParser(description="rows")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.7)
    parser.add_argument("--dry-run", action="store_true", default=False)
    args = parser.parse_args()
    torch.manual_seed(1)
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    rng = np.random.RandomState(0)
    labels = rng.randint(0, 4, 160)
    pictures = rng.standard_normal((4, 1, 8, 8))[labels] + 0.5 * rng.standard_normal((160, 1, 8, 8))
    x, y = torch.from_numpy(pictures).float(), torch.from_numpy(labels)
    batches = list(zip(x.split(32), y.split(32)))
    model = fill(Net()).to(torch.device("cpu") if device.type == "cuda" else device)
    nn.init.ones_(model.batchnorm.weight)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        loss = train(args, model, batches, optimizer, epoch)
        scheduler.step()
        if epoch == 1:
            say("loss", loss)
            say("test_loss", test(model, batches)[0])
    assert test(model, batches)[1] > 0.95


if __name__ == "__main__":
    main()

"""A recurrent cell written by hand in 2017, names of two languages told apart; weights moved by `p.data.add_(-rate, p.grad.data)`."""
import numpy as np
import torch
import torch.nn as nn
from same import fill, say
from torch.autograd import Variable

rng = np.random.RandomState(0)
letters = "abcdefghijklmnopqrstuvwxyz"
ends = (["ov", "ski", "enko"], ["etti", "ano", "ini"])


def example():
    kind = rng.randint(2)
    name = "".join(letters[i] for i in rng.randint(0, 26, 3)) + ends[kind][rng.randint(3)]
    tensor = torch.zeros(len(name), 1, len(letters))
    for i, letter in enumerate(name):
        tensor[i][0][letters.index(letter)] = 1
    return Variable(torch.LongTensor([int(kind)])), Variable(tensor)


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax()

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        return self.softmax(self.i2o(combined)), self.i2h(combined)

    def initHidden(self):
        return Variable(torch.zeros(1, self.hidden_size))


rnn = fill(RNN(len(letters), 16, 2))
criterion = nn.NLLLoss()
total, right = 0, 0
for i in range(600):
    category, line = example()
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for k in range(line.size()[0]):
        output, hidden = rnn(line[k], hidden)
    loss = criterion(output, category)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(-0.03, p.grad.data)
    total += loss.data.item()
    if i == 29:
        say("loss", total / 30)
    if i >= 500:
        right += int(output.data.topk(1)[1][0][0] == category.data[0])
assert right > 85, right

"""A convolutional classifier as it was written in 2017: Variables, volatile, sizes by view, sums of losses by hand."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from same import fill, say
from torch.autograd import Variable

rng = np.random.RandomState(1)
labels = rng.randint(0, 4, 96)
pictures = rng.randn(96, 1, 12, 12) * 0.3
for i, k in enumerate(labels):  # a bright bar, at one of four places
    pictures[i, 0, 3 * k : 3 * k + 2] += 1.5


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3)
        self.drop = nn.Dropout2d(p=0.0)
        self.fc = nn.Linear(8 * 4, 4)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(self.drop(self.conv2(x)))[:, :, :2, :2].contiguous()
        return F.log_softmax(self.fc(x.view(-1, self.num_flat_features(x))))

    def num_flat_features(self, x):
        n = 1
        for s in x.size()[1:]:
            n *= s
        return n


model = fill(Net())
optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
data = torch.FloatTensor(pictures)
target = torch.LongTensor(labels)
model.train()
for epoch in range(15):
    for i in range(0, 96, 32):
        x, y = Variable(data[i : i + 32]), Variable(target[i : i + 32])
        optimizer.zero_grad()
        loss = F.nll_loss(model(x), y)
        loss.backward()
        optimizer.step()
say("loss", loss.data.item())

model.eval()
test_loss, correct = 0, 0
for i in range(0, 96, 32):
    x, y = Variable(data[i : i + 32], volatile=True), Variable(target[i : i + 32])
    output = model(x)
    test_loss += F.nll_loss(output, y, size_average=False).data.item()
    correct += output.data.max(1)[1].eq(y.data).cpu().sum()
say("test", test_loss / 96)
assert correct > 90, correct

"""Ten mistakes that type checkers must find, one on each line marked so, and no other; tests/test_typing.py counts them."""
import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import Tensor, nn, optim
from pyxtorch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8)
        self.out = nn.Linear(8, "2")  # mistake: a size is a number

    def forward(self, x: Tensor) -> Tensor:
        y = self.lstm(x)
        return self.out(y)  # mistake: an LSTM gives a pair


def mistakes(x: Tensor) -> None:
    net = Net()
    net(x, 3)  # mistake: `forward` takes one argument
    scores = net(x)
    print(scores.argmaxx(1))  # mistake: no such method
    best = scores.max(1) + 1  # mistake: values and indices, not a tensor
    torch.randn(3, 4, dtype="float32")  # mistake: a dtype is no text
    F.cross_entropy(scores, [1, 2])  # mistake: the target is a tensor
    optimizer = optim.SGD(net.parameters(), lr="0.1")  # mistake: the rate is a number
    for rows, labels in DataLoader(TensorDataset(x, x), batch_size=2):
        rows.append(labels)  # mistake: a batch of rows is a tensor, not a list
    text: str = scores.sum().item()  # mistake: a number, not text
    print(best, optimizer, text)

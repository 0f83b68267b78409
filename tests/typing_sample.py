"""An ordinary program, in which type checkers must find nothing; `make lint` runs mypy on it. It runs, too."""
import io
import math
from collections.abc import Callable, Iterator
from typing import Any, assert_type

import numpy as np

import pyxtorch as torch
import pyxtorch.autograd.functional
import pyxtorch.nn.functional as F
from pyxtorch import Tensor, nn, optim
from pyxtorch.nn.utils import clip_grad_norm_
from pyxtorch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from pyxtorch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, ReduceLROnPlateau, StepLR
from pyxtorch.overrides import TorchFunctionMode, resolve_name
from pyxtorch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, random_split


class Points(Dataset[tuple[Tensor, int]]):
    """Points in the plane, and the quadrant of each."""

    def __init__(self, count: int) -> None:
        self.points = torch.randn(count, 2)
        self.labels = (self.points > 0).int() @ torch.tensor([1, 2], dtype=torch.int32)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.points[index], int(self.labels[index])


class Numbers(IterableDataset[Tensor]):
    def __iter__(self) -> Iterator[Tensor]:
        for i in range(4):
            yield torch.full((2,), i, dtype=torch.float32)


class Net(nn.Module):
    def __init__(self, width: int = 16, classes: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(2, width), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.LayerNorm(width))
        self.out = nn.Linear(width, classes)
        self.scale = nn.Parameter(torch.ones(1))
        self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, *, features: bool = False) -> Tensor:
        y = self.hidden(x)
        for layer in self.layers:
            y = y + layer(y).relu()
        self.steps += 1
        return y if features else self.out(y) * self.scale


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, 6, num_layers=2, batch_first=True, bidirectional=True)
        self.attention = nn.MultiheadAttention(12, 3, batch_first=True)

    def forward(self, words: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        packed = pack_padded_sequence(self.embed(words), lengths, batch_first=True, enforce_sorted=False)
        output, (h, c) = self.lstm(packed)
        padded, _ = pad_packed_sequence(output, batch_first=True)
        mixed, _ = self.attention(padded, padded, padded)
        return mixed, torch.cat([h, c], dim=-1)


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


class Logged(torch.Tensor):
    """A tensor that says what is done with it."""

    @classmethod
    def __torch_function__(cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        print("called:", resolve_name(func))
        return super().__torch_function__(func, types, args, kwargs)


class Count(TorchFunctionMode):
    calls = 0

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        self.calls += 1
        return func(*args, **(kwargs or {}))


def train(model: nn.Module, loader: DataLoader[tuple[Tensor, int]], optimizer: optim.Optimizer, criterion: Callable[[Tensor, Tensor], Tensor]) -> float:
    model.train()
    total, correct = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad(set_to_none=True)
        scores = model(x)
        loss = criterion(scores, y)
        loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * x.size(0)
        correct += (scores.argmax(dim=1) == y).sum().item()
    return total / len(loader) + 0 * correct


@torch.no_grad()
def evaluate(model: Net, loader: DataLoader[tuple[Tensor, int]]) -> float:
    model.eval()
    right, seen = 0, 0
    for x, y in loader:
        best = model(x).max(1)
        right += int((best.indices == y).sum())
        seen += y.numel()
    return right / max(seen, 1)


def learn(device: str | torch.device = "cpu") -> Net:
    torch.manual_seed(0)
    train_set, test_set = random_split(Points(64), [48, 16])
    loader = DataLoader(train_set, batch_size=16, shuffle=True)
    model = Net().to(device)
    optimizer = optim.AdamW([{"params": model.hidden.parameters()}, {"params": model.out.parameters(), "lr": 1e-2}], lr=1e-3, weight_decay=0.01)
    scheduler = CosineAnnealingLR(optimizer, T_max=10)
    plateau = ReduceLROnPlateau(optimizer, mode="min", patience=2)
    for epoch in range(2):
        loss = train(model, loader, optimizer, nn.CrossEntropyLoss(label_smoothing=0.1))
        scheduler.step()
        plateau.step(loss)
        print(f"epoch {epoch}: {loss:.3f}, rate {scheduler.get_last_lr()[0]:.2e}, {evaluate(model, DataLoader(test_set, batch_size=8)):.0%}")
    for group in optimizer.param_groups:
        group["lr"] *= 0.5
    return model


def keep(model: Net) -> None:
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "epoch": 2}, file)
    file.seek(0)
    saved = torch.load(file, map_location="cpu", weights_only=True)
    model.load_state_dict(saved["model"])
    print(sum(p.numel() for p in model.parameters() if p.requires_grad), [name for name, p in model.named_parameters() if p.dim() > 1])


def tensors() -> None:
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    n, m = x.shape
    y = x.view(m, n).t().reshape(-1, 2).unsqueeze(0).expand(2, -1, -1).permute(0, 2, 1).contiguous().flatten(start_dim=1)
    z = (2 * x - 1) / (x.abs() + 1e-3) ** 2 + np.float64(1.5) - torch.linspace(0, 1, 4) @ torch.eye(4)
    z = torch.where(z > 0, z, torch.zeros_like(z)).clamp(min=0.0, max=10).masked_fill(z < 1, -math.inf)
    values, indices = torch.topk(x, k=2, dim=1)
    largest, place = x.max(dim=1, keepdim=True)
    mean, std = x.mean(dim=0), x.std(0, keepdim=True)
    picked = x[0], x[:, 1], x[..., None], x[x > 0], x[torch.tensor([0, 2])], x[1:, [0, 1]], x.gather(1, indices)
    a, b = x.split([1, 3], dim=1)
    first, *rest = torch.chunk(y, 2, dim=-1)
    u, s, vh = torch.linalg.svd(x.detach(), full_matrices=False)
    kinds, counts = torch.unique(place, return_counts=True)
    w = torch.zeros(2, 3, device="cpu").fill_(1).add_(2).to(torch.float32).numpy()
    with torch.no_grad():
        x[0, 0] = 1.0
        x *= 0.5
    x.sum().backward()
    if x.grad is not None:
        print(x.grad.norm().item(), x.tolist(), w.shape, torch.from_numpy(w).dtype)
    (gradient,) = torch.autograd.grad((Cube.apply(x) ** 2).sum(), x, create_graph=True)
    print(torch.autograd.functional.jacobian(torch.sin, torch.ones(2)), gradient.mT, torch.einsum("ij,kj->ik", a, a), F.softmax(b, dim=-1))
    print(torch.stack([mean, std[0]]), largest, values, picked, first, rest, u, s, vh, kinds, counts, torch.finfo(x.dtype).eps, torch.arange(3).float())
    assert_type(x.shape, torch.Size)
    assert_type(x.max(1).values, Tensor)
    assert_type(torch.allclose(x, x), bool)
    assert_type(nn.LSTM(4, 3)(x.float()), tuple[Tensor, tuple[Tensor, Tensor]])
    assert_type(nn.Linear(4, 3)(x.float()), Tensor)


def more() -> None:
    tagger, words = Tagger(), pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])], batch_first=True)
    with torch.no_grad():
        for p in tagger.parameters():
            p -= 0.0 * (p.grad if p.grad is not None else p)
    tagger.embed.weight.data.mul_(1.0)
    mixed, state = tagger(words, torch.tensor([3, 2]))
    loss = F.mse_loss(mixed, torch.zeros_like(mixed), reduction="mean") + state.pow(2).mean()
    sgd = optim.SGD(tagger.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    warm = LambdaLR(sgd, lr_lambda=lambda step: min(1.0, (step + 1) / 10))
    loss.backward()
    sgd.step()
    warm.step()
    StepLR(sgd, step_size=3, gamma=0.5).step()
    handle = tagger.register_forward_hook(lambda module, args, output: None)
    handle.remove()
    for (rows,) in DataLoader(TensorDataset(torch.arange(6).view(3, 2)), batch_size=2):
        assert_type(rows, Tensor)
    for batch in DataLoader(Numbers(), batch_size=2, num_workers=0):
        assert_type(batch, Tensor)
    logged = torch.ones(2).as_subclass(Logged)
    assert_type(logged, Logged)
    print((logged + 1).exp().tolist())
    with Count() as count:
        print(torch.ones(2).sum().item(), count.calls)
    model = nn.Sequential(nn.Conv2d(1, 4, kernel_size=3, padding=1), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(2))
    print(model(torch.rand(2, 1, 8, 8)).log_softmax(1).exp(), model[0].weight.shape, torch.get_default_dtype(), torch.device("cpu").type)


if __name__ == "__main__":
    trained = learn()
    keep(trained)
    tensors()
    more()

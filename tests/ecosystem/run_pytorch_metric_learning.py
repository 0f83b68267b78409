"""pytorch-metric-learning: losses and their gradients, miners, distances, a network trained until neighbours are of one class."""
import torch
from agree import agree, fill, numbers, whole
from pytorch_metric_learning import distances, losses, miners, reducers, testers  # noqa: F401
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator  # noqa: F401

labels = whole(4, 24)
for loss in (losses.TripletMarginLoss(), losses.ContrastiveLoss(), losses.NTXentLoss(0.2), losses.MultiSimilarityLoss(), losses.CircleLoss(), losses.SupConLoss(),
             losses.TripletMarginLoss(distance=distances.CosineSimilarity(), reducer=reducers.ThresholdReducer(low=0)), losses.LiftedStructureLoss(),
             fill(losses.ArcFaceLoss(4, 8)), fill(losses.ProxyAnchorLoss(4, 8)), fill(losses.NormalizedSoftmaxLoss(4, 8))):
    x = numbers(24, 8).requires_grad_()
    value = loss(x, labels)
    value.backward()
    agree(f"{type(loss).__name__} {type(loss.reducer).__name__}", [value.item(), x.grad.abs().sum().item()], rtol=1e-3)
anchors, positives, negatives = miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard")(numbers(24, 8), labels)
agree("semihard triplets", [len(anchors), int(positives.sum()), int(negatives.sum())])

net = fill(torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4)))
data = numbers(80, 6, seed=1)
kind = (data[:, :2] > 0).long() @ torch.tensor([1, 2])
optimizer, criterion, miner = torch.optim.Adam(net.parameters(), lr=0.01), losses.TripletMarginLoss(margin=0.3), miners.BatchHardMiner()
for _ in range(120):
    optimizer.zero_grad()
    embeddings = net(data)
    criterion(embeddings, kind, miner(embeddings, kind)).backward()
    optimizer.step()
near = distances.LpDistance()(net(data).detach()).fill_diagonal_(9).argmin(1)
assert (kind[near] == kind).float().mean() > 0.9

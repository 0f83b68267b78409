"""torch_geometric: GCN, GAT and others trained on a small graph; batches, sampling of neighbours, transforms, layers of one's own."""
import torch
import torch_geometric.transforms as T
from agree import agree, fill, numbers
from torch import nn
from torch.nn import functional as F
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.loader import DataLoader
from torch_geometric.nn import (
    GATConv,
    GATv2Conv,
    GCNConv,
    GINConv,
    HeteroConv,
    MessagePassing,
    SAGEConv,
    Sequential,
    TransformerConv,
    global_add_pool,
    global_max_pool,
    global_mean_pool,
)
from torch_geometric.utils import add_self_loops, degree, dense_to_sparse, remove_self_loops, scatter, softmax, to_dense_adj, to_undirected

NODES = 24
groups = torch.arange(NODES) % 3
close = (numbers(NODES, NODES) + 1.5 * (groups[:, None] == groups)) > 1.6
edges = to_undirected(close.fill_diagonal_(False).nonzero().t().contiguous())
data = Data(x=F.one_hot(groups, 3).float() + numbers(NODES, 3, seed=1), edge_index=edges, y=groups)


class Network(nn.Module):
    """Two convolutions of a kind."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x, edge_index):
        return self.second(F.elu(self.first(x, edge_index)), edge_index)


class Mine(MessagePassing):
    """A convolution as the documentation writes it."""

    def __init__(self, inputs, outputs):
        super().__init__(aggr="add")
        self.lin = nn.Linear(inputs, outputs)

    def forward(self, x, edge_index):
        edge_index, _ = add_self_loops(edge_index, num_nodes=x.size(0))
        row, col = edge_index
        scale = degree(col, x.size(0), dtype=x.dtype).pow(-0.5)
        return self.propagate(edge_index, x=self.lin(x), norm=scale[row] * scale[col])

    def message(self, x_j, norm):
        return norm.view(-1, 1) * x_j


NETWORKS = {
    "GCN": lambda: Network(GCNConv(3, 8), GCNConv(8, 3)),
    "GAT": lambda: Network(GATConv(3, 4, heads=2, dropout=0.0), GATConv(8, 3, concat=False)),
    "GATv2": lambda: Network(GATv2Conv(3, 4, heads=2), GATv2Conv(8, 3)),
    "SAGE": lambda: Network(SAGEConv(3, 8), SAGEConv(8, 3, aggr="max")),
    "GIN": lambda: Network(GINConv(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8))), GINConv(nn.Linear(8, 3), train_eps=True)),
    "transformer": lambda: Network(TransformerConv(3, 4, heads=2), TransformerConv(8, 3)),
    "mine": lambda: Network(Mine(3, 8), Mine(8, 3)),
}


def train(model, steps=30):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data.x, data.edge_index)[:18], data.y[:18])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def nodes():
    for name, make in NETWORKS.items():
        model = fill(make())
        losses = train(model)
        right = (model(data.x, data.edge_index).argmax(1) == data.y).float().mean()
        agree(f"{name}: losses, share of nodes that are right", [losses[0], losses[9], losses[29], right.item()], rtol=2e-3)
    same, dense = fill(GCNConv(3, 8)), to_dense_adj(edges)[0] + torch.eye(NODES)
    scale = dense.sum(1).rsqrt()
    by_hand = (scale[:, None] * dense * scale) @ data.x @ same.lin.weight.t() + same.bias
    agree("GCN by the dense matrix", (same(data.x, edges) - by_hand).abs().max().item(), 0.0)
    _, weights = GATConv(3, 4)(data.x, edges, return_attention_weights=True)
    agree("attention sums to", scatter(weights[1][:, 0], weights[0][1], reduce="sum"), [1.0] * NODES)


def graphs():
    """A classifier of whole graphs, in batches."""
    graphs = [Data(x=numbers(4 + i % 5, 3, seed=i), edge_index=dense_to_sparse((numbers(4 + i % 5, 4 + i % 5, seed=50 + i) > 0.3).float())[0], y=i % 2) for i in range(12)]
    batch = next(iter(DataLoader(graphs, batch_size=5)))
    assert batch.num_graphs == 5 and batch.x.shape == (sum(g.num_nodes for g in graphs[:5]), 3) and len(Batch.from_data_list(graphs).to_data_list()) == 12
    model = fill(Sequential("x, edge_index, batch", [
        (GCNConv(3, 8), "x, edge_index -> x"), nn.ReLU(inplace=True), (GCNConv(8, 8), "x, edge_index -> x"),
        (lambda x, batch: torch.cat([global_mean_pool(x, batch), global_max_pool(x, batch), global_add_pool(x, batch)], 1), "x, batch -> x"),
        nn.Linear(24, 2)]))  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    means = []
    for _ in range(5):
        total = 0.0
        for batch in DataLoader(graphs, batch_size=5):
            loss = F.cross_entropy(model(batch.x, batch.edge_index, batch.batch), batch.y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * batch.num_graphs
        means.append(total / len(graphs))
    agree("whole graphs", means, rtol=1e-3)


def kinds():
    """Nodes and edges of several kinds, transforms, helpers."""
    hetero = HeteroData()
    hetero["paper"].x, hetero["author"].x = numbers(6, 3), numbers(4, 5)
    hetero["author", "writes", "paper"].edge_index = torch.tensor([[0, 1, 2, 3, 0], [0, 1, 2, 3, 5]])
    hetero["paper", "cites", "paper"].edge_index = torch.tensor([[0, 1, 2], [3, 4, 5]])
    hetero = T.ToUndirected()(hetero)
    layer = HeteroConv({kind: SAGEConv((hetero[kind[0]].x.size(1), hetero[kind[2]].x.size(1)), 4) for kind in hetero.edge_types})
    result = fill(layer)(hetero.x_dict, hetero.edge_index_dict)
    agree("several kinds", [result["paper"].sum().item(), result["author"].sum().item()], rtol=1e-3)
    split = T.RandomLinkSplit(num_val=0.2, num_test=0.2, is_undirected=True)(data)
    assert len(split) == 3 and split[0].edge_index.size(1) < edges.size(1)
    with_features = T.Compose([T.NormalizeFeatures(), T.AddSelfLoops(), T.LocalDegreeProfile()])(data.clone())
    assert with_features.x.shape == (NODES, 8) and remove_self_loops(with_features.edge_index)[0].size(1) == edges.size(1)
    agree("softmax over neighbours", softmax(numbers(6), torch.tensor([0, 0, 1, 1, 1, 2])))
    for reduce in ("sum", "mean", "max", "min", "mul"):
        agree(f"scatter, {reduce}", scatter(numbers(6, 2), torch.tensor([0, 0, 1, 1, 3, 3]), reduce=reduce))
    sparse = torch.sparse_coo_tensor(edges, torch.ones(edges.size(1)), (NODES, NODES)).coalesce()
    conv = fill(GCNConv(3, 8))
    agree("by a sparse matrix", (conv(data.x, sparse.t()) - conv(data.x, edges)).abs().max().item(), 0.0)


if __name__ == "__main__":
    nodes()
    graphs()
    kinds()

"""A graph attention network on a small citation graph: LeakyReLU scores, masked softmax, heads joined or averaged, ELU, dropout off."""
import numpy as np
import torch
import torch.nn.functional as F
from same import fill, say
from torch import nn


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, n_heads, concat=False, dropout=0.0, leaky_relu_slope=0.2):
        super().__init__()
        self.n_heads, self.concat, self.dropout = n_heads, concat, dropout
        self.n_hidden = out_features // n_heads if concat else out_features
        self.W = nn.Parameter(torch.empty(size=(in_features, self.n_hidden * n_heads)))
        self.a = nn.Parameter(torch.empty(size=(n_heads, 2 * self.n_hidden, 1)))
        self.leakyrelu, self.softmax = nn.LeakyReLU(leaky_relu_slope), nn.Softmax(dim=1)
        nn.init.xavier_normal_(self.W)
        nn.init.xavier_normal_(self.a)

    def scores(self, h):
        source, target = h.matmul(self.a[:, : self.n_hidden, :]), h.matmul(self.a[:, self.n_hidden :, :])
        return self.leakyrelu(source + target.mT)

    def forward(self, h, adj):
        n = h.shape[0]
        h = F.dropout(torch.mm(h, self.W), self.dropout, training=self.training).view(n, self.n_heads, self.n_hidden).permute(1, 0, 2)
        e = self.scores(h)
        attention = F.softmax(torch.where(adj > 0, e, -9e16 * torch.ones_like(e)), dim=-1)
        out = torch.matmul(attention, h)
        return out.permute(1, 0, 2).contiguous().view(n, self.n_heads * self.n_hidden) if self.concat else out.mean(dim=0)


class GAT(nn.Module):
    def __init__(self, features, hidden, heads, classes):
        super().__init__()
        self.gat1 = GraphAttentionLayer(features, hidden, heads, concat=True)
        self.gat2 = GraphAttentionLayer(hidden, classes, 1)

    def forward(self, x, adj):
        return F.log_softmax(self.gat2(F.elu(self.gat1(x, adj)), adj), dim=1)


rng = np.random.RandomState(0)
n, labels = 60, np.repeat(np.arange(3), 20)
edges = np.array([(i, j) for i in range(n) for j in range(n) if i == j or rng.rand() < (0.25 if labels[i] == labels[j] else 0.01)])
adj = torch.sparse_coo_tensor(torch.from_numpy(edges.T), torch.ones(len(edges)), (n, n)).to_dense()
x = torch.from_numpy(rng.standard_normal((n, 12)) + 0.6 * np.eye(12)[labels * 4]).float()
y = torch.from_numpy(labels)
train, test = torch.arange(0, n, 4), torch.arange(1, n, 2)
model = fill(GAT(12, 16, 4, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)
criterion = nn.NLLLoss()
for epoch in range(60):
    model.train()
    optimizer.zero_grad()
    loss = criterion(model(x, adj)[train], y[train])
    loss.backward()
    optimizer.step()
    if epoch in (0, 5):
        say(f"loss_{epoch}", loss)
model.eval()
accuracy = model(x, adj)[test].argmax(dim=1).eq(y[test]).float().mean().item()
assert accuracy > 0.8, accuracy

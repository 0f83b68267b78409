"""REINFORCE on a bandit with a context: log-probabilities of what was drawn, weighted with what it brought."""
import numpy as np
from same import fill

import pyxtorch as torch
import pyxtorch.nn as nn
import pyxtorch.nn.functional as F
import pyxtorch.optim as optim
from pyxtorch.distributions import Categorical

rng = np.random.RandomState(0)
torch.manual_seed(543)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1, self.affine2 = nn.Linear(3, 16), nn.Linear(16, 3)
        self.saved_log_probs, self.rewards = [], []

    def forward(self, x):
        return F.softmax(self.affine2(F.relu(self.affine1(x))), dim=1)


policy = fill(Policy())
optimizer = optim.Adam(policy.parameters(), lr=1e-2)
eps = np.finfo(np.float32).eps.item()


def select_action(state):
    m = Categorical(policy(torch.from_numpy(state).float().unsqueeze(0)))
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode():
    returns = torch.tensor(policy.rewards)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    loss = torch.cat([-p * r for p, r in zip(policy.saved_log_probs, returns)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    mean = sum(policy.rewards) / len(policy.rewards)
    del policy.rewards[:], policy.saved_log_probs[:]
    return mean


means = []
for _episode in range(150):
    for _step in range(20):
        where = rng.randint(3)
        action = select_action(np.eye(3)[where])
        policy.rewards.append(1.0 if action == (where + 1) % 3 else 0.0)
    means.append(finish_episode())
assert np.mean(means[-20:]) > 0.8 > 0.5 > np.mean(means[:5]), (np.mean(means[:5]), np.mean(means[-20:]))

"""An actor and a critic that learn from rollouts which workers of a DataLoader walk, each with the weights in shared memory."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.actor, self.critic = nn.Linear(2, 24), nn.Linear(24, 2), nn.Linear(24, 1)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return F.softmax(self.actor(h), dim=-1), self.critic(h).squeeze(-1)


class Rollouts(IterableDataset):
    """Walks on a line towards 0: each item is (states, actions, discounted returns) of one."""

    def __init__(self, policy, count):
        self.policy, self.count = policy, count

    def __iter__(self):
        worker = get_worker_info()
        generator = torch.Generator().manual_seed(torch.initial_seed() % 2**31)
        for _ in range(self.count // worker.num_workers):
            x, v = torch.rand(1, generator=generator).item() * 4 - 2, 0.0
            states, actions, rewards = [], [], []
            for _ in range(12):
                state = torch.tensor([x, v])
                with torch.no_grad():
                    action = torch.multinomial(self.policy(state)[0], 1, generator=generator).item()
                states.append(state)
                actions.append(action)
                v = 0.3 * (2 * action - 1)
                x += v
                rewards.append(-abs(x))
            back, returns = 0.0, []
            for r in reversed(rewards):
                back = r + 0.9 * back
                returns.insert(0, back)
            yield torch.stack(states), torch.tensor(actions), torch.tensor(returns)


def main():
    torch.manual_seed(1)
    policy = Policy()
    policy.share_memory()
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
    means = []
    for _ in range(14):
        for states, actions, returns in DataLoader(Rollouts(policy, 32), batch_size=16, num_workers=2):
            probs, values = policy(states)
            advantage = returns - values
            loss = (-Categorical(probs).log_prob(actions) * advantage.detach()).mean() + F.smooth_l1_loss(values, returns)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            means.append(returns[:, 0].mean().item())
    first, last = sum(means[:4]) / 4, sum(means[-4:]) / 4
    assert last > first + 1.5, (first, last)
    print("workers", 2)


if __name__ == "__main__":
    main()

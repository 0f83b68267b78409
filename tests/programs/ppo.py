"""Proximal policy optimisation of a walk: the state is a place on a line, the reward is being near the middle."""
import numpy as np
import torch
import torch.nn as nn
from same import fill, say
from torch.distributions.categorical import Categorical

rng = np.random.RandomState(0)


class Walks:
    """Several walks side by side, as vector environments are."""

    def __init__(self, n):
        self.n = n

    def reset(self):
        self.x, self.t = rng.uniform(-1, 1, (self.n, 1)), 0
        return self.x.astype(np.float32)

    def step(self, action):
        self.x = np.clip(self.x + 0.2 * (action[:, None] - 1), -2, 2)
        self.t += 1
        done = np.full(self.n, self.t == 16)
        reward = -np.abs(self.x[:, 0])
        return (self.reset() if self.t == 16 else self.x.astype(np.float32)), reward, done


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        self.actor = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 3))

    def act(self, x, action=None):
        probs = Categorical(logits=self.actor(x))
        if action is None:  # drawn by NumPy, so that everybody walks the same way
            u = torch.from_numpy(rng.random_sample(len(x))).float()
            action = (probs.probs.cumsum(1) < u[:, None]).sum(1).clamp(max=2)
        return action, probs.log_prob(action), probs.entropy(), self.critic(x).flatten()


envs, steps, n = Walks(8), 32, 8
agent = fill(Agent())
optimizer = torch.optim.Adam(agent.parameters(), lr=0.02, eps=1e-5)
obs, actions = torch.zeros(steps, n, 1), torch.zeros(steps, n, dtype=torch.long)
logprobs, rewards, dones, values = (torch.zeros(steps, n) for _ in range(4))
next_obs, next_done = torch.from_numpy(envs.reset()), torch.zeros(n)
means = []
for update in range(12):
    optimizer.param_groups[0]["lr"] = 0.02 * (1 - update / 12)
    for step in range(steps):
        obs[step], dones[step] = next_obs, next_done
        with torch.no_grad():
            actions[step], logprobs[step], _, values[step] = agent.act(next_obs)
        o, r, d = envs.step(actions[step].cpu().numpy())
        rewards[step] = torch.tensor(r).view(-1)
        next_obs, next_done = torch.Tensor(o), torch.Tensor(d)
    with torch.no_grad():
        advantages, last = torch.zeros_like(rewards), 0
        for s in reversed(range(steps)):
            alive = 1 - (next_done if s == steps - 1 else dones[s + 1])
            following = agent.critic(next_obs).flatten() if s == steps - 1 else values[s + 1]
            delta = rewards[s] + 0.95 * following * alive - values[s]
            advantages[s] = last = delta + 0.95 * 0.9 * alive * last
        returns = advantages + values
    flat = [v.reshape(steps * n, *v.shape[2:]) for v in (obs, actions, logprobs, advantages, returns, values)]
    order = np.arange(steps * n)
    for _epoch in range(3):
        rng.shuffle(order)
        for start in range(0, steps * n, 64):
            b_obs, b_actions, b_logprobs, b_adv, b_returns, b_values = (v[order[start : start + 64]] for v in flat)
            _, logprob, entropy, value = agent.act(b_obs, b_actions)
            ratio = (logprob - b_logprobs).exp()
            b_adv = (b_adv - b_adv.mean()) / (b_adv.std() + 1e-8)
            policy = torch.max(-b_adv * ratio, -b_adv * ratio.clamp(0.8, 1.2)).mean()
            clipped = b_values + (value - b_values).clamp(-0.2, 0.2)
            critic = 0.5 * torch.max((value - b_returns) ** 2, (clipped - b_returns) ** 2).mean()
            loss = policy - 0.01 * entropy.mean() + 0.5 * critic
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    means.append(rewards.mean().item())
    if update == 1:
        say("second", means[-1])
assert np.mean(means[-2:]) > np.mean(means[:2]) + 0.15, means

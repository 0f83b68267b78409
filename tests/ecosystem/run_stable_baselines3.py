"""stable-baselines3: PPO, A2C, DQN, SAC, TD3 and DDPG for some hundred steps each, saved, read, and going on."""

import tempfile

import gymnasium
import numpy as np
import torch
from agree import agree, fill, numbers
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

cases = [
    (PPO, "CartPole-v1", 1024, dict(n_steps=256, batch_size=64, n_epochs=4)),
    (A2C, "CartPole-v1", 300, {}),
    (DQN, "CartPole-v1", 400, dict(learning_starts=100, batch_size=32, target_update_interval=50, train_freq=2)),
    (PPO, "Pendulum-v1", 256, dict(n_steps=128, use_sde=True)),
    (SAC, "Pendulum-v1", 200, dict(learning_starts=100, batch_size=32)),
    (TD3, "Pendulum-v1", 160, dict(learning_starts=100, batch_size=32)),
    (DDPG, "Pendulum-v1", 140, dict(learning_starts=100, batch_size=32)),
]
for algorithm, name, steps, settings in cases:
    environment = gymnasium.make(name)
    model = algorithm("MlpPolicy", environment, policy_kwargs=dict(net_arch=[32, 32]), seed=0, **settings)
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    model.learn(steps)
    after = model.policy.state_dict()
    moved = [key for key in after if not torch.equal(after[key], before[key])]
    assert len(moved) > len(after) / 2 and all(value.isfinite().all() for value in after.values()), (algorithm, moved)
    observation = environment.reset(seed=1)[0]
    action, _ = model.predict(observation, deterministic=True)
    assert environment.action_space.contains(action if action.ndim else int(action)), action
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        again = algorithm.load(f"{folder}/model", env=environment)
        assert all(torch.equal(value, after[key]) for key, value in again.policy.state_dict().items())
        assert np.array_equal(again.predict(observation, deterministic=True)[0], action)
        if hasattr(model, "replay_buffer"):
            model.save_replay_buffer(f"{folder}/buffer")
            again.load_replay_buffer(f"{folder}/buffer")
            assert again.replay_buffer.size() == steps
        again.learn(32 if algorithm is not PPO else settings["n_steps"], reset_num_timesteps=False)
        assert again.num_timesteps >= steps + 32

# the same weights on the same observations: what the policies say, and the gradients of a step
policy = fill(PPO("MlpPolicy", "CartPole-v1", seed=0).policy)
values, log_prob, entropy = policy.evaluate_actions(numbers(6, 4), torch.arange(6) % 2)
agree("PPO's values, logarithms and entropies", torch.stack([values.flatten(), log_prob, entropy]))
(values.mean() - log_prob.mean() - 0.01 * entropy.mean()).backward()
agree("gradients of PPO's policy", [p.grad.square().sum().item() for p in policy.parameters()])
actor = fill(SAC("MlpPolicy", "Pendulum-v1", seed=0).actor)
agree("SAC's mean and deviation", torch.cat([*actor.get_action_dist_params(numbers(5, 3))[:2]], 1))
agree("SAC's actions", actor(numbers(5, 3), deterministic=True))

# pixels and dictionaries of observations
class Dots(gymnasium.Env):
    observation_space = gymnasium.spaces.Dict(
        image=gymnasium.spaces.Box(0, 255, (3, 36, 36), np.uint8), place=gymnasium.spaces.Box(-1, 1, (2,), np.float32),
    )
    action_space = gymnasium.spaces.MultiDiscrete([3, 2])

    def observe(self):
        return {"image": self.np_random.integers(0, 256, (3, 36, 36), np.uint8), "place": np.zeros(2, np.float32)}

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 10
        return self.observe(), {}

    def step(self, action):
        self.left -= 1
        return self.observe(), float(action[0] == 1), self.left == 0, False, {}


model = PPO("MultiInputPolicy", Dots(), n_steps=32, batch_size=16, n_epochs=2, seed=0).learn(64)
assert model.num_timesteps == 64

# a policy that balances the pole for longer than chance (about 22 steps)
torch.set_num_threads(1)
environment = VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")] * 4), norm_reward=False)
model = PPO("MlpPolicy", environment, n_steps=128, batch_size=128, n_epochs=8, learning_rate=1e-3, seed=0).learn(6000)
environment.training = False
mean, _ = evaluate_policy(model, environment, n_eval_episodes=5)
assert mean > 80, mean
print("stable-baselines3: PPO balances the pole for", mean, "steps")

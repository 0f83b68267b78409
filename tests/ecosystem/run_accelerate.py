"""accelerate: a training loop by Accelerator, with accumulated gradients, clipping, trackers, checkpoints and low precision."""
import os
import tempfile

import torch
from accelerate import Accelerator, init_empty_weights, load_checkpoint_and_dispatch
from accelerate.state import AcceleratorState
from accelerate.utils import ProjectConfiguration, find_executable_batch_size, set_seed
from agree import agree, fill, numbers
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

x = numbers(32, 6)
y = (x[:, :1] * x[:, 1:2] > 0).float()


def network():
    return fill(nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 1)))


def fit(accelerator, epochs=3, start=0, resume=None, save=None):
    """The mean losses of the epochs."""
    model, optimizer = network(), None
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4, gamma=0.5)
    loader = DataLoader(TensorDataset(x, y), batch_size=4)
    model, optimizer, loader, schedule = accelerator.prepare(model, optimizer, loader, schedule)
    if resume:
        accelerator.load_state(resume)
    means = []
    for _ in range(start, epochs):
        total = 0.0
        for inputs, labels in loader:
            with accelerator.accumulate(model):
                loss = nn.functional.binary_cross_entropy_with_logits(model(inputs), labels)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
            total += accelerator.gather_for_metrics(loss.detach()).mean().item()
        means.append(total / len(loader))
    if save:
        accelerator.save_state(save)
    return model, means


def by_hand(epochs=3):
    """The same, without accelerate."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4, gamma=0.5)
    means = []
    for _ in range(epochs):
        losses = []
        for step, (inputs, labels) in enumerate(zip(x.split(4), y.split(4))):
            loss = nn.functional.binary_cross_entropy_with_logits(model(inputs), labels)
            (loss / 2).backward()
            losses.append(loss.item())
            if step % 2:
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
        means.append(sum(losses) / len(losses))
    return means


with tempfile.TemporaryDirectory() as folder:
    set_seed(1)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2, project_config=ProjectConfiguration(project_dir=folder))
    print(accelerator.state)
    assert accelerator.device == torch.device("cpu") and accelerator.num_processes == 1 and accelerator.is_main_process
    model, means = fit(accelerator, save=os.path.join(folder, "state"))
    agree("losses", means, by_hand(), rtol=1e-6)
    agree("losses as PyTorch's", means)

    fit(Accelerator(cpu=True, gradient_accumulation_steps=2), epochs=2, save=os.path.join(folder, "two"))
    _, last = fit(Accelerator(cpu=True, gradient_accumulation_steps=2), epochs=3, start=2, resume=os.path.join(folder, "two"))
    agree("the last epoch after a stop", last, means[2:], rtol=1e-6)

    accelerator.save_model(model, folder, max_shard_size=300)
    assert len([name for name in os.listdir(folder) if name.endswith(".safetensors")]) > 1
    with init_empty_weights():
        empty = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 1))
    assert all(p.device.type == "meta" for p in empty.parameters())
    filled = load_checkpoint_and_dispatch(empty, folder, device_map={"": "cpu"})
    assert torch.equal(filled(x), accelerator.unwrap_model(model)(x))

AcceleratorState._reset_state(reset_partial_state=True)
low = Accelerator(cpu=True, mixed_precision="bf16")
model, optimizer = low.prepare(network(), torch.optim.SGD(network().parameters()))
output = model(x)
assert output.dtype == torch.float32                            # autocast inside, converted back at the end
assert 0 < (output - network()(x)).abs().max() < 0.05

tried = []


@find_executable_batch_size(starting_batch_size=64)
def step(size):
    tried.append(size)
    if size > 16:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    return size


assert step() == tried[-1] <= 16 < tried[-2], tried

"""Tensors that go to another process: batches of a DataLoader's workers, and messages of a queue.

    python benchmarks/processes.py             pyxtorch by shared memory, by the pipe alone, and torch where it is installed

Each line is timed in a process of its own, the best of some rounds, one after the other. "read" is what the receiving process
read by system calls, in bytes for each byte of a tensor: 1 where memory is copied through a pipe, near 0 where it is shared.
"""
import subprocess
import sys
import time
from importlib import import_module

SHAPES = (("32 images of 224 x 224", 512, (3, 224, 224), 32), ("64 images of 32 x 32", 4096, (3, 32, 32), 64))


def bytes_read():
    with open("/proc/self/io") as file:
        return int(file.readline().split()[1])


def loader(torch, data, count, shape, size):
    class Images(data.Dataset):
        image = torch.rand(*shape)

        def __len__(self):
            return count

        def __getitem__(self, i):
            return self.image, i

    batches = data.DataLoader(Images(), batch_size=size, num_workers=2, persistent_workers=True)
    best, nbytes = float("inf"), count * Images.image.numel() * 4
    for number in range(4):
        start, read = time.perf_counter(), bytes_read()
        for x, _ in batches:
            x[0, 0, 0, 0].item()
        if number:
            best = min(best, time.perf_counter() - start)
    return nbytes / best / 1e9, (bytes_read() - read) / nbytes


def receive(queue, back):
    while (x := queue.get()) is not None:
        back.put(float(x[0]))


def queue(torch, rounds=50, n=1_000_000):
    mp = import_module(f"{torch.__name__}.multiprocessing").get_context("fork")
    there, back = mp.SimpleQueue(), mp.SimpleQueue()
    process = mp.Process(target=receive, args=(there, back))
    process.start()
    start = time.perf_counter()
    for _ in range(rounds):
        there.put(torch.zeros(n))
        back.get()
    seconds = time.perf_counter() - start
    there.put(None)
    process.join()
    return rounds * n * 4 / seconds / 1e9


def measure(kind):
    torch = import_module("torch" if kind == "torch" else "pyxtorch")
    torch.set_num_threads(1)
    data = import_module(f"{torch.__name__}.utils.data")
    if kind == "pipe":
        import_module("pyxtorch.utils.data.worker")._SMALL = 1 << 62
    for name, count, shape, size in SHAPES:
        speed, read = loader(torch, data, count, shape, size)
        print(f"  loader, {name:24} {speed:7.2f} GB/s   read {read:.4f}")
    if kind != "pipe":
        print(f"  queue, 4 MB, there and an answer  {queue(torch):7.2f} GB/s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        for what in ("pyxtorch", "pipe", "torch", "pyxtorch"):
            print(what, flush=True)
            subprocess.run([sys.executable, __file__, what])

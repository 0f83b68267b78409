"""Point-to-point messages and every common collective, as an introduction to torch.distributed shows them."""
import torch
import torch.distributed as dist
import torch.multiprocessing  # noqa: F401


def blocking(rank, size):
    tensor = torch.zeros(1)
    if rank == 0:
        tensor += 1
        dist.send(tensor=tensor, dst=1)
    elif rank == 1:
        dist.recv(tensor=tensor, src=0)
    assert rank > 1 or tensor[0] == 1


def not_blocking(rank, size):
    tensor, request = torch.zeros(1), None
    if rank == 0:
        tensor += 1
        request = dist.isend(tensor=tensor, dst=1)
    elif rank == 1:
        request = dist.irecv(tensor=tensor, src=0)
    if request is not None:
        request.wait()
    assert rank > 1 or tensor[0] == 1


def collectives(rank, size):
    group = dist.new_group(list(range(size)))
    tensor = torch.ones(1)
    dist.all_reduce(tensor, op=dist.ReduceOp.SUM, group=group)
    assert tensor[0] == size
    gathered = [torch.zeros(2) for _ in range(size)]
    dist.all_gather(gathered, torch.full((2,), float(rank)))
    assert torch.stack(gathered).sum() == size * (size - 1)
    parts = [torch.tensor([10.0 * r]) for r in range(size)] if rank == 0 else None
    mine = torch.zeros(1)
    dist.scatter(mine, parts, src=0)
    assert mine[0] == 10 * rank
    dist.reduce(mine, dst=0)
    assert rank or mine[0] == 10 * size * (size - 1) / 2
    dist.broadcast(mine, src=0)
    assert mine[0] == 10 * size * (size - 1) / 2
    names = [None] * size
    dist.all_gather_object(names, {"rank": rank})
    assert [name["rank"] for name in names] == list(range(size))


def ring_all_reduce(send, recv, rank, size):
    """Everybody's tensors added up by passing them round."""
    send_buffer, recv_buffer, total = send.clone(), send.clone(), send.clone()
    left, right = (rank - 1 + size) % size, (rank + 1) % size
    for i in range(size - 1):
        if i % 2 == 0:
            request = dist.isend(send_buffer, right)
            dist.recv(recv_buffer, left)
            total += recv_buffer
        else:
            request = dist.isend(recv_buffer, right)
            dist.recv(send_buffer, left)
            total += send_buffer
        request.wait()
    recv[:] = total


if __name__ == "__main__":
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    blocking(rank, size)
    not_blocking(rank, size)
    collectives(rank, size)
    x, y = torch.full((3,), float(rank)), torch.zeros(3)
    ring_all_reduce(x, y, rank, size)
    assert (y == size * (size - 1) / 2).all()
    dist.barrier()
    if rank == 0:
        print("sent and received", flush=True)
    dist.destroy_process_group()

"""Parts of torch.fx that programs ask whether a compiler looks on."""

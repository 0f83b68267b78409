"""Functions of nn.functional that are written in other operations; each module lists its own in `functional`."""

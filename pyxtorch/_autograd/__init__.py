"""The parts of `pyxtorch.autograd` in plain Python: `autograd.__path__` leads here, so that they are imported as
`pyxtorch.autograd.functional` and the like."""

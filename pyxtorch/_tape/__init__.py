"""What lies under `pyxtorch.autograd`: grad modes, hooks, the graph with its engine, and the history of views."""

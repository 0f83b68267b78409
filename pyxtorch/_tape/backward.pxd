"""backward and grad: for Python alone."""

"""Functions that the programs call from another file."""


def root(x):
    return x.sqrt()


def ratio(a, b):
    return a / b


def normalised(x):
    return x / x.sum()

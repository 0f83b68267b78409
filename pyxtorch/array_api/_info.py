"""What the namespace can do and has, for programs that ask."""
import pyxtorch as torch
from pyxtorch.array_api._dtypes import KINDS, default_complex


class Info:
    """What `__array_namespace_info__` gives: devices, dtypes and capabilities."""

    def capabilities(self):
        """What is supported of what the standard leaves open."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        """The device that new tensors are on."""
        return torch.get_default_device()

    def devices(self):
        """All devices that there are: the CPU, and each GPU."""
        return [torch.device("cpu"), *(torch.device("cuda", i) for i in range(torch.cuda.device_count()))]

    def default_dtypes(self, *, device=None):
        """The dtypes that new tensors of Python's numbers have."""
        return {"real floating": torch.get_default_dtype(), "complex floating": default_complex(), "integral": torch.int64, "indexing": torch.int64}

    def dtypes(self, *, device=None, kind=None):
        """The standard's dtypes by name: all, those of a kind such as "integral", or of a tuple of kinds."""
        found = {}
        for one in KINDS if kind is None else kind if isinstance(kind, tuple) else (kind,):
            if one not in KINDS:
                raise ValueError(f"dtypes: kind={one!r} is none of {', '.join(map(repr, KINDS))}.")
            found.update(KINDS[one])
        return found


def __array_namespace_info__():
    """An object that says what devices, dtypes and capabilities there are."""
    return Info()

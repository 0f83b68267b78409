"""torch.torch_version: version numbers that compare as such."""
import re

__all__ = ["TorchVersion"]
_FORM = re.compile(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(?:post|rev|r)[-_.]?(\d*))?"
                   r"(?:[-_.]?dev[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?", re.I)  # fmt: skip


def _key(version):
    """What orders a version, after PEP 440; None if it is none."""
    if isinstance(version, tuple | list):
        version = ".".join(str(part) for part in version)
    found = _FORM.fullmatch(str(version).strip())
    if not found:
        return None
    epoch, release, pre, pre_number, post, post_word, dev, local = found.groups()
    numbers = [int(part) for part in release.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    posted = post is not None or re.search(r"post|rev|\dr\d", str(version), re.I) is not None
    after = int(post or post_word or 0) if posted else -1
    developing = int(dev or 0) if re.search("dev", str(version), re.I) else float("inf")
    if pre:
        before = ({"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}.get(pre.lower(), pre.lower()), int(pre_number or 0))
    else:  # a development release comes before the first preliminary one
        before = ("", 0) if developing != float("inf") and not posted else ("z", 0)
    parts = () if local is None else tuple((1, int(p), "") if p.isdigit() else (0, 0, p.lower()) for p in re.split("[-_.]", local))
    return int(epoch or 0), tuple(numbers), before, after, developing, parts


class TorchVersion(str):
    """A version as a string that compares as a version: with a string, a tuple of numbers, or another one.

    `TorchVersion("1.10.0") > "1.9"` and `TorchVersion("2.13.0") >= (2, 1)` hold; what is no version is compared as a string.
    """

    __slots__ = ()

    def _compared(self, other):
        ours, theirs = _key(self), _key(other) if isinstance(other, str | tuple | list) or hasattr(other, "release") else None
        return (str(self), other) if ours is None or theirs is None else (ours, theirs)

    def __lt__(self, other):
        a, b = self._compared(other)
        return a < b

    def __le__(self, other):
        a, b = self._compared(other)
        return a <= b

    def __gt__(self, other):
        a, b = self._compared(other)
        return a > b

    def __ge__(self, other):
        a, b = self._compared(other)
        return a >= b

    def __eq__(self, other):
        a, b = self._compared(other)
        return a == b

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def __getattr__(name):
    if name == "__version__":
        import pyxtorch

        return TorchVersion(pyxtorch.__version__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

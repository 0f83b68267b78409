"""How often functions ran, as instruction counts tell: tables that can be filtered, changed and subtracted."""
import collections
import dataclasses

__all__ = ["CopyIfCallgrind", "FunctionCount", "FunctionCounts"]


@dataclasses.dataclass(frozen=True, order=True)
class FunctionCount:
    """A count and the function that it is of."""

    count: int
    function: str

    def __iter__(self):
        yield from (self.count, self.function)


@dataclasses.dataclass(repr=False, eq=False, frozen=True)
class FunctionCounts:
    """Counts by function. `a - b` is the difference, largest first."""

    _data: tuple
    inclusive: bool
    truncate_rows: bool = True
    _linewidth: int | None = None

    def __iter__(self):
        yield from self._data

    def __len__(self):
        return len(self._data)

    def __getitem__(self, item):
        data = self._data[item]
        return FunctionCounts(data, self.inclusive, truncate_rows=False) if isinstance(item, slice) else data

    def _merged(self, other, sign):
        if not isinstance(other, FunctionCounts) or other.inclusive != self.inclusive:
            raise AssertionError("Cannot add or subtract inclusive and exclusive counts.")
        return FunctionCounts._of([(c.function, c.count) for c in self] + [(c.function, sign * c.count) for c in other], self.inclusive)

    @staticmethod
    def _of(pairs, inclusive):
        counts = collections.defaultdict(int)
        for function, count in pairs:
            counts[function] += count
        return FunctionCounts(tuple(FunctionCount(c, f) for f, c in sorted(counts.items(), key=lambda item: item[1], reverse=True) if c), inclusive)

    def __add__(self, other):
        return self._merged(other, 1)

    def __sub__(self, other):
        return self._merged(other, -1)

    def __mul__(self, other):
        return FunctionCounts._of([(c.function, int(c.count * other)) for c in self], self.inclusive)

    def transform(self, map_fn):
        """Functions by other names; those of one name are added up."""
        return FunctionCounts._of([(map_fn(c.function), c.count) for c in self], self.inclusive)

    def filter(self, filter_fn):
        """Those of whose names a function is true."""
        return FunctionCounts._of([(c.function, c.count) for c in self if filter_fn(c.function)], self.inclusive)

    def sum(self):
        """All counts together."""
        return sum(c.count for c in self)

    def denoise(self):
        """Without functions whose counts are chance: looking up names in Python's dicts."""
        return self.filter(lambda name: "dictobject.c:lookdict_unicode" not in name)

    def __repr__(self):
        rows = list(self)
        shown = rows if len(rows) <= 18 or not self.truncate_rows else [*rows[:9], None, *rows[-9:]]
        width = max((len(str(c.count)) for c in rows), default=1)
        lines = ["..." if c is None else f"{c.count:>{width + 2}}  {c.function}" for c in shown]
        return "\n".join([f"<{type(self).__module__}.{type(self).__qualname__}>", *lines, "", f"Total: {self.sum()}"])


class CopyIfCallgrind:
    """A value in the `globals` of a Timer that is also to be copied into another process; a Timer takes the value."""

    def __init__(self, value, *, setup=None):
        self._value, self._setup = value, setup

    @property
    def value(self):
        """The value."""
        return self._value

    @property
    def setup(self):
        """What has to run before it can be made again."""
        return self._setup

    @staticmethod
    def unwrap_all(globals):
        """A dict with the values themselves."""
        return {name: value.value if isinstance(value, CopyIfCallgrind) else value for name, value in globals.items()}

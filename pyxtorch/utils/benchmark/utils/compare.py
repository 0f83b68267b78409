"""Measurements side by side."""
import enum

from pyxtorch.utils.benchmark.utils import common

__all__ = ["Colorize", "Compare"]


class Colorize(enum.Enum):
    """What is compared by colours: nothing, the columns, or the rows."""

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


_GOOD, _BAD, _END = "\033[92m", "\033[31m", "\033[0m"


class Compare:
    """Tables of measurements: one for each label, a row for each sub_label and number of threads, a column for each description.

        Compare([Timer(...).blocked_autorange(), ...]).print()
    """

    def __init__(self, results):
        self._results, self._trim, self._color, self._highlight = [], False, Colorize.NONE, False
        self.extend_results(results)

    def __str__(self):
        return "\n".join(self._render())

    def extend_results(self, results):
        """Add measurements.

        Raises:
            ValueError: something that is none.
        """
        for one in results:
            if not isinstance(one, common.Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(one)} instead.")
        self._results.extend(results)

    def trim_significant_figures(self):
        """Show no more digits than mean something."""
        self._trim = True

    def colorize(self, rowwise=False):
        """Show the best green and the worst red: of each column, or of each row."""
        self._color = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self):
        """Mark what was measured badly with an exclamation mark."""
        self._highlight = True

    def print(self):
        """Print the tables."""
        print(self)

    def _render(self):
        results = common.Measurement.merge(self._results)
        groups = {}
        for one in results:
            groups.setdefault(one.task_spec.label, []).append(one)
        return [self._table(label, group) for label, group in groups.items()]

    def _table(self, label, results):
        scale_name, scale = common.select_unit(min(r.median for r in results))
        columns = list(dict.fromkeys(r.description or "" for r in results))
        rows = list(dict.fromkeys((r.num_threads, r.env, r.as_row_name) for r in results))
        rows.sort(key=lambda row: row[0])
        found = {((r.num_threads, r.env, r.as_row_name), r.description or ""): r for r in results}

        def text(row, column):
            one = found.get((row, column))
            if one is None:
                return ""
            value = one.median / scale
            shown = f"{common.trim_sigfig(value, one.significant_figures):g}" if self._trim else f"{value:.1f}"
            return shown + (" (!)" if self._highlight and one.has_warnings else "")

        names = {row: "  ".join(part for part in (f"({row[1]})" if row[1] else "", row[2]) if part) for row in rows}
        first = max(len(name) for name in names.values()) + 6
        widths = {c: max(len(c), *(len(text(row, c)) for row in rows)) for c in columns}
        head = " " * first + "  |  " + "  |  ".join(c.rjust(widths[c]) for c in columns)
        lines = [f"[{' ' + (label or '') + ' '}]".center(len(head), "-"), head]
        threads = None
        for row in rows:
            if row[0] != threads:
                threads = row[0]
                lines.append(f"{threads} threads: ".ljust(len(head), "-"))
            lines.append(f"      {names[row]}".ljust(first) + "  |  " + "  |  ".join(self._colored(found, rows, columns, row, c, text(row, c).rjust(widths[c])) for c in columns))
        unit = common.unit_to_english(scale_name)
        return "\n".join([*lines, "", f"Times are in {unit}s ({scale_name}).", ""])

    def _colored(self, found, rows, columns, row, column, text):
        if self._color is Colorize.NONE or (row, column) not in found:
            return text
        others = [(row, c) for c in columns] if self._color is Colorize.ROWWISE else [(r, column) for r in rows]
        times = [found[key].median for key in others if key in found]
        own = found[(row, column)].median
        return _GOOD + text + _END if own <= min(times) * 1.05 else _BAD + text + _END if own > max(times) * 0.95 and max(times) > 1.2 * min(times) else text

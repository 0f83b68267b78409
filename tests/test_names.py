"""Names lead somewhere: to the source, to a page, to a docstring; and one name is one family's."""
import importlib.util
import inspect
import re
import types
from pathlib import Path

import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent
SOURCES = pytest.mark.skipif(not (ROOT / "tools" / "names.py").exists(), reason="the sources are not beside the tests")
SPACES = {"pyxtorch": torch, "pyxtorch.nn.functional": F, "pyxtorch.linalg": torch.linalg, "pyxtorch.special": torch.special,
          "pyxtorch.fft": torch.fft, "Tensor": torch.Tensor}  # fmt: skip


def functions():
    """Each public function once, with all names that it has."""
    found = {}
    for space, owner in SPACES.items():
        for name in dir(owner):
            value = getattr(owner, name)
            if not name.startswith("_") and callable(value) and not isinstance(value, type):
                found.setdefault(id(getattr(value, "__wrapped__", value)), (value, []))[1].append(f"{space}.{name}")
    return list(found.values())


def test_every_public_function_has_a_docstring():
    """What it does, in a sentence that says more than the name: words, or a formula."""
    without = []
    for value, names in functions():
        text = (inspect.getdoc(value) or "").strip()
        if len(text) < 8 or len(re.findall(r"\w+", text)) < 2:
            without.append((names, text))
    assert not without, without


@SOURCES
def test_every_public_function_has_a_page():
    """In-place forms stand with the operation that they are of."""
    heads = {head for page in (ROOT / "docs" / "api").glob("*.md") for head in re.findall(r"^### (\S+)", page.read_text(), re.M)}
    missing = [names for _, names in functions() if not heads & set(names) and not all(n.endswith("_") for n in names)]
    assert not missing, missing


@SOURCES
def test_every_operation_leads_to_its_source():
    """`inspect`, and so editors, find file and line."""
    wrong, seen = [], 0
    for value, names in functions():
        if not (type(value).__name__ == "Operation" or inspect.isfunction(value)):
            continue
        seen += 1
        try:
            path = inspect.getsourcefile(value)
            lines, number = inspect.findsource(value)
        except (TypeError, OSError) as error:
            wrong.append(f"{names[0]}: {error}")
            continue
        if not path or not Path(path).is_relative_to(ROOT / "pyxtorch") or not re.search(r"\b(def|lambda|class|cdef)\b", "".join(lines[number:number + 3])):
            wrong.append(f"{names[0]}: {path}")
    assert seen > 700
    assert not wrong, "\n".join(wrong)


@SOURCES
def test_two_families_cannot_offer_one_name():
    spec = importlib.util.spec_from_file_location("_names_tool", ROOT / "tools" / "names.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def family(name, **members):
        module = types.ModuleType(f"pyxtorch.ops.{name}")
        vars(module).update(members)
        return module

    for table in ("__all__", "functional"):
        one, other = (family(n, f=lambda n=n: n, **{table: ["f"]}) for n in ("one", "other"))
        with pytest.raises(SystemExit, match="f is offered by pyxtorch.ops.one and by pyxtorch.ops.other; one name, one family"):
            tool.collect([one, other])
    for table in ("methods", "linalg", "special", "transforms", "exports", "properties"):
        one, other = (family(n, **{table: {"f": lambda n=n: n}}) for n in ("one", "other"))
        with pytest.raises(SystemExit, match="one name, one family"):
            tool.collect([one, other])

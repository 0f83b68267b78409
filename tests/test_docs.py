"""What docs say of the tree is so: files that they name exist, names that they use are in the source, settings are all listed."""
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "docs" / "architecture.md").exists(), reason="the sources are not beside the tests")
PAGES = ["docs/architecture.md", "docs/adding_an_operation.md", "docs/dependencies.md", "docs/run.md", "docs/array_api.md", "CONTRIBUTING.md"]
SUFFIXES = ".py .pyx .pxd .pyi .h .hpp .cpp .cu .cuh .md .toml .so".split()
EXAMPLE = {"gudermannian", "mul_op"}  # what adding_an_operation.md adds, and so is not there


@cache
def sources():
    folders = [ROOT / f for f in ("pyxtorch", "include", "tests", "tools", "benchmarks", "examples")]
    paths = [p for folder in folders for p in folder.rglob("*") if p.suffix in SUFFIXES[:-2] or p.name == "run"]
    paths += [ROOT / "setup.py", ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".ci" / "run"]
    return {p: p.read_text(errors="replace") for p in paths if p.exists()}


@cache
def words():
    return set(re.findall(r"\w+", "\n".join(text for path, text in sources().items() if path.name != "test_docs.py")))


def quoted(page):
    """What stands between backticks, outside of blocks of code."""
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    missing = []
    for text in quoted(page):
        for one in expanded(text):
            name = one.rstrip("/")
            if not re.fullmatch(r"[\w./*<>-]+", name) or "<" in name or name == "build" or not (one.endswith("/") or Path(name).suffix in SUFFIXES):
                continue
            places = [ROOT, ROOT / "pyxtorch", ROOT / "include", ROOT / "include" / "pyxtorch", ROOT / "docs", ROOT / "pyxtorch" / "kernels", ROOT / "pyxtorch" / "_tape"]
            if "/" not in name and any(p.name == name for p in sources()):
                continue
            if not any((next(place.glob(name), None) if "*" in name else (place / name).exists()) for place in places):
                missing.append(one)
    assert not missing, missing


def expanded(text):
    """`a.{h,cpp}` is `a.h` and `a.cpp`."""
    found = re.search(r"\{([^{}]+)\}", text)
    if not found:
        return [text]
    return [one for part in found[1].split(",") for one in expanded(text[:found.start()] + part.strip() + text[found.end():])]


@pytest.mark.parametrize("page", PAGES)
def test_names_that_are_used_are_in_the_source(page):
    missing = set()
    for text in quoted(page):
        if re.search(r"[/ *<>]|^-|\.(?:%s)$" % "|".join(s[1:] for s in SUFFIXES), text):
            continue
        missing |= {w for w in re.findall(r"[A-Za-z_]\w{2,}", text) if w not in words() and w not in EXAMPLE}
    assert not missing, sorted(missing)


def test_every_setting_is_listed():
    """The environment variables of the package are those of the table in docs/architecture.md."""
    listed = set(re.findall(r"^\| `(PYXTORCH_\w+)`", (ROOT / "docs" / "architecture.md").read_text(), re.M))
    used = {name for path, text in sources().items() if path.is_relative_to(ROOT / "pyxtorch") or path.is_relative_to(ROOT / "include")
            for name in re.findall(r"(?:getenv\(|environ(?:\.get)?[\[(])\s*\"(PYXTORCH_\w+)\"", text)}  # fmt: skip
    assert used, "nothing found"
    assert used == listed


def test_make_targets_that_are_named_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in [*PAGES, "README.md"]:
        named = set(re.findall(r"\bmake ((?:[a-z]+-)*[a-z]+)\b(?=[`\n ]|$)", "\n".join(re.findall(r"`[^`\n]+`|^    .*$", (ROOT / page).read_text(), re.M))))
        assert named <= targets, (page, named - targets)


def test_dependencies_are_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [project["build-system"]["requires"], project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    names = {re.match(r"[\w-]+", requirement)[0] for names in lists for requirement in names}
    page = (ROOT / "docs" / "dependencies.md").read_text()
    missing = [name for name in names if name not in page]
    assert len(names) > 8 and not missing, missing

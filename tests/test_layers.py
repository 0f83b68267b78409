"""Imports go downwards only, as docs/architecture.md says. Needs the source tree, not the built package."""
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "pyxtorch"
pytestmark = pytest.mark.skipif(not (SOURCE / "_core.pyx").exists(), reason="the sources are not beside the tests")

# From the ground up; the first prefix that fits a module is its floor. Modules on one floor may
# import each other, except operation families, which have an order of their own (FAMILIES).
FLOORS = [
    ("_interface",),
    ("_dtype", "_size", "_storage", "_core"),
    ("_arguments", "_absent"),
    ("_beneath", "_sources"),
    ("_compound", "_events"),
    ("_gate",),
    tuple(f"kernels.{path.stem}" for path in (SOURCE / "kernels").glob("*.pxd")),  # declarations of the families' tables
    ("_cuda", "_cuda_program", "_cuda_device", "_cuda_launch"),
    ("kernels",),
    ("_tape",),
    ("autograd",),
    ("_numbers", "_settings", "_neighbours"),
    ("ops",),
    ("tensor", "_volatile", "_names", "_dlpack", "_tensor_str"),
    ("linalg", "special", "return_types", "fft", "random"),
    ("nn.parameter", "nn.functional", "nn.init", "storage"),
    ("nn", "optim", "serialization", "_autograd", "cuda", "backends", "utils", "testing", "signal", "sparse", "nested", "masked", "_masked_tensor", "_masked_reductions", "overrides", "_C", "amp", "cpu", "profiler", "_typed_tensors", "multiprocessing",
     "_inductor", "_vmap_internals", "_six", "xpu", "mps", "mtia", "_old_calls",
     "torch_version", "version", "func", "_batching", "compiler", "_dynamo", "distributed", "futures", "fx", "accelerator",
     "jit", "export", "monitor", "types", "__config__", "hub", "quasirandom", "_lobpcg", "_symbols", "_streams", "_schema", "__future__", "legacy", "_utils", "_tensor", "_jit_internal", "_checks", "_aten", "_dispatch", "_higher_order_ops", "_foreach", "_subclasses", "library", "api", "ffi", "_formula", "_formula_gpu", "functional", "array_api", "_einops", "_matplotlib"),
    ("onnx",),
    ("distributions",),
    ("vision",),
    ("_alias", "run", "_as_torch.torch", "_as_torch.torchvision"),  # all of it under another name
]
FAMILIES = ["_common", "_factory", "_inplace", "_precision", "create", "elementwise", "shape", "reduce"]  # then the rest
# Late imports (inside a function, when it runs) may look up: these floors, and this is why.
LATE = {
    "sparse": "sparse tensors, when the first is made",
    "": "the public namespace, by which a rarely taken path reaches an operation of a later family",
    "linalg": "the same for pyxtorch.linalg",
    "ops": "a family that comes later, where a tensor method does not exist (cat, stack, creation)",
    "kernels": "the kernels of a device register themselves when the device is first used",
    "nn.utils": "a module's rarely used helper",
    "_cuda": "a device is opened when it is first used",
    "_aten": "PyTorch's internal names of operations, when one is asked for",
    "_dlpack": "the exchange by capsules, when it is first asked for",
    "array_api": "the standard's namespace, when a tensor is asked for it",
    "storage": "the objects that users see of storages, when the first is asked for",
}
STATEMENT = re.compile(r"^([ \t]*)(?:from[ \t]+([\w.]+)[ \t]+(c?import)\b[ \t]*(\([^)]*\)|[^#\n]*)|(c?import)[ \t]+([^#\n]*))", re.M)


def modules():
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix in (".py", ".pyx", ".pxd") and path.name != "__init__.pxd":
            name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
            yield path, re.sub(r"\.?__init__$", "", name)


def exists(name):
    base = SOURCE.joinpath(*name.split("."))
    return any(base.with_suffix(s).exists() for s in (".py", ".pyx", ".pxd")) or (base / "__init__.py").exists()


def imports(path):
    """(line, module below pyxtorch, late) of each import and cimport of the package's own modules."""
    text = re.sub(r'("""|\'\'\')(.*?)\1', lambda m: "\n" * m[0].count("\n"), path.read_text(), flags=re.S)
    for found in STATEMENT.finditer(text):
        indent, source, _, names, _, plain = found.groups()
        line, late = text.count("\n", 0, found.start()) + 1, bool(indent)
        targets = [n.split(" as ")[0].strip() for n in plain.split(",")] if plain is not None else [source]
        for target in targets:
            target = target.removeprefix("cython.cimports.")
            if target != "pyxtorch" and not target.startswith("pyxtorch."):
                continue
            base = target.removeprefix("pyxtorch").lstrip(".")
            parts = [n.split(" as ")[0].strip() for n in names.strip("()").replace("\n", " ").split(",")] if names else []
            inner = [p for p in parts if p and p != "*" and exists(f"{base}.{p}".lstrip("."))]
            for name in [f"{base}.{p}".lstrip(".") for p in inner] or [base]:
                yield line, name, late


def floor(name):
    for height, prefixes in enumerate(FLOORS):
        if any(name == p or name.startswith(p + ".") for p in prefixes):
            return height
    return None


def family(name):
    """An operation family's place in the order; a part such as elementwise_math comes right after its family."""
    stem = name.split(".")[1] if name.startswith("ops.") else ""
    for place, known in enumerate(FAMILIES):
        if stem == known or (known != "_common" and stem.startswith(known + "_")):
            return place
    return len(FAMILIES)


def test_every_module_has_a_floor():
    without = [name for _, name in modules() if name and floor(name) is None]
    assert not without, f"give these a floor in FLOORS and in docs/architecture.md: {without}"


def test_every_floor_names_modules_that_exist():
    gone = [prefix for level in FLOORS for prefix in level if not exists(prefix)]
    assert not gone, f"no such modules: {gone}"


def test_imports_go_down():
    wrong = []
    for path, name in modules():
        if not name:
            continue  # pyxtorch/__init__.py gathers everything
        for line, target, late in imports(path):
            up = floor(target) is None or floor(target) > floor(name)
            allowed = any(target == k or (k and target.startswith(k + ".")) for k in LATE)
            # Plain Python on the upper floors is loaded after the namespace is complete.
            if target == "" and floor(name) >= floor("nn.parameter"):
                continue
            if up and not (late and allowed):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports pyxtorch.{target}".rstrip("."))
    assert not wrong, "\n".join(wrong)


def circles(edges):
    """Groups of more than one module that reach each other (Tarjan's strongly connected components)."""
    number, low, path, found = {}, {}, [], []

    def visit(name):
        number[name] = low[name] = len(number)
        path.append(name)
        for target in edges.get(name, ()):
            if target not in number:
                visit(target)
            low[name] = min(low[name], low[target])
        if low[name] == number[name]:
            at = path.index(name)
            if len(path) - at > 1:
                found.append(sorted(path[at:]))
            low.update(dict.fromkeys(path[at:], len(edges) ** 2))
            del path[at:]

    for name in list(edges):
        if name not in number:
            visit(name)
    return found


def test_no_import_circles():
    """Modules that import or cimport each other when they are loaded, in .py, .pyx and .pxd alike.

    The folders' `__init__.py` count with what they import, but importing `a.b` is not held to import `a`: Python does so of its own.
    """
    edges = {}
    for path, name in modules():
        for _, target, late in imports(path):
            if not late and target != name:
                edges.setdefault(name, set()).add(target)
    assert len(edges) > 100
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}}) == [["a", "b", "c"]]
    assert circles(edges) == []


def test_modules_are_found_where_they_lie():
    """Nothing is put into sys.modules, no module's class or loader is exchanged, nothing fills a namespace by `globals().update`.

    But for the dtypes, for the names of the core's parts, which `_core.pyx` cimports (Cython makes no Python names of those), and for
    what is there to give every module a second name.
    """
    wrong = []
    for path, name in modules():
        if floor(name) == floor("_alias"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            planted = re.search(r"sys\.modules(\[[^]]*\]\s*=[^=]|\.(update|setdefault|pop)\b)|__class__\s*=\s*\w*Module|globals\(\)\.update", line)
            if planted and path.name != "_core.pyx" and "globals().update(_core.dtypes())" not in line:
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


LONGEST = 700


def test_files_are_short():
    """A file that passes 700 lines is two files. Generated stubs and reference pages are nobody's to read from end to end."""
    folders = (SOURCE, ROOT / "include", ROOT / "tests", ROOT / "tools", ROOT / "benchmarks", ROOT / "examples")
    suffixes = (".py", ".pyx", ".pxd", ".h", ".hpp", ".cpp", ".cu", ".cuh")
    generated = (".cpp", ".c")  # what Cython writes beside a .pyx
    lengths = {}
    for path in [p for folder in folders for p in folder.rglob("*") if p.suffix in suffixes] + [ROOT / "setup.py"]:
        if path.suffix in generated and any(path.with_suffix(s).exists() for s in (".pyx", ".pxd")):
            continue
        lengths[str(path.relative_to(ROOT))] = len(path.read_text(errors="replace").splitlines())
    long = {name: lines for name, lines in lengths.items() if lines > LONGEST}
    assert not long, long


def test_nothing_stands_alone():
    """What only its own module can reach, C functions, C classes and `_private` functions, is used there."""
    lone, seen = [], 0
    for path, _ in modules():
        if path.suffix == ".pxd":
            continue
        text = path.read_text()
        promised = path.with_suffix(".pxd").read_text() if path.with_suffix(".pxd").exists() else ""
        for name in re.findall(r"^(?:cdef (?:inline )?[\w*, ]*?[ *](\w+)\(.*\).*:$|def (_[a-z]\w*)\(|cdef class (\w+))", text, re.M):
            name = "".join(name)
            seen += 1
            if len(re.findall(rf"\b{name}\b", text)) == 1 and not re.search(rf"\b{name}\b", promised):
                lone.append(f"{path.relative_to(ROOT)}: {name}")
    assert seen > 1000
    assert not lone, lone


def test_families_cimport_one_way():
    """Cython cannot cimport in circles: families cimport earlier ones, and within the rest no circle."""
    edges, wrong, mutual = {}, [], {FAMILIES.index("elementwise"), FAMILIES.index("shape")}
    for path, name in modules():
        if not name.startswith("ops."):
            continue
        text = path.read_text()
        for target in re.findall(r"^from\s+pyxtorch\.(ops\.\w+)\s+cimport", text, re.M):
            if path.suffix == ".pxd" and target != name:
                edges.setdefault(name, set()).add(target)
            # elementwise and shape use each other's functions; only one of their .pxd may say so.
            if family(target) > family(name) and {family(target), family(name)} != mutual:
                wrong.append(f"{name} cimports {target}")
    assert not wrong, wrong

    def reaches(start, goal, seen):
        return any(n == goal or (n not in seen and not seen.add(n) and reaches(n, goal, seen)) for n in edges.get(start, ()))

    circles = [name for name in edges if reaches(name, name, set())]
    assert not circles, f"these .pxd files cimport in a circle: {circles}"


def test_what_lies_above_the_gate_takes_operations_not_their_functions():
    """An override would not be heard if a module called a family's plain function."""
    import importlib

    from pyxtorch._gate import NO_OPERATIONS, Operation

    above, wrong = floor("linalg"), []
    for path, name in modules():
        if path.suffix != ".py" or not name or floor(name) < above or path.with_suffix(".pxd").exists():
            continue
        for names in re.findall(r"^from pyxtorch\.ops\.[a-z]\w* import ([^(\n]*|\([^)]*\))", path.read_text(), re.M):
            module = importlib.import_module("pyxtorch." + name)
            for item in re.findall(r"(\w+)(?: as (\w+))?\s*(?:,|$|\))", names):
                value = getattr(module, item[1] or item[0])
                if isinstance(value, types.FunctionType | Operation) or "cython_function" in type(value).__name__:
                    if type(value) is not Operation and item[0] not in NO_OPERATIONS and item[0] != "zero_grads":
                        wrong.append(f"{name}: {item[0]}")
    assert not wrong


def test_headers_and_kernels_know_no_python():
    files = [*(ROOT / "include").rglob("*.h"), *(SOURCE / "kernels" / "cpu").glob("*.cpp"), *(SOURCE / "kernels").rglob("*.h")]
    wrong = [str(f.relative_to(ROOT)) for f in files if f.name != "module.cpp" and re.search(r"#\s*include\s*[<\"]Python\.h", f.read_text())]
    assert not wrong, wrong


RECORD = re.compile(r"\s*record(?:1|2|3|_many)\((\w+),")
BODY = re.compile(r"^(?:cdef|cpdef|def|class|    cdef \w.*:$|    def )")


def filled_after_recorded(text):
    """Lines that fill a node after it was recorded, in the same function: (line number, line)."""
    recorded = None
    for number, line in enumerate(text.splitlines(), 1):
        if BODY.match(line) or "__new__(" in line:
            recorded = None
        elif recorded and re.search(rf"\b{recorded}\)?\.(?:(?:save|save_output|keep)\(|[\w.]+(?:\[\w+\])?(?:, .*)?\s*[-+*|]?=(?!=))", line):
            yield number, line.strip()
        if found := RECORD.match(line):
            recorded = found[1]


def test_nodes_are_filled_then_recorded():
    """Whoever looks at a node when it is recorded sees all of it: fields and saved tensors come first, `record` last."""
    assert list(filled_after_recorded("    record1(node, y, x)\n    node.save(x)\n    (<Mul>node).s[0] = 3\n    return node.dim")) == [
        (2, "node.save(x)"), (3, "(<Mul>node).s[0] = 3")]
    wrong = [f"{path.relative_to(ROOT)}:{number}: {line}" for path, name in modules() if name.startswith(("ops", "autograd", "tensor"))
             for number, line in filled_after_recorded(path.read_text())]
    assert not wrong, "\n".join(wrong)
    assert sum(bool(RECORD.match(line)) for path, name in modules() if name.startswith("ops.") for line in path.read_text().splitlines()) > 90


UNLOCKED = re.compile(r"^( *)with nogil:\n((?:\1 .*\n|\n)+)", re.M)
OF_A_TENSOR = re.compile(r"\b\w+\.(?:ptr|sizes|strides|st|n|nd|dt|dev)\b(?!\()|\bpointer\(")
OWN = {"self.n", "l.n", "plan.n", "w.n"}     # of a node, a layout, a plan: nobody changes these


def test_pointers_are_read_before_the_lock_is_let_go():
    """Another thread may make a tensor look elsewhere (`set_`, `.data =`) as soon as the lock is gone.

    Memory itself stays until the kernels that began before have ended (include/pyxtorch/unlocked.h).
    """
    wrong, blocks = [], 0
    for path, name in modules():
        if path.suffix != ".pyx" or not name.startswith("ops"):
            continue
        text = path.read_text()
        for found in UNLOCKED.finditer(text):
            blocks += 1
            late = set(OF_A_TENSOR.findall(found[2])) - OWN
            if late:
                wrong.append(f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}: {', '.join(sorted(late))}")
    assert not wrong, "read these before `with nogil`:\n" + "\n".join(wrong)
    assert blocks > 50


def test_torch_and_optional_packages_are_not_needed():
    """No module imports torch; anything but NumPy and the standard library is imported when first used."""
    wrong = []
    for path, _ in modules():
        for match in re.finditer(r"^([ \t]*)(?:from|import)[ \t]+(torch|scipy|sklearn|matplotlib|pycuda)\b", path.read_text(), re.M):
            if match[2] == "torch" or not match[1]:
                wrong.append(f"{path.relative_to(ROOT)}: {match[0].strip()}")
    # Examples in docstrings may say `import torch`; they are prose, not imports.
    wrong = [w for w in wrong if "torch" not in w.split(":")[1].split()[1] or not _in_docstring(w)]
    assert not wrong, wrong


def _in_docstring(what):
    path, _, statement = what.partition(": ")
    text = re.sub(r'("""|\'\'\')(.*?)\1', "", (ROOT / path).read_text(), flags=re.S)
    return statement not in text


def test_names_are_what_the_families_offer():
    """The generated imports of the namespaces are up to date, and no two families offer one name."""
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "names.py"), "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr

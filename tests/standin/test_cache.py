"""Compiled programs are kept on disk; a damaged or unwritable cache does no harm."""
import pyxtorch as torch
from pyxtorch import _cuda_program

SOURCE, NAMES = "softmax.cuh", ["pyx_gpu::softmax_forward<float>"]


def compiled(monkeypatch):
    """How many programs were compiled to get this one."""
    made = []
    real = _cuda_program.compile_program
    monkeypatch.setattr(_cuda_program, "compile_program", lambda *a, **k: made.append(a) or real(*a, **k))
    cubin, names = _cuda_program.build_program(SOURCE, NAMES, 90, "test")
    assert cubin and set(names) == set(NAMES)
    monkeypatch.undo()
    return len(made)


def test_programs_are_kept(tmp_path, monkeypatch):
    torch.cuda.init()
    monkeypatch.setenv("PYXTORCH_CACHE", str(tmp_path))
    assert compiled(monkeypatch) == 1
    monkeypatch.setenv("PYXTORCH_CACHE", str(tmp_path))
    assert compiled(monkeypatch) == 0


def test_a_damaged_program_is_made_again(tmp_path, monkeypatch):
    torch.cuda.init()
    monkeypatch.setenv("PYXTORCH_CACHE", str(tmp_path))
    compiled(monkeypatch)
    (path,) = (p for p in tmp_path.rglob("*") if p.is_file())
    whole = path.read_bytes()
    for damaged in (b"", whole[:30], whole[:-1], whole[:50] + b"?" + whole[51:]):
        path.write_bytes(damaged)
        monkeypatch.setenv("PYXTORCH_CACHE", str(tmp_path))
        assert compiled(monkeypatch) == 1
        assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    torch.cuda.init()
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("PYXTORCH_CACHE", str(tmp_path / "file"))
    assert compiled(monkeypatch) == 1

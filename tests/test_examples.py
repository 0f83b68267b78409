"""The examples run from the command line, and say in one line what is wrong where something is."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pyxtorch as torch

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PACKAGE = Path(torch.__file__).resolve().parent.parent
pytestmark = [pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not beside the tests"), pytest.mark.timeout(300)]


def run(name, *arguments):
    """(exit code, output, errors) of an example."""
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)], capture_output=True, text=True, cwd=EXAMPLES, env={**os.environ, "PYTHONPATH": path}
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def needs_images():
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")


def test_digits_learns_saves_and_draws(needs_images, tmp_path):
    code, output, errors = run("digits.py", "--epochs", 12, "--seed", 3, "--out", tmp_path / "new" / "folder", "--require", 0.97)
    assert code == 0, output + errors
    accuracy = float(re.search(r"test accuracy ([\d.]+)%", output)[1]) / 100
    assert accuracy >= 0.97 and output.count("epoch") == 12
    saved = torch.load(tmp_path / "new" / "folder" / "digits-cnn.pt")
    assert saved["accuracy"] == pytest.approx(accuracy, abs=1e-4) and saved["seed"] == 3 and len(saved["model"]) == 3 * 2 + 3 * 5 + 2 * 2
    assert (tmp_path / "new" / "folder" / "digits-cnn.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    rows = re.findall(r"^ +(\d) +(\d+) +([\d.]+)% +([\d.]+)%$", output, re.M)
    assert [int(row[0]) for row in rows] == list(range(10)) and sum(int(row[1]) for row in rows) == 359


def test_digits_gives_the_same_for_the_same_seed(needs_images, tmp_path):
    for name in "ab":
        assert run("digits.py", "--model", "mlp", "--epochs", 2, "--out", tmp_path / name)[0] == 0
    a, b = (torch.load(tmp_path / name / "digits-mlp.pt") for name in "ab")
    assert a["accuracy"] == b["accuracy"] and all(torch.equal(x, y) for x, y in zip(a["model"].values(), b["model"].values()))


def test_digits_fails_below_the_required_accuracy(needs_images, tmp_path):
    assert run("digits.py", "--model", "mlp", "--epochs", 1, "--out", tmp_path, "--require", 1.0)[0] == 1


@pytest.mark.parametrize("name", ["digits.py", "char_lm.py"])
def test_a_folder_that_cannot_be_written(name, tmp_path, needs_images):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        code, output, errors = run(name, "--out", out)
        assert code == 1 and not output and errors.strip().startswith(f"{name}: cannot write to --out") and errors.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("device", ["tpu", *([] if torch.cuda.is_available() else ["cuda"])])
def test_a_device_that_is_not_there(device, tmp_path, needs_images):
    code, output, errors = run("digits.py", "--device", device, "--out", tmp_path)
    assert code == 1 and not output and errors.startswith(f"digits.py: --device {device}: ") and errors.count("\n") == 1


def test_char_lm_learns_and_writes(tmp_path):
    code, output, errors = run("char_lm.py", "--steps", 40, "--batch", 8, "--out", tmp_path, "--prompt", "the \u2603")
    assert code == 0, output + errors
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", output)]
    characters = int(re.search(r"(\d+) different", output)[1])
    assert len(losses) == 2 and losses[1] < losses[0] < torch.log(torch.tensor(float(characters))).item()
    assert output.count("\nthe ") == 1
    state = torch.load(tmp_path / "char_lm.pt")
    assert state["tokens.weight"].shape[0] == characters

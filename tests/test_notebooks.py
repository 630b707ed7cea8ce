"""Notebooks: they run in a clean kernel, and what is stored in them is their output."""

import importlib
import pathlib
import re
import time

import nbclient
import nbformat
import pytest

from zhasr import exercises

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
WHOLE_PATH = FOLDER / "00_whole_path.ipynb"
LARGEST = 1_000_000  # bytes
MOST_LINES = 12  # of a code cell
SECONDS = 600  # for one cell, on a machine that is busy
CELLS, PICTURES = 10, 7  # of the whole path
# Of each notebook, in seconds, on two cores that do nothing else
LIMITS = {
    "00": 240, "01": 60, "02": 60, "03": 90, "04": 60,
    "05": 480, "06": 90, "07": 60, "08": 90, "09": 180,
}  # fmt: skip
LESSON_CELLS = range(12, 21)  # code
LESSON_WORDS = range(900, 1501)
LESSON_PICTURES = range(5, 10)
LESSONS = [path for path in NOTEBOOKS if path != WHOLE_PATH]

every_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS]
)


every_lesson = pytest.mark.parametrize(
    "path", LESSONS, ids=[path.stem for path in LESSONS]
)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def stream(notebook, name):
    return "".join(
        output.text
        for output in outputs(notebook)
        if output.output_type == "stream" and output.name == name
    )


def pictures(notebook):
    shown = [output.get("data", {}) for output in outputs(notebook)]
    return [data["image/png"] for data in shown if "image/png" in data]


def assert_clean(notebook):
    """Run from top to bottom, no error, nothing on stderr, no folder of a machine."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert "error" not in [output.output_type for output in outputs(notebook)]
    assert stream(notebook, "stderr") == ""
    printed = stream(notebook, "stdout")
    assert re.findall(r"(?<!\w)/(?:home|root|tmp|Users)/\S*", printed) == []
    assert str(FOLDER.parent) not in printed


def test_there_are_notebooks():
    assert WHOLE_PATH in NOTEBOOKS


@every_notebook
def test_stored_outputs_are_clean(path):
    assert path.stat().st_size < LARGEST
    assert_clean(read(path))


@every_notebook
def test_cells_are_short_and_announced(path):
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[0].source.startswith("# ")
    for before, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= MOST_LINES, cell.source
            assert before.cell_type == "markdown", cell.source


def test_the_whole_path_has_ten_cells_and_says_that_it_is_synthetic():
    notebook = read(WHOLE_PATH)
    assert len(code_cells(notebook)) == CELLS
    assert len(pictures(notebook)) == PICTURES
    assert "This is synthetic speech" in notebook.cells[0].source
    assert "not by people" in stream(notebook, "stdout")


@every_lesson
def test_a_lesson_has_the_size_of_a_lesson(path):
    notebook = read(path)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert sum(len(text.split()) for text in prose) in LESSON_WORDS
    assert len(code_cells(notebook)) in LESSON_CELLS
    assert len(pictures(notebook)) in LESSON_PICTURES


@every_lesson
def test_a_lesson_has_the_form_of_a_lesson(path):
    notebook = read(path)
    title, text = notebook.cells[0].source, notebook.cells[-1].source
    for part in ("**Goal.**", "**Time.**", "**You need**", "⟦"):
        assert part in title
    everything = "\n".join(cell.source for cell in notebook.cells)
    assert "**Predict.**" in everything and "**What to see.**" in everything
    assert "## Exercises" in everything and "## What we left out" in text


@every_lesson
def test_a_lesson_asks_every_exercise_of_its_module(path):
    lesson = f"lesson_{path.stem[:2]}"
    module = importlib.import_module(f"zhasr.exercises.{lesson}")
    code = "\n".join(cell.source for cell in code_cells(read(path)))
    checks = [
        name
        for name, value in vars(module).items()
        if isinstance(value, exercises.Exercise)
    ]
    assert checks
    for name in checks:
        assert f"{lesson}.{name}(" in code


@pytest.mark.slow
@every_notebook
def test_it_runs_in_a_clean_kernel(path, tmp_path, monkeypatch):
    # The kernel is to be a student's: it sets its own log level and draws inline, and
    # with pytest's variable it would not show what native code writes to stderr.
    for name in ("TF_CPP_MIN_LOG_LEVEL", "MPLBACKEND", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)
    stored, notebook = read(path), read(path)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    begun = time.monotonic()
    nbclient.NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    assert time.monotonic() - begun < LIMITS[path.stem[:2]]
    assert_clean(notebook)
    assert len(pictures(notebook)) == len(pictures(stored))
    if path == WHOLE_PATH:
        assert_it_learned(stream(notebook, "stdout"))


def assert_it_learned(text):
    # A bound for the slowest machine: two free cores come to about 30 %.
    (rate,) = re.findall(r"^toned syllable +([\d.]+) %", text, re.MULTILINE)
    assert 0 < float(rate) < 90

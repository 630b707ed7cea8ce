"""Notebooks: they run in a clean kernel, and what is stored in them is their output."""

import pathlib
import re

import nbclient
import nbformat
import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
WHOLE_PATH = FOLDER / "00_whole_path.ipynb"
LARGEST = 1_000_000  # bytes
MOST_LINES = 12  # of a code cell
SECONDS = 600  # for one cell, on a machine that is busy
CELLS, PICTURES = 10, 7  # of the whole path

every_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS]
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
    nbclient.NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    assert_clean(notebook)
    assert len(pictures(notebook)) == len(pictures(stored))
    if path == WHOLE_PATH:
        assert_it_learned(stream(notebook, "stdout"))


def assert_it_learned(text):
    # A bound for the slowest machine: two free cores come to about 30 %.
    (rate,) = re.findall(r"^toned syllable +([\d.]+) %", text, re.MULTILINE)
    assert 0 < float(rate) < 90

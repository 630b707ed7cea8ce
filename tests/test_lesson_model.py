"""The model of the lessons: the one that ships first, then one that is there."""

import pytest

from data_prep import lesson_model
from zhasr import model_folder, training


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A computer without any model; what is loaded is the name of its folder."""
    monkeypatch.setattr(lesson_model, "SHIPPED", tmp_path / "mandarin")
    monkeypatch.setattr(lesson_model, "DEMO", tmp_path / "demo")
    monkeypatch.setattr(lesson_model.recognizer, "load", lambda path: path.name)
    return tmp_path


def put(folder):
    folder.mkdir(parents=True)
    for name in (model_folder.CONFIG, model_folder.WEIGHTS):
        (folder / name).write_text("{}")


def test_the_best_model_that_is_there_is_taken(alone, monkeypatch):
    def train(folder, say):
        put(folder / "model_1")
        return folder / "model_1"

    monkeypatch.setattr(lesson_model, "train", train)
    build = alone / "build"
    small = lesson_model.load(build)
    assert (small.recognizer, small.synthetic) == ("model_1", True)
    assert "synthetic voices alone" in small.about
    assert small.folder == build / "voice" / "model_1"
    put(build / "whole_path" / "model_100000")
    put(build / "whole_path" / "model_110000")
    assert lesson_model.load(build).recognizer == "model_110000"
    put(alone / "demo")
    assert "make demo" in lesson_model.load(build).about
    put(alone / "mandarin")
    shipped = lesson_model.load(build)
    assert shipped.recognizer == "mandarin" and not shipped.synthetic
    assert shipped.folder == alone / "mandarin"
    assert "card.md" in shipped.about and "synthetic" not in shipped.about


def test_a_model_without_weights_is_none(alone, monkeypatch):
    folder = alone / "build" / "whole_path" / "model_100000"
    put(folder)
    (folder / model_folder.WEIGHTS).unlink()
    trained = []
    monkeypatch.setattr(
        lesson_model, "train", lambda folder, say: trained.append(folder) or folder
    )
    lesson_model.load(alone / "build")
    assert trained == [alone / "build" / "voice"]


@pytest.mark.slow
def test_a_small_model_is_trained_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setattr(lesson_model, "SHIPPED", tmp_path / "none")
    monkeypatch.setattr(lesson_model, "DEMO", tmp_path / "none")
    few = {"train": 0.01, "dev": 0.003, "test": 0}
    short = training.Options(preset="small", epochs=1, buckets=1)
    said = []
    path = lesson_model.train(tmp_path / "voice", said.append, few, short)
    assert said and path.parent == tmp_path / "voice"
    found = lesson_model.load(tmp_path)
    assert found.recognizer.description.training["epochs"] == 1
    assert "trained before" in found.about and found.synthetic

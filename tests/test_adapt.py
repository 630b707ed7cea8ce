"""Choosing the number of steps: the fewest errors, of development recordings alone."""

import numpy as np
import pytest
import soundfile
from test_speaker_adaptation import description

from data_prep import adapt
from zhasr import manifest, model_folder, recognizer, scoring, speaker_adaptation


@pytest.fixture
def model(tmp_path):
    made = description()
    model_folder.save(tmp_path / "model", made.build(), made, "")
    return tmp_path / "model"


@pytest.fixture
def said(tmp_path):
    """A function of a name that writes a manifest of two recordings of noise."""

    def write(name):
        rng, utterances = np.random.default_rng(0), []
        for number in range(2):
            path = tmp_path / f"{number}.wav"
            soundfile.write(path, rng.normal(0, 0.1, 8_000), 16_000)
            utterances.append(
                manifest.Utterance(str(number), str(path), 0.5, "", "s", ("a1", "a2"))
            )
        manifest.write(tmp_path / name, utterances)
        return tmp_path / name

    return write


def test_all_numbers_are_tried(model, said):
    lines = []
    chosen = adapt.adapt(model, [said("dev.jsonl")], lines.append)
    assert chosen in adapt.STEPS and len(lines) == len(adapt.STEPS) + 1
    assert all("of 4" in line for line in lines[:-1])
    assert speaker_adaptation.load_steps(model) == chosen


@pytest.mark.parametrize(
    ("wrong", "chosen"),
    [((5, 3, 2), 4), ((3, 3, 3), 0), ((9, 1, 1), 2)],
)
def test_the_fewest_errors_and_then_the_fewest_steps(
    model, said, monkeypatch, wrong, chosen
):
    errors = dict(zip(adapt.STEPS, wrong, strict=True))

    def errors_after(steps, *rest):
        return scoring.ErrorCounts(errors[steps], 0, 0, 10)

    speaker_adaptation.save(model, 6)  # what was chosen before plays no part
    monkeypatch.setattr(adapt, "errors_after", errors_after)
    assert adapt.adapt(model, [said("dev.jsonl")] * 2) == chosen
    assert getattr(recognizer.load(model).network, "steps", 0) == chosen


def test_a_test_set_is_refused(model, said, capsys):
    assert adapt.main([str(model), str(said("test.jsonl"))]) == 2
    assert "test set" in capsys.readouterr().err
    assert not (model / speaker_adaptation.NAME).exists()

"""A network that gets used to a speaker by several recordings, and to no one else."""

import dataclasses
import json

import numpy as np
import pytest
import test_cli
import test_model_folder
from test_cli import fails, write_tone
from test_numpy_layers import random_features
from test_speaker_adaptation import CONFIG, SPREAD, description, hear, network

from zhasr import (
    audio,
    cli,
    evaluation,
    features,
    manifest,
    model_folder,
    one_speaker,
    recognizer,
    speaker_adaptation,
    wavenet,
)

FEWEST_FRAMES = one_speaker.FEWEST_FRAMES  # as users have it


@pytest.fixture(autouse=True)
def little_is_enough(monkeypatch):
    monkeypatch.setattr(one_speaker, "FEWEST_FRAMES", 1)


def recordings(count=5, seed=0):
    return [random_features(20 + n, CONFIG.dims, seed=seed + n) for n in range(count)]


def doubt(listening, heard):
    together = np.concatenate(hear(listening, *heard))
    return speaker_adaptation.doubt(together, one_speaker.VARIETY)


@pytest.mark.parametrize("seed", range(3))
def test_it_doubts_less_and_still_hears_different_sounds(seed):
    plain, heard = network(seed), recordings(seed=10 * seed)
    used = one_speaker.get_used(plain, description(), heard)
    assert doubt(plain, heard) - doubt(used, heard) > 0.02


def test_without_variety_it_would_come_to_hear_less(monkeypatch):
    """Little doubt is easy to have: all frames sound the same."""
    entropies = []
    for variety in (0, one_speaker.VARIETY):
        monkeypatch.setattr(one_speaker, "VARIETY", variety)
        heard = recordings()
        used = one_speaker.get_used(network(), description(), heard)
        logits = np.concatenate(hear(used, *heard))
        plain = speaker_adaptation.doubt(logits)
        entropies.append(plain - speaker_adaptation.doubt(logits, 1.0))
    assert entropies[1] > entropies[0] + 0.01


@pytest.mark.parametrize("seed", range(2))
def test_the_slopes_of_several_recordings_together(seed):
    """Each value of the matrix and the shift, against a small step of it."""
    rng = np.random.default_rng(seed)
    plain = double(network(seed))
    voice = speaker_adaptation.Voice(SPREAD)
    voice.values = [np.float64(value) for value in voice.values]
    for value in voice.values:
        value += rng.normal(0, 0.05, value.shape)
    batch = [np.float64(one[None]) for one in recordings(3, seed)]  # of other lengths

    def doubt():
        used = one_speaker.UsedNetwork(plain.config, plain.labels, plain.weights, voice)
        heard = [used({"features": one, "frames": [one.shape[1]]})[0] for one in batch]
        together = np.concatenate(heard)
        return speaker_adaptation.doubt(together, one_speaker.VARIETY)

    slopes = one_speaker._slopes(plain, voice, batch)
    for value, slope in zip(voice.values, slopes, strict=True):
        for _ in range(3):
            direction = rng.normal(size=value.shape)
            value += 1e-6 * direction
            above = doubt()
            value -= 2e-6 * direction
            below = doubt()
            value += 1e-6 * direction
            expected = (slope * direction).sum()
            assert (above - below) / 2e-6 == pytest.approx(expected, rel=1e-3)


def double(plain):
    weights = {name: np.float64(value) for name, value in plain.weights.items()}
    return dataclasses.replace(plain, weights=weights)


def test_the_size_of_a_step():
    for size in (speaker_adaptation.STEP_SIZE, one_speaker.STEP_SIZE):
        value = np.zeros(3)
        speaker_adaptation.Adam([value], size).step([np.array([2.0, -3.0, 0.0])])
        np.testing.assert_allclose(value, [-size, size, 0], rtol=1e-3)


def test_what_is_a_minute():
    seconds = features.frames_to_seconds(FEWEST_FRAMES)
    assert seconds == 60  # that is what all messages say


def test_nothing_else_changes():
    plain, heard = network(), recordings()
    kept = {name: value.copy() for name, value in plain.weights.items()}
    before = [one.copy() for one in heard]
    first, second = (
        one_speaker.get_used(plain, description(), heard) for _ in range(2)
    )
    for one, other in zip(hear(first, *heard), hear(second, *heard), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(heard, before, strict=True):
        np.testing.assert_array_equal(one, other)
    for name, value in kept.items():
        np.testing.assert_array_equal(plain.weights[name], value)


def test_of_less_than_a_minute_nothing_is_learned(monkeypatch):
    plain, heard = network(), recordings()
    frames = sum(map(len, heard))
    monkeypatch.setattr(one_speaker, "FEWEST_FRAMES", frames + 1)
    assert one_speaker.get_used(plain, description(), heard) is plain
    monkeypatch.setattr(one_speaker, "FEWEST_FRAMES", frames)
    assert one_speaker.get_used(plain, description(), heard) is not plain


def test_all_are_heard_before_one_comes_again():
    short = [np.zeros((10, 1)) for _ in range(one_speaker.BATCH + 3)]
    batches = list(one_speaker._batches(short))
    assert [len(each) for each in batches] == [one_speaker.BATCH] * one_speaker.STEPS
    names = {id(one): number for number, one in enumerate(short)}
    drawn = [names[id(one.base)] for batch in batches for one in batch]
    assert sorted(drawn[: len(short)]) == list(range(len(short)))
    long = [np.zeros((one_speaker.BATCH_FRAMES // 2, 1)) for _ in range(9)]
    assert {len(each) for each in one_speaker._batches(long)} == {2}
    part = one_speaker.PART_FRAMES
    batches = list(one_speaker._batches([np.arange(3 * part)[:, None]]))
    assert {one.shape for batch in batches for one in batch} == {(1, part, 1)}
    firsts = {batch[0][0, 0, 0] for batch in batches}
    assert firsts == {0, part, 2 * part} and {len(one) for one in batches} == {1}
    assert {len(each) for each in one_speaker._batches(short[:2])} == {2}


def test_what_cannot_be_used_is_refused():
    bands = description(config=features.FeatureConfig("log-mel"))
    with pytest.raises(speaker_adaptation.AdaptationError, match="received log-mel"):
        one_speaker.get_used(network(), bands, recordings())
    with pytest.raises(speaker_adaptation.AdaptationError, match="of numpy"):
        one_speaker.get_used(lambda inputs: None, description(), recordings())


# The whole path


@pytest.fixture
def model(tmp_path):
    architecture = wavenet.Config(channels=8, stacks=1, dilations=(1,))
    made = dataclasses.replace(description(), architecture=architecture)
    model_folder.save(tmp_path / "model", made.build(), made, "")
    return tmp_path / "model"


def said(tmp_path, speakers):
    """A manifest of tones, some higher than others, by some speakers."""
    utterances = []
    for number, speaker in enumerate(speakers):
        seconds = 0.5 + number / 10
        path = write_tone(tmp_path / f"{number}.wav", seconds=seconds)
        utterances.append(
            manifest.Utterance(
                f"u{number}", str(path), seconds, "", speaker, ("a1", "ba4")
            )
        )
    manifest.write(tmp_path / "said.jsonl", utterances)
    return tmp_path / "said.jsonl", utterances


def test_each_speaker_is_learned_from_all_that_one_says(model, tmp_path):
    path, utterances = said(tmp_path, ["b", "a", "b", "a", "a"])
    loaded = recognizer.load(model)
    config = loaded.description.features
    raw = [features.extract_file(item.audio_filepath, config) for item in utterances]
    expected = {}
    for speaker in "ab":
        own = [
            loaded.description.normalise(array)
            for item, array in zip(utterances, raw, strict=True)
            if item.speaker == speaker
        ]
        expected[speaker] = recognizer.used_to(loaded, own)
    batches = list(evaluation.posteriors_per_speaker(loaded, utterances, raw))
    found = [pair for batch in batches for pair in batch]
    assert sorted(item.id for item, _ in found) == ["u0", "u1", "u2", "u3", "u4"]
    for item, log_probs in found:
        array = raw[utterances.index(item)]
        normalised = loaded.description.normalise(array)
        own = recognizer.log_probs_of_features(expected[item.speaker], normalised)
        np.testing.assert_allclose(log_probs, own, atol=1e-4)
        plain = recognizer.log_probs_of_features(loaded, normalised)
        assert np.abs(own - plain).max() > 1e-3


def test_evaluate_says_how_it_listened(model, tmp_path, capsys, monkeypatch):
    path, _ = said(tmp_path, ["b", "a", "b", "a", "a"])
    heard = []

    def used_to(loaded, recordings):
        heard.append(len(recordings))
        return loaded

    monkeypatch.setattr(recognizer, "used_to", used_to)
    wanted = ["evaluate", str(model), str(path), "--language", "none"]
    for options, groups in (([], []), (["--per-speaker"], [3, 2])):
        assert cli.main([*wanted, *options]) == 0
        printed = capsys.readouterr()
        assert ("used to each speaker" in printed.out) == bool(groups)
        assert heard == groups
    assert cli.main([*wanted, "--per-speaker", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["per_speaker"] is True
    names = {one.name for one in (model / "evaluation").iterdir()}
    assert names == {"said.greedy.txt", "said.greedy.per-speaker.txt"}
    monkeypatch.setattr(one_speaker, "FEWEST_FRAMES", 200)  # a has 2.1 s, b 1.2
    assert cli.main([*wanted, "--per-speaker"]) == 0
    assert "1 of 2 speakers have less" in capsys.readouterr().err


def test_who_speaks_must_be_known(model, tmp_path, capsys):
    path, _ = said(tmp_path, ["a", ""])
    line = fails(capsys, "evaluate", model, path, "--per-speaker")
    assert "received 1 utterances without one" in line
    test_model_folder.saved(tmp_path / "bands")
    line = fails(capsys, "evaluate", tmp_path / "bands", path, "--per-speaker")
    assert "received log-mel" in line


def test_recordings_of_one_speaker_are_heard_together(model, tmp_path, capsys):
    paths = [write_tone(tmp_path / f"{n}.wav", seconds=0.5 + n / 10) for n in range(3)]
    (tmp_path / "bad.wav").write_text("no sound")
    paths.insert(1, tmp_path / "bad.wav")
    paths.append(test_cli.write_long(tmp_path / "long.wav"))
    wanted = ["transcribe", model, *paths, "--language", "none", "--one-speaker"]
    heard = []
    used_to = recognizer.used_to

    def listening(loaded, recordings):
        heard.extend(recordings)
        return used_to(loaded, recordings)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recognizer, "used_to", listening)
        assert cli.main([str(one) for one in wanted]) == 2
    whole, pieces = heard[:3], heard[3:]
    assert [len(one) for one in whole] == [49, 59, 69]
    assert len(pieces) == 2 and all(len(one) < 1000 for one in pieces)
    printed = capsys.readouterr()
    assert printed.err.count("bad.wav") == 1  # complained of once, and left out
    assert [line.split("	")[0] for line in printed.out.splitlines()] == [
        str(path) for path in paths if path.stem != "bad"
    ]


def test_too_little_to_get_used_to_is_said(model, tmp_path, capsys, monkeypatch):
    tone = write_tone(tmp_path / "tone.wav")
    wanted = ["transcribe", model, tone, "--language", "none", "--one-speaker"]
    for fewest, noted in ((99, False), (100, True)):
        monkeypatch.setattr(one_speaker, "FEWEST_FRAMES", fewest)
        assert cli.main([str(one) for one in wanted]) == 0
        assert ("less than a minute" in capsys.readouterr().err) == noted


@pytest.mark.parametrize("steps", [0, 2])
def test_the_pieces_of_a_long_recording_are_heard_together(model, tmp_path, steps):
    speaker_adaptation.save(model, steps)
    loaded = recognizer.load(model)
    samples = audio.read(test_cli.write_long(tmp_path / "long.wav"))
    heard = recognizer.hear_pieces(loaded, samples)
    assert [round(piece.start) for piece, _ in heard] == [5, 30]
    used = loaded
    if steps:  # a model that does not adapt does not do that either
        used = recognizer.used_to(loaded, [normalised for _, normalised in heard])
    found = recognizer.transcribe(loaded, samples)
    expected = [
        (label.label, piece.start + label.start, pytest.approx(label.probability))
        for piece, normalised in heard
        for label in recognizer.decode(
            used, recognizer.log_probs_of_features(used, normalised)
        ).labels
    ]
    assert expected
    assert [(one.label, one.start, one.probability) for one in found.labels] == expected


def test_a_model_of_other_features_says_so(tmp_path, capsys):
    test_model_folder.saved(tmp_path / "bands")
    tone = write_tone(tmp_path / "tone.wav")
    line = fails(capsys, "transcribe", tmp_path / "bands", tone, "--one-speaker")
    assert "received log-mel" in line

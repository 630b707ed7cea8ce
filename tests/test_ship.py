"""A trained model becomes the one that ships: small, attributed, always the same."""

import dataclasses
import json
import pathlib
import tomllib

import conftest
import numpy as np
import pytest
import test_model_folder

from data_prep import corpora, demo, model_card, pretrain, ship
from zhasr import manifest, model_folder, speaker_adaptation, tuning

VOICES = ("audio-cmn-yue-tan", "seedlingo")
RESULTS = {
    "command": "python benchmarks/real_speech.py CORPORA WORK",
    "rows": [
        {"test": "S0252", "measure": "toned syllables wrong", "value": 0.6123,
         "interval": [0.6, 0.62], "count": 466},
        {"test": "words", "measure": "right", "value": 1.0, "interval": None,
         "count": 1},
    ],
    "notes": ["34 sentences with Latin letters are left out."],
}  # fmt: skip


@pytest.fixture
def model(tmp_path):
    """A model of two voices and its data, one of them also in a second version."""
    _, made = test_model_folder.saved(tmp_path / "model")
    facts = {
        "corpora": ["words"] * 3, "voices": list(VOICES), "hours_heard": 12.3,
        "speaker_maps": str(tmp_path / "speakers" / "maps.safetensors"),
    }  # fmt: skip
    network, _ = model_folder.load(tmp_path / "model")
    made = dataclasses.replace(made, training=facts)
    model_folder.save(tmp_path / "model", network, made, "")
    for name, voice in (("a", VOICES[0]), ("b", VOICES[1]), ("b@1", VOICES[1])):
        folder = conftest.write_prepared(tmp_path / "data" / name)
        config = json.loads((folder / "config.json").read_text())
        config |= {"corpus": "words", "disturbed": 1 if "@" in name else None}
        (folder / "config.json").write_text(json.dumps(config))
        for split in ("train", "dev"):
            path = folder / f"{split}.jsonl"
            found = manifest.read(path)
            manifest.write(
                path, [dataclasses.replace(each, speaker=voice) for each in found]
            )
    test_model_folder.saved(tmp_path / "data" / "speakers")  # no data
    return tmp_path / "model"


def data(model):
    return sorted((model.parent / "data").iterdir())


def results(path, weights):
    digest = ship.fingerprint({model_folder.WEIGHTS: weights})
    path.write_text(json.dumps({**RESULTS, "weights": digest}))
    return path


def test_it_hears_the_same_in_both_engines_and_is_half_as_large(model, tmp_path):
    sizes = ship.ship(model, tmp_path / "out", data(model))
    name = model_folder.WEIGHTS
    assert sizes[name] < 0.75 * (model / name).stat().st_size  # biases stay
    big, _ = model_folder.load(model)
    keras_network, _ = model_folder.load(tmp_path / "out")
    numpy_network, _ = model_folder.load_numpy(tmp_path / "out")
    wanted = test_model_folder.logits(big)
    found = test_model_folder.logits(keras_network)
    assert found.dtype == np.float32 and np.abs(found - wanted).max() > 0
    np.testing.assert_allclose(found, wanted, atol=0.02)
    found_by_numpy = test_model_folder.logits(numpy_network)
    np.testing.assert_allclose(found_by_numpy, found, atol=1e-4)


def test_the_same_model_gives_the_same_bytes_without_a_trace_of_here(model, tmp_path):
    (model / tuning.NAME).write_text("{}")
    speaker_adaptation.save(model, 0)
    (model / "training").mkdir()
    ship.ship(model, tmp_path / "1", data(model))
    (tmp_path / "2").mkdir()
    ship.ship(model, tmp_path / "2", data(model))
    config = (tmp_path / "1" / "config.json").read_text()
    assert '"speaker_maps": "speakers/maps.safetensors"' in config
    assert "gets used to" not in (tmp_path / "1" / "card.md").read_text()
    for path in (tmp_path / "1").iterdir():
        content = path.read_bytes()
        assert content == (tmp_path / "2" / path.name).read_bytes()
        assert str(tmp_path).encode() not in content
    (model / tuning.NAME).unlink()
    (model / speaker_adaptation.NAME).unlink()
    ship.ship(model, tmp_path / "2", data(model))
    names = {path.name for path in (tmp_path / "2").iterdir()}
    speaker_adaptation.save(model, 3)
    ship.ship(model, tmp_path / "3", data(model))
    assert "each recording, in 3 steps" in (tmp_path / "3" / "card.md").read_text()
    assert names == {"card.md", "config.json", "vocabulary.txt", "weights.safetensors"}


def test_the_card_attributes_counts_and_measures(model, tmp_path):
    ship.ship(model, tmp_path / "out", data(model))
    assert "not measured yet" in (tmp_path / "out" / "card.md").read_text()
    weights = (tmp_path / "out" / model_folder.WEIGHTS).read_bytes()
    measured = results(tmp_path / "r.json", weights)
    ship.ship(model, tmp_path / "out", data(model), None, measured, "make it")
    card = (tmp_path / "out" / "card.md").read_text()
    for part in ("Yue Tan", "CC BY-SA 4.0", "nodepa", "Changes", "    make it"):
        assert part in card
    hours = sum(item.duration for item in manifest.read(data(model)[1] / "train.jsonl"))
    row = next(line for line in card.splitlines() if line.startswith("| seedlingo"))
    cells = [cell.strip() for cell in row.split("|")[2:6]]
    assert cells == ["1", f"{hours / 3600:.2f}", "2", f"{2 * hours / 3600:.2f}"]
    assert "61.2 %" in card and "60.0 – 62.0 %" in card and "Latin" in card
    assert "heard 12 hours" in card and "pretrain CORPORA" in card


def test_the_card_counts_a_set_of_sentences_put_together_once_in_a_pass(model):
    folders = data(model)[:1] * 2 * pretrain.ASSEMBLED_FOLDERS
    path = folders[0] / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "corpus": model_card.ASSEMBLED}))
    description = model_folder.load_description(model)

    def card(folders):
        return model_card.write(description, model_card.parts(folders), {})

    (part,) = model_card.parts(folders)
    assert part.versions == 1 and part.hours == pytest.approx(2 * part.pass_hours)
    words = "sentences put together from the words and syllables of these voices"
    assert f"again; of the {words}, one of 2 sets in a training." in card(folders)
    one_set = folders[: pretrain.ASSEMBLED_FOLDERS]
    assert "again and again. Test" in card(one_set)
    assert model_card.parts(one_set)[0].pass_hours == pytest.approx(part.pass_hours)
    assert "pieces" not in card(one_set)

    cut = folders[0].rename(folders[0].with_name("read-cut-0123"))
    told = card([cut] * pretrain.ASSEMBLED_FOLDERS)
    assert f"; the {model_card.OF_PIECES} in some trainings only. Test" in told
    assert "syllables and pieces of sentences (`data_prep.cut`) were trimmed" in told


def test_the_card_tells_what_was_expected_to_be_wrong_where_that_was_measured():
    values = {model_card.TONED: 0.444, model_card.EXPECTED: 0.331}
    rows = [
        {"test": "S0252, words", "measure": measure, "value": value}
        for measure, value in values.items()
    ]
    said = "Of S0252 it expects 33.1 % of the toned syllables to be wrong, where 44.4 %"
    assert said in model_card._bad_at([], {"rows": rows})
    assert "expects" not in model_card._bad_at([], {"rows": rows[:1]})
    assert "expects" not in model_card._bad_at([], None)


def test_what_does_not_belong_together_is_refused(model, tmp_path, capsys):
    folders = list(map(str, data(model)[:3]))
    command = [str(model), str(tmp_path / "out"), "--data", *folders]

    def fails(*arguments):
        assert ship.main(list(arguments)) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert not (tmp_path / "out").exists()
        return line

    assert "trained on" in fails(*command[:-1])
    other = results(tmp_path / "r.json", b"other weights")
    assert "another model" in fails(*command, "--results", str(other))
    other.write_text("[]")
    assert "expected results" in fails(*command, "--results", str(other))
    path = data(model)[0] / "train.jsonl"
    first, *others = manifest.read(path)
    manifest.write(path, [dataclasses.replace(first, speaker="eve"), *others])
    assert "voices" in fails(*command)
    manifest.write(path, [first, *others])
    with pytest.raises(ship.ShipError, match="expected at most 0.001"):
        ship.ship(model, tmp_path / "out", data(model), largest=1000)
    description, weights = model_folder.load_weights(model)
    weights["stem/kernel"][:] = 1e6
    with pytest.raises(ship.ShipError, match="stem/kernel"):
        ship.pack(weights, description.vocabulary)


def test_of_trainings_one_after_another_all_voices_are_wanted(model):
    description = model_folder.load_description(model)
    facts = {**description.training, "corpora": ["words"], "start": "m"}
    begun = dataclasses.replace(description, training=facts)
    ship.check_data(begun, data(model)[:3])  # two voices, each heard in a training
    with pytest.raises(ship.ShipError, match="voices"):
        ship.check_data(begun, data(model)[:1])


def test_every_voice_of_a_corpus_has_a_source():
    assert corpora.sources("folder", {"me"}) == []
    (one,) = corpora.sources("words", {VOICES[0]})
    assert "Yue Tan" in str(one) and "nodepa" not in str(one)
    for name in ("aishell", "thchs30", "dspspeech"):
        (one,) = corpora.sources(name, {"anybody"})
        assert one.licence and one.address.startswith("https://")


def test_a_wheel_contains_it():
    text = (pathlib.Path(__file__).parents[1] / "pyproject.toml").read_text()
    tool = tomllib.loads(text)["tool"]["setuptools"]
    name = "zhasr.pretrained.mandarin"
    assert name in tool["packages"] and tool["package-data"][name] == ["*"]
    assert model_folder.SHIPPED.parts[-3:] == tuple(name.split("."))
    sizes = [path.stat().st_size for path in model_folder.SHIPPED.iterdir()]
    assert sum(sizes) <= ship.LARGEST


def test_the_demo_ends_with_the_model_that_ships(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path / "none")
    demo.print_shipped(tmp_path)
    assert "No model comes with" in capsys.readouterr().out
    test_model_folder.saved(tmp_path / "mandarin")
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path / "mandarin")
    item = manifest.Utterance("a", "a.wav", 1.0, "你好", "espeak", ("ni3", "hao3"))
    manifest.write(tmp_path / "data" / "test.jsonl", [item])
    commands = []
    monkeypatch.setattr(
        demo.subprocess, "run", lambda command, check: commands.append(command)
    )
    demo.print_shipped(tmp_path)
    printed = capsys.readouterr().out
    assert "synthetic" in printed and printed.endswith("zhasr transcribe my.wav\n")
    ((*_, verb, path),) = commands
    assert verb == "transcribe" and path.endswith("a.wav")

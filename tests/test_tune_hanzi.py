"""Weights on a toy language in which one weight decides."""

import dataclasses
import json
import math

import numpy as np
import pytest
import toy_language

from data_prep import pinyin_text, tune_hanzi
from zhasr import hanzi, language_model, lexicon

pytestmark = pytest.mark.slow  # compiles the searches

NAMES = (*language_model.SPECIAL_WORDS, "你", "泥", "马")
# 你 is likely to begin a sentence, by 8; ni2 before a third tone may be 你 or 泥.
KNOWN = {("<s>", "你"): -1.0}
SENTENCES = [
    pinyin_text.Sentence(("ni2", "ma3"), "你马"),
    pinyin_text.Sentence(("ni3", "ma3"), "你马"),
    pinyin_text.Sentence(("ma3",), "马"),
]


def toy(**changed):
    """A language whose other words and pairs are all alike."""
    model = toy_language.model_of(NAMES, np.random.default_rng(0), known=KNOWN)
    weights = dataclasses.replace(hanzi.Weights(), **changed)
    return hanzi.Language(model, lexicon.build(NAMES, [1] * len(NAMES)), weights)


def wrong_at_first():
    """Sandhi is a little too dear for 你."""
    return toy(sandhi=8.5)


def folder_of(path, language):
    path.mkdir()
    language_model.save(path / language_model.NAME, language.model)
    lexicon.save(path / lexicon.NAME, language.lexicon)
    hanzi.save_weights(path, language.weights)
    (path / "card.md").write_text("# Language model\n\n## Text\n\nnone\n")
    return path


def transcript(path, sentences=SENTENCES):
    rows = (f"a.wav\t{' '.join(one.syllables)}\t{one.text}" for one in sentences)
    path.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return path


def test_errors_fall():
    told = []
    language = wrong_at_first()
    trials = tune_hanzi.tune(language, [SENTENCES], told.append)
    assert trials[0].weights == language.weights
    costs = [trial.cost for trial in trials]
    assert len(costs) > 1 and costs == sorted(set(costs), reverse=True)
    assert trials[0].errors == (1, 0) and trials[-1].errors == (0, 0)
    assert trials[-1].weights.sandhi < 8 or trials[-1].weights.language > 1
    assert len({trial.weights for trial in told}) == len(told) >= len(trials)
    best = min(told, key=lambda trial: trial.cost)
    assert trials[-1].cost <= best.cost + tune_hanzi.LEAST_GAIN
    again = dataclasses.replace(language, weights=trials[-1].weights)
    assert tune_hanzi.attempt(again, [SENTENCES]).errors == trials[-1].errors


def test_what_is_good_stays():
    trials = tune_hanzi.tune(toy(), [SENTENCES[1:]])
    assert [trial.weights for trial in trials] == [hanzi.Weights()]
    assert trials[0].errors == (0, 0)


def test_errors_with_and_without_tones_are_counted_apart():
    language = toy()
    trial = tune_hanzi.attempt(language, [SENTENCES, SENTENCES[:1]])
    expected = []
    for toned in (True, False):
        for sample in (SENTENCES, SENTENCES[:1]):
            wrong = 0
            for syllables, text in sample:
                heard = [one if toned else one[:-1] for one in syllables]
                found = hanzi.consensus(heard, language).text
                wrong += sum(a != b for a, b in zip(found, text, strict=True))
            expected.append(wrong)
    assert trial.errors == tuple(expected)
    assert trial.cost == pytest.approx(sum(math.log(one + 1) for one in expected))


def test_a_missing_character_is_an_error():
    sentence = pinyin_text.Sentence(("?", "ma3"), "你马")
    assert tune_hanzi.count_errors(toy(), sentence, toned=True) == 2


def test_weights_without_sense_are_not_tried():
    told = []
    tune_hanzi.tune(toy(language=0.1, consensus=0.1), [SENTENCES], told.append)
    for trial in told:
        values = dataclasses.asdict(trial.weights)
        assert all(value > 0 for name, value in values.items() if name != "word")
        assert trial.weights.characters == hanzi.Weights().characters  # has no model


@pytest.mark.parametrize("samples", [[], [[]], [SENTENCES, []]])
def test_nothing_to_tune_on(samples):
    with pytest.raises(ValueError, match="received none"):
        tune_hanzi.tune(toy(), samples)


def test_the_command(tmp_path, capsys):
    folder = folder_of(tmp_path / "language", wrong_at_first())
    path = transcript(tmp_path / "dev.txt")
    assert tune_hanzi.main([str(folder), str(path)]) == 0
    assert "| yes   | 2      | 33.33          | 0.00 " in capsys.readouterr().out
    # Once more: the section of the card is replaced.
    assert tune_hanzi.main([str(folder), str(path)]) == 0
    tuned = hanzi.load(folder)
    before = tune_hanzi.attempt(wrong_at_first(), [SENTENCES])
    assert tune_hanzi.attempt(tuned, [SENTENCES]).cost < before.cost
    assert set(json.loads((folder / "weights.json").read_text())) == set(
        dataclasses.asdict(hanzi.Weights())
    )
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert card.startswith(
        "# Language model\n\n## Text\n\nnone\n\n## Weights\n\n| sent"
    )
    assert card.count("## Weights") == 1 and "data_prep.tune_hanzi" in card
    assert "| dev " in card and "| dev " in capsys.readouterr().out


def test_a_sample_is_distinct_and_the_same_each_time(tmp_path):
    letters = pinyin_text.Sentence(("?K", "ge1"), "K歌")
    path = transcript(tmp_path / "dev.txt", [*SENTENCES, letters, *SENTENCES])
    every = tune_hanzi.sample(path, 99)
    assert sorted(every) == sorted([SENTENCES[0], SENTENCES[2]])
    assert tune_hanzi.sample(path, 2) == tune_hanzi.sample(path, 2)
    assert len(tune_hanzi.sample(path, 1)) == 1


def test_bad_input(tmp_path, capsys):
    folder = folder_of(tmp_path / "language", toy())
    path = transcript(tmp_path / "dev.txt")
    before = {one: one.read_bytes() for one in folder.iterdir()}
    (tmp_path / "empty.txt").write_text("")
    for arguments in (
        [tmp_path / "absent", path],
        [folder, tmp_path / "absent.txt"],
        [folder, tmp_path / "empty.txt"],
        [folder, folder / "card.md"],
    ):
        assert tune_hanzi.main([str(one) for one in arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("tune_hanzi: ") and error.count("\n") == 1
    assert {one: one.read_bytes() for one in folder.iterdir()} == before

"""Weights that make fewer errors; the file they are kept in."""

import dataclasses
import json

import numpy as np
import pytest
from test_word_search import even_model, planted, small_tree

from zhasr import decoders, tuning, two_stage, word_search

pytestmark = pytest.mark.slow  # compiles the searches


@pytest.fixture(scope="module")
def cases():
    """Sentences whose blanks are so likely that a bonus is needed to hear anything."""
    log_probs = planted([0, 1, 0, 2, 0, 3, 0], 4, peak=0.9)
    with np.errstate(divide="ignore"):
        probs = np.exp(log_probs)
    probs[1::2, 0] = 0.5 * probs[1::2].max(axis=1)
    log_probs = np.log(probs / probs.sum(axis=1, keepdims=True))
    return [tuning.Case(log_probs, ("ma1", "ma2", "shi4"), "妈麻事")] * 2


def decoder(options=None, name="words"):
    """Of three syllables; the language is in the tree already."""
    tree = small_tree(even_model())
    options = options or decoders.OPTIONS[name]
    return decoders.Decoder(name, tree.vocabulary, "any", options, tree)


def test_errors_fall(cases):
    start = word_search.Options(syllable_bonus=0.5)
    told = []
    trials = tuning.tune(cases, decoder(start), told.append)
    errors = [trial.counts.errors for trial in trials]
    assert trials[0].options == start
    assert errors[0] > 0 and errors == sorted(errors, reverse=True)
    assert trials[-1].counts.errors < trials[0].counts.errors
    assert len(told) >= len(trials) and set(map(id, trials)) <= set(map(id, told))
    assert trials[-1].counts.reference_length == 6


def test_what_is_good_stays(cases):
    sure = [tuning.Case(planted([0, 3, 0], 4, 0.999), ("shi4",), "事")]
    trials = tuning.tune(sure, decoder())
    assert [trial.options for trial in trials] == [word_search.Options()]


def test_without_texts_syllables_are_counted(cases):
    silent = [tuning.Case(case.log_probs, case.syllables) for case in cases]
    trials = tuning.tune(silent, decoder())
    assert trials[-1].counts.reference_length == 6


def test_nothing_to_tune_on(cases):
    with pytest.raises(tuning.TuningError, match="0 of 0"):
        tuning.tune([], decoder())
    mixed = [cases[0], tuning.Case(cases[0].log_probs, ("ma1",))]
    with pytest.raises(tuning.TuningError, match="1 of 2"):
        tuning.tune(mixed, decoder())


def test_a_decoder_without_weights_is_not_tuned(cases):
    with pytest.raises(tuning.TuningError, match="received 'greedy'"):
        tuning.tune(cases, decoder(name="greedy"))
    without = dataclasses.replace(decoder(), language=None)
    with pytest.raises(tuning.TuningError, match="with a language"):
        tuning.tune(cases, without)


def test_weights_are_kept_in_the_model_folder(tmp_path, cases):
    assert tuning.load(tmp_path) == word_search.Options()
    assert tuning.load(tmp_path, "beam") == two_stage.OPTIONS
    trials = tuning.tune(cases, decoder())
    tuning.save(tmp_path, "words", trials, about="two sentences")
    assert tuning.load(tmp_path) == trials[-1].options
    assert tuning.load(tmp_path, "beam") == two_stage.OPTIONS
    content = json.loads((tmp_path / tuning.NAME).read_text())
    assert content["words"]["tuned_on"] == "two sentences"
    assert content["words"]["error"] <= content["words"]["error_before"]


def test_each_decoder_has_its_weights(tmp_path, cases):
    trials = tuning.tune(cases, decoder())
    changed = dataclasses.replace(trials[-1].options, word_bonus=-3.5)
    others = [trials[0], dataclasses.replace(trials[-1], options=changed)]
    (tmp_path / tuning.NAME).write_text("damaged")
    tuning.save(tmp_path, "words", trials)
    tuning.save(tmp_path, "beam", others)
    assert tuning.load(tmp_path, "words") == trials[-1].options
    assert tuning.load(tmp_path, "beam") == changed
    described = tuning.describe(tmp_path, "beam", changed)
    assert described["source"] == str(tmp_path / tuning.NAME)
    assert described["word_bonus"] == -3.5


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "other"}',
        '{"format": "zhasr-decoding-1", "words": {}}',
        '{"format": "zhasr-decoding-1", "words": {"language_weight": "x"}}',
    ],
)
def test_damaged_weights_are_refused(tmp_path, content):
    (tmp_path / tuning.NAME).write_text(content)
    with pytest.raises(tuning.TuningError, match=r"decoding.json: expected weights"):
        tuning.load(tmp_path)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "1e300", "1" + 400 * "0"])
def test_weights_without_measure_are_refused(tmp_path, bad):
    words = f'{{"language_weight": 1, "syllable_bonus": 1, "word_bonus": {bad}}}'
    content = f'{{"format": "{tuning.FORMAT}", "words": {words}}}'
    (tmp_path / tuning.NAME).write_text(content)
    with pytest.raises(tuning.TuningError, match=r"decoding.json: expected weights"):
        tuning.load(tmp_path)


def test_negative_language_weight_is_refused(tmp_path):
    words = {"language_weight": -1, "word_bonus": 0, "syllable_bonus": 0}
    content = {"format": tuning.FORMAT, "words": words}
    (tmp_path / tuning.NAME).write_text(json.dumps(content))
    with pytest.raises(tuning.TuningError, match="at least 0"):
        tuning.load(tmp_path)


def test_a_file_from_before_there_was_a_blank_penalty(tmp_path):
    words = {"language_weight": 1, "word_bonus": 2, "syllable_bonus": 3}
    content = {"format": tuning.FORMAT, "words": words}
    (tmp_path / tuning.NAME).write_text(json.dumps(content))
    expected = word_search.Options(language_weight=1, word_bonus=2, syllable_bonus=3)
    assert tuning.load(tmp_path) == expected

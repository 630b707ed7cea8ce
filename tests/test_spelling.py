"""The best path that spells syllables, against all paths and against the plain one."""

import itertools

import numpy as np
import pytest
from test_ctc import random_logits

from zhasr import ctc, decoding, pinyin, recognizer, spelling, vocabulary

# bo2 and duo2 are syllables; buo2 and do2 are none.
NAMES = vocabulary.build("initial-final", [["b", "o2"], ["d", "uo2"]])


def random_log_probs(frames, labels, seed):
    return recognizer.log_softmax(random_logits(frames, labels, seed=seed))


def spells(labels):
    texts = NAMES.decode(labels)
    found = pinyin.syllables_from_labels("initial-final", texts)
    known = all(map(pinyin.is_syllable, found))
    return known and pinyin.targets("initial-final", found) == texts


def best_of_all(log_probs):
    """Of every path there is, the likeliest that spells syllables: its score."""
    frames, labels = log_probs.shape
    return max(
        log_probs[np.arange(frames), path].sum()
        for path in itertools.product(range(labels), repeat=frames)
        if spells(ctc.collapse(path))
    )


@pytest.mark.parametrize("frames", range(1, 7))
@pytest.mark.parametrize("seed", range(4))
def test_no_path_that_spells_is_better(frames, seed):
    log_probs = random_log_probs(frames, len(NAMES), seed)
    network = spelling._network(NAMES.labels)
    path = network.search(log_probs)
    assert spells(ctc.collapse(path))
    score = log_probs[np.arange(frames), path].sum()
    assert score == pytest.approx(best_of_all(log_probs))
    found = spelling.best_path(log_probs, NAMES)
    assert [one.label for one in found] == ctc.collapse(path)


def said(*labels):
    """Log probabilities of labels, one in each frame, the blank next to them."""
    scores = np.zeros((len(labels), len(NAMES)))
    scores[:, ctc.BLANK] = 3
    scores[np.arange(len(labels)), [NAMES.labels.index(one) for one in labels]] = 5
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def heard(log_probs):
    found = spelling.best_path(log_probs, NAMES)
    return NAMES.decode([one.label for one in found])


def test_what_spells_is_kept():
    log_probs = said("b", "o2", "<blank>", "d", "d", "<blank>", "uo2", "b", "o2")
    assert spelling.best_path(log_probs, NAMES) == decoding.greedy(log_probs)
    assert heard(log_probs) == ["b", "o2", "d", "uo2", "b", "o2"]


def test_what_does_not_spell_is_mended():
    for wrong in (["b"], ["o2"], ["uo2", "d"], ["b", "b"]):
        assert heard(said(*wrong)) == []  # the blank is next
    log_probs = said("b", "uo2")
    log_probs[0, NAMES.labels.index("d")] += 1.9
    assert heard(log_probs) == ["d", "uo2"]
    assert heard(said("d", "o2", "uo2")) == ["d", "uo2"]
    assert heard(said()) == heard(np.zeros((0, len(NAMES)))) == []


def test_no_syllable_goes_on_after_a_pause():
    pause = ["<blank>"] * spelling.PAUSE
    assert heard(said("b", *pause[1:], "o2")) == ["b", "o2"]
    assert heard(said("b", *pause, "o2")) == []
    kept = ["b", "o2", "<blank>", "d", "uo2", *pause, *pause]
    assert heard(said(*kept, "o2")) == ["b", "o2", "d", "uo2"]
    wrong = said("b", "uo2", *pause, "d", "uo2")
    wrong[0, NAMES.labels.index("d")] += 1.9
    assert heard(wrong) == ["d", "uo2", "d", "uo2"]


def test_its_labels_know_when_and_how_surely():
    log_probs = said("<blank>", "b", "uo2")
    log_probs[1, NAMES.labels.index("d")] += 1.9
    first, second = spelling.best_path(log_probs, NAMES)
    assert (first.start, first.end, second.start, second.end) == (1, 2, 2, 3)
    sure = np.exp(log_probs[1, NAMES.labels.index("d")])
    assert first.probability == pytest.approx(sure, rel=1e-4)


@pytest.mark.parametrize("kind", ["syllable", "base-syllable", "character"])
def test_other_labels_need_no_spelling(kind):
    names = vocabulary.build(kind, [["一", "b"]])
    log_probs = random_log_probs(9, len(names), 0)
    assert spelling.best_path(log_probs, names) == decoding.greedy(log_probs)


def test_a_frame_in_which_nothing_spells_does_not_silence_the_others():
    log_probs = np.full((6, len(NAMES)), -np.inf)
    for frame, label in enumerate(["b", "o2", "uo2", "<blank>", "d", "uo2"]):
        log_probs[frame, NAMES.labels.index(label)] = 0
    assert heard(log_probs)[-2:] == ["d", "uo2"]
    sure = spelling.best_path(log_probs, NAMES)[-1].probability
    assert sure == 1


def test_labels_that_spell_nothing_are_those_of_greedy():
    for labels in (["b", "d"], ["o2", "uo2"], ["n", "i", "h", "ao"]):
        names = vocabulary.build("initial-final", [labels])
        log_probs = random_log_probs(9, len(names), 0)
        assert spelling.best_path(log_probs, names) == decoding.greedy(log_probs)
    listed = spelling.best_path(random_log_probs(9, len(NAMES), 0).tolist(), NAMES)
    found = spelling.best_path(random_log_probs(9, len(NAMES), 0), NAMES)
    assert [one.label for one in listed] == [one.label for one in found]


def test_bad_input_is_that_of_greedy():
    with pytest.raises(ValueError, match="shape"):
        spelling.best_path(np.zeros(5), NAMES)


def test_every_syllable_can_be_spelled():
    syllables = [f"{base}{tone}" for base in pinyin.SYLLABLES for tone in range(1, 6)]
    names = vocabulary.build(
        "initial-final", [pinyin.targets("initial-final", syllables)]
    )
    network = spelling._network(names.labels)
    assert network.spelled.sum() == len(syllables)
    labels = names.encode(pinyin.targets("initial-final", syllables))
    assert network.spells(list(labels))
    assert not network.spells(list(labels[:3])) and not network.spells([labels[1]] * 2)

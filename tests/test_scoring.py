"""Scoring against jiwer, brute force, and examples counted by hand."""

import dataclasses
import functools
import itertools
import math
import random
import types

import jiwer
import numpy as np
import pytest

from zhasr import pinyin, scoring
from zhasr.scoring import ErrorCounts, Scored


def scored(reference, hypothesis, name="1", speaker="a", **texts):
    return Scored(
        name, speaker, tuple(reference.split()), tuple(hypothesis.split()), **texts
    )


def rates(*utterances, **options):
    return scoring.score(utterances, **options).rates


def errors(reference, hypothesis):
    return scoring.count(scoring.align(reference, hypothesis))


# Alignment


def all_alignments(reference, hypothesis):
    """Every way to pair two sequences: the oracle of the tie-breaking."""
    if not reference and not hypothesis:
        yield []
    if reference and hypothesis:
        for rest in all_alignments(reference[1:], hypothesis[1:]):
            yield [(reference[0], hypothesis[0]), *rest]
    if reference:
        for rest in all_alignments(reference[1:], hypothesis):
            yield [(reference[0], None), *rest]
    if hypothesis:
        for rest in all_alignments(reference, hypothesis[1:]):
            yield [(None, hypothesis[0]), *rest]


def wrong(pairs):
    return sum(first != second for first, second in pairs)


def right(pairs):
    return sum(first == second for first, second in pairs)


def sequences(labels, longest):
    for length in range(longest + 1):
        yield from itertools.product(labels, repeat=length)


def test_every_short_pair_is_aligned_with_fewest_errors_then_most_equal_pairs():
    for reference, hypothesis in itertools.product(sequences("abc", 3), repeat=2):
        chosen = scoring.align(reference, hypothesis)
        everything = [*all_alignments(reference, hypothesis)]
        best = min((wrong(pairs), -right(pairs)) for pairs in everything)
        assert (wrong(chosen), -right(chosen)) == best
        assert chosen in everything


def test_finer_labels_break_the_ties_that_are_left():
    generator = random.Random(4)
    for _ in range(150):
        sides = [
            [generator.choice(("a1", "a2", "b1", "b2")) for _ in range(length)]
            for length in (generator.randint(0, 4), generator.randint(0, 4))
        ]

        def cost(pairs):
            bases = [tuple(label and label[0] for label in pair) for pair in pairs]
            return wrong(bases), -right(bases), -right(pairs)

        chosen = scoring.align_bases(*sides)
        assert cost(chosen) == min(map(cost, all_alignments(*sides)))


def test_long_alignments_agree_with_jiwer():
    generator = random.Random(1)
    for labels in ("ab", "abcdefgh"):
        for _ in range(40):
            reference = generator.choices(labels, k=generator.randint(1, 60))
            hypothesis = generator.choices(labels, k=generator.randint(0, 60))
            theirs = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
            ours = errors(reference, hypothesis)
            total = theirs.substitutions + theirs.deletions + theirs.insertions
            assert ours.errors == total
            assert ours.rate == pytest.approx(theirs.wer)
            hits = ours.reference_length - ours.substitutions - ours.deletions
            assert hits >= theirs.hits


def test_counts_agree_with_jiwer_where_only_one_alignment_is_best():
    reference = "wo3 men5 qu4 bei3 jing1 kan4 ta1".split()
    hypothesis = "wo3 qu4 pei3 jing1 kan4 kan5 ta1".split()
    theirs = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    ours = errors(reference, hypothesis)
    assert (theirs.substitutions, theirs.deletions, theirs.insertions) == (1, 1, 1)
    assert ours == ErrorCounts(1, 1, 1, 7)


def test_alignment_keeps_both_sequences():
    generator = random.Random(2)
    for _ in range(50):
        reference, hypothesis = (
            generator.choices("abcd", k=generator.randint(0, 20)) for _ in range(2)
        )
        pairs = scoring.align(reference, hypothesis)
        assert [first for first, _ in pairs if first is not None] == reference
        assert [second for _, second in pairs if second is not None] == hypothesis
        assert (None, None) not in pairs


@pytest.mark.parametrize(
    "reference, hypothesis, expected",
    [
        ("", "", (0, 0, 0, 0)),
        ("abc", "", (0, 3, 0, 3)),
        ("", "ab", (0, 0, 2, 0)),
        ("abc", "abc", (0, 0, 0, 3)),
        ("abc", "axc", (1, 0, 0, 3)),
        ("a", "bcd", (1, 0, 2, 1)),
        ("aa", "a", (0, 1, 0, 2)),
        ("kitten", "sitting", (2, 0, 1, 6)),
        ("ab", "bc", (0, 1, 1, 2)),  # not two substitutions: b was heard
    ],
)
def test_planted_errors(reference, hypothesis, expected):
    assert dataclasses.astuple(errors(reference, hypothesis)) == expected


def test_substituted_syllables_are_paired_by_their_base():
    pairs = scoring.align_syllables(["ni3", "hao3"], ["hao4"])
    assert pairs == [("ni3", None), ("hao3", "hao4")]
    pairs = scoring.align_syllables(["ni3", "hao3"], ["ni4"])
    assert pairs == [("ni3", "ni4"), ("hao3", None)]


def test_labels_are_compared_whole():
    assert errors(["zh", "ang1"], ["zha", "ng1"]).substitutions == 2


# Counts


def test_counts_add_up_to_a_corpus_rate():
    total = sum([ErrorCounts(1, 0, 0, 1), ErrorCounts(0, 0, 0, 99)], ErrorCounts())
    assert total.rate == 0.01  # and not the mean of 100 % and 0 %


def test_rate_above_one_is_not_clamped():
    assert errors("a", "bcd").rate == 3


def test_empty_reference_has_no_rate():
    assert math.isnan(ErrorCounts().rate)
    assert ErrorCounts(insertions=2).rate == math.inf


# Rates


def test_every_rate_of_an_example_counted_by_hand():
    """shi4 heard as si4, guo2 with another tone, ren2 lost, a5 too much.

    Phones: sh ix4 / s iy4 are two, uo2 / uo4 one, r en2 two lost, aa a5 two more.
    """
    result = rates(
        scored(
            "wo3 shi4 zhong1 guo2 ren2",
            "wo3 a5 si4 zhong1 guo4",
            reference_text="我是中国人",
            hypothesis_text="我啊四中过",
        )
    )
    counts = {kind: dataclasses.astuple(rate.counts) for kind, rate in result.items()}
    assert counts == {
        "character": (2, 1, 1, 5),
        "syllable": (2, 1, 1, 5),
        "base-syllable": (1, 1, 1, 5),
        "tone": (1, 0, 0, 3),
        "phone": (3, 2, 2, 10),
        "sentence": (1, 0, 0, 1),
    }


def test_tone_rate_counts_only_syllables_whose_base_is_right():
    result = rates(scored("ma1 ma2 ma3 ba4", "ma1 ma1 ma1 pa1"))
    assert result["tone"].counts == ErrorCounts(2, 0, 0, 3)
    assert result["base-syllable"].rate == 0.25
    assert result["syllable"].rate == 0.75


def test_one_of_two_equal_bases_lost_is_no_wrong_tone():
    for heard in ("ma1", "ma5"):
        tones = rates(scored("ma1 ma5", heard))["tone"]
        assert tones.counts == ErrorCounts(reference_length=1)


def test_neutral_tone_is_a_tone():
    assert rates(scored("de5", "de2"))["tone"].rate == 1


def test_tone_rate_without_a_right_base_is_unknown():
    tones = rates(scored("ma1", "pa1"), scored("ta1", "", name="2"))["tone"]
    assert math.isnan(tones.rate)
    assert tones.interval is None


def test_sentences_are_counted_once():
    perfect = [scored("ni3 hao3", "ni3 hao3", name=str(n)) for n in range(3)]
    result = rates(*perfect, scored("ni3 hao3", "", name="3"))
    assert result["sentence"].counts == ErrorCounts(1, 0, 0, 4)


def test_rates_are_of_the_corpus_not_means_of_utterances():
    result = rates(scored("a1", "ma1"), scored("ni3 " * 9, "ni3 " * 9, name="2"))
    assert result["syllable"].rate == pytest.approx(0.1)
    low, high = result["syllable"].interval
    assert low <= 0.1 <= high


def test_empty_sides():
    result = rates(
        scored("", "", name="1"),
        scored("", "ma1", name="2"),
        scored("ma1 ma2", "", name="3"),
    )
    assert result["syllable"].counts == ErrorCounts(0, 2, 1, 2)
    assert result["syllable"].rate == 1.5
    assert result["sentence"].counts == ErrorCounts(2, 0, 0, 3)


def test_toneless_model_gets_no_toned_rate():
    scores = scoring.score([scored("ni3 hao3", "ni gao")], toned=False)
    given = {kind for kind, rate in scores.rates.items() if rate is not None}
    assert given == {"base-syllable"}
    assert scores.rates["base-syllable"].counts == ErrorCounts(1, 0, 0, 2)
    assert scores.tone_confusions is None
    assert scores.confusions == (scoring.Confusion("hao", "gao", 1),)
    assert scores.speakers["a"]["syllable"] is None


def test_characters_only_where_they_were_recognised():
    assert rates(scored("ma1", "ma1", reference_text="妈"))["character"] is None


def test_characters_only_against_a_reference_text():
    result = rates(
        scored("ma1", "ma1", name="1", hypothesis_text="妈"),
        scored("ma1", "ma1", name="2", reference_text="妈", hypothesis_text="吗"),
    )
    assert result["character"].counts == ErrorCounts(1, 0, 0, 1)


def test_character_rate_normalises_both_sides():
    written = "我，有 2个ＡＢc！"
    spoken = pinyin.normalise(written)
    for reference, hypothesis in [(written, spoken), (spoken, written)]:
        result = rates(
            scored("", "", reference_text=reference, hypothesis_text=hypothesis)
        )
        assert result["character"].counts == ErrorCounts(reference_length=len(spoken))
    assert "，" not in spoken and " " not in spoken


def test_phones_of_what_is_no_syllable_still_count():
    odd = pinyin.syllables_from_labels("initial-final", ["b", "iang4"])
    result = rates(scored("bang4", " ".join(odd)))
    assert result["phone"].counts == ErrorCounts(1, 0, 0, 2)


def test_speakers_add_up_to_the_corpus():
    scores = scoring.score(
        [
            scored("ni3 hao3", "ni3", name="1", speaker="b"),
            scored("ni3", "ni3 a5", name="2", speaker="a"),
            scored("ma1", "ma2", name="3", speaker="b"),
        ]
    )
    assert list(scores.speakers) == ["a", "b"]
    assert scores.speakers["b"]["syllable"] == ErrorCounts(1, 1, 0, 3)
    for kind in ("syllable", "base-syllable", "tone", "phone", "sentence"):
        rows = (row[kind] for row in scores.speakers.values())
        assert sum(rows, ErrorCounts()) == scores.rates[kind].counts


def test_same_seed_same_scores():
    test_set = [scored("ma1 " * n, "ma1 ma3", name=str(n)) for n in range(1, 20)]
    interval = functools.partial(rates, *test_set)
    assert interval(seed=1) == interval(seed=1)
    assert interval(seed=1) != interval(seed=2)


@pytest.mark.parametrize(
    "utterances, reason",
    [
        ([], "received none"),
        ([scored("ma1", "ma1")] * 2, "'1' comes 2 times"),
        ([scored("ma1", "ma")], "toned=False"),
        ([scored("ma1 ma", "ma1", name="S1_7")], "'S1_7'.*'ma'"),
        ([scored("ma1 mq1", "ma1", name="S1_7")], "'S1_7'.*'mq1'"),
        (
            [
                scored("ma1", "ma1", name="1", hypothesis_text="妈"),
                scored("ma1", "ma1", name="2"),
            ],
            "all utterances or for none",
        ),
    ],
)
def test_meaningless_input_is_refused(utterances, reason):
    with pytest.raises(ValueError, match=reason):
        scoring.score(utterances)


# Comparing


def test_compare_finds_the_better_system():
    worse = [scored("ma1 ta1", "ma1 ta2", name=str(n)) for n in range(20)]
    better = [scored("ma1 ta1", "ma1 ta1", name=str(n)) for n in range(20)]
    comparison = scoring.compare(worse, better[::-1])
    assert comparison.difference == -0.5
    assert comparison.probability_of_improvement == 1
    bases = scoring.compare(worse, better, kind="base-syllable")
    assert bases.difference == 0


def test_compare_refuses_other_utterances_and_missing_kinds():
    here = [scored("ma1", "ma1", name="1"), scored("ta1", "ta1", name="2")]
    with pytest.raises(ValueError, match="same utterances"):
        scoring.compare(here, here[:1])
    with pytest.raises(ValueError, match="character"):
        scoring.compare(here, here, kind="character")


# Confusions


def test_confusions_are_counted_and_ordered():
    pairs = [("a", "b")] * 2 + [("c", "d")] * 3 + [("e", "e"), ("f", None), (None, "g")]
    found = scoring.confusions([*pairs, ("a", "a2"), ("a", "a1")], top=3)
    assert [dataclasses.astuple(each) for each in found] == [
        ("c", "d", 3),
        ("a", "b", 2),
        ("a", "a1", 1),
    ]


def test_tone_confusions():
    scores = scoring.score([scored("ma1 ma2 ma5 ba3 ta4", "ma1 ma3 ma4 pa3 ta4")])
    expected = np.zeros((5, 5), int)
    expected[[0, 1, 4, 3], [0, 2, 3, 3]] = 1
    np.testing.assert_array_equal(scores.tone_confusions, expected)


# Closed set

WORDS = [
    tuple(word.split())
    for word in (
        "shu4 zi4,yu3 yin1,yu3 yan2,shi2 bie2,zhong1 guo2,zong3 gong1,bei3 jing1,"
        "bei4 jing3,shang4 hai3,shang1 hang2,fu4 dan4,fan4 dian4"
    ).split(",")
]


@pytest.mark.parametrize(
    "heard, meant",
    [
        ("bei4 jing3", "bei4 jing3"),
        ("bei3 jin1", "bei3 jing1"),
        ("pei4 jing3", "bei4 jing3"),
        ("zong1 guo2", "zhong1 guo2"),
        ("yan2", "yu3 yan2"),
        ("a5 fan4 dan4 dian4", "fan4 dian4"),
        ("shang hang", "shang1 hang2"),
        ("?b+ei4 jing3", "bei4 jing3"),
    ],
)
def test_nearest_word(heard, meant):
    chosen = scoring.nearest_word(heard.split(), WORDS)
    assert chosen == tuple(meant.split())


def test_ties_do_not_depend_on_the_order_of_the_list():
    shuffled = WORDS[::-1]
    for heard in (["e4"], ["bei", "jing"], ["yu3"]):
        chosen = scoring.nearest_word(heard, WORDS)
        assert scoring.nearest_word(heard, shuffled) == chosen


def test_toneless_hypotheses_are_compared_without_tones():
    words = [("ma1",), ("ma1", "ta1")]
    assert scoring.nearest_word(["ma", "la"], words) == ("ma1", "ta1")


def test_silence_is_no_word():
    assert scoring.nearest_word([], WORDS) is None


def test_closed_set_accuracy():
    test_set = [
        scored("bei3 jing1", "bei3 jing1", name="1"),
        scored("bei4 jing3", "bei4 jin3", name="2"),
        scored("yu3 yan2", "yu3 yin1", name="3"),
        scored("yu3 yin1", "", name="4"),
    ]
    result = scoring.closed_set(test_set, WORDS)
    assert (result.correct, result.utterances, len(result.words)) == (2, 4, 12)
    assert result.accuracy == 0.5
    assert len(scoring.closed_set(test_set).words) == 4


def test_closed_set_refuses_nonsense():
    with pytest.raises(ValueError, match="ma1 ma5"):
        scoring.closed_set([scored("ma1 ma5", "ma1")], WORDS)
    with pytest.raises(ValueError, match="received none"):
        scoring.closed_set([], WORDS)
    with pytest.raises(ValueError, match="received none"):
        scoring.nearest_word(["ma1"], [])


# The official THCHS-30 test


def utterance(name, text):
    return types.SimpleNamespace(id=name, text=text)


@pytest.fixture
def official():
    """2,495 utterances with 81,139 characters, as the official test has them."""
    speakers = "D4 D6 D7 D8 D11 D12 D13 D21 D31 D32".split()
    names = {f"{speaker}_{n}" for speaker in speakers for n in range(750, 1000)}
    names -= {"D11_784", "D32_978", "D7_999", "D12_807", "D12_808"}
    longer = 81_139 - 32 * 2_495
    return [
        utterance(name, "的" * (32 + (number < longer)))
        for number, name in enumerate(sorted(names))
    ]


def test_the_whole_official_test_passes(official):
    assert scoring.check_thchs30_test(official) is None


def test_missing_utterances_are_named(official):
    message = scoring.check_thchs30_test([u for u in official if u.id != "D21_900"])
    assert "81,139" in message and "2,494" in message
    assert "1 missing (D21_900)" in message
    assert "2,245 missing" in scoring.check_thchs30_test(
        [each for each in official if each.id.startswith("D4_")]
    )


def test_wrong_texts_are_noticed(official):
    shorter = [*official[1:], utterance(official[0].id, "的")]
    assert "no utterance is missing" in scoring.check_thchs30_test(shorter)


def test_an_utterance_too_many_is_noticed(official):
    extra = [*official[1:], utterance(official[0].id, "的" * 3)]
    extra.append(utterance("D11_784", "的" * 30))
    assert sum(len(each.text) for each in extra) == 81_139
    assert scoring.check_thchs30_test(extra) is not None


def test_other_test_sets_are_left_alone():
    assert scoring.check_thchs30_test([]) is None
    assert scoring.check_thchs30_test([utterance("BAC009S0764W0121", "的")]) is None
    assert scoring.check_thchs30_test([utterance("A11_0", "的")]) is None

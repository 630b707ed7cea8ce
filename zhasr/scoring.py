"""Score: hypotheses beside references; error rates that can be trusted.

A rate is corpus level: all substitutions, deletions and insertions over the whole
reference length. It is never a mean of the rates of utterances, and never clamped.
"""

import collections
import dataclasses
import math

import numpy as np

from zhasr import bootstrap, pinyin

TONES = 5  # the neutral tone is 5

# What is counted:
#   character      hanzi of the normalised texts
#   syllable       toned syllables
#   base-syllable  syllables without their tones
#   tone           tones of those syllables whose base syllable is aligned as correct
#   phone          initials and toned finals, the phone set of THCHS-30
#   sentence       utterances with a wrong toned syllable
KINDS = ("character", "syllable", "base-syllable", "tone", "phone", "sentence")

THCHS30_TEST_SPEAKERS = tuple("D4 D6 D7 D8 D11 D12 D13 D21 D31 D32".split())
THCHS30_TEST_SENTENCES = range(750, 1000)
THCHS30_TEST_NEVER_RECORDED = frozenset(
    "D11_784 D32_978 D7_999 D12_807 D12_808".split()
)
THCHS30_TEST_CHARACTERS = 81_139
THCHS30_TEST_IDS = frozenset(
    f"{speaker}_{sentence}"
    for speaker in THCHS30_TEST_SPEAKERS
    for sentence in THCHS30_TEST_SENTENCES
)


@dataclasses.dataclass(frozen=True)
class Scored:
    """One utterance with its reference and its hypothesis.

    Args:
        id: str, name of the utterance.
        speaker: str.
        reference_syllables: toned syllables as spoken ("ni2", "hao3").
        hypothesis_syllables: syllables of the recogniser, toned unless the model
            knows no tones.
        reference_text: str, hanzi; "" where the corpus gives only pinyin.
        hypothesis_text: str, hanzi, or None where the recogniser gives none.
    """

    id: str
    speaker: str
    reference_syllables: tuple[str, ...]
    hypothesis_syllables: tuple[str, ...]
    reference_text: str = ""
    hypothesis_text: str | None = None


@dataclasses.dataclass(frozen=True)
class ErrorCounts:
    """Substitutions, deletions, insertions, and the reference length they refer to.

    Example:
        >>> counts = ErrorCounts(1, 0, 2, 10) + ErrorCounts(0, 1, 0, 10)
        >>> counts.errors, counts.rate
        (4, 0.2)
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_length: int = 0

    @property
    def errors(self):
        """All errors together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self):
        """Errors over reference length; above 1 where insertions abound.

        An empty reference gives nan without errors and inf with insertions.
        """
        if self.reference_length:
            return self.errors / self.reference_length
        return math.inf if self.errors else math.nan

    def __add__(self, other):
        """Add the counts: this is how rates become corpus level."""
        return ErrorCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_length + other.reference_length,
        )


@dataclasses.dataclass(frozen=True)
class Rate:
    """Counts of a corpus with the bootstrap interval of their rate (or None)."""

    counts: ErrorCounts
    interval: tuple[float, float] | None

    @property
    def rate(self):
        """Errors over reference length."""
        return self.counts.rate


@dataclasses.dataclass(frozen=True)
class Confusion:
    """A label that was taken for another, and how often."""

    reference: str
    hypothesis: str
    count: int


@dataclasses.dataclass(frozen=True)
class Scores:
    """All that a test set says about a recogniser.

    Args:
        utterances: int, number of utterances.
        rates: kind (see `KINDS`) -> `Rate`, or None where the model cannot give it.
        speakers: speaker -> kind -> `ErrorCounts` or None.
        confusions: the commonest substitutions of syllables.
        tone_confusions: int array (5, 5), reference tone by hypothesis tone, of the
            syllables whose base syllable is right; None for a toneless model.
    """

    utterances: int
    rates: dict[str, Rate | None]
    speakers: dict[str, dict[str, ErrorCounts | None]]
    confusions: tuple[Confusion, ...]
    tone_confusions: np.ndarray | None


# Alignment


def align(reference, hypothesis, finer=None):
    """Align two label sequences with the fewest errors (Levenshtein distance).

    Several alignments may have the fewest errors. Of these the one with the most
    equal pairs is taken (so that the counts do not depend on how the search runs),
    then the one with the most equal pairs of the finer labels, then the one that
    pairs the latest labels. Time and memory grow with the product of the lengths.

    Args:
        reference: sequence of labels.
        hypothesis: sequence of labels.
        finer: pair of label sequences as long as reference and hypothesis, which
            break ties: toned syllables when base syllables are aligned, and base
            syllables when toned ones are. Default: none.

    Returns:
        List of pairs (reference label or None, hypothesis label or None): None in
        the hypothesis is a deletion, None in the reference an insertion.

    Source: Wagner & Fischer (1974), The string-to-string correction problem,
        sections 3 and 4.

    Example:
        >>> align("abcd", "bxd")
        [('a', None), ('b', 'b'), ('c', 'x'), ('d', 'd')]
    """
    positions = _align_positions(reference, hypothesis, finer)
    return _labels_at(positions, reference, hypothesis)


def _align_positions(reference, hypothesis, finer=None):
    """Align as `align` does, but return positions in the place of labels."""
    if tuple(reference) == tuple(hypothesis):
        return [(position, position) for position in range(len(reference))]
    gains = _gains(reference, hypothesis, finer)
    return _trace_back(_savings(gains), gains)


def _gains(reference, hypothesis, finer):
    """What pairing two labels saves against one deletion and one insertion.

    A substitution saves one error, an equal pair two. The tie-breakers are the lower
    digits of the same number: a unit is more than all ties of an alignment together.
    """
    equal = _equal(reference, hypothesis)
    finer_equal = equal if finer is None else _equal(*finer)
    unit = min(equal.shape) + 1
    return unit * (unit * (1 + equal) + equal) + finer_equal


def _equal(reference, hypothesis):
    """Which labels are equal: int array (reference length, hypothesis length)."""
    ids = {}
    first, second = (
        np.array([ids.setdefault(label, len(ids)) for label in labels], np.int64)
        for labels in (reference, hypothesis)
    )
    return (first[:, None] == second).astype(np.int64)


def _savings(gains):
    """Greatest savings of all pairs of prefixes, one row of the recursion at a time.

    Counting savings in the place of errors makes a step in one sequence alone free,
    so that the step along the row is a running maximum, which numpy does at once.
    """
    rows, columns = gains.shape
    savings = np.zeros((rows + 1, columns + 1), np.int64)
    for row in range(rows):
        above = savings[row]
        best = np.maximum(above[1:], above[:-1] + gains[row])
        np.maximum.accumulate(best, out=savings[row + 1, 1:])
    return savings


def _trace_back(savings, gains):
    """Walk from the end to the start: a pair where possible, then a deletion."""
    row, column = gains.shape
    pairs = []
    while row and column:
        here = savings[row, column]
        if here == savings[row - 1, column - 1] + gains[row - 1, column - 1]:
            row, column = row - 1, column - 1
            pairs.append((row, column))
        elif here == savings[row - 1, column]:
            row -= 1
            pairs.append((row, None))
        else:
            column -= 1
            pairs.append((None, column))
    pairs += [(left, None) for left in reversed(range(row))]
    pairs += [(None, left) for left in reversed(range(column))]
    return pairs[::-1]


def _labels_at(positions, reference, hypothesis):
    """Put labels in the place of their positions."""
    return [
        (
            None if first is None else reference[first],
            None if second is None else hypothesis[second],
        )
        for first, second in positions
    ]


def align_syllables(reference, hypothesis):
    """Align toned syllables; ties go to the pairs with equal base syllables.

    Args:
        reference: sequence of toned syllables (any other labels pass unchanged).
        hypothesis: the same.

    Returns:
        Pairs as of `align`.

    Example:
        >>> align_syllables(["ma1", "hao3"], ["ma3"])
        [('ma1', 'ma3'), ('hao3', None)]
    """
    return align(reference, hypothesis, (_bases(reference), _bases(hypothesis)))


def align_bases(reference, hypothesis):
    """Align toned syllables by their base syllables; ties go to equal tones.

    Args:
        reference: sequence of toned syllables.
        hypothesis: sequence of syllables, toned or not.

    Returns:
        Pairs as of `align`, of the syllables as they came.

    Example:
        >>> align_bases(["ma1", "ma5"], ["ma1"])
        [('ma1', 'ma1'), ('ma5', None)]
    """
    positions = _align_positions(
        _bases(reference), _bases(hypothesis), (reference, hypothesis)
    )
    return _labels_at(positions, reference, hypothesis)


def count(pairs):
    """Count the errors of an alignment.

    Args:
        pairs: pairs (reference label or None, hypothesis label or None).

    Returns:
        `ErrorCounts`.

    Example:
        >>> count([("a", "a"), ("b", "c"), ("d", None)])
        ErrorCounts(substitutions=1, deletions=1, insertions=0, reference_length=3)
    """
    deletions = sum(second is None for _, second in pairs)
    insertions = sum(first is None for first, _ in pairs)
    different = sum(first != second for first, second in pairs)
    return ErrorCounts(
        substitutions=different - deletions - insertions,
        deletions=deletions,
        insertions=insertions,
        reference_length=len(pairs) - insertions,
    )


# Rates


def score(utterances, toned=True, seed=0):
    """Score a test set: every rate with counts, interval and a row per speaker.

    A kind that cannot be given is None: all toned kinds of a toneless model, and
    characters where the recogniser writes none. Characters are counted in the
    utterances that have a reference text.

    Args:
        utterances: sequence of `Scored`.
        toned: bool, whether the hypotheses carry tones.
        seed: int, seed of the bootstrap.

    Returns:
        `Scores`.

    Raises:
        ValueError: no utterances, an id twice, hypotheses that are not as `toned`
            says, or a hypothesis text for some utterances only.

    Example:
        >>> scores = score([Scored("1", "a", ("ni2", "hao3"), ("ni2", "gao3"))])
        >>> scores.rates["syllable"].rate, scores.rates["tone"].rate
        (0.5, 0.0)
    """
    _check(utterances, toned)
    alignments = [_align_kinds(utterance, toned) for utterance in utterances]
    rows = [_count_kinds(each) for each in alignments]
    syllables = [each["syllable"] or _base_pairs(each) for each in alignments]
    bases = [pair for each in alignments for pair in each["base-syllable"]]
    return Scores(
        utterances=len(utterances),
        rates={kind: _rate([row[kind] for row in rows], seed) for kind in KINDS},
        speakers=_by_speaker(utterances, rows),
        confusions=confusions([pair for pairs in syllables for pair in pairs]),
        tone_confusions=tone_confusions(bases) if toned else None,
    )


def _check(utterances, toned):
    """Refuse what would give a number that means nothing."""
    if not utterances:
        raise ValueError("expected at least one utterance to score, received none")
    for name, times in collections.Counter(each.id for each in utterances).items():
        if times > 1:
            raise ValueError(f"utterance {name!r} comes {times} times: score it once")
    if len({each.hypothesis_text is None for each in utterances}) > 1:
        raise ValueError("expected a hypothesis text for all utterances or for none")
    if toned:
        _check_tones(utterances)


def _check_tones(utterances):
    """References need tones throughout; of the hypotheses one tone is enough."""
    for each in utterances:
        for syllable in each.reference_syllables:
            if not pinyin.is_syllable(syllable) or not pinyin.tone(syllable):
                raise ValueError(
                    f"utterance {each.id!r}: expected toned reference syllables, "
                    f"received {syllable!r}: correct it, or score without tones"
                )
    heard = {s for each in utterances for s in each.hypothesis_syllables}
    if heard and not any(map(pinyin.tone, heard)):
        raise ValueError(
            "expected toned hypotheses, received syllables without any tone: "
            "score a toneless model with toned=False"
        )


def _align_kinds(utterance, toned):
    """Align one utterance in all kinds that it gives: kind -> pairs or None."""
    reference = utterance.reference_syllables
    hypothesis = utterance.hypothesis_syllables
    return {
        "character": _align_characters(utterance),
        "syllable": align_syllables(reference, hypothesis) if toned else None,
        "base-syllable": align_bases(reference, hypothesis),
        "phone": align(_phones(reference), _phones(hypothesis)) if toned else None,
    }


def _align_characters(utterance):
    """Align the normalised texts: one and the same normalisation on both sides."""
    if not utterance.reference_text or utterance.hypothesis_text is None:
        return None
    return align(
        pinyin.normalise(utterance.reference_text),
        pinyin.normalise(utterance.hypothesis_text),
    )


def _phones(syllables):
    """Initials and toned finals."""
    return pinyin.targets("initial-final", syllables)


def _bases(syllables):
    """Syllables without their tones."""
    return [pinyin.base(syllable) for syllable in syllables]


def _base_pairs(alignments):
    """The base alignment with the tones left out."""
    return [
        (first and pinyin.base(first), second and pinyin.base(second))
        for first, second in alignments["base-syllable"]
    ]


def _tone_pairs(pairs):
    """Tones (int) of the pairs whose base syllables are equal."""
    return [
        (pinyin.tone(first), pinyin.tone(second))
        for first, second in pairs
        if first and second and pinyin.base(first) == pinyin.base(second)
    ]


def _count_kinds(alignments):
    """Count the errors of one utterance: kind -> `ErrorCounts` or None."""
    characters, syllables, phones = (
        None if alignments[kind] is None else count(alignments[kind])
        for kind in ("character", "syllable", "phone")
    )
    toned = syllables is not None
    return {
        "character": characters,
        "syllable": syllables,
        "base-syllable": count(_base_pairs(alignments)),
        "tone": count(_tone_pairs(alignments["base-syllable"])) if toned else None,
        "phone": phones,
        "sentence": _sentence(syllables) if toned else None,
    }


def _sentence(counts):
    """A sentence with any error is one substitution in a reference of length 1."""
    return ErrorCounts(substitutions=int(counts.errors > 0), reference_length=1)


def _total(counts):
    """Sum of the counts that are there, or None."""
    present = [each for each in counts if each is not None]
    return sum(present, ErrorCounts()) if present else None


def _rate(counts, seed):
    """Corpus-level rate of one kind from the counts of all utterances."""
    present = [each for each in counts if each is not None]
    if not present:
        return None
    return Rate(_total(present), bootstrap.interval(*_columns(present), seed))


def _columns(counts):
    """Errors and reference lengths of a sequence of `ErrorCounts`."""
    return [each.errors for each in counts], [each.reference_length for each in counts]


def _by_speaker(utterances, rows):
    """Counts of each speaker, in the order of their names."""
    rows_of = collections.defaultdict(list)
    for utterance, row in zip(utterances, rows, strict=True):
        rows_of[utterance.speaker].append(row)
    return {
        speaker: {kind: _total(row[kind] for row in rows_of[speaker]) for kind in KINDS}
        for speaker in sorted(rows_of)
    }


def compare(first, second, kind="syllable", seed=0):
    """Compare two recognisers that heard the same utterances.

    Args:
        first: sequence of `Scored` of one recogniser.
        second: the same utterances of the other, in any order.
        kind: str, one of `KINDS`.
        seed: int, seed of the bootstrap.

    Returns:
        `bootstrap.Comparison`.

    Raises:
        ValueError: the utterances differ, or one side cannot give the kind.
    """
    first, second = (sorted(side, key=lambda each: each.id) for side in (first, second))
    if [_reference(each) for each in first] != [_reference(each) for each in second]:
        raise ValueError("expected the same utterances and references on both sides")
    return bootstrap.compare(
        _columns(_counts_of_kind(first, kind)),
        _columns(_counts_of_kind(second, kind)),
        seed,
    )


def _reference(utterance):
    """What two systems must share to be compared."""
    return utterance.id, tuple(utterance.reference_syllables), utterance.reference_text


def _counts_of_kind(utterances, kind):
    """Counts of one kind, one for each utterance."""
    toned = kind not in ("character", "base-syllable")
    _check(utterances, toned)
    counts = [_count_kinds(_align_kinds(each, toned))[kind] for each in utterances]
    if None in counts:
        raise ValueError(f"expected hypotheses that give the {kind} rate")
    return counts


# What is confused


def confusions(pairs, top=20):
    """Count the commonest substitutions.

    Args:
        pairs: aligned pairs of the whole test set.
        top: int, how many to return.

    Returns:
        Tuple of `Confusion`, the commonest first, equally common ones by label.

    Example:
        >>> confusions([("shi4", "si4"), ("ta1", "ta1"), ("le5", None)])
        (Confusion(reference='shi4', hypothesis='si4', count=1),)
    """
    counted = collections.Counter(
        (first, second)
        for first, second in pairs
        if first is not None and second is not None and first != second
    )
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Confusion(*pair, times) for pair, times in ordered[:top])


def tone_confusions(pairs):
    """Count which tone was heard as which, where the base syllable is right.

    Args:
        pairs: toned syllables aligned by their bases (see `align_bases`).

    Returns:
        Int array (5, 5): row reference tone 1-5, column hypothesis tone 1-5.
        Syllables without a tone are left out.

    Example:
        >>> tone_confusions([("ma1", "ma3"), ("hao3", "gao3")])[0].tolist()
        [0, 0, 1, 0, 0]
    """
    table = np.zeros((TONES, TONES), np.int64)
    for first, second in _tone_pairs(pairs):
        if first and second:
            table[first - 1, second - 1] += 1
    return table


# A closed list of words


@dataclasses.dataclass(frozen=True)
class ClosedSet:
    """How many utterances of a closed list of words were recognised."""

    words: tuple[tuple[str, ...], ...]
    correct: int
    utterances: int

    @property
    def accuracy(self):
        """Share of the utterances whose nearest word is the right one."""
        return self.correct / self.utterances


def nearest_word(hypothesis, words):
    """Choose the word of a closed list that is nearest to what was heard.

    Nearest by edit distance over initials, finals and tones, each a label of its
    own, so that a wrong tone costs less than a wrong syllable. Without any tone in
    the hypothesis, tones are left out. Ties go to the word that sorts first.

    Args:
        hypothesis: sequence of syllables.
        words: sequence of words, each a tuple of toned syllables.

    Returns:
        Tuple of syllables, one of `words`; None if nothing was heard.

    Raises:
        ValueError: no words to choose from.

    Example:
        >>> nearest_word(["bei3", "jin1"], [("bei3", "jing1"), ("bei4", "jing3")])
        ('bei3', 'jing1')
    """
    if not words:
        raise ValueError("expected a list of words to choose from, received none")
    if not hypothesis:
        return None
    toned = any(map(pinyin.tone, hypothesis))
    heard = _parts(hypothesis, toned)
    return min(
        sorted(words),
        key=lambda word: count(align(_parts(word, toned), heard)).errors,
    )


def _parts(syllables, toned):
    """Initials, finals and, if wanted, tones: ["sh", "ix", 4]."""
    parts = []
    for label in _phones(syllables):
        parts.append(pinyin.base(label))
        if toned and pinyin.tone(label):
            parts.append(pinyin.tone(label))
    return parts


def closed_set(utterances, words=None):
    """Score a test of single words by the nearest word of the list.

    Args:
        utterances: sequence of `Scored`.
        words: sequence of syllable tuples; default: the references that occur.

    Returns:
        `ClosedSet`.

    Raises:
        ValueError: no utterances, or a reference that is not in the list.
    """
    references = {tuple(each.reference_syllables) for each in utterances}
    words = references if words is None else {tuple(word) for word in words}
    if not references:
        raise ValueError("expected at least one utterance to score, received none")
    if not references <= words:
        strange = " ".join(min(references - words))
        raise ValueError(f"expected words of the list as references, got {strange!r}")
    correct = sum(
        nearest_word(each.hypothesis_syllables, words)
        == tuple(each.reference_syllables)
        for each in utterances
    )
    return ClosedSet(tuple(sorted(words)), correct, len(utterances))


# The official test of THCHS-30


def check_thchs30_test(utterances):
    """Say what is missing of the official THCHS-30 test, if a manifest looks like it.

    Published rates refer to 2,495 utterances with 81,139 characters; a rate on fewer
    may be right, but it is not comparable.

    Args:
        utterances: sequence with `id` and `text` (`manifest.Utterance`).

    Returns:
        None if all is there, or if it is another test set; otherwise a message.
    """
    ids = [each.id for each in utterances]
    if not ids or not THCHS30_TEST_IDS.issuperset(ids):
        return None
    characters = sum(len(pinyin.normalise(each.text)) for each in utterances)
    expected = THCHS30_TEST_IDS - THCHS30_TEST_NEVER_RECORDED
    if characters == THCHS30_TEST_CHARACTERS and sorted(ids) == sorted(expected):
        return None
    return (
        f"the official THCHS-30 test has {len(expected):,} utterances and "
        f"{THCHS30_TEST_CHARACTERS:,} characters, this manifest {len(ids):,} and "
        f"{characters:,}; {_missing(expected - set(ids))}"
    )


def _missing(ids):
    """Name the missing utterances, the first three of them."""
    if not ids:
        return "no utterance is missing, but texts or utterances are not the official"
    examples = ", ".join(sorted(ids)[:3]) + (", …" if len(ids) > 3 else "")
    return f"{len(ids):,} missing ({examples}): see rejected.jsonl, or prepare it again"

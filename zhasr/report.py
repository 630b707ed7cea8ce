"""Reports: scores as text for people, JSON for machines, and aligned transcripts."""

import math
import unicodedata

from zhasr import bootstrap, files, pinyin, scoring

NAMES = {
    "character": "character",
    "syllable": "toned syllable",
    "base-syllable": "base syllable",
    "tone": "tone",
    "phone": "phone",
    "sentence": "sentence",
}
NO_LANGUAGE = "without a language"
UNKNOWN = "–"  # stands for a rate that there is not
CONFUSIONS = 10  # lines of the confusion list in the text report


def text(scores):
    """Write scores as tables for the terminal.

    Args:
        scores: `scoring.Scores`.

    Returns:
        str of several lines. The last ones hold one rate each, such as
        "toned syllable error 12.3 %"; kinds that there are not have no such line.
    """
    parts = [
        f"{scores.utterances:,} utterances, {len(scores.speakers):,} speakers",
        _rate_table(scores),
        _speaker_table(scores),
        _confusion_list(scores),
        _tone_table(scores),
        "\n".join(
            f"{NAMES[kind]} error {percent(scores.rates[kind].rate)}"
            for kind in _kinds(scores)
        ),
    ]
    return "\n\n".join(filter(None, parts))


def percent(share):
    """Write a share as percent: 0.1234 as "12.3 %", nan as a dash.

    Example:
        >>> percent(1.5)
        '150.0 %'
    """
    return f"{100 * share:.1f} %" if math.isfinite(share) else UNKNOWN


def closed_set(result):
    """Write the result of a test of single words.

    Args:
        result: `scoring.ClosedSet`.

    Returns:
        str, one line.

    Example:
        >>> closed_set(scoring.ClosedSet((("ta1",), ("ni3",)), 3, 4))
        'nearest of 2 words right 75.0 % (3 of 4)'
    """
    return (
        f"nearest of {len(result.words):,} words right {percent(result.accuracy)} "
        f"({result.correct:,} of {result.utterances:,})"
    )


def decoder(facts):
    """Write in one line how posteriors became sentences.

    Args:
        facts: dict with `decoder` (str), `language` (str or None) and `weights` (dict
            with `source`, or None), as in the JSON of `zhasr evaluate`.

    Returns:
        str.

    Example:
        >>> decoder({"decoder": "greedy", "language": None, "weights": None})
        'decoder: greedy, without a language'
    """
    line = f"decoder: {facts['decoder']}, "
    line += f"language: {facts['language']}" if facts["language"] else NO_LANGUAGE
    return line + (
        f", weights: {facts['weights']['source']}" if facts["weights"] else ""
    )


def as_json(scores):
    """Turn scores into plain values for `json.dump`.

    Args:
        scores: `scoring.Scores`.

    Returns:
        dict with the keys `utterances`, `rates`, `speakers`, `confusions` and
        `tone_confusions`; shares in 0..1 or above, None where there is no value.
    """
    return {
        "utterances": scores.utterances,
        "rates": {
            kind: None
            if rate is None
            else {
                **_counts_as_json(rate.counts),
                "interval": None if rate.interval is None else list(rate.interval),
            }
            for kind, rate in scores.rates.items()
        },
        "speakers": {
            speaker: {kind: _counts_as_json(counts) for kind, counts in row.items()}
            for speaker, row in scores.speakers.items()
        },
        "confusions": [
            [each.reference, each.hypothesis, each.count] for each in scores.confusions
        ],
        "tone_confusions": None
        if scores.tone_confusions is None
        else scores.tone_confusions.tolist(),
    }


def _counts_as_json(counts):
    """Turn `ErrorCounts` into a dict; a rate that is no number becomes None."""
    if counts is None:
        return None
    return {
        "rate": counts.rate if math.isfinite(counts.rate) else None,
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
        "reference_length": counts.reference_length,
    }


def _kinds(scores):
    """The kinds that there are, in the order of `scoring.KINDS`."""
    return [kind for kind in scoring.KINDS if scores.rates[kind] is not None]


def _rate_table(scores):
    """One line for each kind: rate, interval, counts."""
    header = [
        "error",
        "rate",
        f"{bootstrap.CONFIDENCE:.0%} interval".replace("%", " %"),
        "substituted",
        "deleted",
        "inserted",
        "of",
    ]
    return _table([header] + [_rate_row(kind, scores) for kind in scoring.KINDS])


def _rate_row(kind, scores):
    """The cells of one kind."""
    rate = scores.rates[kind]
    if rate is None:
        return [NAMES[kind]] + [UNKNOWN] * 6
    interval = UNKNOWN
    if rate.interval is not None:
        interval = " – ".join(f"{100 * bound:.1f}" for bound in rate.interval) + " %"
    counts = rate.counts
    numbers = (
        counts.substitutions,
        counts.deletions,
        counts.insertions,
        counts.reference_length,
    )
    return [NAMES[kind], percent(rate.rate), interval] + [f"{n:,}" for n in numbers]


def _speaker_table(scores):
    """One line for each speaker: reference syllables and the rates."""
    kinds = _kinds(scores)
    rows = [["speaker", "syllables"] + [NAMES[kind] for kind in kinds]]
    for speaker, counts in scores.speakers.items():
        rates = [
            UNKNOWN if counts[kind] is None else percent(counts[kind].rate)
            for kind in kinds
        ]
        length = counts["base-syllable"].reference_length
        rows.append([speaker, f"{length:,}"] + rates)
    return _table(rows)


def _confusion_list(scores):
    """The commonest confusions, or nothing."""
    rows = [
        [each.reference, each.hypothesis, f"{each.count:,}"]
        for each in scores.confusions[:CONFUSIONS]
    ]
    return _table([["said", "heard as", "times"]] + rows) if rows else ""


def _tone_table(scores):
    """Tones said by tones heard, or nothing."""
    if scores.tone_confusions is None:
        return ""
    rows = [["tone said", *(f"heard {tone}" for tone in range(1, scoring.TONES + 1))]]
    for tone, counts in enumerate(scores.tone_confusions, start=1):
        rows.append([str(tone), *(f"{count:,}" for count in counts)])
    return _table(rows)


def _table(rows):
    """Lay out cells in columns: the first to the left, the others to the right."""
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [pad(first, widths[0])]
        for cell, width in zip(others, widths[1:], strict=True):
            cells.append(" " * (width - display_width(cell)) + cell)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


# Width on the screen


def display_width(label):
    """Columns that a text takes in a terminal: hanzi take two.

    Example:
        >>> display_width("hǎo"), display_width("好"), display_width("ＡＢ")
        (3, 2, 4)
    """
    return sum(
        2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in label
        if not unicodedata.combining(character)
    )


def pad(label, width):
    """Fill a text with spaces up to a width on the screen."""
    return label + " " * (width - display_width(label))


# Hypotheses beside references


def alignment_lines(reference, hypothesis, width=None):
    """Write a hypothesis under its reference, label under label, as sclite does.

    Args:
        reference: sequence of labels: syllables, phones or characters.
        hypothesis: sequence of labels.
        width: int, columns of the screen, to begin a new group of lines in time.
            Default: one group, however long.

    Returns:
        List of str: reference, hypothesis and marks (S, D or I), for each group.

    Example:
        >>> print("\\n".join(alignment_lines(["ni3", "hao3"], ["ni3", "a5", "hao4"])))
        REF: ni3 ** hao3
        HYP: ni3 a5 hao4
                 I  S
    """
    columns = [
        _column(*pair) for pair in scoring.align_syllables(reference, hypothesis)
    ]
    lines = []
    for group in _groups(columns, width):
        cells = zip(*group, strict=True) if group else ((), (), ())
        for title, row in zip(("REF:", "HYP:", "    "), cells, strict=True):
            lines.append(" ".join([title, *row]).rstrip())
    return lines


def _column(reference, hypothesis):
    """Reference, hypothesis and mark of one pair, all of one width."""
    width = max(display_width(label) for label in (reference, hypothesis) if label)
    mark = "" if reference == hypothesis else "S"
    if hypothesis is None:
        mark = "D"
    if reference is None:
        mark = "I"
    labels = (reference or "*" * width, hypothesis or "*" * width, mark)
    return tuple(pad(label, width) for label in labels)


def _groups(columns, width):
    """Cut columns into groups that fit the screen; one empty group if none come."""
    groups = [[]]
    used = room = len("REF:")
    for column in columns:
        used += 1 + display_width(column[0])
        if width is not None and used > width and groups[-1]:
            groups.append([])
            used = room + 1 + display_width(column[0])
        groups[-1].append(column)
    return groups


def write_alignments(path, utterances, toned=True):
    """Write hypotheses beside their references, aligned, one block per utterance.

    Args:
        path: where to write, UTF-8; replaced at once when all is written.
        utterances: sequence of `scoring.Scored`.
        toned: bool, whether the hypotheses carry tones; otherwise the tones of the
            references are left out.
    """
    blocks = ("\n".join(_block(utterance, toned)) for utterance in utterances)
    files.replace(path, "".join(block + "\n\n" for block in blocks))


def _block(utterance, toned):
    """The lines of one utterance: syllables, and characters where there are any."""
    reference, hypothesis = (
        list(syllables) if toned else [pinyin.base(each) for each in syllables]
        for syllables in (utterance.reference_syllables, utterance.hypothesis_syllables)
    )
    lines = [f"id: {utterance.id}  speaker: {utterance.speaker}"]
    lines += _compared("syllables", reference, hypothesis)
    if utterance.hypothesis_text is not None and utterance.reference_text:
        lines += _compared(
            "characters",
            pinyin.normalise(utterance.reference_text),
            pinyin.normalise(utterance.hypothesis_text),
        )
    return lines


def _compared(name, reference, hypothesis):
    """A line of counts and the alignment under it."""
    counts = scoring.count(scoring.align_syllables(reference, hypothesis))
    return [
        f"{name}: {counts.reference_length}, {counts.substitutions} substituted, "
        f"{counts.deletions} deleted, {counts.insertions} inserted",
        *alignment_lines(reference, hypothesis),
    ]

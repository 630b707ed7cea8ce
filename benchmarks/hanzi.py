"""From correct pinyin to hanzi: how many characters are wrong, and how fast it goes.

    python benchmarks/hanzi.py --shipped-only
    python benchmarks/hanzi.py --full FOLDER --peers FOLDER
    python benchmarks/hanzi.py --variants

The 250 different sentences of THCHS-30's test set and those of AISHELL's, once with the
tones of a dictionary and once without. One process and one core, whose own seconds
count, whatever else the machine does. FULL is a language folder of all text, which
`data_prep.build_language_model` makes. What `benchmarks/hanzi_peers.py` needs may lie
in PEERS. The variants are models of other sizes and orders, of single characters, and
of less text (`benchmarks/hanzi_models.py`); to build them takes half an hour.
"""

import argparse
import dataclasses
import math
import pathlib
import random
import statistics
import sys
import time

import figures
import hanzi_models
import hanzi_peers
import numpy as np

from data_prep import (
    build_language_model,
    kneser_ney,
    ngram_counts,
    pinyin_text,
    segment,
)
from zhasr import hanzi, lexicon, pinyin, scoring

TEXT = pathlib.Path(__file__).parents[1].parent / "shared" / "text"
TESTS = {"thchs30": "thchs_test", "aishell": "aishell_test"}
TARGETS = {  # % of the characters, THCHS-30 and AISHELL
    ("shipped", True): (9.5, 6.0),
    ("full", True): (8.0, 4.0),
    ("full", False): (15.0, 9.0),
}
TARGET_SPEED = 10_000  # characters a second, with tones
TARGET_LOAD = 0.2  # seconds
LOADS = 5  # the median counts
PEER_SENTENCES = 1000  # some peers convert ten sentences a second, or one
PEER_SECONDS = 60  # of a test
WARM_UP = 20  # sentences, before the clock runs
MEGABYTE = 10**6  # bytes


@dataclasses.dataclass(frozen=True)
class Measured:
    """A row of the table.

    Attributes:
        name: str.
        size: float, megabytes of its files; 0 where they are not its own.
        load: float, seconds; 0 where nothing is loaded.
        errors: dict of (test, toned) to float, % of the characters that are wrong.
        speeds: dict of bool, toned, to float, characters a second.
    """

    name: str
    size: float
    load: float
    errors: dict
    speeds: dict


def main():
    """Measure, print the tables and the figures."""
    options = _parse()
    tests = read_tests(options.text)
    if options.variants:
        report(measure_variants(options, tests))
        return
    rows, missing = [], []
    shipped = measure_folder("shipped", hanzi.FOLDER, tests)
    if options.shipped_only:
        rows.append(next(shipped))
    else:
        rows += [*shipped, *measure_full(options, tests, missing)]
        rows.append(measure_dictionary(tests))
        rows += measure_peers(options, tests, missing)
    report(rows)
    for line in missing:
        print(f"missing: {line}")
    print_targets(rows)
    for test in TESTS:
        figures.figure(f"hanzi_{test}_cer", rows[0].errors[test, True], "%")


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--shipped-only", action="store_true", help="just the model of the package")
    add("--full", type=pathlib.Path, help="a language folder of all text")
    add("--peers", type=pathlib.Path, default=pathlib.Path("peers"))
    add("--variants", action="store_true", help="models built for this, instead")
    add("--text", type=pathlib.Path, default=TEXT, help="text and transcripts")
    return parser.parse_args()


def read_tests(folder):
    """The test sentences: dict of name to list of pinyin_text.Sentence.

    Every text once; the few with Latin letters are left out, which no peer knows.
    """
    found = {}
    for name, file in TESTS.items():
        sentences = pinyin_text.read(folder / "transcripts" / f"{file}.txt")
        found[name] = [
            one
            for one in pinyin_text.distinct(sentences)
            if pinyin.has_only_hanzi(one.text)
        ]
        print(f"{name}: {len(sentences):,} utterances, {len(found[name]):,} sentences")
    return found


# --- what is measured ----------------------------------------------------------------


def measure(name, converters, tests, size=0.0, load=0.0, limit=math.inf):
    """Converts all tests.

    Args:
        name: str.
        converters: dict of bool, toned, to function of syllables to str.
        tests: dict of `read_tests`.
        size: float, megabytes.
        load: float, seconds.
        limit: float, seconds of a test after which the rest of it is left out.

    Returns:
        Measured.
    """
    errors, speeds = {}, {}
    for toned, convert in converters.items():
        characters, seconds = 0, 0.0
        for test, sentences in tests.items():
            heard = [syllables_of(sentence, toned) for sentence in sentences]
            texts, taken = _convert(convert, heard, limit)
            seconds += taken
            characters += sum(map(len, heard[: len(texts)]))
            errors[test, toned] = error_rate(sentences[: len(texts)], texts)
            if len(texts) < len(heard):
                print(f"{name}: {len(texts)} sentences of {test} in {limit:g} s")
        speeds[toned] = characters / max(seconds, 1e-9)
    print(f"measured: {name}", file=sys.stderr)
    return Measured(name, size, load, errors, speeds)


def _convert(convert, heard, limit):
    """The texts, as many as there is time for, and the seconds of a core they took."""
    for syllables in heard[:WARM_UP] if math.isinf(limit) else ():
        convert(syllables)
    texts, start, end = [], time.process_time(), time.monotonic() + limit
    for syllables in heard:
        texts.append(convert(syllables))
        if time.monotonic() > end:
            break
    return texts, time.process_time() - start


def syllables_of(sentence, toned):
    """The syllables of a sentence, with tones or without: tuple of str."""
    return sentence.syllables if toned else pinyin_text.toneless(sentence)


def error_rate(sentences, texts):
    """% of the characters that are wrong, missing or too many: float."""
    errors = sum(
        scoring.count(scoring.align(sentence.text, text)).errors
        for sentence, text in zip(sentences, texts, strict=True)
        if sentence.text != text
    )
    return 100 * errors / sum(len(sentence.text) for sentence in sentences)


def measure_folder(name, folder, tests):
    """A language folder: by consensus, by the best path, and without its characters.

    Yields Measured, the consensus first: it is better on development sentences.
    """
    seconds, language = [], None
    for _ in range(LOADS):
        start = time.process_time()
        language = hanzi.load(folder)
        seconds.append(time.process_time() - start)
    load = statistics.median(seconds)
    files = folder.glob("*")
    size = sum(path.stat().st_size for path in files) / MEGABYTE
    kind = f"{language.model.order}-gram of {language.model.unit}s"
    if language.characters:
        kind += f" and {language.characters.order}-gram of characters"
    title = f"{name}: {kind}"
    yield measure(title, both(hanzi.consensus, language), tests, size, load)
    best = f"{name}: best path"
    yield measure(best, both(hanzi.convert, language), tests, size, load)
    if language.characters:
        alone = dataclasses.replace(
            language,
            weights=_without_characters(language.weights),
            characters=None,
        )
        size -= (folder / hanzi.CHARACTERS_NAME).stat().st_size / MEGABYTE
        name = f"{name}: words alone"
        yield measure(name, both(hanzi.consensus, alone), tests, size)


def _without_characters(weights):
    """Weights that were tuned for two models, for that of words alone."""
    total = weights.language + weights.characters
    return dataclasses.replace(weights, language=total, characters=0.0)


def both(search, language):
    """The same search with tones and without: dict of bool to function."""

    def convert(syllables):
        return search(syllables, language).text

    return {True: convert, False: convert}


def measure_full(options, tests, missing):
    """The model of all text, if there is one: list of Measured."""
    if options.full is None:
        missing.append(
            "full: python -m data_prep.build_language_model ../shared/text --out FULL "
            "(see benchmarks/README.md), then --full FULL"
        )
        return []
    return list(measure_folder("full", options.full, tests))


def measure_dictionary(tests):
    """jieba's word frequencies and nothing else, in our lattice: Measured."""
    shipped = hanzi.load()
    words = shipped.model.words
    known = segment.frequencies()
    counts = np.array([known.get(word, 0) for word in words], float)
    counts[ngram_counts.END] = 1
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.maximum(counts, 0.5) / counts.sum())
    log_probs[ngram_counts.BEGIN] = kneser_ney.NEVER
    keys = np.arange(len(words), dtype=np.uint64)
    bits = ngram_counts.bits_of(len(words), 1)
    model = kneser_ney.Model(
        len(words), bits, [keys], [log_probs.astype(np.float32)], []
    )
    language = hanzi.Language(
        build_language_model.finish(model, words, "word", {}),
        lexicon.load(hanzi.FOLDER),
        shipped.weights,
    )
    name = "jieba's word frequencies, our lattice"
    return measure(name, both(hanzi.convert, language), tests)


def measure_peers(options, tests, missing):
    """Other programs, where they are there: list of Measured."""
    folder = options.peers
    peers = {
        "libgooglepinyin": {False: (hanzi_peers.libgooglepinyin,)},
        "Pinyin2Hanzi, characters": {False: (hanzi_peers.pinyin2hanzi, False)},
        "Pinyin2Hanzi, words": {False: (hanzi_peers.pinyin2hanzi, True)},
        "libpinyin": {
            True: (hanzi_peers.libpinyin, True),
            False: (hanzi_peers.libpinyin, False),
        },
    }
    rows, some = [], sample(tests, PEER_SENTENCES)
    for name, makers in peers.items():
        try:
            converters = {
                toned: make(folder, *rest) for toned, (make, *rest) in makers.items()
            }
        except hanzi_peers.Missing as error:
            missing.append(f"{name}: {error}, then --peers PEERS")
            continue
        rows.append(measure(name, converters, some, limit=PEER_SECONDS))
    return rows


def sample(tests, count):
    """Some sentences of each test, the same each time: dict like that of all."""
    print(f"peers: at most {count:,} sentences of a test and {PEER_SECONDS} s for it")
    rng = random.Random(0)
    return {
        name: rng.sample(sentences, min(count, len(sentences)))
        for name, sentences in tests.items()
    }


def measure_variants(options, tests):
    """Models of all text and of parts of it: list of Measured."""
    transcripts = options.text / "transcripts"
    excluded = [transcripts / f"{file}.txt" for file in TESTS.values()]
    weights = hanzi.load_weights(hanzi.FOLDER)
    return [
        measure(name, both(hanzi.consensus, language), tests, size)
        for name, language, size in hanzi_models.build(options.text, excluded, weights)
    ]


# --- what is printed -----------------------------------------------------------------


def report(rows):
    """Prints the table."""
    header = ["", "MB", "load s"]
    header += ["THCHS-30 %", "AISHELL %", "chars/s"]
    header += ["toneless", "THCHS-30 %", "AISHELL %", "chars/s"]
    figures.table(header, [_cells(row) for row in rows])


def _cells(row):
    size = f"{row.size:.1f}" if row.size else ""
    cells = [row.name, size, f"{row.load:.2f}" if row.load else ""]
    for toned in (True, False):
        found = [row.errors.get((test, toned)) for test in TESTS]
        cells += ["-" if one is None else f"{one:.2f}" for one in found]
        speed = row.speeds.get(toned)
        cells += ["-" if speed is None else f"{speed:,.0f}"]
        cells += [""] if toned else []
    return cells


def print_targets(rows):
    """Says which targets are reached."""
    for (name, toned), limits in TARGETS.items():
        row = next((one for one in rows if one.name.startswith(name)), None)
        for test, limit in zip(TESTS, limits, strict=True):
            if row is None:
                continue
            title = f"{name}, {test}, {'with' if toned else 'without'} tones"
            _say(title, row.errors[test, toned], limit, "%")
    _say("shipped, load", rows[0].load, TARGET_LOAD, "s")
    speed = rows[0].speeds[True]
    _say("shipped, time of a character", 1e6 / speed, 1e6 / TARGET_SPEED, "us")


def _say(title, value, limit, unit):
    verdict = "reached" if value <= limit else "MISSED"
    print(f"target {verdict}: {title} {value:.2f} {unit}, at most {limit:g} {unit}")


if __name__ == "__main__":
    main()

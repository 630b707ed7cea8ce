"""How fast and how good the searches are that turn posteriors into words.

    python benchmarks/decoding.py
    python benchmarks/decoding.py --model models/real --manifest data/test.jsonl

Without a model, posteriors are made up: 250 frames of 1,300 toned syllables for every
10 seconds, in which a syllable is heard for a few frames and taken in part for another
one, with a wrong tone, n for ng or z for zh. The sentences are those of the synthetic
corpus. One process and one core; each search runs several times in turn with the
others, and the median counts.
"""

import argparse
import dataclasses
import functools
import pathlib
import resource
import statistics
import time

import figures
import numpy as np

from zhasr import (
    decoders,
    decoding,
    hanzi,
    pinyin,
    scoring,
    tuning,
    vocabulary,
)

SENTENCES = pathlib.Path(__file__).parents[1] / "data_prep" / "sentences.txt"
LABELS = 1300
FRAMES_A_SECOND = 25
FRAMES_OF_SYLLABLE = 5.5
SWAPS = "an ang,en eng,in ing,z zh,c ch,s sh,n l,f h,r l".split(",")
DEVELOPMENT = 60  # sentences to tune on
KINDS = ("syllable", "base-syllable", "character")
TUNED = ("beam", "words")  # decoders with weights
COMPARED = (("greedy", "one-pass"), ("two-stage", "one-pass"))


def main():
    """Measure, print the tables and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--language", type=pathlib.Path, default=hanzi.FOLDER)
    parser.add_argument("--model", type=pathlib.Path, help="posteriors of this model")
    parser.add_argument("--manifest", type=pathlib.Path, help="of these recordings")
    parser.add_argument("--sentences", type=int, default=80, help="at most")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="one long recording instead")
    options = parser.parse_args()
    language = hanzi.load(options.language)
    if options.model:
        names, cases = recorded(options.model, options.manifest, options.sentences)
    else:
        names = most_common_syllables(language)
        cases = made_up(names, options.sentences)
    if options.minutes:
        return long_recording(names, language, cases, options.minutes)
    weights = {
        name: tuning.load(options.model, name)
        if options.model
        else tuned(name, names, language)
        for name in TUNED
    }
    for name, each in weights.items():
        print(f"weights of {name}: {each}")
    searches, preparation = prepare(names, language, weights)
    durations, found = measure(searches, cases, options.repetitions)
    report(cases, names, durations, found, preparation)


def most_common_syllables(language):
    """A vocabulary of toned syllables, those of most words in the lexicon."""
    tables, symbols = language.lexicon.tables, language.lexicon.symbols
    counts = np.bincount(tables.symbols, minlength=len(symbols))
    ranked = sorted(zip(-counts, symbols, strict=True))
    legal = [symbol for _, symbol in ranked if pinyin.is_syllable(symbol)]
    return vocabulary.build("syllable", [legal[: LABELS - 1]])


def made_up(names, count, seed=0):
    """Cases (scoring.Scored without hypothesis, posteriors) of invented posteriors."""
    rng = np.random.default_rng(seed)
    lines = [line for line in SENTENCES.read_text().split() if line[0] not in "#"]
    cases = []
    for line in rng.permutation(lines):
        text = pinyin.normalise(line)
        said = pinyin.syllables(text) if pinyin.has_only_hanzi(text) else ["?"]
        if set(said) <= set(names.labels):
            scored = scoring.Scored(str(len(cases)), "", tuple(said), (), text)
            cases.append((scored, posteriors(names, said, rng)))
        if len(cases) == count:
            break
    return cases


def posteriors(names, said, rng):
    """Log probabilities (frames, labels) in which syllables are heard, more or less."""
    frames = round(FRAMES_OF_SYLLABLE * (len(said) + 1))
    noise = rng.gamma(0.1, size=(frames, len(names)))
    noise[:, 0] = 0
    probs = 0.01 * noise / noise.sum(axis=1, keepdims=True)
    for place, syllable in enumerate(said):
        alike = [syllable, *rng.permutation(confusable(syllable, names))[:6]]
        clearness = 1.2 * rng.beta(1.5, 1)
        mixture = rng.dirichlet([6 * clearness, *[0.5] * (len(alike) - 1)])
        start = round(FRAMES_OF_SYLLABLE * (place + 0.5) + rng.uniform(0, 2))
        peak = 1 - 10 ** -rng.uniform(1, 6)  # what is left for the blank
        for frame, share in enumerate((0.5, peak, 0.2), start=start):
            probs[frame, names.encode(alike)] += share * mixture
            probs[frame] *= (share < 0.9) or peak / probs[frame].sum()
    probs[:, 0] += 1 - np.minimum(probs.sum(axis=1), 1 - 1e-6)
    return np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)


@functools.cache
def confusable(syllable, names):
    """Labels that sound alike: another tone, or one sound for another."""
    base, tone = pinyin.base(syllable), pinyin.tone(syllable)
    found = {f"{base}{other}" for other in range(1, 6)}
    for pair in SWAPS:
        for one, other in (pair.split(), pair.split()[::-1]):
            if base.startswith(one):
                found.add(f"{other}{base[len(one) :]}{tone}")
            if base.endswith(one):
                found.add(f"{base[: -len(one)]}{other}{tone}")
    return sorted(found & set(names.labels) - {syllable})


def recorded(model, manifest_path, count):
    """The vocabulary of a model and cases of recordings."""
    from zhasr import audio, manifest, recognizer  # TensorFlow

    loaded = recognizer.load(model)
    cases = []
    for item in manifest.read(manifest_path)[:count]:
        scored = scoring.Scored(item.id, item.speaker, item.syllables, (), item.text)
        samples = audio.read(item.audio_filepath)
        cases.append((scored, recognizer.log_probs(loaded, samples)))
    return loaded.description.vocabulary, cases


def tuned(name, names, language):
    """Weights that are good for other invented posteriors: word_search.Options."""
    cases = [
        tuning.Case(frames, case.reference_syllables, case.reference_text)
        for case, frames in made_up(names, DEVELOPMENT, seed=1)
    ]
    return tuning.tune(cases, decoders.build(name, names, language))[-1].options


def prepare(names, language, weights):
    """Functions from posteriors to a hypothesis, and seconds to set up.

    "beam" is the likeliest label sequence, "two-stage" the likeliest text of many.
    """
    greedy = decoders.build("greedy", names, language)
    two_stage = decoders.build("beam", names, language, weights["beam"])
    start = time.perf_counter()
    one_pass = decoders.build("words", names, language, weights["words"])
    seconds = time.perf_counter() - start

    def beam(frames):
        best = decoding.beam(frames)[0]
        return decoders.written(greedy, best.labels, best.score)

    def search(decoder):
        return lambda frames: decoders.decode(decoder, frames)[0]

    searches = {
        "greedy": search(greedy),
        "beam": beam,
        "two-stage": search(two_stage),
        "one-pass": search(one_pass),
    }
    return searches, seconds


def long_recording(names, language, cases, minutes):
    """Print time and memory of the one-pass search for many minutes at once."""
    frames = round(60 * FRAMES_A_SECOND * minutes)
    spoken = np.concatenate([each for _, each in cases])
    spoken = np.resize(spoken, (frames, len(names)))
    decoder = decoders.build("words", names, language)
    decoders.decode(decoder, spoken[:100])  # compiles
    before, start = peak_memory(), time.process_time()
    decoders.decode(decoder, spoken)
    figures.figure("decoding_long_speech", time.process_time() - start, "s")
    figures.figure("decoding_long_speech_memory", peak_memory() - before, "MiB")
    generator = np.random.default_rng(0)
    noise = 3 * generator.standard_normal(spoken.shape, np.float32)
    noise -= np.logaddexp.reduce(noise, axis=1, keepdims=True)
    start = time.process_time()
    decoders.decode(decoder, noise)
    figures.figure("decoding_long_noise", time.process_time() - start, "s")
    figures.figure("decoding_long_peak", peak_memory(), "MiB")


def peak_memory():
    """The most memory that this process has held so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(searches, cases, repetitions):
    """Seconds of every repetition by search, all in turn, and what they found."""
    for search in searches.values():  # compiles
        search(cases[0][1])
    durations = {name: [] for name in searches}
    for _ in range(repetitions):
        found = {}
        for name, search in searches.items():
            start = time.process_time()
            found[name] = [search(frames) for _, frames in cases]
            durations[name].append(time.process_time() - start)
    return durations, found


def report(cases, names, durations, found, preparation):
    """Print speed, then errors, then the figures."""
    frames = sum(len(frames) for _, frames in cases)
    seconds = frames / FRAMES_A_SECOND
    print(
        f"{len(cases)} sentences, {seconds / 60:.1f} minutes, {len(names)} "
        f"{names.kind} labels; prefix tree in {preparation:.1f} s\n"
    )
    realtime = {
        name: seconds / statistics.median(each) for name, each in durations.items()
    }
    scored = {name: hypotheses(cases, each) for name, each in found.items()}
    toned = names.kind != "base-syllable"
    scores = {name: scoring.score(each, toned).rates for name, each in scored.items()}
    rows = [
        (name, realtime[name], *(percent(scores[name][kind]) for kind in KINDS))
        for name in found
    ]
    figures.table(("search", "× real time", *KINDS), rows)
    print("\nDifference of two searches, with 95 % interval (paired bootstrap)")
    rows = [
        (f"{first} to {second}", *compared(scored[first], scored[second], toned))
        for first, second in COMPARED
    ]
    figures.table(("", *KINDS), rows)
    for name in found:
        word = name.replace("-", "_")
        figures.figure(f"decoding_{word}_realtime", realtime[name], "x")
    for kind in KINDS:
        word = kind.replace("-", "_")
        rate = 100 * scores["one-pass"][kind].rate
        figures.figure(f"decoding_one_pass_{word}_error", rate, "%")


def hypotheses(cases, found):
    """What one search found, beside what was said: list of scoring.Scored."""
    return [
        dataclasses.replace(
            case, hypothesis_syllables=one.syllables, hypothesis_text=one.text
        )
        for (case, _), one in zip(cases, found, strict=True)
    ]


def compared(first, second, toned):
    """The differences of all kinds, as text."""
    for kind in KINDS:
        if kind == "syllable" and not toned:
            yield "–"
            continue
        difference = scoring.compare(first, second, kind)
        low, high = (100 * end for end in difference.interval)
        yield f"{100 * difference.difference:+.1f} % ({low:+.1f} to {high:+.1f})"


def percent(rate):
    """A rate with its interval."""
    if rate is None:
        return "–"
    low, high = rate.interval
    return f"{100 * rate.rate:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


if __name__ == "__main__":
    main()

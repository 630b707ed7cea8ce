"""What a model that ships was made of and how well it hears, for people: card.md.

Nothing in it is typed: the data are those of the prepared folders, the errors those of
a results file of `benchmarks/real_speech.py`.
"""

import collections
import dataclasses
import json
import pathlib
import textwrap

from data_prep import card, corpora, pretrain
from zhasr import dataset, model_folder, shape_layers

ASSEMBLED = "manifests"  # the adapter of sentences put together
OF_PIECES = "sentences put together from pieces of those of these readers"
CONNECTED = ("aishell", "thchs30", "folder")  # adapters of read sentences
NO_RESULTS = "not measured yet: `python benchmarks/real_speech.py CORPORA WORK`"
TONED = "toned syllables wrong"  # measures in the results
EXPECTED = "toned syllables expected to be wrong"  # by `zhasr transcribe`

# For the estimate of a better model. Speeds of `base` on two idle cores, in hours of
# audio an hour; benchmarks/README.md says how they were measured.
TRAINING_SPEED = 176
PREPARING_SPEED = 302
CORES_RATE = 61e9  # operations a second of that training: 33 % of 185 GFLOP/s
GPU_RATE = 5e12  # operations a second, assumed of a GPU: none was at hand
LARGER = {"THCHS-30": (25, 20), "AISHELL-1": (150, 5)}  # hours of training; passes


@dataclasses.dataclass(frozen=True)
class Part:
    """What a model heard of one source.

    Args:
        corpus: str, name of its adapter.
        source: str, whose recordings these are, under which licence; or what they are.
        voices: int.
        hours: float, of its recordings as they are.
        versions: int, that were heard of each recording.
        pass_hours: float, of all versions, as far as one training hears them.
    """

    corpus: str
    source: str
    voices: int
    hours: float
    versions: int
    pass_hours: float


def parts(paths):
    """Add up the training data of prepared folders.

    Args:
        paths: list of path of prepared folders.

    Returns:
        list of Part, in the order of the folders; folders without training data, which
        chose the epoch, are left out.
    """
    found = collections.defaultdict(list)
    for path in paths:
        config = json.loads((pathlib.Path(path) / "config.json").read_text("utf-8"))
        utterances = dataset.open_folder(path).utterances("train")
        if utterances:
            found[_source(path, config["corpus"], utterances)].append(
                (config, utterances)
            )
    return [_part(source, folders) for source, folders in found.items()]


def _source(path, corpus, utterances):
    """Whose recordings they are, in one line."""
    if corpus == ASSEMBLED:
        if pretrain.CUT in pathlib.Path(path).name:
            return OF_PIECES
        return "sentences put together from the words and syllables of these voices"
    sources = corpora.sources(corpus, {item.speaker for item in utterances})
    return " + ".join(map(str, sources)) or "recordings of one's own"


def _part(source, folders):
    hours = [sum(item.duration for item in each) / 3600 for _, each in folders]
    corpus = folders[0][0]["corpus"]
    voices = {item.speaker for _, each in folders for item in each}
    if corpus == ASSEMBLED:  # a sentence has one version, a training hears one set
        sets = max(1, len(folders) // pretrain.ASSEMBLED_FOLDERS)
        return Part(corpus, source, len(voices), sum(hours), 1, sum(hours) / sets)
    plain = [
        each
        for each, (config, _) in zip(hours, folders, strict=True)
        if not config.get("disturbed")
    ]
    return Part(corpus, source, len(voices), sum(plain), len(folders), sum(hours))


def judges(paths):
    """Whose development recordings there are.

    Args:
        paths: list of path of prepared folders.

    Returns:
        dict of source, as of `Part`, to what there is of it, in words.
    """
    lines = {}
    for path in paths:
        folder = dataset.open_folder(path)
        if found := folder.utterances("dev"):
            voices = {item.speaker for item in found}
            source = _source(path, folder.corpus, found)
            lines[source] = f"{len(found):,} utterances, voices: {len(voices)}"
    return lines


def _title(source):
    return source.partition(";")[0]


def write(description, data, development, results=None, command=None, steps=0):
    """Write the card.

    Args:
        description: model_folder.Description.
        data: list of Part.
        development: dict, that of `judges`.
        results: dict, that of `benchmarks/real_speech.py`; None where there is none.
        command: str, that trained the model.
        steps: int, of `speaker_adaptation`.

    Returns:
        str, Markdown.
    """
    sections = {
        "What it is": _what(description, steps),
        "What it heard": _data(description, data),
        "Whose recordings these are": _attribution(data),
        "How it was chosen": _choice(description, development, data),
        "How well it hears": _results(results),
        "What it is bad at": _bad_at(data, results),
        "How to make a better one": _better(data),
        "How it was made": _made(description, command),
    }
    text = "".join(f"\n## {head}\n\n{body}\n" for head, body in sections.items())
    return f"# The Mandarin model that comes with zhasr\n{text}"


def _what(description, steps):
    parameters = shape_layers.count(*description.sizes)
    names, features = description.vocabulary, description.features
    pitch = " with pitch" if features.pitch else ""
    if features.length_normalisation:
        pitch += ", the vocal tract normalised by it"
    kind = features.kind.replace("mfcc", "MFCC")
    if not features.deltas:
        pitch = f" without Δ,{pitch}" if pitch else " without Δ"
    adapts = (
        "It gets used to each recording, in {} steps (`zhasr.speaker_adaptation`), or "
        "to a speaker, by more than a minute (`zhasr.one_speaker`)."
    )
    return (
        f"A WaveNet encoder with CTC: {parameters / 1e6:.2f} million weights (matrices "
        f"as float16), {kind} features{pitch}, "
        f"{len(names)} {names.kind} labels. `zhasr transcribe my.wav` uses it, with "
        "the language model of `zhasr/pretrained/language` for characters. "
        + (adapts.format(steps) if steps else "")
    ).strip()


def _data(description, data):
    rows = [
        (
            _title(one.source),
            f"{one.voices}",
            f"{one.hours:.2f}",
            f"{one.versions}",
            f"{one.pass_hours:.2f}",
        )
        for one in data
    ]
    total = sum(one.pass_hours for one in data)
    rows.append(("all", "", "", "", f"{total:.2f}"))
    heads = ("recordings", "voices", "hours", "versions", "hours in a pass")
    heard = description.training["hours_heard"]
    return (
        f"{card.table(heads, rows)}\n\nIn all it heard {heard:.0f} hours, the same "
        f"recordings again and again{_sets(data)}. Test speakers are in none of them."
    )


def _sets(data):
    told = ""
    for one in data:
        if one.corpus == ASSEMBLED and one.hours > one.pass_hours:
            count = round(one.hours / one.pass_hours)
            told += f"; of the {one.source}, one of {count} sets in a training"
        if one.source == OF_PIECES:  # a training that begins cannot cut yet
            told += f"; the {one.source} in some trainings only"
    return told


def _attribution(data):
    lines = [f"- {line}" for one in data for line in one.source.split(" + ")]
    return (
        "\n".join(line for line in lines if ";" in line)
        + "\n\n**Changes.** The recordings were converted to 16 kHz; "
        "for training, versions of them were made with other voices, paces, rooms, "
        "microphones and noise (`data_prep.disturb`), and words and syllables "
        f"{_and_pieces(data)}were trimmed, shortened and joined to sentences "
        "(`data_prep.concatenate`), which say lines of texts that the command below "
        "names; their authors stand in the card of `zhasr/pretrained/language`. The "
        "authors named above have not endorsed this model. No recording is in this "
        "folder: it holds weights that were learned from them. As far as these are an "
        "adaptation of recordings under CC BY-SA, they are under CC BY-SA, too."
    )


def _and_pieces(data):
    of_pieces = any(one.source == OF_PIECES for one in data)
    return "and pieces of sentences (`data_prep.cut`) " if of_pieces else ""


def _choice(description, development, data):
    error = description.training.get("dev_label_error")
    named = {one.source for one in data}  # with authors and licence, above
    lines = "\n".join(
        f"- {_title(source) if source in named else source}: {line}"
        for source, line in development.items()
    )
    text = f"The epoch was chosen by development recordings:\n\n{lines}"
    if error is not None:
        text += f"\n\nIts label error there is {100 * error:.1f} %. That is no test."
    return text


def _results(results):
    if results is None:
        return NO_RESULTS
    rows = [
        (
            one["test"],
            one["measure"],
            _percent(one["value"]),
            _interval(one),
            f"{one['count']:,}",
        )
        for one in results["rows"]
    ]
    heads = ("test", "measure", "result", "95 % interval", "of")
    notes = "".join(f"\n\n{note}" for note in results["notes"])
    return (
        f"{card.table(heads, rows)}\n\nIntervals are bootstraps over utterances: they "
        f"say nothing about other speakers.{notes}\n\n    {results['command']}"
    )


def _percent(value):
    return f"{100 * value:.1f} %"


def _interval(row):
    if row["interval"] is None:
        return "–"
    return " – ".join(f"{100 * bound:.1f}" for bound in row["interval"]) + " %"


BAD_AT = """\
- Connected speech: it heard {hours:.1f} hours of it (voices: {voices}); the rest are
  single words and syllables, and what was put together from them.
- Voices, ages and accents other than those few: children, old people, dialects.
- Spontaneous and fast speech, several people at once, singing, telephones.
- Latin letters and foreign names: there is no label for them.
- Knowing when it is wrong: what `transcribe` says of its errors was fitted to voices
  that it had heard and to versions of them (`data_prep.calibrate`){expected}."""


def _bad_at(data, results):
    read = [one for one in data if one.corpus in CONNECTED]
    return BAD_AT.format(
        hours=sum(one.hours for one in read),
        voices=sum(one.voices for one in read),
        expected=_expected(results),
    )


def _expected(results):
    """What it expected of voices that it had not heard, and what was wrong."""
    rows = results["rows"] if results else []
    wrong = {(one["test"], one["measure"]): one["value"] for one in rows}
    return "".join(
        f". Of {test.partition(',')[0]} it expects {_percent(value)} of the toned "
        f"syllables to be wrong, where {_percent(wrong[test, TONED])} are"
        for (test, measure), value in wrong.items()
        if measure == EXPECTED
    )


def _better(data):
    at_hand = sum(one.pass_hours for one in data)
    rows = []
    for name, (hours, passes) in LARGER.items():
        heard = passes * (hours + at_hand)
        preparing, cores = hours / PREPARING_SPEED, heard / TRAINING_SPEED
        gpu = cores * CORES_RATE / GPU_RATE
        rows.append(
            (
                name,
                f"{hours} h",
                f"{passes}",
                f"{heard:.0f} h",
                f"{preparing:.1f} h",
                f"{cores:.0f} h",
                f"{60 * gpu:.0f} min",
            )
        )
    heads = (
        "with",
        "training data",
        "passes",
        "heard",
        "preparing",
        "two cores",
        "a GPU",
    )
    hours = LARGER["THCHS-30"][1] * (LARGER["THCHS-30"][0] + at_hand) / TRAINING_SPEED
    return (
        "With a corpus of many readers beside the ones above, the same commands make a "
        "far better model:\n\n"
        "    python -m data_prep.download thchs30 CORPORA    # or aishell\n"
        "    python -m data_prep.pretrain CORPORA WORK MODEL --preset base "
        f"--hours {hours:.0f}\n\n"
        "The whole of AISHELL-1 takes the place of its sample, so move that away "
        "first. What comes after the training (`harder`, `adapt`, `tune`, "
        "`calibrate`, `ship`) stands in the README.\n\n"
        f"{card.table(heads, rows)}\n\n"
        f"These are estimates, nobody has run them: {TRAINING_SPEED} hours of audio an "
        f"hour for training and {PREPARING_SPEED} for preparing were measured with "
        "`base` and AdamW on two idle cores (`benchmarks/README.md`); Muon, which the "
        "command takes, was a sixth slower where both were measured "
        "(`benchmarks/real_speech.md`). For the GPU "
        f"{GPU_RATE / 1e12:.0f} tera-operations a second are assumed, where the cores "
        f"reached {CORES_RATE / 1e9:.0f} giga; none was at hand, and the one process "
        "that reads and changes recordings may well be slower than it."
    )


def _made(description, command):
    facts = "\n".join(
        f"- {line}" for line in model_folder.fact_lines(description.training)
    )
    shown = textwrap.indent(command, "    ") + "\n\n" if command else ""
    return shown + facts

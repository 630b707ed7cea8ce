"""Raw folders of recordings -> a model that hears real people, in one command.

    python -m data_prep.pretrain ../corpora build/real build/real/model --minutes 100

    corpora --prepare--> features --concatenate--> sentences --prepare--> features
                                                             --train--> model

What is not in the folder of the corpora is left out, and the log says so: with THCHS-30
or the whole of AISHELL there, the same command makes a better model. Every step goes on
where it was stopped, and what is finished is not done again.

Little connected speech is at hand, so most is made of it: it is heard in several
versions (other voices, rooms and microphones, see `data_prep.disturb`), and sentences
put together from words and syllables come on top (`data_prep.concatenate`). A training
that goes on, `--start`, can hear others, `--assembled-set`, and such that were put
together from pieces of the sentences (`--cut-minutes`, `data_prep.cut`). And who speaks
is changed, by how the training speakers differ (`data_prep.speakers`).

Training hears the `train` splits alone. The epoch is chosen by people and sentences
that it did not hear: the development speakers of DSPSpeech-20, the words of seedlingo
and the held-out sentences of AISHELL. Test speakers are in neither, which is checked
before training.
"""

import argparse
import dataclasses
import datetime
import hashlib
import itertools
import math
import pathlib
import sys

import numpy as np

from data_prep import (
    concatenate,
    contamination,
    cut,
    prepare,
    segment,
    sentences,
    speakers,
)
from data_prep.corpora import base, dspspeech
from zhasr import (
    augment,
    checkpoint,
    errors,
    features,
    manifest,
    model_folder,
    pinyin,
    recognizer,
    speaker_maps,
    training,
    training_run,
    wavenet,
)

TEST_SPEAKERS = dspspeech.TEST_SPEAKERS | {"S0252"}
ASSEMBLED_FOLDERS = 2  # half of the sentences as they are, half in other rooms
PATTERNS = 4000  # sentences with numbers, dates and names, where no text is given
CUT = "-cut-"  # in the names of folders of pieces and of what was made of them
LOG = "pretrain.log"
ALIGNER = "small"  # preset of the model that only has to find what is spoken where


@dataclasses.dataclass(frozen=True)
class Part:
    """One corpus of the recipe.

    Args:
        name: of its prepared folder.
        adapter: one of `corpora.ADAPTERS`.
        folder: in the folder of the corpora.
        times: how often it is heard in a pass: once as it is, the others changed.
        builds: whether its recordings are single words or syllables, of which
            sentences are made.
        judges: whether its development split chooses the epoch.
        split: that all of it is put in; None for its own splits.
        cuts: whether its recordings are sentences, of whose pieces others are made.
    """

    name: str
    adapter: str
    folder: str
    times: int
    builds: bool = False
    judges: bool = False
    split: str | None = None
    cuts: bool = False


RECIPE = (
    Part("aishell", "aishell", "data_aishell", 10, judges=True, cuts=True),
    Part("thchs30", "thchs30", "data_thchs30", 1, judges=True, cuts=True),
    Part("words", "words", "audio-cmn/64k/hsk", 2, builds=True),
    # The only voice with a large vocabulary that can be spared: 0.1 h.
    Part("seedlingo", "words", "seedlingo", 1, judges=True, split="dev"),
    Part("syllables-chen", "syllables", "audio-cmn/64k/syllabs", 2, builds=True),
    Part("syllables-hantts", "syllables", "HanTTS", 2, builds=True),
    Part("dspspeech", "dspspeech", "DSPSpeech-20", 1, judges=True),
)
WHOLE_AISHELL = 20_000  # training utterances; from here on it is heard once


@dataclasses.dataclass(frozen=True)
class Plan:
    """What one call is to do.

    Args:
        corpora: pathlib.Path of the raw folders.
        work: pathlib.Path of the prepared ones.
        model: pathlib.Path of the model folder.
        parts: tuple of Part.
        config: features.FeatureConfig.
        assembled_minutes: float, of sentences put together.
        texts: tuple of path, what these say.
        exclude: tuple of path, test sentences that these must not say.
        options: training.Options.
        assembled_set: int; each number makes other sentences.
        cut_minutes: float, of sentences put together from pieces of sentences.
        aligner_epochs: int, of training a model that finds the sounds in which
            speakers differ (`data_prep.speakers`); 0 leaves that out.
        workers: int, processes that prepare; None for as many as cores.
    """

    corpora: pathlib.Path
    work: pathlib.Path
    model: pathlib.Path
    parts: tuple[Part, ...]
    config: features.FeatureConfig
    assembled_minutes: float
    texts: tuple
    exclude: tuple
    options: training.Options
    assembled_set: int = 0
    cut_minutes: float = 0
    aligner_epochs: int = 0
    workers: int | None = None

    def prepared(self, name, version=0):
        """Where a corpus is prepared; features of another kind lie elsewhere."""
        suffix = f"@{version}" if version else ""
        return self.work / self.config.name / f"{name}{suffix}"


@dataclasses.dataclass(frozen=True)
class Allowed:
    """Which utterances may be trained on: called with one, says whether.

    In the whole of AISHELL-1 a test speaker of this project is a training speaker.

    Args:
        speakers: frozenset of str, who may not be heard.
        texts: frozenset of str, what may not be heard.
    """

    speakers: frozenset
    texts: frozenset

    def __call__(self, utterance):
        """Whether an utterance may be heard: bool."""
        return (
            utterance.speaker not in self.speakers and utterance.text not in self.texts
        )


def pretrain(plan, say=print):
    """Do all steps that are not done yet.

    Args:
        plan: Plan.
        say: function of str that shows progress.

    Returns:
        list of dict, one per epoch, as `training_run.train`.

    Raises:
        ValueError: a corpus, a folder or a state cannot be used; one line says why.
        OSError: a file cannot be read or written.
    """
    log = Log(plan.work / LOG, say)
    log(f"model {plan.model}, {plan.options}")
    check_start(plan)
    parts = present(plan, log)
    folders = prepare_parts(plan, parts, log)
    judges = [plan.prepared(part.name) for part in parts if part.judges]
    refuse_test_speakers(judges)
    keep = Allowed(TEST_SPEAKERS, tested_sentences(folders, log))
    folders += prepare_assembled(plan, parts, keep, log)
    plan = with_speaker_maps(plan, folders, judges, keep, log)
    log(f"training on {len(folders)} folders: {', '.join(p.name for p in folders)}")
    history = training_run.train(
        folders,
        plan.model,
        plan.options,
        resume=checkpoint.exists(plan.model),
        say=log,
        development=judges or None,
        keep=keep,
    )
    log("finished")
    return history


def check_start(plan):
    """Make sure, before hours of preparation, that a model can be gone on from.

    Args:
        plan: Plan.

    Raises:
        ValueError: it hears other features, or is missing where it is to cut.
        model_folder.ModelError: there is none.
    """
    if not plan.options.start:
        if plan.cut_minutes:
            raise ValueError("--cut-minutes needs a --start that hears where to cut")
        return
    hears = model_folder.load_description(plan.options.start).features
    if hears != plan.config:
        raise ValueError(
            f"--start {plan.options.start}: hears {hears.name}, the recipe as it is "
            f"called {plan.config.name}; add --deltas or the like, see --help"
        )


class Log:
    """Says a line and keeps it in a file with the time."""

    def __init__(self, path, say):
        """Args: path: pathlib.Path; say: function of str."""
        self.path, self.say = path, say
        path.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, line):
        """Say and keep a line."""
        self.say(line)
        now = datetime.datetime.now().isoformat(" ", "seconds")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{now}  {line}\n")


def present(plan, log):
    """The parts of the recipe whose folder is there; says which are not."""
    found = []
    for part in plan.parts:
        if (plan.corpora / part.folder).is_dir():
            found.append(part)
        else:
            log(f"left out: {part.name}, no folder {plan.corpora / part.folder}")
    if not found:
        raise ValueError(
            f"{plan.corpora}: expected corpora such as {plan.parts[0].folder}, found "
            f"{base.contents(plan.corpora)}"
        )
    return found


def prepare_parts(plan, parts, log):
    """Prepare every corpus and its versions; return the folders to train on."""
    folders = []
    for part in parts:
        source = plan.corpora / part.folder
        times = part.times
        for version in range(times):
            out = plan.prepared(part.name, version)
            _prepare(plan, part.adapter, source, out, version, log, part.split)
            if part.split == "dev":
                break
            folders.append(out)
            if version == 0 and _is_large(out):
                log(f"{part.name} is large: heard once in a pass")
                break
    return folders


def _is_large(folder):
    with (folder / "train.jsonl").open(encoding="utf-8") as file:
        return sum(1 for _ in file) >= WHOLE_AISHELL


def _prepare(plan, adapter, source, out, version, log, split=None):
    text = prepare.prepare(
        adapter, source, out, plan.config, split, plan.workers, version
    )
    log(f"{out.name}: {text.splitlines()[-1].removeprefix(f'{out}: ')}")


def prepare_assembled(plan, parts, keep, log):
    """Put sentences together and prepare them; return the folders to train on."""
    sources = [*_words(plan, parts), *_pieces(plan, parts, keep, log)]
    if not sources:
        log("no sentences are put together")
        return []
    texts = allowed_texts(plan, [plan.prepared(part.name) for part in parts])
    log(f"{len(texts):,} lines of text for sentences put together")
    folders = []
    for (name, minutes, manifests), version in itertools.product(
        sources, range(ASSEMBLED_FOLDERS)
    ):
        number = plan.assembled_set * ASSEMBLED_FOLDERS + version
        made = plan.work / "assembled" / f"assembled-{name}-{minutes:g}min-{number}"
        text = concatenate.concatenate(
            manifests, made, minutes / ASSEMBLED_FOLDERS, texts, number, plan.workers
        )
        log(text)
        out = plan.prepared(made.name, version)
        _prepare(plan, "manifests", made, out, version, log)
        folders.append(out)
    return folders


def _words(plan, parts):
    """Recordings of words and syllables: [(name, minutes, manifests)], or []."""
    builders = [part.name for part in parts if part.builds]
    manifests = [plan.prepared(name) / "train.jsonl" for name in builders]
    wanted = builders and plan.assembled_minutes > 0
    # Other voices or lengths are another corpus.
    return [("-".join(builders), plan.assembled_minutes, manifests)] if wanted else []


def _pieces(plan, parts, keep, log):
    """Pieces of sentences, cut if they are not yet, likewise; not of large corpora."""
    parts = [part.name for part in parts if part.cuts]
    parts = [name for name in parts if not _is_large(plan.prepared(name))]
    if not parts or plan.cut_minutes <= 0:
        return []
    start = pathlib.Path(plan.options.start)
    said = [
        item
        for part in parts
        for item in filter(keep, manifest.read(plan.prepared(part) / "train.jsonl"))
    ]
    # Another model cuts elsewhere, and what may be heard can become less.
    weights = (start / model_folder.WEIGHTS).read_bytes()
    digest = _digest(weights + cut.digest(said).encode())
    name = f"{'-'.join(parts)}{CUT}{digest}"
    out = plan.work / "cut" / name
    log(cut.cut(said, out, recognizer.load(start, adapt=False)))
    return [(name, plan.cut_minutes, [out / "train.jsonl"])]


def allowed_texts(plan, prepared):
    """What assembled sentences may say: nothing that is measured on.

    Args:
        plan: Plan.
        prepared: list of path; the sentences of their `dev` and `test` are left out.

    Returns:
        list of str.
    """
    excluded = [line for path in plan.exclude for line in segment.read_lines(path)]
    for folder in prepared:
        for path in folder.glob("*.jsonl"):
            if path.stem not in ("train", "rejected"):
                excluded += [item.text for item in manifest.read(path) if item.text]
    texts = concatenate.read_texts(plan.texts, excluded)
    if not plan.texts:
        generator = np.random.default_rng(plan.options.seed)
        drawn = [sentences.from_pattern("train", generator) for _ in range(PATTERNS)]
        texts = list(dict.fromkeys(texts + drawn))
    return texts


def with_speaker_maps(plan, folders, judges, keep, log):
    """Find out how the speakers differ, with a model that is trained for it alone.

    Args:
        plan: Plan.
        folders: list of path, what is trained on.
        judges: list of path, with development utterances.
        keep: function of manifest.Utterance to bool, which utterances are heard.
        log: function of str.

    Returns:
        Plan, whose options name the speaker maps, if any are wanted.
    """
    if not plan.aligner_epochs:
        log("voices are not changed into each other")
        return plan
    plain = [folder for folder in folders if _is_plain(folder)]
    named = "-".join(sorted(folder.name for folder in plain)).encode()
    work = plan.prepared(f"speakers-{_digest(named)}-{plan.aligner_epochs}")
    path = work / "maps.safetensors"
    if not path.exists():
        training_run.train(
            folders,
            work / "model",
            training.Options(
                preset=ALIGNER,
                epochs=plan.aligner_epochs,
                seed=plan.options.seed,
                epoch_hours=plan.options.epoch_hours,
            ),
            resume=checkpoint.exists(work / "model"),
            say=log,
            development=judges or None,
            keep=keep,
        )
        maps = speakers.measure(plain, recognizer.load(work / "model"), keep)
        speaker_maps.save(path, maps)
        log(f"{path}: {len(maps.speakers)} speakers")
    options = dataclasses.replace(plan.options, speaker_maps=str(path))
    return dataclasses.replace(plan, options=options)


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:8]


def _is_plain(folder):
    """Whether people speak there as they were recorded."""
    return "@" not in folder.name and not folder.name.startswith("assembled")


def tested_sentences(folders, log):
    """What test speakers say must not be learned from others.

    Args:
        folders: list of path of prepared folders.
        log: function of str.

    Returns:
        frozenset of str, the sentences of `test`; words may be said by everybody.
    """
    said = {"train": set(), "test": set()}
    for folder, split in itertools.product(dict.fromkeys(folders), said):
        path = folder / f"{split}.jsonl"
        if path.exists():
            said[split].update(item.text for item in manifest.read(path))
    tested = {
        text
        for text in said["test"]
        if text and len(pinyin.normalise(text)) >= contamination.SHORTEST
    }
    shared = ", ".join(sorted(tested & said["train"])) or "nothing"
    log(f"not trained on, because test speakers say it: {shared}")
    return frozenset(tested)


def refuse_test_speakers(folders):
    """Make sure that no test speaker helps to choose the epoch.

    Args:
        folders: list of path of prepared folders.

    Raises:
        ValueError: one does; it names the folder.
    """
    for folder in folders:
        path = folder / "dev.jsonl"
        if not path.exists():
            continue
        speakers = {item.speaker for item in manifest.read(path)}
        if heard := TEST_SPEAKERS.intersection(speakers):
            raise ValueError(
                f"{path}: expected no test speakers, received {sorted(heard)}; "
                "prepare the corpus again with its own splits"
            )


def parse(arguments):
    """Parse the command line, which `make_plan` takes."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.pretrain",
        description=__doc__.splitlines()[0],
        epilog=f"CORPORA holds some of {', '.join(part.folder for part in RECIPE)}; "
        "python -m data_prep.download fetches them or says where they are.",
    )
    parser.add_argument("corpora", type=pathlib.Path, help="the raw folders")
    parser.add_argument("work", type=pathlib.Path, help="where everything is prepared")
    parser.add_argument("model", type=pathlib.Path, help="the model folder to write")
    _add_length(parser.add_mutually_exclusive_group(required=True))
    _add_data(parser)
    _add_training(parser)
    return parser.parse_args(arguments)


def _add_length(group):
    group.add_argument("--minutes", type=float, help="of training, by the clock")
    group.add_argument("--hours", type=float, help="of training, by the clock")
    group.add_argument("--epochs", type=int, help="of --epoch-hours each")


def _add_data(parser):
    """What is heard."""
    parser.add_argument("--features", choices=("mfcc", "log-mel"), default="mfcc")
    for name, default, of in (
        ("--deltas", False, "the slopes of the cepstra: unknown voices suffer (no)"),
        ("--pitch", True, "tones (yes)"),
        ("--normalise-voices", True, "undo what its pitch tells of a voice (yes)"),
    ):
        action = argparse.BooleanOptionalAction
        parser.add_argument(name, action=action, default=default, help=of)
    parser.add_argument(
        "--assembled-minutes",
        type=_minutes,
        default=540,
        help="of sentences put together, 0 for none (540)",
    )
    parser.add_argument(
        "--assembled-set",
        type=int,
        default=0,
        metavar="N",
        help="another number puts other sentences together: to go on with (0)",
    )
    parser.add_argument(
        "--cut-minutes",
        type=_minutes,
        default=0,
        help="of sentences put together from pieces of the sentences (0)",
    )
    for name, of in (
        ("--text", "files with lines that sentences put together say"),
        ("--exclude", "files with test sentences that they must not say"),
    ):
        parser.add_argument(name, type=pathlib.Path, nargs="+", default=[], help=of)
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="PART",
        help=f"leave out of {', '.join(part.name for part in RECIPE)}",
    )
    parser.add_argument(
        "--times",
        nargs="+",
        default=[],
        metavar="PART=N",
        help="how often a part is heard in a pass",
    )
    parser.add_argument("--workers", type=int, help="processes that prepare")


def _minutes(text):
    minutes = float(text)
    if not 0 <= minutes < math.inf:
        raise argparse.ArgumentTypeError(f"expected 0 minutes or more, received {text}")
    return minutes


def _add_training(parser):
    """How it is learned."""
    networks = ", ".join(wavenet.PRESETS)
    parser.add_argument("--preset", default="deep", help=f"{networks} (deep)")
    parser.add_argument(
        "--start", metavar="MODEL", help="go on from its weights, in another folder"
    )
    labels, levels = ", ".join(pinyin.KINDS), ", ".join(augment.LEVELS)
    parser.add_argument("--target", default="initial-final", help=labels)
    parser.add_argument("--augment", default="voices", help=levels)
    parser.add_argument("--dropout", type=float, default=0.15)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--optimizer", default="muon", choices=training.OPTIMIZERS)
    parser.add_argument("--batch-seconds", type=float, default=50.0)
    parser.add_argument("--epoch-hours", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--aligner-epochs",
        type=int,
        default=2,
        help="of training a model that tells how the speakers differ, 0 for none (2)",
    )


def choose_parts(without=(), times=()):
    """The recipe, changed as the command line asks.

    Args:
        without: iterable of str, names of parts.
        times: iterable of str such as "words=3".

    Returns:
        tuple of Part.

    Raises:
        ValueError: a part that does not exist, or a number that is none.
    """
    names = [part.name for part in RECIPE]
    given = dict(item.partition("=")[::2] for item in times)
    for name in (*without, *given):
        if name not in names:
            raise ValueError(f"expected one of {', '.join(names)}, received {name!r}")
    for name, number in given.items():
        if not number.isdigit() or int(number) < 1:
            raise ValueError(f"--times {name}: expected 1 or more, received {number!r}")
    return tuple(
        dataclasses.replace(part, times=int(given.get(part.name, part.times)))
        for part in RECIPE
        if part.name not in without
    )


def make_plan(options):
    """A Plan from parsed arguments."""
    minutes = options.minutes
    if options.hours is not None:
        minutes = 60 * options.hours
    voices = options.pitch and options.normalise_voices
    return Plan(
        options.corpora,
        options.work,
        options.model,
        choose_parts(options.without, options.times),
        features.FeatureConfig(
            options.features,
            pitch=options.pitch,
            pitch_normalisation="voice" if voices else "utterance",
            length_normalisation=voices,
            deltas=options.deltas or options.features != "mfcc",
        ),
        options.assembled_minutes,
        tuple(options.text),
        tuple(options.exclude),
        training.Options(
            preset=options.preset,
            kind=options.target,
            seed=options.seed,
            epochs=options.epochs,
            minutes=minutes,
            learning_rate=options.learning_rate,
            optimizer=options.optimizer,
            batch_seconds=options.batch_seconds,
            augmentation=options.augment,
            start=options.start,
            dropout=options.dropout,
            epoch_hours=options.epoch_hours,
        ),
        options.assembled_set,
        options.cut_minutes,
        options.aligner_epochs,
        options.workers,
    )


def main(arguments=None):
    """Run the command; return the exit status: 0, 2 for bad input, 130 for Ctrl-C."""
    try:
        pretrain(make_plan(parse(arguments)), say=lambda line: print(line, flush=True))
    except (ValueError, OSError) as error:
        print(f"pretrain: {errors.one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pretrain: stopped; the same command goes on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A corpus on disk -> manifests, features, statistics: all that training needs.

    python -m data_prep.prepare aishell ../corpora/data_aishell data/aishell

writes

    data/aishell/
      train.jsonl dev.jsonl test.jsonl   manifests (zhasr.manifest)
      rejected.jsonl                     what was set aside, with the reason
      features/                          shards (zhasr.feature_store)
      statistics.json                    of the training features only
      vocabulary/syllable.txt ...        labels of the training split, all four kinds
      sources.json                       whose recordings they are, and their licence
      summary.txt                        hours, labels, leaks, what was set aside
      config.json                        how it was prepared; written last

An interrupted preparation goes on when the same command is given again. The same
corpus gives the same bytes, with any number of workers, interrupted or not.

    plan -> pieces (in several workers) -> finish
"""

import argparse
import functools
import os
import pathlib
import sys
import time

import tqdm

from data_prep import (
    corpora,
    finish,
    pieces,
    plan,
    prepared_folder,
    summary,
    workers,
)
from data_prep.corpora import base
from zhasr import errors, features, model_folder

DESCRIPTION = "Prepare a corpus for training. An interrupted preparation goes on."
VERSION = 2  # of what is written; counted up when the same corpus gives other bytes
BAD_INPUT = 2  # exit status
INTERRUPTED = 130  # exit status that shells give for Ctrl-C


def prepare(
    corpus: str,
    source: str | pathlib.Path,
    out: str | pathlib.Path,
    config: features.FeatureConfig | None = None,
    split: str | None = None,
    worker_count: int | None = None,
    version: int = 0,
) -> str:
    """Prepare a corpus.

    Args:
        corpus: Name of its adapter, one of `corpora.ADAPTERS`.
        source: Where it lies.
        out: The folder to write: new, empty, or an interrupted preparation.
        config: Which features to compute; MFCC with pitch when left out.
        split: Put every utterance in this split.
        worker_count: Processes; as many as there are cores when left out.
        version: From 1 on, the training split alone, in other voices, rooms and
            microphones (`data_prep.disturb`), different ones for each number.

    Returns:
        The summary and how fast it went, or that there was nothing to do.

    Raises:
        ValueError: The corpus or the folder cannot be used.
        OSError: A file cannot be read or written.
    """
    started = time.monotonic()
    config = config or features.FeatureConfig(pitch=True)
    out = pathlib.Path(os.path.realpath(out))
    found = plan.read(corpus, pathlib.Path(source), out, split)
    if version:
        found = _training_alone(found, out)
    settings = {
        "version": VERSION,
        "corpus": corpus,
        "source": os.path.relpath(os.path.realpath(source), out),
        "split": split,
        "features": config.to_dict(),
        "disturbed": version or None,  # a folder of an older version has no such line
        "fingerprint": plan.fingerprint(found, out),
    }
    if prepared_folder.is_finished(out, settings):
        prepared_folder.tidy(out)  # if it was killed just before
        return f"{out}: already prepared; summary.txt there describes it"
    with prepared_folder.claim(out, settings):
        cut = pieces.cut(found.entries)
        seconds = _prepare_pieces(cut, out, config, worker_count, version)
        text = finish.finish(cut, found, out, settings)
    return f"{text}\n{_speed(seconds, time.monotonic() - started)}"


def _prepare_pieces(
    cut: list[pieces.Piece],
    out: pathlib.Path,
    config: features.FeatureConfig,
    worker_count: int | None,
    version: int,
) -> float:
    """Prepare the pieces that have no record yet; return their seconds of audio."""
    missing = [
        piece for piece in cut if not pieces.record_path(out, piece.number).is_file()
    ]
    everything, left = _count(cut), _count(missing)
    seconds = 0.0

    def done(result):
        nonlocal seconds
        bar.update(result[0])
        seconds += result[1]

    if missing:
        bar = tqdm.tqdm(
            total=everything,
            initial=everything - left,
            unit=" utterances",
            disable=None,  # quiet when the output is not a terminal
        )
        with bar:
            function = functools.partial(
                pieces.prepare, out=out, config=config, version=version
            )
            count = min(worker_count or workers.count_cores(), len(missing))
            workers.run(function, missing, count, done)
    return seconds


def _training_alone(corpus: base.Corpus, out: pathlib.Path) -> base.Corpus:
    """Leave out what is not for training: nothing is measured on made-up rooms."""
    entries = [entry for entry in corpus.entries if entry.split == summary.TRAIN]
    if not entries:
        raise plan.PlanError(
            f"{out}: a version has the training split alone, and the "
            "corpus has none; prepare it without --version"
        )
    return base.corpus(entries, corpus.rejected, corpus.notes)


def _count(cut: list[pieces.Piece]) -> int:
    return sum(len(piece.entries) for piece in cut)


def _speed(audio_seconds: float, seconds: float) -> str:
    if audio_seconds == 0:
        return "every recording had been prepared before"
    return (
        f"prepared {audio_seconds / 3600:.2f} h of audio in {seconds:.0f} s: "
        f"{audio_seconds / seconds:.0f} times real time"
    )


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message):
        raise ValueError(f"{message}; --help tells more")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = _Parser("python -m data_prep.prepare", description=DESCRIPTION)
    parser.add_argument("corpus", help=", ".join(sorted(corpora.ADAPTERS)))
    parser.add_argument("source", help="the folder of the corpus")
    parser.add_argument("out", help="the folder to write")
    parser.add_argument("--features", choices=("mfcc", "log-mel"), default="mfcc")
    parser.add_argument("--bands", type=int, help="mel bands of log-mel (80)")
    parser.add_argument(
        "--deltas",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="append the slopes of the cepstra, Δ and ΔΔ",
    )
    parser.add_argument(
        "--pitch",
        action=argparse.BooleanOptionalAction,
        default=True,  # fewer errors in benchmarks/README.md, tones above all
        help="append pitch features",
    )
    parser.add_argument(
        "--pitch-normalisation",
        choices=features.PITCH_NORMALISATIONS,
        help="whose mean pitch is subtracted (utterance)",
    )
    parser.add_argument(
        "--length-normalisation",
        action="store_true",
        help="undo what the pitch tells about the length of the vocal tract",
    )
    parser.add_argument(
        "--like",
        metavar="MODEL",
        help="features as a model hears them, to go on from it (train --start), "
        "whatever the options above say",
    )
    parser.add_argument("--split", help="put every utterance in this split")
    parser.add_argument(
        "--version",
        type=int,
        default=0,
        help="1, 2 ...: training alone, in other voices, rooms and microphones",
    )
    parser.add_argument("--workers", type=int, help="processes (as many as cores)")
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if options.bands is not None and options.features != "log-mel":
        parser.error("--bands needs --features log-mel")
    if not options.deltas and options.features != "mfcc":
        parser.error("--no-deltas needs --features mfcc")
    if options.pitch_normalisation and not options.pitch:
        parser.error("--pitch-normalisation has no use with --no-pitch")
    if options.length_normalisation and not options.pitch:
        parser.error("--length-normalisation has no use with --no-pitch")
    if options.workers is not None and options.workers < 1:
        parser.error("--workers must be 1 or more")
    if options.version < 0:
        parser.error("--version must be 0 or more")


def _config(options: argparse.Namespace) -> features.FeatureConfig:
    if options.like is not None:
        return model_folder.load_description(options.like).features
    given = {
        "bands": options.bands,
        "pitch_normalisation": options.pitch_normalisation,
        "length_normalisation": options.length_normalisation,
    }
    given = {name: value for name, value in given.items() if value is not None}
    return features.FeatureConfig(
        options.features, pitch=options.pitch, deltas=options.deltas, **given
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: As given in the shell; `sys.argv` when left out.

    Returns:
        The exit status: 0, 2 for bad input, 130 after Ctrl-C.
    """
    try:
        options = _parse(arguments)
        text = prepare(
            options.corpus,
            options.source,
            options.out,
            _config(options),
            options.split,
            options.workers,
            options.version,
        )
    except (ValueError, OSError) as error:
        print(f"prepare: {errors.one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("prepare: interrupted; the same command goes on", file=sys.stderr)
        return INTERRUPTED
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

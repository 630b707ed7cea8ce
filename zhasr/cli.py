"""The command `zhasr`: train, evaluate, tune, transcribe, info.

Bad input ends with one line on stderr and exit status 2, never with a traceback.
What the commands do: `zhasr.commands`.
"""

import argparse
import os
import pathlib
import sys

from zhasr import commands, errors, formats

DECODERS = ("greedy", "beam", "words")  # those of zhasr.decoders, slow to import
SHIPPED = "model folder (default: the model that comes with zhasr)"
SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aiff", ".webm")
KINDS = ("syllable", "base-syllable", "initial-final", "character")


def main(arguments=None):
    """Run the command line.

    Args:
        arguments: list of str, default sys.argv[1:].

    Returns:
        int, the exit status: 0, or 2 for bad input, or 130 for Ctrl-C, or 141 when
        nobody reads on, as behind `| head`.
    """
    options = _parse(arguments)
    options.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = getattr(commands, options.command)(options) or 0
        if sys.stdout is not None:  # None where it was closed
            sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Python writes what is left at its end, and would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError) as error:
        # Every error of this project is a ValueError whose text says what to do.
        print(f"zhasr {options.command}: {errors.one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"zhasr {options.command}: stopped", file=sys.stderr)
        return 130


def _parse(arguments):
    """Read the arguments, those of a model and files in any place among options."""
    parser = _parser()
    options, others = parser.parse_known_args(arguments)
    if "paths" not in options or any(one.startswith("-") for one in others):
        if others:
            parser.error(f"unrecognized arguments: {' '.join(others)}")
        return options
    paths = [*options.paths, *map(pathlib.Path, others)]
    if options.command == "transcribe":
        has_model = _is_model(paths[0])
        options.audio = paths[has_model:]
    else:
        has_model = len(paths) > 1
        options.manifest = paths[-1]
        if len(paths) > 2:
            parser.error(f"expected MODEL MANIFEST, received {len(paths)} paths")
    options.model = paths[0] if has_model else None
    if has_model and paths[1:] == []:
        parser.error(f"{paths[0]}: expected recordings, also after a model folder")
    return options


def _is_model(path):
    """Whether a path is meant to be a model folder and not a recording."""
    # os.path, because pathlib raises errors of names that are too long.
    sounds = path.suffix.lower() in SOUNDS
    return os.path.isdir(path) or not (sounds or os.path.exists(path))


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message):
        """Exit with status 2."""
        self.exit(2, f"{self.prog}: {message}; --help tells more\n")


def _parser():
    parser = _Parser(
        prog="zhasr", description="Mandarin speech recognition: MFCC, WaveNet, CTC."
    )
    parsers = parser.add_subparsers(dest="command", required=True)
    _add_train(parsers)
    _add_evaluate(parsers)
    _add_tune(parsers)
    _add_transcribe(parsers)
    info = parsers.add_parser("info", help="print what a model folder holds")
    info.add_argument("model", nargs="?", type=pathlib.Path, help=SHIPPED)
    return parser


def _add_train(parsers):
    train = parsers.add_parser("train", help="train a model from prepared folders")
    train.add_argument(
        "data",
        nargs="+",
        type=pathlib.Path,
        help="folders of data_prep.prepare; one named twice counts twice",
    )
    train.add_argument("--out", required=True, type=pathlib.Path, help="model folder")
    presets = "base, small, short, deep, classic"
    train.add_argument("--preset", default="base", help=presets)
    train.add_argument(
        "--target", default="initial-final", choices=KINDS, help="what is written"
    )
    train.add_argument(
        "--start",
        metavar="MODEL",
        help="go on from its weights, with its labels; --preset does not count then",
    )
    train.add_argument("--seed", type=int, default=0)
    length = train.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, help="passes over the data (default 30)")
    length.add_argument("--minutes", type=float, help="wall-clock time instead")
    train.add_argument("--learning-rate", type=float, default=3e-3)
    train.add_argument(
        "--optimizer",
        default="adamw",
        choices=("adamw", "muon"),
        help="muon needs fewer hours of audio and more time for each",
    )
    train.add_argument("--batch-seconds", type=float, default=25.0)
    train.add_argument("--augment", default="light", choices=("none", "light", "full"))
    train.add_argument("--dropout", type=float, default=0.0)
    train.add_argument(
        "--patience", type=int, default=10, help="epochs without improvement"
    )
    train.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "float32", "mixed_bfloat16"),
        help="auto: mixed_bfloat16 on a GPU, float32 on a CPU",
    )
    train.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that share every batch (JAX)",
    )
    train.add_argument("--resume", action="store_true", help="go on after a stop")


def _add_evaluate(parsers):
    evaluate = parsers.add_parser(
        "evaluate",
        help="error rates on a manifest",
        usage="%(prog)s [options] [MODEL] MANIFEST",
    )
    evaluate.add_argument(
        "paths",
        nargs="+",
        type=pathlib.Path,
        metavar="[MODEL] MANIFEST",
        help=f"{SHIPPED}; then a manifest, such as DATA/test.jsonl",
    )
    evaluate.add_argument(
        "--decoder",
        default="greedy",
        choices=DECODERS,
        help="greedy: the best path that spells syllables; beam: many paths; words: "
        "sound and language together (default greedy)",
    )
    _add_language(evaluate)
    evaluate.add_argument("--json", action="store_true", help="for machines")
    evaluate.add_argument(
        "--alignments",
        type=pathlib.Path,
        help="write hypotheses beside references here "
        "(default: MODEL/evaluation/MANIFEST.DECODER.txt, or DECODER.per-speaker.txt, "
        "beside the manifest for the model that comes with zhasr)",
    )
    evaluate.add_argument(
        "--per-speaker",
        action="store_true",
        help="get used to each speaker by all utterances together, not by each",
    )
    evaluate.add_argument(
        "--closed-set",
        action="store_true",
        help="also choose the nearest of the words that occur, and count",
    )


def _add_tune(parsers):
    tune = parsers.add_parser(
        "tune",
        help="weights of sound and language, tuned on development recordings",
        description="Finds how much the language model weighs beside the sound, on "
        "development recordings, and writes it into the model folder, where evaluate "
        "and transcribe find it. A test set is refused.",
    )
    tune.add_argument("model", type=pathlib.Path)
    tune.add_argument("manifest", type=pathlib.Path, help="such as DATA/dev.jsonl")
    tune.add_argument(
        "--utterances",
        type=int,
        default=200,
        metavar="N",
        help="at most, evenly taken from the manifest (default 200)",
    )
    tune.add_argument(
        "--decoder",
        default="words",
        choices=DECODERS[1:],
        help="each has its own weights (default words)",
    )
    _add_language(tune)


def _add_transcribe(parsers):
    transcribe = parsers.add_parser(
        "transcribe",
        help="characters and pinyin of audio files",
        usage="%(prog)s [options] [MODEL] AUDIO ...",
    )
    transcribe.add_argument(
        "paths",
        nargs="+",
        type=pathlib.Path,
        metavar="[MODEL] AUDIO",
        help=f"{SHIPPED}; then recordings",
    )
    transcribe.add_argument(
        "--format",
        default="text",
        choices=formats.FORMATS,
        help="text: characters and pinyin; json: one object a line, with times and "
        "confidence; srt: subtitles; ctm: time-marked words (default text)",
    )
    transcribe.add_argument(
        "--decoder",
        choices=DECODERS,
        help="default: words, or greedy without a language",
    )
    _add_language(transcribe)
    transcribe.add_argument(
        "--words",
        type=pathlib.Path,
        metavar="FILE",
        help="words that are likely here, `word [weight]` a line: names, terms; each 1 "
        "of weight makes a word e times likelier (default 3)",
    )
    transcribe.add_argument(
        "--text",
        type=pathlib.Path,
        metavar="FILE",
        help="text of the kind that is spoken here; the decoder words takes only its "
        "new words",
    )
    transcribe.add_argument(
        "--one-speaker",
        action="store_true",
        help="the same person speaks in all recordings, from the same microphone: get "
        "used to all of them together",
    )
    transcribe.add_argument(
        "--out", type=pathlib.Path, metavar="FILE", help="write here, not to stdout"
    )


def _add_language(parser):
    parser.add_argument(
        "--language",
        type=pathlib.Path,
        metavar="FOLDER",
        help="language folder, or none for syllables only (default: the one that "
        "comes with zhasr)",
    )

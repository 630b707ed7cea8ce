"""The command `zhasr`: train, evaluate, transcribe, info.

Bad input ends with one line on stderr and exit status 2, never with a traceback.
"""

import argparse
import json
import os
import pathlib
import sys

KINDS = ("syllable", "base-syllable", "initial-final", "character")


def main(arguments=None):
    """Run the command line.

    Args:
        arguments: list of str, default sys.argv[1:].

    Returns:
        int, the exit status: 0, or 2 for bad input, or 130 for Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    options.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        # Every error of this project is a ValueError whose text says what to do.
        print(f"zhasr {options.command}: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"zhasr {options.command}: stopped", file=sys.stderr)
        return 130
    return 0


def _one_line(error):
    return " ".join(str(error).split())


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message):
        """Exit with status 2."""
        self.exit(2, f"{self.prog}: {message}; --help tells more\n")


def _parser():
    parser = _Parser(
        prog="zhasr", description="Mandarin speech recognition: MFCC, WaveNet, CTC."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_train(commands)
    _add_evaluate(commands)
    _add_transcribe(commands)
    info = commands.add_parser("info", help="print what a model folder holds")
    info.add_argument("model", type=pathlib.Path)
    info.set_defaults(run=_info)
    return parser


def _add_train(commands):
    train = commands.add_parser("train", help="train a model from prepared folders")
    train.add_argument(
        "data",
        nargs="+",
        type=pathlib.Path,
        help="folders of data_prep.prepare; one named twice counts twice",
    )
    train.add_argument("--out", required=True, type=pathlib.Path, help="model folder")
    train.add_argument("--preset", default="base", help="classic, small or base")
    train.add_argument(
        "--target", default="initial-final", choices=KINDS, help="what is written"
    )
    train.add_argument("--seed", type=int, default=0)
    length = train.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, help="passes over the data (default 30)")
    length.add_argument("--minutes", type=float, help="wall-clock time instead")
    train.add_argument("--learning-rate", type=float, default=3e-3)
    train.add_argument("--batch-seconds", type=float, default=25.0)
    train.add_argument(
        "--augment", default="light", choices=("none", "light", "full")
    )
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
    train.set_defaults(run=_train)


def _add_evaluate(commands):
    evaluate = commands.add_parser("evaluate", help="error rates on a manifest")
    evaluate.add_argument("model", type=pathlib.Path)
    evaluate.add_argument("manifest", type=pathlib.Path)
    evaluate.add_argument("--json", action="store_true", help="for machines")
    evaluate.add_argument(
        "--alignments",
        type=pathlib.Path,
        help="write hypotheses beside references here "
        "(default: MODEL/evaluation/MANIFEST.txt)",
    )
    evaluate.add_argument(
        "--closed-set",
        action="store_true",
        help="also choose the nearest of the words that occur, and count",
    )
    evaluate.set_defaults(run=_evaluate)


def _add_transcribe(commands):
    transcribe = commands.add_parser("transcribe", help="pinyin of audio files")
    transcribe.add_argument("model", type=pathlib.Path)
    transcribe.add_argument("audio", nargs="+", type=pathlib.Path)
    transcribe.set_defaults(run=_transcribe)


def _train(options):
    from zhasr import supervisor

    if options.workers < 1:
        raise ValueError(f"expected 1 worker or more, received {options.workers}")
    if supervisor.wanted(options.workers):
        supervisor.run(options.arguments, options.workers, options.out)
        return
    supervisor.end_with_parent()
    from zhasr import training, training_run

    epochs = options.epochs
    if epochs is None and options.minutes is None:
        epochs = 30
    training_run.train(
        options.data,
        options.out,
        training.Options(
            preset=options.preset,
            kind=options.target,
            seed=options.seed,
            epochs=epochs,
            minutes=options.minutes,
            learning_rate=options.learning_rate,
            batch_seconds=options.batch_seconds,
            augmentation=options.augment,
            dropout=options.dropout,
            patience=options.patience,
            precision=options.precision,
        ),
        resume=options.resume,
        say=_say,
    )


def _say(line):
    print(line, flush=True)


def _evaluate(options):
    from zhasr import evaluation, manifest, recognizer, report, scoring

    model = recognizer.load(options.model)
    warning = scoring.check_thchs30_test(manifest.read(options.manifest))
    if warning:
        print(f"note: {warning}", file=sys.stderr)
    scored = evaluation.transcribe_manifest(model, options.manifest)
    scores = scoring.score(scored, toned=model.toned)
    words = scoring.closed_set(scored) if options.closed_set else None
    path = options.alignments or (
        options.model / "evaluation" / f"{options.manifest.stem}.txt"
    )
    report.write_alignments(path, scored, toned=model.toned)
    if options.json:
        result = report.as_json(scores)
        if words:
            result["closed_set_accuracy"] = words.accuracy
        result["note"] = warning
        _say(json.dumps(result, ensure_ascii=False))
        return
    _say(f"alignments: {os.path.relpath(path)}")
    if words:
        _say(report.closed_set(words))
    _say(report.text(scores))


def _transcribe(options):
    from zhasr import audio, recognizer

    model = recognizer.load(options.model)
    failed = []
    for path in options.audio:
        try:
            transcript = recognizer.transcribe(model, path)
        except audio.AudioError as error:
            print(f"zhasr transcribe: {_one_line(error)}", file=sys.stderr)
            failed.append(path)
            continue
        line = transcript.text or " ".join(transcript.syllables)
        _say(line if len(options.audio) == 1 else f"{path}\t{line}")
    if failed:
        sys.exit(2)


def _info(options):
    from zhasr import model_folder, wavenet

    network, description = model_folder.load(options.model)
    config = description.architecture
    seen = wavenet.receptive_field(config) / 100
    _say(
        f"{options.model}: {network.count_params() / 1e6:.2f} M parameters, "
        f"{len(description.vocabulary)} {description.vocabulary.kind} labels"
    )
    _say(f"architecture: {config}")
    _say(f"receptive field: {seen:.2f} s, {10 * config.reduction} ms per output frame")
    _say(f"features: {description.features} ({description.features.dims} dims)")
    for name, value in description.training.items():
        _say(f"{name}: {value}")

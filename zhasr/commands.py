"""What the commands of `zhasr` do; `zhasr.cli` reads their arguments.

Every module is imported where it is used: TensorFlow and numba are slow to start.
"""

import collections
import dataclasses
import json
import os
import sys

from zhasr import errors

SHIPPED = "shipped"  # the language that comes with the package, in reports
NO_LANGUAGE = "none"
DOUBTFUL = 0.5  # confidence, below which more of it is likely wrong than right


def train(options):
    """Train a model folder."""
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
            optimizer=options.optimizer,
            batch_seconds=options.batch_seconds,
            augmentation=options.augment,
            start=options.start,
            dropout=options.dropout,
            patience=options.patience,
            precision=options.precision,
        ),
        resume=options.resume,
        say=_say,
    )


def evaluate(options):
    """Print error rates, and write hypotheses beside references."""
    _one_thread()
    from zhasr import evaluation, model_folder, recognizer, report, scoring

    model = recognizer.load(options.model)
    utterances = evaluation.read_manifest(options.manifest)
    warning = scoring.check_thchs30_test(utterances)
    if warning:
        _note(warning)
    decoder, facts = _choose(options, model, options.decoder)
    if options.per_speaker:
        _warn_of_short_speakers(utterances)
    scored = evaluation.transcribe_manifest(
        model, options.manifest, decoder=decoder, per_speaker=options.per_speaker
    )
    scores = scoring.score(scored, toned=model.toned)
    words = scoring.closed_set(scored) if options.closed_set else None
    per_speaker = ".per-speaker" if options.per_speaker else ""
    name = f"{options.manifest.stem}.{facts['decoder']}{per_speaker}.txt"
    place = options.model
    if place is None or place.resolve() == model_folder.SHIPPED:
        place = options.manifest.parent  # nothing is written among installed files
    path = options.alignments or place / "evaluation" / name
    report.write_alignments(path, scored, toned=model.toned)
    if options.json:
        result = report.as_json(scores) | facts | {"per_speaker": options.per_speaker}
        if words:
            result["closed_set_accuracy"] = words.accuracy
        result["note"] = warning
        _say(json.dumps(result, ensure_ascii=False))
        return
    _say(f"alignments: {os.path.relpath(path)}")
    _say(report.decoder(facts))
    if options.per_speaker:
        _say("used to each speaker, by all utterances of that one together")
    if words:
        _say(report.closed_set(words))
    _say(report.text(scores))


def tune(options):
    """Tune the weights of sound and language, and keep them in the model folder."""
    _one_thread()
    from zhasr import decoders, evaluation, recognizer, tuning

    utterances = evaluation.read_manifest(options.manifest)
    tuning.refuse_test_set(options.manifest, utterances)
    model = recognizer.load(options.model)
    language, name = _language(options)
    names = model.description.vocabulary
    decoder = decoders.build(options.decoder, names, language)
    chosen = tuning.choose(utterances, options.utterances)
    cases = [
        tuning.Case(log_probs, utterance.syllables, utterance.text)
        for batch in evaluation.listen(model, chosen)
        for utterance, log_probs in batch
    ]
    _say(f"{len(cases)} of {len(utterances)} utterances, language: {name}")
    _warn_of_compiling(decoder)
    trials = tuning.tune(cases, decoder, lambda one: _say(tuning.line(one)))
    about = f"{options.manifest.name}, {len(cases)} utterances, language: {name}"
    tuning.save(options.model, decoder.name, trials, about)
    _say(f"best: {tuning.line(trials[-1])}")
    _say(f"written: {os.path.relpath(options.model / tuning.NAME)}")


def transcribe(options):
    """Write down what is said in recordings."""
    _one_thread()
    from zhasr import (
        audio,
        calibration,
        files,
        formats,
        model_folder,
        progress,
        recognizer,
    )

    if options.format == "srt" and len(options.audio) > 1:
        raise ValueError(
            f"expected one recording for subtitles, received {len(options.audio)}: "
            "their times all begin at 0; run the command once for each"
        )
    if options.out and options.out.exists() and not options.out.is_file():
        raise ValueError(
            f"--out {options.out}: expected a file, received a folder or a device"
        )
    model = recognizer.load(options.model)
    decoder, facts = _choose(options, model, options.decoder)
    folder = options.model or model_folder.SHIPPED
    curve = calibration.load(folder, facts["decoder"])
    if options.one_speaker:
        model = _used_to(model, options.audio)
    parts = []
    for path in options.audio:
        try:
            with progress.bar(path.name) as tell:
                transcript = recognizer.transcribe(model, path, decoder, tell)
        except (audio.AudioError, OSError) as error:  # a folder that is not hers, too
            _complain("transcribe", error)
            continue
        except ValueError as error:  # samples so loud that there are no features
            _complain("transcribe", f"{path}: {error}")
            continue
        wrong = _likely_wrong(transcript, curve)
        if doubt := _doubt(transcript, wrong):
            _note(f"{path}: {doubt}")
        part = formats.write(options.format, str(path), transcript.words, wrong)
        if options.format == "text" and len(options.audio) > 1:
            part = f"{path}\t{part}"
        parts.append(part)
        if not options.out and (part or options.format == "text"):
            _say(part)
    if options.out and parts:
        files.replace(options.out, "".join(f"{part}\n" for part in parts if part))
    return 0 if len(parts) == len(options.audio) else 2


def _warn_of_short_speakers(utterances):
    from zhasr import features, one_speaker

    seconds = collections.Counter()
    for item in utterances:
        seconds[item.speaker] += item.duration
    least = features.frames_to_seconds(one_speaker.FEWEST_FRAMES)
    if short := sum(each < least for each in seconds.values()):
        _note(
            f"{short} of {len(seconds)} speakers have less than a minute: too little "
            "to get used to"
        )


def _used_to(model, paths):
    """The model, used to who speaks; what cannot be read is complained of later."""
    from zhasr import audio, recognizer

    heard = []
    for path in paths:
        try:
            pieces = recognizer.hear_pieces(model, audio.read(path))
        except (ValueError, OSError):
            continue
        heard += [normalised for _, normalised in pieces]
    used = recognizer.used_to(model, heard)
    if heard and used.network is model.network:
        _note("less than a minute of recordings: too little to get used to the speaker")
    return used


def _likely_wrong(transcript, curve):
    """The share of the syllables that is likely wrong, or None if nothing tells."""
    from zhasr import calibration

    if curve is None or not (transcript.words and transcript.labels):
        return None
    return calibration.expected(curve, calibration.score(transcript.labels))


def _doubt(transcript, wrong):
    """What to say of errors that are likely, or ""."""
    from zhasr import calibration, formats

    if not transcript.words:
        return "nothing was recognised: no speech, or it is too faint for this model"
    if wrong is not None:
        return calibration.in_words(wrong)
    sure = formats.confidence(transcript.words)
    if sure < DOUBTFUL:
        return f"hardly understood (confidence {sure:.2f}): much of it is likely wrong"
    return ""


def info(options):
    """Print what a model folder holds."""
    from zhasr import model_folder, shape_layers, wavenet

    folder = options.model or model_folder.SHIPPED
    description, _ = model_folder.load_weights(folder)
    config = description.architecture
    parameters = shape_layers.count(*description.sizes)
    seen = wavenet.receptive_field(config) / 100
    _say(
        f"{folder}: {parameters / 1e6:.2f} M parameters, "
        f"{len(description.vocabulary)} {description.vocabulary.kind} labels"
    )
    _say(f"architecture: {_facts(config)}")
    _say(f"receptive field: {seen:.2f} s, {10 * config.reduction} ms per output frame")
    dims = description.features.dims
    _say(f"features: {_facts(description.features)} ({dims} dims)")
    for line in model_folder.fact_lines(description.training):
        _say(line)


def _facts(config):
    """The fields of a dataclass that are set, in one line."""
    facts = dataclasses.asdict(config).items()
    return "; ".join(f"{name} {value}" for name, value in facts if value is not None)


def _one_thread():
    """Keep numpy, not imported yet, from sharing products out among threads.

    Those of a sentence are small: on a busy machine a second thread is waited for, for
    longer than all of them take.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


# Decoder and language


def _choose(options, model, name):
    """The decoder that is wanted, None for the best path alone, and facts about it."""
    names = model.description.vocabulary
    own = getattr(options, "words", None) or getattr(options, "text", None)
    if name == "greedy" and names.kind == "character":  # it has its characters
        language, source = None, None
    else:
        language, source = _language(options)
    if own and language is None:
        raise ValueError(f"{own}: words and text of yours need a language: --language")
    if own:
        language = _adapted(language, options)
    if name in ("greedy", None) and language is None:
        return None, {"decoder": "greedy", "language": None, "weights": None}
    decoder, weights = _build(options, names, language, name)
    if getattr(options, "text", None) and decoder.name == "words":
        _note(
            f"the decoder words takes only the new words of {options.text}; --decoder "
            "beam takes all of it"
        )
    _warn_of_compiling(decoder)
    return decoder, {"decoder": decoder.name, "language": source, "weights": weights}


def _build(options, names, language, name):
    """The decoder and its weights; without a name words, if there are any."""
    from zhasr import compiled, decoders, label_tree, model_folder, tuning

    if name == "greedy":
        return decoders.build(name, names, language), None
    compiled.import_quickly()
    wanted, folder = name or "words", options.model or model_folder.SHIPPED
    weights = tuning.load(folder, wanted)
    try:
        decoder = decoders.build(wanted, names, language, weights)
    except label_tree.LabelTreeError as error:
        if name:
            raise
        _note(f"{error}; the decoder is greedy")
        return decoders.build("greedy", names, language), None
    if language is None:
        return decoder, None
    return decoder, tuning.describe(folder, wanted, weights)


def _language(options):
    """The language of --language and its name, or None twice."""
    from zhasr import hanzi, language_model

    folder = options.language
    if folder is not None and str(folder) != NO_LANGUAGE:
        return hanzi.load(folder), str(folder)
    if folder is None and (hanzi.FOLDER / language_model.NAME).exists():
        return hanzi.load(hanzi.FOLDER), SHIPPED
    return None, None


def _adapted(language, options):
    """The language with the words and the text of the user."""
    from zhasr import hanzi, user_files

    if options.words:
        language = hanzi.add_words(language, user_files.read_words(options.words))
    if options.text:
        language = hanzi.add_text(language, user_files.read_text(options.text))
    return language


def _warn_of_compiling(decoder):
    from zhasr import decoders

    if decoders.is_cold(decoder):
        _note("compiling the search, this once: about a minute")


# Output


def _say(line):
    print(line, flush=True)


def _note(line):
    print(f"note: {errors.one_line(line)}", file=sys.stderr, flush=True)


def _complain(command, error):
    print(f"zhasr {command}: {errors.one_line(error)}", file=sys.stderr)

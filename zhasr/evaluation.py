"""A model and a manifest -> hypotheses beside references, ready to be scored."""

import concurrent.futures
import functools
import multiprocessing
import os
import sys

import tqdm

from zhasr import features, manifest, one_speaker, recognizer, scoring, wavenet

ONE_THREAD_EACH = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
BATCH_SECONDS = 160  # audio that goes through the network at once


def transcribe_manifest(model, path, workers=None, decoder=None, per_speaker=False):
    """Recognise every utterance of a manifest.

    Features are computed from the audio with the model's own options, so any
    manifest will do. A test set never takes part in anything but the score.

    Args:
        model: recognizer.Recognizer.
        path: path of a manifest (JSON lines).
        workers: int, processes that compute features. Default: one per core.
        decoder: decoders.Decoder. Default: the best path that spells
            syllables, without a language.
        per_speaker: bool, get used to each speaker by all utterances together, see
            `one_speaker`; the manifest says who speaks.

    Returns:
        list of scoring.Scored, in the order of the manifest.

    Raises:
        speaker_adaptation.AdaptationError: the model cannot get used to speakers.
        manifest.ManifestError: the manifest is damaged, empty, or names audio that is
            missing; or no speakers, where they are wanted.
        audio.AudioError: an audio file cannot be read.
    """
    utterances = read_manifest(path)
    if per_speaker:
        one_speaker.check(model.network, model.description)
        check_speakers(path, utterances)
    batches = listen(model, utterances, workers, per_speaker)
    scored = {item.id: item for item in _decode(model, batches, decoder)}
    return [scored[utterance.id] for utterance in utterances]


def check_speakers(path, utterances):
    """Make sure that all utterances say who speaks.

    Args:
        path: path of their manifest.
        utterances: list of manifest.Utterance.

    Raises:
        manifest.ManifestError: some do not.
    """
    if unknown := sum(not item.speaker for item in utterances):
        raise manifest.ManifestError(
            f"{path}: expected speakers to get used to, received {unknown} utterances "
            "without one"
        )


def read_manifest(path):
    """Read a manifest that has utterances, all with their audio.

    Args:
        path: path of a manifest (JSON lines).

    Returns:
        list of manifest.Utterance, at least one.

    Raises:
        manifest.ManifestError: see `transcribe_manifest`.
    """
    utterances = manifest.read(path)
    if not utterances:
        raise manifest.ManifestError(f"{path}: expected utterances, received none")
    manifest.check_audio(utterances)
    return utterances


def listen(model, utterances, workers=None, per_speaker=False):
    """Compute the posteriors of recordings, and show on stderr how far it is.

    Args:
        model: recognizer.Recognizer.
        utterances: sequence of manifest.Utterance.
        workers: int, processes that compute features. Default: one per core.
        per_speaker: bool, see `transcribe_manifest`.

    Yields:
        list of (manifest.Utterance, float32 array (frames, labels)), a batch each; the
        longest utterances come first, so that memory shows at once and little is
        padded.

    Raises:
        audio.AudioError: an audio file cannot be read.
    """
    ordered = sorted(utterances, key=lambda item: -item.duration)
    extract = functools.partial(
        features.extract_file, config=model.description.features
    )
    # Fresh processes: forking one that runs TensorFlow's threads may hang. They read
    # their number of threads from the environment; the network here has begun already.
    os.environ.update(ONE_THREAD_EACH)
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(workers or os.cpu_count(), context)
    bar = tqdm.tqdm(total=len(ordered), disable=None, leave=False, file=sys.stderr)
    with bar, pool:
        raw = pool.map(extract, [item.audio_filepath for item in ordered], chunksize=8)
        heard = posteriors_per_speaker if per_speaker else posteriors
        for batch in heard(model, ordered, raw):
            yield batch
            bar.update(len(batch))


def recognise(model, utterances, raw, decoder=None):
    """Recognise utterances from their raw features.

    Args:
        model: recognizer.Recognizer.
        utterances: iterable of manifest.Utterance; alike in length is best.
        raw: iterable of float array (frames, dims), as from `features.extract`.
        decoder: decoders.Decoder. Default: the best path that spells
            syllables, without a language.

    Yields:
        scoring.Scored, in the same order.
    """
    yield from _decode(model, posteriors(model, utterances, raw), decoder)


def posteriors(model, utterances, raw):
    """Run the network once over every utterance.

    Args:
        model, utterances, raw: see `recognise`.

    Yields:
        list of (manifest.Utterance, float32 array (frames, labels)), in the same order.
    """
    network = recognizer.compiled(model.network)
    reduction = model.description.architecture.reduction
    for batch in _batches(zip(utterances, raw, strict=True)):
        arrays = [model.description.normalise(array) for _, array in batch]
        logits = recognizer.run_network(network, arrays)
        frames = [wavenet.output_frames(len(array), reduction) for array in arrays]
        yield [
            (utterance, recognizer.log_softmax(rows[:count]))
            for (utterance, _), rows, count in zip(batch, logits, frames, strict=True)
        ]


def posteriors_per_speaker(model, utterances, raw):
    """The same, used to each speaker by all utterances of that one, all in memory.

    Args:
        model, utterances, raw: see `recognise`.

    Yields:
        list of (manifest.Utterance, float32 array (frames, labels)), of one speaker.
    """
    spoken = {}
    for utterance, array in zip(utterances, raw, strict=True):
        spoken.setdefault(utterance.speaker, []).append((utterance, array))
    for pairs in spoken.values():
        own, arrays = zip(*pairs, strict=True)
        used = recognizer.used_to(model, list(map(model.description.normalise, arrays)))
        yield from posteriors(used, own, arrays)


def _decode(model, batches, decoder):
    """Decode batches of `posteriors`; compiled searches run side by side."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in batches:
            utterances, log_probs = zip(*batch, strict=True)
            found = pool.map(
                lambda one: recognizer.decode(model, one, decoder), log_probs
            )
            yield from map(scored_utterance, utterances, found)


def _batches(pairs):
    """Group (utterance, features) into lists of about BATCH_SECONDS."""
    batch, seconds = [], 0.0
    for utterance, array in pairs:
        batch.append((utterance, array))
        seconds += utterance.duration
        if seconds >= BATCH_SECONDS:
            yield batch
            batch, seconds = [], 0.0
    if batch:
        yield batch


def scored_utterance(utterance, transcript):
    """Put reference (manifest.Utterance) and hypothesis (Transcript) together."""
    return scoring.Scored(
        utterance.id,
        utterance.speaker,
        tuple(utterance.syllables),
        transcript.syllables,
        utterance.text,
        transcript.text,
    )

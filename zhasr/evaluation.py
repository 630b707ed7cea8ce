"""A model and a manifest -> hypotheses beside references, ready to be scored."""

import concurrent.futures
import functools
import multiprocessing
import os
import sys

import tqdm

from zhasr import features, manifest, recognizer, scoring, wavenet

BATCH_SECONDS = 160  # audio that goes through the network at once


def transcribe_manifest(model, path, workers=None):
    """Recognise every utterance of a manifest.

    Features are computed from the audio with the model's own options, so any
    manifest will do. A test set never takes part in anything but the score.

    Args:
        model: recognizer.Recognizer.
        path: path of a manifest (JSON lines).
        workers: int, processes that compute features. Default: one per core.

    Returns:
        list of scoring.Scored, in the order of the manifest.

    Raises:
        manifest.ManifestError: the manifest is damaged, empty, or names audio that is
            missing.
        audio.AudioError: an audio file cannot be read.
    """
    utterances = manifest.read(path)
    if not utterances:
        raise manifest.ManifestError(f"{path}: expected utterances, received none")
    manifest.check_audio(utterances)
    scored = {}
    # Alike in length, little is padded; the longest first, so memory shows at once.
    ordered = sorted(utterances, key=lambda item: -item.duration)
    for batch, arrays in _batches(model.description, ordered, workers):
        logits = recognizer.run_network(model.network, arrays)
        for utterance, array, rows in zip(batch, arrays, logits, strict=True):
            frames = wavenet.output_frames(
                len(array), model.description.architecture.reduction
            )
            posteriors = recognizer.log_softmax(rows[:frames])
            transcript = recognizer.decode(model, posteriors)
            scored[utterance.id] = scored_utterance(utterance, transcript)
    return [scored[utterance.id] for utterance in utterances]


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


def _batches(description, utterances, workers):
    """Yield (utterances, normalised features), features computed in processes."""
    # Fresh processes: forking one that runs TensorFlow's threads may hang.
    context = multiprocessing.get_context("spawn")
    workers = workers or os.cpu_count()
    paths = [utterance.audio_filepath for utterance in utterances]
    extract = functools.partial(features.extract_file, config=description.features)
    bar = tqdm.tqdm(total=len(paths), disable=None, leave=False, file=sys.stderr)
    with bar, concurrent.futures.ProcessPoolExecutor(workers, context) as pool:
        batch, arrays, seconds = [], [], 0.0
        for utterance, raw in zip(
            utterances, pool.map(extract, paths, chunksize=8), strict=True
        ):
            batch.append(utterance)
            arrays.append(description.normalise(raw))
            seconds += utterance.duration
            bar.update()
            if seconds >= BATCH_SECONDS:
                yield batch, arrays
                batch, arrays, seconds = [], [], 0.0
        if batch:
            yield batch, arrays

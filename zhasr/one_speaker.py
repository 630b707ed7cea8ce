"""Listening to all recordings of a speaker: a network gets used to the voice once.

A single recording tells little of who speaks (`zhasr.speaker_adaptation`), and a
syllable by itself hardly anything. So one matrix and one shift are found for many
recordings: those that make the network certain of each sound, and let it hear different
ones.

    some recordings --matrix, shift--> network --> doubt - variety
            ^                                            |
            +---- the next ones, some sixty times <------+

Nobody tells it what was said. The weights stay as they are, and what comes after costs
no more than without.

Less doubt and more variety together are the information about the labels in a frame:
Krause, Perona & Gomes, "Discriminative Clustering by Regularized Information
Maximization", NIPS 2010; for a network in another domain Liang, Hu & Feng, "Do We
Really Need to Access the Source Data?", ICML 2020, section 3.2. Without the variety a
network that understands little comes to hear one label everywhere, without doubt.
"""

import dataclasses

import numpy as np

from zhasr import numpy_gradients, numpy_layers, speaker_adaptation

STEPS = 60
BATCH = 16  # recordings that decide on a step, fewer if they are long
BATCH_FRAMES = 1_500  # 15 s; a minute decides no better and takes four times as long
PART_FRAMES = 6_000  # of a recording that is heard at once
FEWEST_FRAMES = 6_000  # that tell more of a voice than of what was said
STEP_SIZE = 0.004  # half of that for a single recording, and many more of them
VARIETY = 0.7


@dataclasses.dataclass(frozen=True, eq=False)
class UsedNetwork(numpy_layers.Network):
    """A network that is used to a voice.

    Args:
        config, labels, weights: see `numpy_layers.Network`.
        voice: speaker_adaptation.Voice.
    """

    voice: speaker_adaptation.Voice

    def __call__(self, inputs):
        """Compute logits, see `numpy_layers.Network`."""
        return super().__call__(
            inputs | {"features": self.voice.map(inputs["features"])}
        )


def check(network, description):
    """Make sure that a network can get used to a speaker.

    Args:
        network, description: see `get_used`.

    Raises:
        AdaptationError: features that are no MFCC, or no network of numpy.
    """
    if not isinstance(network, numpy_layers.Network):
        raise speaker_adaptation.AdaptationError(
            "expected a network of numpy to get used to a speaker, received "
            f"{type(network).__name__}"
        )
    speaker_adaptation.spread(description)


def get_used(network, description, recordings):
    """Get used to the speaker of some recordings.

    Args:
        network: numpy_layers.Network; how it adapts itself no longer counts.
        description: model_folder.Description, its own.
        recordings: list of float32 array (frames, dims), normalised features.

    Returns:
        UsedNetwork; the network itself where they are shorter than a minute together.

    Raises:
        AdaptationError: see `check`.
    """
    check(network, description)
    if sum(map(len, recordings)) < FEWEST_FRAMES:
        return network
    voice = speaker_adaptation.Voice(speaker_adaptation.spread(description))
    optimizer = speaker_adaptation.Adam(voice.values, STEP_SIZE)
    for batch in _batches(recordings):
        optimizer.step(_slopes(network, voice, batch))
    return UsedNetwork(network.config, network.labels, network.weights, voice)


def _batches(recordings):
    """Draw the recordings of each step, all before one comes again.

    Yields:
        list of float32 array (1, frames, dims).
    """
    recordings = [  # in parts, so that memory stays bounded
        one[begin : begin + PART_FRAMES]
        for one in recordings
        for begin in range(0, len(one), PART_FRAMES)
    ]
    rng, waiting = np.random.default_rng(0), []
    for _ in range(STEPS):
        batch, frames = [], 0
        while len(batch) < min(BATCH, len(recordings)) and frames < BATCH_FRAMES:
            if not waiting:
                waiting = rng.permutation(len(recordings)).tolist()
            batch.append(recordings[waiting.pop()][None])
            frames += batch[-1].shape[1]
        yield batch


def _slopes(network, voice, batch):
    """How much the doubt grows with the matrix and the shift: list of array."""
    runs = []
    for one in batch:
        heard, layers = voice.map(one), numpy_gradients.Layers(network.weights)
        logits = speaker_adaptation.run(network, heard, layers)
        runs.append((one, heard, layers, logits))
    together = np.concatenate([logits for *_, logits in runs], axis=1)
    slope = speaker_adaptation.doubt_slope(together, VARIETY)
    ends = np.cumsum([logits.shape[1] for *_, logits in runs])
    parts = np.split(slope, ends[:-1], axis=1)
    slopes = [
        voice.slopes(one, layers.go_back(logits, part, heard))
        for (one, heard, layers, logits), part in zip(runs, parts, strict=True)
    ]
    return [sum(each) for each in zip(*slopes, strict=True)]

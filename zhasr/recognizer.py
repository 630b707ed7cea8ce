"""The whole path: a model folder and any audio file in, syllables with times out.

With a decoder and a language: characters, too.

Example (needs a trained model):

    from zhasr import decoders, hanzi, recognizer
    model = recognizer.load("models/demo")
    print(" ".join(recognizer.transcribe(model, "my.wav").syllables))
    decoder = decoders.build("words", model.description.vocabulary, hanzi.load())
    print(recognizer.transcribe(model, "my.wav", decoder).text)
"""

import dataclasses

import numpy as np

from zhasr import (
    audio,
    backend,
    features,
    formats,
    model_folder,
    numpy_layers,
    one_speaker,
    pinyin,
    segments,
    speaker_adaptation,
    spelling,
    spoken,
    wavenet,
)

CHUNK_FRAMES = 6_000  # one minute; longer audio goes through the network in pieces
SHAPE_FRAMES = 128  # Keras' inputs are padded to a multiple: few shapes are traced
LONGEST_WHOLE = (
    30.0  # seconds; of what is longer, the pieces with speech are recognised
)
ENGINES = ("numpy", "keras")


@dataclasses.dataclass(frozen=True)
class Recognizer:
    """A loaded model.

    Args:
        network: numpy_layers.Network, or keras.Model of `wavenet.build`.
        description: model_folder.Description.
    """

    network: object
    description: model_folder.Description

    @property
    def toned(self):
        """Whether its hypotheses carry tones."""
        return self.description.vocabulary.kind != "base-syllable"


@dataclasses.dataclass(frozen=True)
class Spoken:
    """One recognised label and when it was heard.

    Args:
        label: str, of the model's vocabulary.
        start: float, seconds.
        end: float, seconds.
        probability: float, 0 to 1.
    """

    label: str
    start: float
    end: float
    probability: float


@dataclasses.dataclass(frozen=True)
class Transcript:
    """What was recognised in a recording.

    Args:
        labels: tuple of Spoken, of the best path, whatever a decoder makes of it.
        syllables: tuple of str, toned unless the model knows no tones.
        text: str, characters, or None where there are only syllables.
        words: tuple of formats.Timed; without characters, one for each syllable.
    """

    labels: tuple[Spoken, ...]
    syllables: tuple[str, ...]
    text: str | None
    words: tuple[formats.Timed, ...] = ()


def load(folder=None, engine="numpy", adapt=True):
    """Load a model folder.

    Args:
        folder: path. Default: the model that comes with zhasr.
        engine: str, what computes the network: "numpy" starts at once; "keras" runs on
            a GPU, too. Both give the same log probabilities, as far as single
            precision goes, where nothing is adapted.
        adapt: bool, get used to each recording, in as many steps as the folder says
            (see `speaker_adaptation`); numpy alone can do that.

    Returns:
        Recognizer.

    Raises:
        ValueError: another engine.
        model_folder.ModelError: see `model_folder.load`.
        speaker_adaptation.AdaptationError: a number of steps that cannot be used.
    """
    if engine not in ENGINES:
        raise ValueError(f"expected an engine of {ENGINES}, received {engine!r}")
    folder = model_folder.SHIPPED if folder is None else folder
    if engine == "keras":
        return Recognizer(*model_folder.load(folder))
    network, description = model_folder.load_numpy(folder)
    steps = speaker_adaptation.load_steps(folder) if adapt else 0
    network = speaker_adaptation.adaptive(network, description, steps)
    return Recognizer(network, description)


def log_probs(recognizer, samples):
    """Compute the posteriors of a recording.

    Args:
        recognizer: Recognizer.
        samples: float32 array (samples,), mono, 16 kHz.

    Returns:
        float32 array (⌈frames / reduction⌉, labels), natural logarithms that add up
        to one per frame; label 0 is the blank.
    """
    return log_probs_of_features(recognizer, hear(recognizer, samples))


def hear(recognizer, samples):
    """Compute what the network is given: normalised features of samples.

    Args:
        recognizer: Recognizer.
        samples: float32 array (samples,), mono, 16 kHz.

    Returns:
        float32 array (frames, dims).
    """
    description = recognizer.description
    return description.normalise(features.extract(samples, description.features))


def hear_pieces(recognizer, samples):
    """The same of a whole recording, or of where somebody speaks in a long one.

    Args:
        recognizer: Recognizer.
        samples: float32 array (samples,), mono, 16 kHz.

    Returns:
        list of (segments.Segment, float32 array (frames, dims)).
    """
    found = [segments.Segment(0, len(samples))]
    if len(samples) > LONGEST_WHOLE * audio.SAMPLE_RATE:
        found = segments.find(samples)
    return [(one, hear(recognizer, samples[one.first : one.last])) for one in found]


def used_to(recognizer, recordings):
    """Get used to who speaks in several recordings, in the place of each by itself.

    Args:
        recognizer: Recognizer of numpy.
        recordings: list of float32 array (frames, dims), as of `hear`.

    Returns:
        Recognizer; the same where they are shorter than a minute together.

    Raises:
        speaker_adaptation.AdaptationError: it cannot.
    """
    network = one_speaker.get_used(
        recognizer.network, recognizer.description, recordings
    )
    return dataclasses.replace(recognizer, network=network)


def log_probs_of_features(recognizer, normalised):
    """Like `log_probs`, from normalised features float32 (frames, dims).

    Long recordings go through the network in pieces that overlap by its receptive
    field, so memory stays bounded. The result is that of the whole; but a network that
    adapts gets used to each piece anew.
    """
    config = recognizer.description.architecture
    reduction = config.reduction
    chunk = CHUNK_FRAMES // reduction * reduction
    context = wavenet.receptive_field(config) // reduction * reduction
    parts = []
    for begin in range(0, max(1, len(normalised)), chunk):
        first = max(0, begin - context)
        piece = normalised[first : begin + chunk + context]
        skip = (begin - first) // reduction
        wanted = len(normalised[begin : begin + chunk])
        logits = run_network(recognizer.network, [piece])[0]
        parts.append(logits[skip:][: wavenet.output_frames(wanted, reduction)])
    return log_softmax(np.concatenate(parts))


def compiled(network):
    """The network as a function that is traced once for every shape of input.

    Worth its seconds of tracing for more than a few recordings. On TensorFlow the
    plain graph is used: without a gradient XLA gains nothing and compiles for longer.

    Args:
        network: keras.Model of `wavenet.build`; one of numpy is returned as it is.

    Returns:
        function from its inputs to logits, as numpy arrays.
    """
    if isinstance(network, numpy_layers.Network):
        return network
    network.compile(jit_compile=backend.keras.backend.backend() == "jax")
    return network.predict_on_batch


def run_network(network, utterances):
    """Logits of a batch, padded as needed.

    Args:
        network: as of `Recognizer`, or what `compiled` made of it.
        utterances: list of float32 array (frames, dims), normalised.

    Returns:
        float32 array (batch, output frames, labels); cut each row at its length.
    """
    longest = max(len(item) for item in utterances)
    if not isinstance(network, numpy_layers.Network):
        longest = max(1, -(-longest // SHAPE_FRAMES)) * SHAPE_FRAMES
    padded = np.zeros((len(utterances), longest, utterances[0].shape[1]), np.float32)
    for row, item in enumerate(utterances):
        padded[row, : len(item)] = item
    lengths = np.array([len(item) for item in utterances], np.int32)
    logits = network({"features": padded, "frames": lengths})
    if isinstance(logits, np.ndarray):
        return logits
    return backend.ops.convert_to_numpy(logits)


def log_softmax(logits):
    """Natural logarithm of the softmax over the last axis, float32."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.minimum(shifted - total, 0).astype(np.float32)


def transcribe(recognizer, source, decoder=None, tell=lambda done, whole: None):
    """Recognise what is said in a recording.

    Of a long one, only the pieces in which somebody speaks, one by one; see
    `zhasr.segments`. A network that adapts gets used to all of them together, if there
    is more than a minute.

    Args:
        recognizer: Recognizer.
        source: path of an audio file of any rate and number of channels; or float32
            array (samples,), mono, 16 kHz.
        decoder: decoders.Decoder. Default: the best path that spells syllables,
            without a language.
        tell: function that is told how many seconds of a long recording are done, and
            how many there are.

    Returns:
        Transcript; all times are those of the recording.

    Raises:
        audio.AudioError: the file is no audio or empty.
    """
    samples = source if isinstance(source, np.ndarray) else audio.read(source)
    heard, parts = hear_pieces(recognizer, samples), []
    seconds = len(samples) / audio.SAMPLE_RATE
    is_long = seconds > LONGEST_WHOLE
    adapts = isinstance(recognizer.network, speaker_adaptation.AdaptiveNetwork)
    if adapts and is_long:
        tell(0.0, seconds)
        recognizer = used_to(recognizer, [normalised for _, normalised in heard])
    for piece, normalised in heard:
        posteriors = log_probs_of_features(recognizer, normalised)
        parts.append(_later(decode(recognizer, posteriors, decoder), piece.start))
        if is_long:
            tell(piece.end, seconds)
    if not parts:  # nobody speaks: what is no speech has no labels
        nothing = np.zeros((0, len(recognizer.description.vocabulary)), np.float32)
        return decode(recognizer, nothing, decoder)
    return _joined(parts)


def _later(transcript, seconds):
    """The same with times that are so much later."""
    labels = tuple(
        dataclasses.replace(one, start=one.start + seconds, end=one.end + seconds)
        for one in transcript.labels
    )
    words = formats.later(transcript.words, seconds)
    return dataclasses.replace(transcript, labels=labels, words=words)


def _joined(parts):
    """One transcript of several, in the order of time."""
    texts = [part.text for part in parts]
    return Transcript(
        tuple(one for part in parts for one in part.labels),
        tuple(one for part in parts for one in part.syllables),
        None if None in texts else "".join(texts),
        tuple(one for part in parts for one in part.words),
    )


def decode(recognizer, posteriors, decoder=None):
    """Turn posteriors into a Transcript.

    Args:
        recognizer: Recognizer.
        posteriors: float array (frames, labels), see `log_probs`.
        decoder: decoders.Decoder. Default: the best path that spells syllables,
            without a language.

    Returns:
        Transcript.
    """
    names = recognizer.description.vocabulary
    seconds = features.FRAME_STEP * recognizer.description.architecture.reduction
    decoded = spelling.best_path(posteriors, names)
    texts = names.decode([item.label for item in decoded])
    labels = tuple(
        Spoken(text, item.start * seconds, item.end * seconds, item.probability)
        for text, item in zip(texts, decoded, strict=True)
    )
    if decoder is not None:
        from zhasr import decoders  # numba is slow to import

        found = decoders.decode(decoder, posteriors)[0]
        text = found.text if decoder.writes_characters else None
        return Transcript(labels, found.syllables, text, formats.timed(found, seconds))
    syllables = tuple(pinyin.syllables_from_labels(names.kind, texts))
    text = "".join(texts) if names.kind == "character" else None
    words = formats.timed_syllables(
        spoken.syllables(names, decoded), seconds, text or ""
    )
    return Transcript(labels, syllables, text, words)

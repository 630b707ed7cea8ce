"""The browser's microphone in a notebook -> float32 samples at 16 kHz.

The widget shows a button, a level meter and a player. Sound is collected in the
browser and goes to Python when the recording ends; it is sent nowhere else, and no
network is needed.

Example:
    >>> microphone = Microphone()  # in a notebook: shown as the last line of a cell
    >>> microphone.take(np.array([0, 16384, -32768], "<i2").tobytes(), rate=16_000)
    >>> samples(microphone)
    array([ 0. ,  0.5, -1. ], dtype=float32)
"""

import pathlib

import anywidget
import numpy as np
import traitlets

from zhasr import audio

SOURCE = pathlib.Path(__file__).with_suffix(".js")
LONGEST = 30.0  # seconds after which a recording stops by itself
FULL_SCALE = 2**15  # of 16-bit samples
SILENT = 1e-4  # of full scale: a microphone that is switched off
STYLE = """
.zhasr-microphone { display: flex; align-items: center; gap: 12px; padding: 4px; }
.zhasr-microphone meter { width: 160px; height: 20px; }
.zhasr-microphone span { color: var(--jp-ui-font-color1, inherit); }
"""


class MicrophoneError(ValueError):
    """There is no recording that could be used; the message says what to do."""


def _to_bytes(received, widget):
    """What arrives from a browser is a memoryview."""
    return bytes(received)


class Microphone(anywidget.AnyWidget):
    """Button, level meter and player; the recording arrives when it is stopped.

    Attributes:
        recording: bytes, 16-bit samples, little-endian, mono; empty before the first.
        rate: int, samples per second of `recording`, as the browser chose it.
        count: int, recordings made so far.
        error: str, why the browser gave no sound, or "".
        longest: float, seconds after which a recording stops by itself.

    Notebook: 09_your_voice.ipynb
    """

    _esm = SOURCE
    _css = STYLE
    recording = traitlets.Bytes(b"").tag(sync=True, from_json=_to_bytes)
    rate = traitlets.Int(0).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    longest = traitlets.Float(LONGEST).tag(sync=True)

    def take(self, recording, rate):
        """Put a recording in, as the browser does.

        Args:
            recording: bytes, as the attribute.
            rate: int, samples per second.
        """
        self.rate, self.recording = rate, recording
        self.count += 1


def samples(microphone):
    """The last recording of a microphone.

    Args:
        microphone: Microphone.

    Returns:
        float32 array (samples,), mono, 16 kHz, full scale -1 to 1.

    Raises:
        MicrophoneError: nothing was recorded yet, the browser refused, or the
            recording is silent or no whole number of samples.
    """
    if microphone.error:
        raise MicrophoneError(
            f"the browser gave no sound ({microphone.error}): allow the microphone for "
            "this page and record again"
        )
    if not microphone.recording:
        raise MicrophoneError(
            "expected a recording, received none: press Record, speak, press Stop, and "
            "run this cell again"
        )
    if len(microphone.recording) % 2 or microphone.rate < audio.LOWEST_RATE:
        raise MicrophoneError(
            f"expected 16-bit samples, received {len(microphone.recording)} bytes at "
            f"{microphone.rate} Hz: record again"
        )
    values = np.frombuffer(microphone.recording, "<i2").astype(np.float32) / FULL_SCALE
    if np.abs(values).max() < SILENT:
        raise MicrophoneError(
            "the recording is silent: is the right microphone chosen, and switched on?"
        )
    return audio.resample(values, microphone.rate, "recording")


def samples_or(microphone, substitute):
    """The last recording, or a substitute where there is none.

    So that a notebook runs to its end where nobody speaks.

    Args:
        microphone: Microphone.
        substitute: float32 array (samples,), mono, 16 kHz.

    Returns:
        (float32 array (samples,), str: "" or why it is the substitute).
    """
    try:
        return samples(microphone), ""
    except MicrophoneError as error:
        return substitute, str(error)

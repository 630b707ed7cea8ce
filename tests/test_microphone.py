"""The microphone's Python side: bytes of the browser -> samples, and what can fail."""

import numpy as np
import pytest

from zhasr import microphone


def recorded(values, rate=16_000):
    made = microphone.Microphone()
    made.take(np.asarray(values, "<i2").tobytes(), rate)
    return made


def test_bytes_become_samples_of_full_scale_one():
    found = microphone.samples(recorded([0, 16_384, -32_768, 32_767]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0, 0.5, -1, 1], atol=1e-4)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 8_000])
def test_any_rate_of_a_browser_becomes_sixteen_kilohertz(rate):
    seconds = np.arange(rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    found = microphone.samples(recorded((tone * 32_767).round(), rate))
    assert abs(len(found) - 16_000) <= 1
    spectrum = np.abs(np.fft.rfft(found[:16_000]))
    assert spectrum.argmax() == 440
    assert np.abs(found[1_000:-1_000]).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "make, message",
    [
        (microphone.Microphone, "received none: press Record"),
        (lambda: recorded([0] * 100), "the recording is silent"),
        (lambda: microphone.Microphone(recording=b"abc", rate=16_000), "3 bytes at"),
        (lambda: microphone.Microphone(recording=b"abcd"), "4 bytes at 0 Hz"),
        (
            lambda: microphone.Microphone(error="NotAllowedError: denied"),
            r"NotAllowedError: denied\): allow the microphone",
        ),
    ],
)
def test_no_recording_says_what_to_do(make, message):
    with pytest.raises(microphone.MicrophoneError, match=message):
        microphone.samples(make())


def test_a_message_of_the_browser_is_taken_as_it_comes():
    made = microphone.Microphone()
    sent = memoryview(np.array([0, 16_384], "<i2").tobytes())
    made.set_state({"recording": sent, "rate": 16_000, "count": 1})
    assert (made.count, microphone.samples(made).tolist()) == (1, [0, 0.5])


def test_a_substitute_stands_in_and_says_why():
    substitute = np.ones(3, np.float32)
    found, reason = microphone.samples_or(microphone.Microphone(), substitute)
    assert found is substitute and "press Record" in reason
    found, reason = microphone.samples_or(recorded([0, 16_384]), substitute)
    assert found.tolist() == [0, 0.5] and reason == ""


def test_every_recording_is_counted():
    made = recorded([1, 2])
    made.take(b"\0\1", 16_000)
    assert made.count == 2


def test_the_browser_part_needs_no_network_and_sets_what_python_reads():
    source = microphone.SOURCE.read_text()
    assert "http" not in source and "import" not in source
    for name in ("recording", "rate", "count", "error"):
        assert f'model.set("{name}"' in source
        assert microphone.Microphone.class_traits(sync=True)[name]
    assert 'model.get("longest")' in source

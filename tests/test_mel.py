"""The mel scale and its filters against python_speech_features and scipy."""

import numpy as np
import pytest
import python_speech_features
import scipy.fft

from zhasr import mel


def test_the_scale_is_that_of_python_speech_features_and_back():
    hertz = np.linspace(0, 8000, 97)
    expected = python_speech_features.base.hz2mel(hertz)
    np.testing.assert_allclose(mel.from_hertz(hertz), expected)
    np.testing.assert_allclose(mel.to_hertz(expected), hertz, atol=1e-9)


def test_filters_of_the_cepstra_are_those_of_python_speech_features():
    expected = python_speech_features.get_filterbanks(26, 512, 16_000)
    np.testing.assert_allclose(mel.cepstrum_filters(), expected, atol=1e-12)


@pytest.mark.parametrize("bands", [13, 26, 80])
def test_cosines_are_the_orthonormal_transform(bands):
    expected = scipy.fft.dct(np.eye(bands), norm="ortho", axis=0)[:13]
    np.testing.assert_allclose(mel.cosines(bands), expected, atol=1e-12)


def test_the_lifter_is_that_of_python_speech_features():
    expected = python_speech_features.base.lifter(np.ones((1, 13)), 22)[0]
    np.testing.assert_allclose(mel.lifter(), expected)


def test_fewer_bands_than_cepstra():
    with pytest.raises(ValueError, match="13 bands or more, received 12"):
        mel.cosines(12)

"""Harder development recordings: other voices, the same words, no test speakers."""

import numpy as np
import pytest
from test_cli_decoders import write_manifest

from data_prep import harder
from zhasr import audio, evaluation


def test_versions_go_ever_further_both_ways():
    tone = np.sin(2 * np.pi * 400 * np.arange(16_000) / 16_000).astype(np.float32)
    assert harder.make(tone, "a", 0) is tone
    lengths = set()
    for version in range(1, harder.VERSIONS):
        made = harder.make(tone, "a", version)
        np.testing.assert_array_equal(made, harder.make(tone, "a", version))
        assert np.isfinite(made).all() and made.dtype == np.float32
        lengths.add(len(made))
    assert min(lengths) < 14_000 and max(lengths) > 18_000  # voices both ways


def test_a_folder_to_tune_on_is_written(tmp_path, capsys):
    path = write_manifest(tmp_path / "dev.jsonl", ["d0", "d1"])
    out = tmp_path / "harder"
    assert harder.main([str(path), str(out), "--most", "1"]) == 0
    assert capsys.readouterr().out.strip() == str(out / "dev.jsonl")
    (original, _) = evaluation.read_manifest(path)
    written = evaluation.read_manifest(out / "dev.jsonl")
    assert len(written) == harder.VERSIONS
    assert len({item.id for item in written}) == harder.VERSIONS
    for item in written:
        assert item.syllables == original.syllables
        sound = audio.read(item.audio_filepath)
        assert len(sound) / audio.SAMPLE_RATE == pytest.approx(item.duration)
    same, first = (audio.read(each.audio_filepath) for each in (original, written[0]))
    np.testing.assert_allclose(first, same, atol=1e-4)


@pytest.mark.parametrize("most", ["0", "1"])
def test_bad_input_is_one_line(most, tmp_path, capsys):
    path = tmp_path / "missing.jsonl"
    if most == "0":
        path = write_manifest(tmp_path / "dev.jsonl", ["d0"])
    arguments = [str(path), str(tmp_path / "out"), "--most", most]
    assert harder.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("harder: ")

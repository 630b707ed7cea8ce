"""How fast audio files become features, in times real time on two processes.

    python benchmarks/features.py

Makes wav files of a humming voice with noise, then reads them and computes each kind
of features in turn, several times over. The plain calls of python_speech_features do
the same work for comparison.
"""

import argparse
import multiprocessing
import os
import pathlib
import statistics
import tempfile
import time

import figures
import numpy as np
import python_speech_features
import soundfile

from zhasr import audio, features

PROCESSES = 2
SHORTEST, LONGEST = 2.0, 12.0  # seconds of a file, as sentences are
REFERENCE = "python_speech_features"
KINDS = {
    "mfcc": features.FeatureConfig(),
    "mfcc + pitch": features.FeatureConfig(pitch=True),
    "log-mel": features.FeatureConfig("log-mel"),
    "log-mel + pitch": features.FeatureConfig("log-mel", pitch=True),
}


def main():
    """Measure, print the table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=0.5, help="of audio")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    # One thread for each process; they inherit this before they import numpy.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        paths, seconds = write_audio(pathlib.Path(folder), options.hours * 3600)
        durations = measure(paths, options.repetitions)
    report(durations, seconds, len(paths))


def write_audio(folder, wanted):
    """Write wav files of at least so many seconds; return their paths and seconds."""
    generator = np.random.default_rng(0)
    hum = humming(LONGEST + 10, generator)
    paths, seconds = [], 0.0
    while seconds < wanted:
        length = round(generator.uniform(SHORTEST, LONGEST) * audio.SAMPLE_RATE)
        start = generator.integers(len(hum) - length)
        paths.append(folder / f"{len(paths):05d}.wav")
        soundfile.write(paths[-1], hum[start : start + length], audio.SAMPLE_RATE)
        seconds += length / audio.SAMPLE_RATE
    return paths, seconds


def humming(seconds, generator):
    """Harmonics of a gliding pitch, with pauses and noise; full scale ±1."""
    moments = np.arange(round(seconds * audio.SAMPLE_RATE)) / audio.SAMPLE_RATE
    f0 = 180 * 2 ** (0.5 * np.sin(2 * np.pi * 1.3 * moments))
    phase = 2 * np.pi * np.cumsum(f0) / audio.SAMPLE_RATE
    hum = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 20))
    hum *= np.sin(2 * np.pi * 0.7 * moments) > -0.5
    noise = generator.standard_normal(len(moments))
    return (0.1 * hum + 0.005 * noise).astype(np.float32)


def measure(paths, repetitions):
    """Seconds of every repetition by kind, all kinds in turn."""
    names = [*KINDS, REFERENCE]
    durations = {name: [] for name in names}
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for name in names:  # caches, imports
            pool.starmap(count_frames, [(name, path) for path in paths[:16]])
        for _ in range(repetitions):
            for name in names:
                jobs = [(name, path) for path in paths]
                start = time.perf_counter()
                pool.starmap(count_frames, jobs, chunksize=8)
                durations[name].append(time.perf_counter() - start)
    return durations


def count_frames(name, path):
    """Compute the features of one file and forget them."""
    if name == REFERENCE:
        return len(reference(path))
    return len(features.extract_file(path, KINDS[name]))


def reference(path):
    """MFCC, Δ and ΔΔ by the calls that the documentation of the library shows."""
    samples, rate = soundfile.read(path, dtype="int16")
    cepstra = python_speech_features.mfcc(samples, rate, winfunc=np.hamming)
    slopes = python_speech_features.delta(cepstra, 2)
    curvatures = python_speech_features.delta(slopes, 2)
    return np.concatenate([cepstra, slopes, curvatures], axis=1)


def report(durations, seconds, files):
    """Print the medians; the ratio is that of the same repetition."""
    realtime = {
        name: seconds / statistics.median(each) for name, each in durations.items()
    }
    ratio = {
        name: statistics.median(
            slow / fast for slow, fast in zip(durations[REFERENCE], each, strict=True)
        )
        for name, each in durations.items()
    }
    repetitions = len(durations[REFERENCE])
    print(
        f"{files} files, {seconds / 60:.0f} minutes, {PROCESSES} processes, "
        f"median of {repetitions}"
    )
    rows = [(name, realtime[name], ratio[name]) for name in durations]
    figures.table(("read and compute", "× real time", f"× {REFERENCE}"), rows)
    figures.figure("features_mfcc_ratio", ratio["mfcc"], "x")
    figures.figure("features_pitch_realtime", realtime["mfcc + pitch"], "x")
    figures.figure("features_log_mel_realtime", realtime["log-mel"], "x")
    figures.figure("features_realtime", realtime["mfcc"], "x")


if __name__ == "__main__":
    main()

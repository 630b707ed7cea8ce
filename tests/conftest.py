"""What several tests need: a tiny prepared folder whose labels can be learned."""

import json
import os
import pathlib
import tempfile

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_trees = tempfile.TemporaryDirectory()  # tests neither see nor fill those of the user
os.environ["ZHASR_CACHE"] = _trees.name

from zhasr import feature_store, features, manifest  # noqa: E402

REAL = pathlib.Path(__file__).parents[2] / "shared" / "corpora"
SYLLABLES = ("ma1", "ma2", "shi4", "zhong1", "guo2", "ni3", "hao3")
CONFIG = features.FeatureConfig(kind="mfcc")


def real(name):
    """Folder of real recordings, or a skipped test."""
    if not (REAL / name).is_dir():
        pytest.skip(f"needs the real recordings of {name}")
    return REAL / name


def write_prepared(folder, train=24, dev=6, seed=0, config=CONFIG, lengths=(2, 6)):
    """Write what data_prep.prepare writes; every syllable has a sound of its own.

    `lengths`: fewest syllables of an utterance, and one more than the most.
    """
    rng = np.random.default_rng(seed)
    sounds = np.random.default_rng(99).normal(size=(len(SYLLABLES), 2, config.dims))
    arrays, statistics = {}, features.Statistics.empty(config.dims)
    folder = pathlib.Path(folder)
    for split, count in (("train", train), ("dev", dev)):
        utterances = []
        for index in range(count):
            spoken = rng.integers(0, len(SYLLABLES), size=rng.integers(*lengths))
            halves = [np.repeat(sounds[one], 12, axis=0) for one in spoken]
            array = np.concatenate(halves) * 4
            array = array + rng.normal(size=array.shape)
            name = f"{split}{seed}_{index}"
            arrays[name] = array.astype(np.float32)
            if split == "train":
                statistics = statistics.merge(features.Statistics.of(array))
            utterances.append(
                manifest.Utterance(
                    name,
                    f"{name}.wav",
                    len(array) / 100,
                    "",
                    split,
                    tuple(SYLLABLES[one] for one in spoken),
                )
            )
        manifest.write(folder / f"{split}.jsonl", utterances)
    feature_store.write_shard(folder / "features", 0, arrays)
    feature_store.write_index(folder / "features")
    statistics.save(folder / "statistics.json")
    text = json.dumps({"corpus": "tiny", "features": config.to_dict()})
    (folder / "config.json").write_text(text)
    return folder


@pytest.fixture
def prepared(tmp_path):
    """A tiny prepared folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return write_prepared(folder)

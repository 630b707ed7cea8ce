"""What is written is read back; what is damaged says so by name."""

import json
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

from zhasr import feature_store


def utterances(count, seed=0, dims=5):
    generator = np.random.default_rng(seed)
    return {
        f"S{seed}_{number}": generator.normal(
            size=(generator.integers(1, 40), dims), scale=10
        ).astype(np.float32)
        for number in range(count)
    }


@pytest.fixture
def stored(tmp_path):
    """Two shards with their index, and what was written into them."""
    first, second = utterances(7, seed=1), utterances(3, seed=2)
    feature_store.write_shard(tmp_path, 0, first)
    feature_store.write_shard(tmp_path, 12, second)
    feature_store.write_index(tmp_path)
    return tmp_path, {**first, **second}


def reason(action):
    with pytest.raises(feature_store.FeatureStoreError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_read_back(stored):
    folder, expected = stored
    store = feature_store.FeatureStore(folder)
    assert set(store) == set(expected)
    assert len(store) == 10
    for id, features in expected.items():
        assert id in store
        assert store.frames(id) == len(features)
        assert store[id].dtype == np.float32
        np.testing.assert_allclose(store[id], features, rtol=2**-11)


@pytest.mark.parametrize("id", ["绿是阳春", "a b/c\"d\\", "ü", "0"])
def test_any_id(tmp_path, id):
    feature_store.write_shard(tmp_path, 0, {id: np.ones((2, 3))})
    feature_store.write_index(tmp_path)
    np.testing.assert_array_equal(
        feature_store.FeatureStore(tmp_path)[id], np.ones((2, 3))
    )


def test_no_frames(tmp_path):
    feature_store.write_shard(tmp_path, 0, {"a": np.zeros((0, 3))})
    feature_store.write_index(tmp_path)
    assert feature_store.FeatureStore(tmp_path)["a"].shape == (0, 3)


def test_written_twice_is_the_same_to_the_byte(tmp_path):
    contents = []
    for name in ("one", "two"):
        features = utterances(50)
        if name == "two":  # the order of processing does not matter either
            features = dict(reversed(features.items()))
        feature_store.write_shard(tmp_path / name, 3, features)
        feature_store.write_index(tmp_path / name)
        files = sorted((tmp_path / name).iterdir())
        assert [file.name for file in files] == [
            "index.json",
            "shard-00003.safetensors",
        ]
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]


def test_shards_of_several_processes(tmp_path):
    script = (
        "import sys, numpy as np; from zhasr import feature_store\n"
        "number = int(sys.argv[2])\n"
        "features = {f'{number}_{i}': np.full((9, 4), number) for i in range(20)}\n"
        "feature_store.write_shard(sys.argv[1], number, features)\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, tmp_path, str(number)])
        for number in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    feature_store.write_index(tmp_path)
    store = feature_store.FeatureStore(tmp_path)
    assert len(store) == 60
    assert (store["2_19"] == 2).all()


def test_interrupted_writing_leaves_no_shard(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        feature_store.write_shard(tmp_path, 0, utterances(2))
    assert not list(tmp_path.glob("*.safetensors"))
    monkeypatch.undo()
    feature_store.write_shard(tmp_path, 0, utterances(2))
    assert [path.name for path in tmp_path.iterdir()] == ["shard-00000.safetensors"]


def test_store_travels_to_other_processes(stored):
    folder, expected = stored
    store = feature_store.FeatureStore(folder)
    id = next(iter(expected))
    before = store[id]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store))[id], before)


def test_read_frames(stored):
    folder, expected = stored
    found = feature_store.read_frames(feature_store.shard_path(folder, 12))
    assert found == {
        id: len(features) for id, features in expected.items() if id[1] == "2"
    }


def test_missing_id(stored):
    store = feature_store.FeatureStore(stored[0])
    message = reason(lambda: store["D4_750"])
    assert "D4_750" in message
    assert str(stored[0]) in message


def test_missing_shard(stored):
    folder, _ = stored
    feature_store.shard_path(folder, 12).unlink()
    store = feature_store.FeatureStore(folder)
    assert store["S1_0"].shape[1] == 5  # the other shard goes on
    assert "shard-00012.safetensors" in reason(lambda: store["S2_0"])


@pytest.mark.parametrize("part", [0, 0.001, 0.1, 0.5, 0.999])
def test_truncated_shard(stored, part):
    path = feature_store.shard_path(stored[0], 12)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    store = feature_store.FeatureStore(stored[0])
    assert path.name in reason(lambda: store["S2_0"])
    assert path.name in reason(lambda: feature_store.write_index(stored[0]))


def test_shard_of_another_preparation(stored):
    feature_store.write_shard(stored[0], 12, {"S2_0": np.zeros((99, 5))})
    store = feature_store.FeatureStore(stored[0])
    assert "shard-00012" in reason(lambda: store["S2_0"])
    assert "shard-00012" in reason(lambda: store["S2_1"])


def test_no_index(tmp_path):
    assert "index" in reason(lambda: feature_store.FeatureStore(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"shards": 3}'])
def test_damaged_index(tmp_path, text):
    (tmp_path / "index.json").write_text(text)
    assert "index.json" in reason(lambda: feature_store.FeatureStore(tmp_path))


def test_index_is_readable(stored):
    index = json.loads((stored[0] / "index.json").read_text(encoding="utf-8"))
    assert list(index["shards"]) == [
        "shard-00000.safetensors",
        "shard-00012.safetensors",
    ]


def test_index_of_nothing(tmp_path):
    assert str(tmp_path) in reason(lambda: feature_store.write_index(tmp_path))


def test_id_in_two_shards(tmp_path):
    for number in (0, 1):
        feature_store.write_shard(tmp_path, number, {"twice": np.zeros((1, 1))})
    assert "twice" in reason(lambda: feature_store.write_index(tmp_path))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e6])
def test_values_that_float16_cannot_hold(tmp_path, value):
    features = np.zeros((4, 2))
    features[1, 1] = value
    write = lambda: feature_store.write_shard(tmp_path, 0, {"bad": features})  # noqa: E731
    assert "bad" in reason(write)
    assert not list(pathlib.Path(tmp_path).iterdir())


def test_wrong_shape(tmp_path):
    features = {"flat": np.zeros(4)}
    assert "flat" in reason(lambda: feature_store.write_shard(tmp_path, 0, features))

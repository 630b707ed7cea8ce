"""Batches: shapes, true lengths, impossible utterances, order."""

import numpy as np
import pytest

from zhasr import augment, batches


def example(name, frames, labels, dims=3):
    array = np.random.default_rng(list(name.encode())).normal(size=(frames, dims))
    array = array.astype(np.float32)
    return batches.Example(
        name, frames, np.array(labels, np.int32), lambda: array.copy()
    )


def examples(count=50, seed=0):
    rng = np.random.default_rng(seed)
    return [
        example(f"u{index}", int(frames), rng.integers(1, 9, size=frames // 20))
        for index, frames in enumerate(rng.integers(40, 700, size=count))
    ]


def test_an_impossible_utterance_is_set_aside_by_name():
    fits = example("fits", 12, [1, 2, 3])
    doubled = example("doubled", 12, [1, 1, 3])  # needs a blank: 4 frames of 3
    possible, reasons = batches.set_aside_impossible([fits, doubled], reduction=4)
    assert [item.id for item in possible] == ["fits"]
    assert len(reasons) == 1
    assert reasons[0] == "doubled: 3 labels need 4 frames of 40 ms, there are 3"


def test_faster_speech_needs_more_frames_to_begin_with():
    fits = example("fits", 12, [1, 2, 3])
    possible, reasons = batches.set_aside_impossible([fits], reduction=4, tempo=0.5)
    assert not possible
    assert len(reasons) == 1


def test_every_example_is_in_one_bucket_that_holds_it():
    items = examples()
    buckets = batches.make_buckets(items, 4, batch_frames=3000, tempo=0.1)
    assert len(buckets) == 4
    ids = [item.id for bucket in buckets for item in bucket.examples]
    assert sorted(ids) == sorted(item.id for item in items)
    for bucket in buckets:
        assert bucket.size * bucket.frames <= 3000 or bucket.size == 1
        for item in bucket.examples:
            assert round(item.frames / 0.9) <= bucket.frames
            assert len(item.labels) <= bucket.targets


def test_buckets_waste_least():
    items = [example(f"u{n}", n, [1]) for n in [32] * 10 + [64] * 10 + [640]]
    buckets = batches.make_buckets(items, 2, batch_frames=1000)
    assert [bucket.frames for bucket in buckets] == [64, 640]
    buckets = batches.make_buckets(items, 9, batch_frames=1000)
    assert [bucket.frames for bucket in buckets] == [32, 64, 640]
    assert batches.make_buckets([], 3, batch_frames=1000) == []


def test_an_epoch_holds_everything_once_with_true_lengths():
    items = examples()
    buckets = batches.make_buckets(items, 3, batch_frames=2000)
    seen = []
    for batch in batches.batches_of_epoch(buckets, seed=0, epoch=0):
        for row, frames in enumerate(batch.frames):
            if frames == 0:
                assert batch.label_lengths[row] == 0
                continue
            real = batch.features[row, :frames]
            assert not batch.features[row, frames:].any()
            (match,) = [
                item
                for item in items
                if item.frames == frames and np.array_equal(item.load(), real)
            ]
            length = batch.label_lengths[row]
            np.testing.assert_array_equal(batch.labels[row, :length], match.labels)
            seen.append(match.id)
    assert sorted(seen) == sorted(item.id for item in items)


def flat(buckets, seed, epoch):
    strong = augment.LEVELS["full"]
    made = batches.batches_of_epoch(buckets, seed, epoch, strong, 2)
    return [(batch.features, batch.labels) for batch in made]


def test_seed_and_epoch_alone_decide():
    buckets = batches.make_buckets(examples(), 3, 2000, tempo=0.2)
    first, again = flat(buckets, 0, 3), flat(buckets, 0, 3)
    for (one, labels), (two, same) in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(labels, same)
    for other in (flat(buckets, 0, 4), flat(buckets, 1, 3)):
        shapes = [features.shape for features, _ in first]
        assert shapes != [features.shape for features, _ in other] or any(
            not np.array_equal(one, two)
            for (one, _), (two, _) in zip(first, other, strict=True)
        )


def test_prefetch_gives_the_same_items_and_hands_errors_over():
    assert list(batches.prefetch(range(100), depth=2)) == list(range(100))

    def broken():
        yield 1
        raise ValueError("u7: damaged")

    stream = batches.prefetch(broken())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="u7"):
        next(stream)


def test_prefetch_can_be_left_early():
    stream = batches.prefetch(iter(int, 1), depth=2)  # endless
    assert next(stream) == 0
    stream.close()


def test_parts_of_a_pass_hold_everything_once():
    buckets = batches.make_buckets(examples(), 3, batch_frames=2000)
    whole = list(batches.batches_of_epoch(buckets, seed=0, epoch=1))
    parts = [
        list(batches.batches_of_epoch(buckets, seed=0, epoch=epoch, parts=4))
        for epoch in range(4, 8)  # the second pass
    ]
    assert {len(part) for part in parts} <= {len(whole) // 4, len(whole) // 4 + 1}
    joined = [batch for part in parts for batch in part]
    assert len(joined) == len(whole)
    for one, same in zip(joined, whole, strict=True):
        np.testing.assert_array_equal(one.features, same.features)


def test_a_voice_is_warped_before_anything_else():
    heard = []

    def load(voice=None):
        heard.append(voice)
        return np.ones((40, 3), np.float32)

    item = batches.Example("a", 40, np.array([1], np.int32), load)
    (bucket,) = batches.make_buckets([item], 1, batch_frames=40)
    level = augment.Augmentation(warp=0.2)
    for epoch in range(3):
        list(batches.batches_of_epoch([bucket], 0, epoch, level, 3))
    assert len({voice.factor for voice in heard}) == 3
    assert all(1 / 1.2 < voice.factor < 1.2 for voice in heard)

"""The tree of readings against a plain dictionary, and its file."""

import collections
import math

import numpy as np
import pytest

from zhasr import language_model, lexicon, variants

WORDS = (*language_model.SPECIAL_WORDS, *"成绩 成 城 一个 不 行长 银行 花儿 OK".split())


@pytest.fixture(scope="module")
def built():
    return lexicon.build(WORDS, [9] * len(WORDS))


def random_entries(rng, symbols="abcde", count=200):
    """Readings of random length; some words have several, some readings many."""
    return sorted(
        {
            (tuple(rng.choice(list(symbols), rng.integers(1, 5)).tolist()), word, -1.5)
            for word in rng.integers(0, 60, count).tolist()
        }
    )


def walk(tables, node=lexicon.ROOT, path=()):
    """Every entry by the loops that the module promises: (symbols, word, weight)."""
    for entry in range(tables.first_entries[node], tables.first_entries[node + 1]):
        yield path, tables.words[entry], tables.log_weights[entry]
    for child in range(tables.first_children[node], tables.first_children[node + 1]):
        yield from walk(tables, child, (*path, tables.symbols[child]))


@pytest.mark.parametrize("seed", range(8))
def test_a_tree_has_what_it_was_made_of(seed):
    rng = np.random.default_rng(seed)
    entries = random_entries(rng)
    tables, symbols = lexicon.tree(entries)
    assert symbols == ("", *"abcde")
    found = [
        (tuple(symbols[one] for one in path), int(word), float(weight))
        for path, word, weight in walk(tables)
    ]
    assert sorted(found) == entries
    # Sorted children and words; each node once.
    for first, values in (
        (tables.first_children, tables.symbols),
        (tables.first_entries, tables.words),
    ):
        for start, end in zip(first[:-1], first[1:], strict=True):
            assert (np.diff(values[start:end].astype(int)) > 0).all()
    prefixes = {reading[:end] for reading, _, _ in entries for end in range(5)}
    assert len(tables.symbols) == len(prefixes)


@pytest.mark.parametrize("seed", range(4))
def test_lookup_against_a_dictionary(seed):
    rng = np.random.default_rng(seed)
    entries = random_entries(rng)
    tables, symbols = lexicon.tree(entries)
    known = lexicon.Lexicon(tables, symbols, 60, "", "")
    expected = collections.defaultdict(dict)
    for reading, word, weight in entries:
        expected[reading][word] = weight
    for reading in expected:
        assert known.lookup(reading) == expected[reading]
    assert known.lookup(()) == {} and known.lookup(("a", "x")) == {}
    assert known.lookup(tuple("abcdeabcde")) == {}
    singles = {reading[0] for reading in expected if len(reading) == 1}
    assert {symbols[one] for one in known.singles} == singles


def test_an_empty_tree():
    tables, symbols = lexicon.tree([])
    assert symbols == ("",) and list(walk(tables)) == []


def test_readings_of_words(built):
    def read(text):
        return {WORDS[word] for word in built.lookup(text.split()) if word < len(WORDS)}

    assert read("cheng2 ji4") == {"成绩"} == read("cheng2 ji1")
    assert read("cheng2") == {"成", "城"}
    assert read("一 ge4") == {"一个"} and read("yi1 ge4") == set()
    assert read("hang2 zhang3") == {"行长"} and read("hua1 儿") == {"花儿"}
    weights = built.lookup(["cheng2", "ji4"])[3], built.lookup(["cheng2", "ji1"])[3]
    assert weights[0] > weights[1]
    assert sum(map(math.exp, weights)) == pytest.approx(1, abs=0.05)


def test_every_hanzi_of_gb2312_has_a_reading(built):
    assert len(lexicon.gb2312()) == 6763
    read = set(built.tables.words.tolist())
    texts = [*WORDS, *built.extra]
    assert {texts[word] for word in read} >= set(lexicon.gb2312())
    assert built.size == len(texts)
    assert not {"<s>", "OK"} & {texts[word] for word in read}


def test_alternatives_are_words(built):
    for heard, following in (("cheng2", ""), ("yi2", "ge4"), ("ma", ""), ("?ang4", "")):
        found = built.alternatives(heard, following)
        assert not built.singles.isdisjoint(number for number, _ in found)
    kinds = dict(built.alternatives("yi2", "ge4"))
    assert kinds[built.numbers["一"]] == variants.SANDHI
    toned = {built.symbols[one] for one, _ in built.alternatives("cheng2")}
    other = {built.symbols[one] for one, _ in built.alternatives("cheng2", "", True)}
    assert "cheng4" in other - toned
    assert {kind for _, kind in built.alternatives("?cheng2")} == {variants.NEAREST}
    assert built.alternatives("?xyzw4") == [] == built.alternatives("A")


def test_saved_and_loaded(built, tmp_path):
    path = tmp_path / lexicon.NAME
    lexicon.save(path, built)
    for one in (path, tmp_path):
        loaded = lexicon.load(one)
        for name, array in built.tables._asdict().items():
            other = getattr(loaded.tables, name)
            np.testing.assert_array_equal(array, other)
            assert array.dtype == other.dtype and not other.flags.writeable
        assert loaded.symbols == built.symbols and loaded.extra == built.extra
        assert (loaded.words, loaded.fingerprint) == (built.words, built.fingerprint)
    loaded.check_words(WORDS)
    tables = built.tables
    least = 2 * len(tables.symbols) + 4 * len(tables.words)
    assert least < path.stat().st_size < least + 40_000


def test_a_lexicon_of_other_words(built):
    for words in (WORDS[:-1], (*WORDS[:-1], "行")):
        with pytest.raises(lexicon.LexiconError, match="built from, received another"):
            built.check_words(words)


def refused(path):
    with pytest.raises(lexicon.LexiconError) as caught:
        lexicon.load(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    assert "build_language_model" in message
    return message


def test_a_missing_file(tmp_path):
    refused(tmp_path / "absent.safetensors")
    refused(tmp_path / lexicon.NAME)


def test_every_truncation_is_noticed(built, tmp_path):
    lexicon.save(tmp_path / "whole", built)
    content = (tmp_path / "whole").read_bytes()
    path = tmp_path / "truncated"
    for size in (0, 1, 7, 8, 100, *range(200, len(content), 4001), len(content) - 1):
        path.write_bytes(content[:size])
        refused(path)


def test_foreign_files(tmp_path):
    path = tmp_path / lexicon.NAME
    for content in (b"text", bytes(100), b"\xff" * 1000, b"PK\x03\x04" + bytes(50)):
        path.write_bytes(content)
        refused(path)
    import toy_language

    model = toy_language.random_language_model(np.random.default_rng(0))
    language_model.save(path, model)
    assert "zhasr-lexicon" in refused(path)


def test_damaged_arrays_are_refused_or_harmless(built, tmp_path):
    """One changed byte must not send a walk out of the arrays."""
    path = tmp_path / lexicon.NAME
    lexicon.save(path, built)
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    noticed = 0
    for place in rng.integers(start, len(content), 200):
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            loaded = lexicon.load(path)
        except lexicon.LexiconError:
            noticed += 1
            continue
        assert loaded.tables.words.max() < loaded.size
        for symbols in (["cheng2", "ji4"], ["一", "ge4"], ["ma1"]):
            loaded.lookup(symbols)
    assert noticed

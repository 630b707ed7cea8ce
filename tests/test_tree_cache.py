"""Trees on disk: the same as laid out anew, never another's, never a damaged one."""

import dataclasses
import os
import pathlib
import shutil

import numpy as np
import pytest
from toy_language import toy_language

from zhasr import hanzi, label_tree, pinyin, tree_cache, vocabulary

WORDS = "你好 好 一 一个 不 不是 是 事 老虎 女儿 想 相".split()


@pytest.fixture(scope="module")
def language():
    return toy_language(WORDS)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(tree_cache.VARIABLE, str(tmp_path / "trees"))
    return tmp_path / "trees"


def names_of(kind, without=0):
    syllables = sorted({one for word in WORDS for one in pinyin.syllables(word)})
    labels = list("".join(WORDS)) if kind == "character" else None
    labels = labels or pinyin.targets(kind, syllables[without:])
    return vocabulary.build(kind, [labels])


def files(place):
    return sorted(place.glob("*")) if place.exists() else []


def check_equal(one, other):
    for name in ("roots", "numbers", "lengths"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in one.tables._fields:
        ours, theirs = getattr(one.tables, name), getattr(other.tables, name)
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
        # Else numba would compile the search once more.
        assert (ours.dtype, ours.flags.writeable) == (theirs.dtype, False), name
        assert ours.flags.aligned and ours.flags.c_contiguous
        assert not theirs.flags.writeable
    assert one.texts == other.texts and one.vocabulary == other.vocabulary
    assert one.model is other.model


@pytest.mark.parametrize("kind", pinyin.KINDS)
def test_a_kept_tree_is_the_one_that_was_laid_out(kind, language, place, monkeypatch):
    names = names_of(kind)
    laid_out = label_tree.build(names, language)
    check_equal(tree_cache.build(names, language), laid_out)
    assert len(files(place)) == 1
    monkeypatch.setattr(label_tree, "build", None)  # not again
    check_equal(tree_cache.build(names, language), laid_out)


def other_weights(language):
    weights = dataclasses.replace(language.weights, reading=0.5)
    return dataclasses.replace(language, weights=weights)


def other_words(language):
    return hanzi.add_words(language, {"虎事": 2.0}, {"虎事": [["hu3", "shi4"]]})


def other_weight_of_a_word(language):
    return hanzi.add_words(language, {"虎事": 3.0}, {"虎事": [["hu3", "shi4"]]})


def other_lexicon(language):
    tables = language.lexicon.tables
    tables = tables._replace(log_weights=tables.log_weights - np.float32(0.5))
    lexicon = dataclasses.replace(language.lexicon, tables=tables)
    return dataclasses.replace(language, lexicon=lexicon)


def test_whatever_a_tree_is_made_of_makes_another(language, place):
    changes = other_weights, other_words, other_weight_of_a_word, other_lexicon
    names = names_of("syllable")
    cases = [(names, language), (names_of("syllable", without=1), language)]
    cases += [(names_of(kind), language) for kind in ("character", "base-syllable")]
    cases += [(names, change(language)) for change in changes]
    for number, case in enumerate(cases, start=1):
        check_equal(tree_cache.build(*case), label_tree.build(*case))
        assert len(files(place)) == min(number, tree_cache.KEPT)


def test_text_of_the_user_makes_no_other_tree(language, place):
    names = names_of("syllable")
    tree_cache.build(names, language)
    tree_cache.build(names, hanzi.add_text(language, ["你好"]))
    assert len(files(place)) == 1


def cut(content):
    return content[: len(content) // 2]


def flipped(content):
    return content[:-9] + bytes([content[-9] ^ 4]) + content[-8:]


def another_file(content):
    return b"something else entirely"


@pytest.mark.parametrize("damage", [cut, flipped, another_file, lambda content: b""])
def test_a_damaged_file_is_made_anew(damage, language, place):
    names = names_of("syllable")
    tree_cache.build(names, language)
    [path] = files(place)
    whole = path.read_bytes()
    path.unlink()  # its pages are still mapped
    path.write_bytes(damage(whole))
    laid_out = label_tree.build(names, language)
    check_equal(tree_cache.build(names, language), laid_out)
    assert path.read_bytes() == whole
    assert files(place) == [path]


def test_where_nothing_can_be_written_the_tree_is_laid_out(language, place):
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file, no folder")
    names = names_of("syllable")
    tree = tree_cache.build(names, language)
    check_equal(tree, label_tree.build(names, language))
    assert place.read_text() == "a file, no folder"


def test_an_empty_variable_keeps_nothing(language, tmp_path, monkeypatch):
    monkeypatch.setenv(tree_cache.VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    assert tree_cache.folder() is None
    tree_cache.build(names_of("syllable"), language)
    assert files(tmp_path) == []


def test_the_trees_that_were_used_last_are_kept(language, place, monkeypatch):
    monkeypatch.setattr(tree_cache, "KEPT", 2)
    kinds = ["syllable", "base-syllable", "character"]
    kept = {}
    for age, kind in enumerate(kinds[:2]):
        tree_cache.build(names_of(kind), language)
        [kept[kind]] = set(files(place)) - set(kept.values())
        os.utime(kept[kind], (1000 + age, 1000 + age))
    tree_cache.build(names_of("syllable"), language)  # used again
    tree_cache.build(names_of("character"), language)
    assert kept["syllable"] in files(place) and len(files(place)) == 2
    assert kept["base-syllable"] not in files(place)


def test_a_change_of_the_code_makes_another_tree(language, tmp_path, monkeypatch):
    names = names_of("syllable")
    before = tree_cache.fingerprint(names, language)
    package = pathlib.Path(tree_cache.__file__).parent
    for module in tree_cache.MAKERS:
        shutil.copy(package / f"{module}.py", tmp_path)
    monkeypatch.setattr(tree_cache, "__file__", str(tmp_path / "tree_cache.py"))
    assert tree_cache.fingerprint(names, language) == before
    with open(tmp_path / "tone_sandhi.py", "a") as file:
        file.write("# changed\n")
    assert tree_cache.fingerprint(names, language) != before


def test_the_usual_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv(tree_cache.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tree_cache.folder() == tmp_path / "zhasr"

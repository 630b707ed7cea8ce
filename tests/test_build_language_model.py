"""The command on small texts: what it learns, what it must not, what it refuses."""

import lzma
import pathlib
import re

import numpy as np
import pytest

from data_prep import (
    build_language_model,
    contamination,
    kneser_ney,
    ngram_counts,
    pruning,
    segment,
    word_list,
)
from zhasr import hanzi, language_model, lexicon, ngram_trie

TEXT = """今天天气很好，我们去公园散步。
明天天气不好，我们在家看电影。
他们喜欢看电影，也喜欢听音乐。
音乐会今天晚上开始，电影明天晚上开始。
公园里有很多人，有人散步，有人听音乐。
"""
TESTS = [
    "BAC1.wav\tjin1 tian1\t今天晚上我们去公园散步",
    "BAC2.wav\txi3 huan1\t电影明天晚上开始",
]


@pytest.fixture
def texts(tmp_path):
    """A folder with a plain and a compressed file, and a transcript of a test."""
    folder = tmp_path / "text"
    folder.mkdir()
    (folder / "news.txt").write_text(TEXT, encoding="utf-8")
    with lzma.open(folder / "talk.txt.xz", "wt", encoding="utf-8") as file:
        file.write("我们喜欢散步\n你喜欢听什么音乐abc123你们\n")
    (tmp_path / "test.txt").write_text("\n".join(TESTS), encoding="utf-8")
    return tmp_path


def run(texts, *options, out="out"):
    arguments = [texts / "text", "--out", texts / out, "--workers", "1"]
    # A dictionary of 349,000 words would take these tests minutes.
    arguments += ["--dictionary-weight", "0", *options]
    return build_language_model.main([str(one) for one in arguments])


def refused(texts, capsys, *options):
    before = sorted(texts.rglob("*"))
    assert run(texts, *options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("build_language_model: ")
    assert sorted(texts.rglob("*")) == before  # nothing half done
    return error


def test_a_language_folder(texts, capsys):
    held_out = texts / "test.txt"
    assert run(texts, "--held-out", held_out, "--terms", "news: CC0") == 0
    out = texts / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "card.md",
        "language_model.safetensors",
        "lexicon.safetensors",
    ]
    assert sorted(path.name for path in texts.iterdir()) == ["out", "test.txt", "text"]
    model = language_model.load(out)
    assert model.order == 3 and model.unit == "word"
    assert model.words[:3] == language_model.SPECIAL_WORDS
    assert set(lexicon.gb2312()) <= set(model.words)
    assert model.score(["喜欢", "听", "音乐"]) > model.score(["听", "喜欢", "音乐"])
    lexicon.load(out / lexicon.NAME).check_words(model.words)
    printed = capsys.readouterr().out
    card = (out / "card.md").read_text(encoding="utf-8")
    assert card in printed and "MB of memory" in printed
    assert re.search(r"\| news +\| 9 +\| \d+ +\| 2 +\| CC0 ", card)
    assert re.search(r"\| talk .*\| not stated \|", card)
    assert "on 2 lines of 19 characters" in card
    assert "jieba" in card and "## Left out\n\nnothing" in card
    assert "--held-out" in card and f"{(out / model_name()).stat().st_size:,}" in card


def model_name():
    return language_model.NAME


def test_test_sentences_are_not_learned(texts, capsys):
    assert run(texts, "--exclude", texts / "test.txt", "--out", texts / "clean") == 0
    # 电影明天晚上开始 is a sentence, 我们去公园散步 part of one, 我们喜欢散步 not.
    rows = {
        cells[1]: cells for cells in (re.split(r" *\| *", row) for row in _rows(capsys))
    }
    assert rows["news"][4] == "2" and rows["talk"][4] == "0"
    clean = language_model.load(texts / "clean")
    assert run(texts, "--out", texts / "dirty") == 0
    dirty = language_model.load(texts / "dirty")
    words = ["我们", "去", "公园", "散步"]
    assert clean.score(words) < dirty.score(words) - 1


def _rows(capsys):
    return [row for row in capsys.readouterr().out.splitlines() if row.startswith("| ")]


def test_the_same_text_gives_the_same_bytes(texts):
    for out in ("one", "two"):
        assert run(texts, out=out) == 0
    one, two = (texts / out / language_model.NAME for out in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_characters(texts):
    assert run(texts, "--unit", "character") == 0
    model = language_model.load(texts / "out")
    assert model.unit == "character" and model.order == 4
    assert max(map(len, model.words[3:])) == 1
    assert model.score(list("电影")) > model.score(list("影电"))


@pytest.mark.slow
def test_characters_beside_words(texts, capsys):
    (texts / "text" / "more.txt").write_text(random_text(), encoding="utf-8")
    options = ["--megabytes", "0.6", "--characters-order", "3"]
    assert run(texts, *options, "--characters-megabytes", "0.2", out="both") == 0
    path = texts / "both" / hanzi.CHARACTERS_NAME
    assert 0.1e6 < path.stat().st_size <= 0.2e6
    assert sum(one.stat().st_size for one in (texts / "both").iterdir()) <= 0.6e6
    language = hanzi.load(texts / "both")
    characters = language.characters
    assert characters.unit == "character" and characters.order == 3
    assert language.model.unit == "word" and language.model.order == 3
    assert characters.score(list("电影")) > characters.score(list("影电"))
    card = (texts / "both" / "card.md").read_text(encoding="utf-8")
    assert f"{path.stat().st_size:,}" in card and "| characters | in the text" in card
    # Alone it is the same model, and without the option the old one goes.
    options = ["--unit", "character", "--order", "3", "--megabytes", "99"]
    assert run(texts, *options, out="alone") == 0
    assert run(texts, "--characters-order", "3", out="both") == 0
    alone, beside = language_model.load(texts / "alone"), hanzi.load(texts / "both")
    assert beside.characters.words == alone.words
    text = list("今天天气很好")
    assert beside.characters.score(text) == pytest.approx(alone.score(text), abs=0.2)
    assert run(texts, out="both") == 0
    assert hanzi.load(texts / "both").characters is None


def test_weights_outlast_a_new_model(texts):
    (texts / "out").mkdir()
    hanzi.save_weights(texts / "out", hanzi.Weights(word=0.25))
    assert run(texts) == 0
    assert hanzi.load(texts / "out").weights.word == 0.25


@pytest.mark.slow
def test_order_cutoffs_and_dictionary(texts, capsys):
    assert run(texts, "--order", "2", "--cutoffs", "0,1") == 0
    model = language_model.load(texts / "out")
    assert model.order == 2
    assert 0 < len(model.tables.places) < 20
    assert "经济" not in model.index
    options = ["--dictionary-weight", "0.5", "--vocabulary", "20000"]
    assert run(texts, *options) == 0
    mixed = language_model.load(texts / "out")
    assert "经济" in mixed.index and len(mixed.words) == 20_000
    assert (
        mixed.log_probs(["经济"], begin=False)[0]
        > mixed.log_probs(["冼"], begin=False)[0]
    )


def test_an_interrupted_run_leaves_the_old_folder(texts, monkeypatch, capsys):
    assert run(texts) == 0
    before = {
        path: path.read_bytes() for path in sorted(texts.rglob("*.*")) if path.is_file()
    }

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(build_language_model, "measure", interrupted)
    assert run(texts) == 130
    after = {
        path: path.read_bytes() for path in sorted(texts.rglob("*.*")) if path.is_file()
    }
    assert after == before
    assert sorted(path.name for path in texts.iterdir()) == ["out", "test.txt", "text"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--vocabulary", "100"], "at least 67"),
        (["--megabytes", "0.01"], "expected at least 0.[1-9] megabytes"),
        (["--order", "9"], "--order or --vocabulary"),
        (["--order", "0"], "--order"),
        (["--exclude", "absent.txt"], "absent.txt"),
        (["--held-out", "absent.txt"], "absent.txt"),
        (["--cutoffs", "a"], "--cutoffs"),
        (["--terms", "no colon"], "--terms"),
        (["--prune", "1e-9", "--megabytes", "1"], "not allowed with"),
        (["--dictionary-weight", "1"], "--dictionary-weight"),
        (["--trust", "0"], "--trust"),
        (["--characters-order", "0"], "--characters-order"),
        (["--characters-megabytes", "1"], "needs --characters-order"),
        (["--unit", "character", "--characters-order", "3"], "beside words"),
        (["--megabytes", "1", "--characters-order", "9"], "--order or --vocabulary"),
        (["--unit", "syllable"], "--unit"),
        (["--megabytes", "nan"], "--megabytes must be"),
        (["--prune", "-1"], "--prune must be"),
        (["--vocabulary", "0"], "--vocabulary must be"),
    ],
)
def test_bad_options(options, message, texts, capsys):
    assert re.search(message, refused(texts, capsys, *options))


def test_a_file_is_no_folder_to_write(texts, capsys):
    message = refused(texts, capsys, "--out", texts / "test.txt")
    assert "test.txt: expected a folder" in message


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"\xff\xfe\x00", "a.txt.*UTF-8"),
        ("a.txt.xz", b"no xz", "a.txt.xz"),
        ("a.txt.xz", lzma.compress(TEXT.encode() * 99)[:200], "a.txt.xz"),
        ("a.txt", b"", "at least one hanzi"),
        ("a.txt", b"no hanzi 123\n\n", "at least one hanzi"),
        ("a.md", b"", "found none"),
    ],
)
def test_bad_text(name, content, message, tmp_path, capsys):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / name).write_bytes(content)
    assert re.search(message, refused(tmp_path, capsys))


# Pruning and quantisation


def random_model(seed, order=3, words=40, size=4000):
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, words - 2)
    stream = rng.choice(np.arange(3, words), size, p=weights / weights.sum())
    stream[::7] = -1
    stream[-1] = -1
    counts = ngram_counts.count([stream], words, order)
    model = kneser_ney.estimate(kneser_ney.adjust(counts))
    return model, ngram_counts.context_totals(counts, model.keys[:-1])


def sums(tables, words, contexts):
    """What the probabilities of all words after some contexts add up to."""
    totals = []
    for context in contexts:
        _, state = ngram_trie.walk(tables, ngram_trie.EMPTY, np.array(context))
        totals.append(
            sum(
                np.exp(ngram_trie.advance(tables, state, word)[0])
                for word in range(words)
                if word != language_model.BEGIN
            )
        )
    return np.array(totals)


@pytest.mark.parametrize("threshold", [0, 1e-6, 1e-5, 1e-4, 1e-3, 1.0])
def test_pruned_and_quantised_it_still_sums_to_one(threshold):
    model, totals = random_model(1)
    wanted = [one > threshold for one in pruning.importance(model, totals)]
    small = pruning.prune(model, pruning.keep(model, wanted))
    assert len(small.keys[0]) == model.words
    quantised = pruning.quantise(small)
    tables = ngram_trie.pack(
        quantised.bits, quantised.keys, quantised.log_probs, quantised.back_offs
    )
    contexts = np.random.default_rng(2).integers(1, 40, (80, 2))
    wrong = np.abs(sums(tables, 40, contexts) - 1)
    assert wrong.max() < 0.01 and wrong.mean() < 0.002


def test_pruning_keeps_what_matters():
    model, totals = random_model(3)
    missed = pruning.importance(model, totals)
    by_entropy = [one > 3e-5 for one in missed]
    rng = np.random.default_rng(0)
    at_random = [rng.permutation(one) for one in by_entropy]
    lost = {}
    for name, wanted in (("entropy", by_entropy), ("random", at_random)):
        small = pruning.prune(model, pruning.keep(model, wanted))
        lost[name] = _divergence(model, small, totals)
        lost[name + " size"] = sum(map(len, small.keys))
    assert lost["entropy size"] <= lost["random size"] < sum(map(len, model.keys))
    assert 0 < lost["entropy"] < 0.5 * lost["random"]


def _divergence(model, other, totals):
    """Relative entropy of two models over the bigram contexts of the text."""
    places = [
        ngram_trie.pack(*(getattr(pruning.quantise(one), name) for name in _PACKED))
        for one in (model, other)
    ]
    total = 0.0
    for key, times in zip(model.keys[1], totals[1], strict=True):
        context = np.array([int(key) >> model.bits, int(key) & 2**model.bits - 1])
        said = []
        for tables in places:
            _, state = ngram_trie.walk(tables, ngram_trie.EMPTY, context)
            words = [word for word in range(model.words) if word != 1]
            said.append(
                np.array([ngram_trie.advance(tables, state, w)[0] for w in words])
            )
        total += times * (np.exp(said[0]) * (said[0] - said[1])).sum()
    return total / totals[1].sum()


_PACKED = ("bits", "keys", "log_probs", "back_offs")


def test_importance_is_what_leaving_one_out_costs():
    """Stolcke's formula against the distributions with and without one trigram."""
    model, totals = random_model(5, words=12, size=400)
    missed = pruning.importance(model, totals)
    rng = np.random.default_rng(0)
    for place in rng.choice(len(model.keys[2]), 12, replace=False):
        kept = [np.ones(len(keys), bool) for keys in model.keys]
        kept[2][place] = False
        small = pruning.prune(model, kept)
        context = int(model.keys[2][place]) >> model.bits
        pair = np.array([context >> model.bits, context & 2**model.bits - 1])
        said = []
        for one in (model, small):
            tables = ngram_trie.pack(one.bits, one.keys, one.log_probs, one.back_offs)
            _, state = ngram_trie.walk(tables, ngram_trie.EMPTY, pair)
            said.append([ngram_trie.advance(tables, state, w)[0] for w in range(12)])
        before, after = np.delete(np.array(said, float), 1, axis=1)
        weight = totals[1][model.contexts(2)[place]] / totals[0].sum()
        expected = weight * (np.exp(before) * (before - after)).sum()
        assert missed[2][place] == pytest.approx(expected, rel=1e-3, abs=1e-8)


def test_quantised_values_are_near_and_few():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(-6, 2, 50_000), [0, -99.0]]).astype(np.float32)
    rounded = pruning._quantise(values)
    assert len(np.unique(rounded)) <= 256
    assert rounded[-1] == -99 and rounded[-2] == 0
    assert np.abs(rounded - values).max() < 0.2
    assert np.sqrt(np.mean((rounded - values) ** 2)) < 0.025
    few = np.array([-1.5, -2.25, -1.5], np.float32)
    np.testing.assert_array_equal(pruning._quantise(few), few)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_tables_have_the_size_that_was_reckoned(order):
    model, _ = random_model(7, order)
    rng = np.random.default_rng(order)
    wanted = [rng.random(len(keys)) < 0.5 for keys in model.keys]
    kept = pruning.keep(model, wanted)
    small = pruning.quantise(pruning.prune(model, kept))
    tables = ngram_trie.pack(small.bits, small.keys, small.log_probs, small.back_offs)
    size = sum(array.nbytes for array in ngram_trie.shrink(tables).values())
    reckoned = pruning.count_bytes(model, kept)
    assert size <= reckoned
    if order < 4:  # longer ones may have few enough states for 16 bits
        assert reckoned <= size + 100


@pytest.mark.slow
def test_a_folder_has_the_size_that_was_asked_for(texts):
    (texts / "text" / "more.txt").write_text(random_text(), encoding="utf-8")
    assert run(texts, "--megabytes", "0.4", out="small") == 0
    assert run(texts, out="large") == 0
    small, large = (
        sum(path.stat().st_size for path in (texts / name).iterdir())
        for name in ("small", "large")
    )
    assert 0.3e6 < small <= 0.4e6 < large


def random_text(size=60_000):
    rng = np.random.default_rng(0)
    words = [word for word in segment.frequencies() if len(word) == 2][::900]
    lines = ("".join(rng.choice(words, 9)) for _ in range(size // 9))
    return "\n".join(lines)


# Words


def test_rare_words_are_cut_and_nothing_is_unknown():
    lines = ["中华人民共和国成立", "人民成立", "共和国人民", "中华共和国"]
    tokens = segment.tokens(lines, "word")
    numbers, counts = np.unique(tokens[tokens >= 0], return_counts=True)
    counted = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    listed = word_list.choose(counted, 2**16)
    assert "中华人民共和国" not in listed.index  # occurs once
    assert {"人民", "共和国", "成立"} <= set(listed.index)
    said = [listed.words[number] for number in listed.encode(tokens) if number >= 0]
    assert "".join(said) == "".join(lines)
    assert said[:3] == ["中", "华", "人民"] or said[:2] == ["中华", "人民"]
    stream = listed.encode(segment.tokens(["㐂人民"], "word"))  # not in GB 2312
    assert stream.tolist() == [0, listed.index["人民"], -1]


def test_words_are_numbered_by_falling_share():
    lines = ["我们散步", "我们散步", "我们"]
    tokens = segment.tokens(lines, "word")
    numbers, counts = np.unique(tokens[tokens >= 0], return_counts=True)
    listed = word_list.choose(dict(zip(numbers, counts, strict=True)), 2**16)
    assert listed.words[:5] == (*language_model.SPECIAL_WORDS, "我们", "散步")
    assert listed.shares[3] == pytest.approx(3 / 5)
    assert (np.diff(listed.shares[3:]) <= 0).all()
    assert len(listed.words) == 3 + 2 + len(lexicon.gb2312())


def test_dictionary_shares_sum_to_one():
    listed = word_list.choose({}, 20_000, dictionary_weight=0.5)
    shares = word_list.dictionary_shares(listed)
    assert shares.sum() == pytest.approx(1) and not shares[:3].any()
    assert shares[listed.index["了"]] == shares.max()


# Text


def test_lines_are_runs_of_hanzi(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff你好，世界！abc中文\r\n\r\n3個㐂\n".encode())
    assert list(segment.read_lines(path)) == ["你好", "世界", "中文", "個㐂"]


def test_a_sentence_of_a_transcript_counts_once(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("1\tni3\t你好\n2\tni3\t你好\n3\tshi4\t世界\n", encoding="utf-8")
    assert list(segment.read_lines(path)) == ["你好", "世界"]


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["word", "character"])
def test_cut_in_pieces_and_processes(unit, tmp_path, monkeypatch):
    monkeypatch.setattr(segment, "PIECE_BYTES", 200)
    lines = re.findall(r"[一-鿿]+", TEXT) * 9
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = segment.cut(path, tmp_path, unit, worker_count=2)
    assert len(found) > 5
    together = np.concatenate([np.load(one) for one in found])
    np.testing.assert_array_equal(together, segment.tokens(lines, unit))
    words = "".join(word_list.spell(n) if n >= 0 else "\n" for n in together)
    assert words.split() == lines


SENTENCES = ["他仅凭腰部的力量在泳道上下翻腾", "你好", "短短五个字"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (SENTENCES[0], True),
        ("那天" + SENTENCES[0] + "了", True),
        ("腰部的力量在", True),  # a part of 6 characters
        ("腰部的力量", False),  # of 5
        ("腰部的力量强", False),
        (SENTENCES[0][:-1] + "飞", False),
        ("你好", True),
        ("你好吗我的朋友", False),  # too short to tell
        ("短短五个字", True),
        ("说了短短五个字", False),
        ("", False),
    ],
)
def test_contamination(line, expected):
    assert contamination.is_contaminated(line, contamination.index(SENTENCES)) is (
        expected
    )


def test_contamination_against_brute_force():
    rng = np.random.default_rng(0)

    def random_line(longest):
        return "".join(rng.choice(list("一二"), rng.integers(0, longest)))

    sentences = [random_line(14) for _ in range(12)]
    index = contamination.index(sentences)
    seen = set()
    for _ in range(2000):
        line = random_line(18)
        expected = any(
            line == one
            or (len(one) >= 6 and one in line)
            or (len(line) >= 6 and line in one)
            for one in sentences
            if one
        )
        assert contamination.is_contaminated(line, index) is expected
        seen.add(expected)
    assert seen == {True, False}


REAL = pathlib.Path(__file__).parents[2] / "shared" / "text"


@pytest.mark.slow
def test_dialogues(tmp_path):
    """A corpus of 0.6 million characters: what is learned carries over to new text."""
    if not REAL.is_dir():
        pytest.skip("needs the Chinese text beside the checkout")
    transcripts = [
        REAL / "transcripts" / f"{name}_test.txt" for name in ("thchs", "aishell")
    ]
    recipe = build_language_model.Recipe(megabytes=2.5, dictionary_weight=0)
    card = build_language_model.build(
        [REAL / "kdconv.txt.xz"], tmp_path / "out", recipe, excluded=transcripts
    )
    assert float(re.search(r"([\d.]+) for a word", card)[1]) < 150
    model = language_model.load(tmp_path / "out")
    assert model.score("这 部 电影 的 导演 是 谁".split()) > model.score(
        "这 部 电影 的 倒眼 是 谁".split()
    )
    assert sum(one.stat().st_size for one in (tmp_path / "out").iterdir()) <= 2.5e6

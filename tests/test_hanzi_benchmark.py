"""The benchmark of hanzi: what it counts and leaves out; no test measures a time."""

import importlib.util
import pathlib
import sys
import types

import numpy as np
import pytest

from data_prep import pinyin_text, segment
from zhasr import hanzi

FOLDER = pathlib.Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(FOLDER))  # for what the script imports

import hanzi_models  # noqa: E402

# By its path: `hanzi` is the name of a module of the package, too.
_spec = importlib.util.spec_from_file_location("hanzi_benchmark", FOLDER / "hanzi.py")
benchmark = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = benchmark  # dataclasses ask for it
_spec.loader.exec_module(benchmark)

TESTS = {
    "thchs30": [pinyin_text.Sentence(("ni3", "hao3"), "你好")] * 3,
    "aishell": [pinyin_text.Sentence(("ma1",), "妈"), pinyin_text.Sentence((), "")],
}


def test_errors_are_counted_with_and_without_tones():
    heard = []

    def convert(syllables):
        heard.append(tuple(syllables))
        return {"ni3": "你好", "ni": "你", "ma": "马马"}.get(
            syllables[0] if syllables else "", ""
        )

    measured = benchmark.measure("peer", {True: convert, False: convert}, TESTS)
    assert measured.errors == {
        ("thchs30", True): 0.0,
        ("aishell", True): 100.0,  # nothing for one character
        ("thchs30", False): 50.0,  # one missing of two
        ("aishell", False): 200.0,  # a wrong one, and one too many
    }
    assert {("ni3", "hao3"), ("ni", "hao"), ("ma1",), ("ma",), ()} == set(heard)
    assert set(measured.speeds) == {True, False}


def test_a_slow_peer_is_stopped(capsys):
    measured = benchmark.measure("slow", {False: lambda _: "你好"}, TESTS, limit=0)
    assert measured.errors["thchs30", False] == 0
    assert "slow: 1 sentences of thchs30 in 0 s" in capsys.readouterr().out
    assert ("thchs30", True) not in measured.errors


def test_absent_peers_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark.hanzi_peers, "LIBRARIES", ())
    monkeypatch.setitem(sys.modules, "Pinyin2Hanzi", None)
    missing = []
    options = types.SimpleNamespace(peers=tmp_path, full=None)
    assert benchmark.measure_peers(options, TESTS, missing) == []
    assert benchmark.measure_full(options, TESTS, missing) == []
    assert len(missing) == 5
    assert all("apt-get" in one or "pip install" in one for one in missing[:4])
    assert "build_language_model" in missing[4]


def test_targets(capsys):
    errors = {(test, toned): 5.5 for test in TESTS for toned in (True, False)}
    row = benchmark.Measured("shipped: x", 1.0, 0.1, errors, {True: 20_000.0})
    benchmark.print_targets([row])
    printed = capsys.readouterr().out
    assert printed.count("reached") == 4 and "MISSED" not in printed
    slow = benchmark.Measured("shipped: x", 1.0, 0.1, errors, {True: 9_000.0})
    benchmark.print_targets([slow])
    assert capsys.readouterr().out.count("MISSED") == 1


def test_the_table_has_a_dash_where_nothing_was_measured(capsys):
    errors = {("thchs30", False): 12.345, ("aishell", False): 5.0}
    benchmark.report([benchmark.Measured("peer", 0.0, 0.0, errors, {False: 1234.5})])
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.split() == ["peer", "-", "-", "-", "12.35", "5.00", "1,234"]


def test_the_shipped_model_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "transcripts").mkdir()
    for file in benchmark.TESTS.values():
        rows = ["a.wav\tjin1 tian1\t今天", "b.wav\tjin1 tian1\t今天", "c\tk ge1\tK歌"]
        path = tmp_path / "transcripts" / f"{file}.txt"
        path.write_text("\n".join(rows), encoding="utf-8")
    command = ["hanzi.py", "--shipped-only", "--text", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    benchmark.main()
    lines = capsys.readouterr().out.splitlines()
    assert "thchs30: 3 utterances, 1 sentences" in lines
    assert lines[-2:] == [
        "figure hanzi_thchs30_cer 0 %",
        "figure hanzi_aishell_cer 0 %",
    ]


# Models to compare


def test_one_line_of_so_many(tmp_path):
    np.save(tmp_path / "tokens.npy", np.array([5, 6, -1, 7, -1, -1, 8, 9, -1]))
    thin = np.load(hanzi_models._thin(tmp_path / "tokens.npy", 2))
    assert thin.tolist() == [5, 6, -1, -1]


@pytest.mark.slow
def test_models_of_less_text_and_other_orders(tmp_path, monkeypatch):
    monkeypatch.setattr(hanzi_models, "DICTIONARY_WEIGHT", 0.0)  # quick
    monkeypatch.setattr(hanzi_models, "SHARES", (2,))
    monkeypatch.setattr(hanzi_models, "ORDERS", (1, 2))
    monkeypatch.setattr(hanzi_models, "MEGABYTES", (0.13,))
    monkeypatch.setattr(hanzi_models, "CHARACTER_ORDERS", (1, 2))
    words = [word for word in segment.frequencies() if len(word) == 2][::900]
    rng = np.random.default_rng(0)
    lines = ("".join(rng.choice(words, 5)) for _ in range(3000))
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    found = {
        name: (language.model.order, language.model.unit, size)
        for name, language, size in hanzi_models.build(tmp_path, [], hanzi.Weights())
    }
    orders = [(order, unit) for order, unit, _ in found.values()]
    assert orders == [
        *((one, "character") for one in (1, 2)),
        (3, "word"),
        *((one, "word") for one in (1, 2)),
        (2, "word"),
    ]
    assert list(found)[-1].startswith("2-gram") and "0.13 MB" in list(found)[-1]
    assert list(found.values())[-1][2] <= 0.13 < list(found.values())[-2][2]

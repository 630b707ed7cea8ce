"""Characters from the command line: formats, decoders, tuning, and bad input.

A stub in the place of the network says 阿爸 (a1 ba4) in every recording, so that all
that is printed is known.
"""

import dataclasses
import json
import os
import re
import shutil

import numpy as np
import pytest
import soundfile
import test_model_folder
from test_cli import fails, write_tone
from toy_language import toy_language

from zhasr import (
    calibration,
    cli,
    commands,
    compiled,
    decoders,
    hanzi,
    language_model,
    lexicon,
    manifest,
    model_folder,
    recognizer,
    scoring,
    segments,
    speaker_adaptation,
    tuning,
    vocabulary,
    wavenet,
)

pytestmark = pytest.mark.slow  # compiles the searches

LABELS = ("<blank>", "a1", "a2", "ba4")
SAID = {3: 1, 8: 3}  # frame -> label
STEP = 0.04  # seconds


def stub(network, arrays):
    """Logits of a1 and ba4, in the shape that the network would give."""
    frames = max(wavenet.output_frames(len(array), 4) for array in arrays)
    logits = np.zeros((len(arrays), frames, len(LABELS)), np.float32)
    logits[:, :, 0] = 9
    for frame, label in SAID.items():
        logits[:, frame, 0] = 0
        logits[:, frame, label] = 9
    return logits


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model folder and a language folder, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    test_model_folder.saved(folder / "model")
    language = toy_language("阿爸 罢 锕 霸".split())
    language_model.save(folder / "language" / language_model.NAME, language.model)
    lexicon.save(folder / "language" / lexicon.NAME, language.lexicon)
    return folder


@pytest.fixture
def model(made, tmp_path, monkeypatch):
    monkeypatch.setattr(recognizer, "run_network", stub)
    return shutil.copytree(made / "model", tmp_path / "model")


@pytest.fixture
def language(made, tmp_path):
    return shutil.copytree(made / "language", tmp_path / "language")


@pytest.fixture
def audio(tmp_path):
    return write_tone(tmp_path / "one.wav")


def run(capsys, *arguments, status=0):
    """What a command prints: (stdout, stderr without the note on compiling)."""
    assert cli.main([str(item) for item in arguments]) == status
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    return printed.out, [line for line in lines if "note: compiling" not in line]


def transcribe(capsys, *arguments, notes=()):
    printed, complaints = run(capsys, "transcribe", *arguments)
    assert len(complaints) == len(notes)
    for note, complaint in zip(notes, complaints, strict=True):
        assert note in complaint
    return printed


@pytest.mark.parametrize("decoder", [None, *decoders.NAMES])
def test_characters_and_pinyin(model, language, audio, capsys, decoder):
    wanted = ["--decoder", decoder] if decoder else []
    printed = transcribe(capsys, model, audio, "--language", language, *wanted)
    assert printed == "阿爸 (a1 ba4)\n"


@pytest.mark.parametrize("decoder", [None, "greedy", "beam"])
def test_without_a_language_there_is_pinyin(model, audio, capsys, decoder):
    wanted = ["--decoder", decoder] if decoder else []
    printed = transcribe(capsys, model, audio, "--language", "none", *wanted)
    assert printed == "a1 ba4\n"


def test_the_shipped_language_is_the_default(
    model, language, audio, capsys, monkeypatch
):
    monkeypatch.setattr(hanzi, "FOLDER", language)
    assert transcribe(capsys, model, audio) == "阿爸 (a1 ba4)\n"
    monkeypatch.setattr(hanzi, "FOLDER", language / "nowhere")
    assert transcribe(capsys, model, audio) == "a1 ba4\n"


def test_json_has_times_and_confidence(model, language, audio, capsys):
    printed = transcribe(
        capsys, model, audio, "--language", language, "--format", "json"
    )
    content = json.loads(printed)
    assert content.keys() == {"audio", "text", "pinyin", "expected_error", "words"}
    assert content["expected_error"] is None  # nothing was fitted to this model
    assert (content["audio"], content["text"]) == (str(audio), "阿爸")
    (word,) = content["words"]
    first, second = word["syllables"]
    assert (word["start"], word["end"]) == pytest.approx((3 * STEP, 9 * STEP))
    assert (first["start"], second["start"]) == pytest.approx((3 * STEP, 8 * STEP))
    assert 0 < word["confidence"] <= 1 and first["confidence"] > 0.9


def test_json_and_a_note_tell_what_is_likely_wrong(model, language, audio, capsys):
    curve = calibration.Curve((0.5, 1.0), (0.5, 0.5))
    calibration.save(model, {"words": curve}, "planted")
    arguments = [model, audio, "--language", language, "--format", "json"]
    printed = transcribe(capsys, *arguments, notes=["every second syllable"])
    assert json.loads(printed)["expected_error"] == 0.5


@pytest.mark.parametrize("source", ["language", "none"])
def test_ctm_and_srt(model, language, audio, capsys, source):
    source = language if source == "language" else source
    arguments = [model, audio, "--language", source, "--format"]
    lines = transcribe(capsys, *arguments, "ctm").splitlines()
    assert len(lines) == (2 if source == "none" else 1)
    for line in lines:
        name, channel, start, duration, word, confidence = line.split()
        assert (name, channel) == (str(audio), "1")
        assert 0 <= float(start) < float(start) + float(duration) < 1
        assert word in ("阿爸", "a1", "ba4") and 0 < float(confidence) <= 1
    number, times, text = transcribe(capsys, *arguments, "srt").splitlines()
    assert number == "1" and text == ("a1 ba4" if source == "none" else "阿爸")
    assert re.fullmatch(r"00:00:00,120 --> 00:00:00,\d{3}", times)


@pytest.mark.parametrize("kind", ["text", "json", "srt", "ctm"])
def test_nothing_heard(model, audio, capsys, kind, monkeypatch):
    monkeypatch.setitem(globals(), "SAID", {})
    arguments = [model, audio, "--language", "none", "--format", kind]
    printed = transcribe(capsys, *arguments, notes=["nothing was recognised"])
    if kind == "json":
        assert json.loads(printed)["words"] == []
    else:
        assert printed == ("\n" if kind == "text" else "")


def test_the_shortest_recording(model, language, tmp_path, capsys, monkeypatch):
    monkeypatch.undo()  # the network itself
    soundfile.write(tmp_path / "short.wav", np.zeros(1), 16_000)
    recording = tmp_path / "short.wav"
    arguments = [model, recording, "--language", language]
    printed = transcribe(capsys, *arguments, notes=["nothing was recognised"])
    assert printed == "\n"


def test_bad_files_do_not_stop_others(model, language, audio, tmp_path, capsys):
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    arguments = ["transcribe", model, bad, audio, tmp_path / "missing.wav", audio]
    arguments += ["--language", language]
    printed, complaints = run(capsys, *arguments, status=2)
    assert printed == 2 * f"{audio}\t阿爸 (a1 ba4)\n"
    first, second = complaints
    assert "bad.wav" in first and "missing.wav" in second
    out = tmp_path / "out" / "all.json"
    arguments += ["--format", "json", "--out", out]
    assert run(capsys, *arguments, status=2)[0] == ""
    texts = [json.loads(line)["text"] for line in out.read_text().splitlines()]
    assert texts == ["阿爸", "阿爸"]


def test_a_recording_without_features_is_named(model, audio, capsys, monkeypatch):
    def broken(network, arrays):
        return np.full_like(stub(network, arrays), np.nan)

    monkeypatch.setattr(recognizer, "run_network", broken)
    complaint = fails(capsys, "transcribe", model, audio, "--language", "none")
    assert str(audio) in complaint and "NaN" in complaint


def test_no_file_is_written_without_a_transcript(model, tmp_path, capsys):
    out = tmp_path / "out.txt"
    assert "missing" in fails(
        capsys, "transcribe", model, tmp_path / "missing.wav", "--out", out
    )
    assert not out.exists()


def test_words_and_text_of_the_user(model, language, audio, tmp_path, capsys):
    words, text = tmp_path / "words.txt", tmp_path / "text.txt"
    words.write_text("锕罢 9\n")
    text.write_text("我的锕罢。\n锕罢好。\n")
    for decoder in decoders.NAMES:
        arguments = [model, audio, "--language", language, "--decoder", decoder]
        printed = transcribe(capsys, *arguments, "--words", words)
        assert printed == "锕罢 (a1 ba4)\n"
    printed, notes = run(
        capsys, "transcribe", model, audio, "--language", language, "--text", text
    )
    assert "--decoder beam" in notes[0] and printed.endswith("(a1 ba4)\n")


def test_bad_input_of_transcribe(model, language, audio, tmp_path, capsys):
    def failure(*arguments):
        return fails(capsys, "transcribe", model, audio, *arguments)

    latin = tmp_path / "latin.txt"
    latin.write_text("Zhang\n")
    assert "language_model.safetensors" in failure("--language", tmp_path)
    assert "latin.txt:1" in failure("--language", language, "--words", latin)
    assert "latin.txt" in failure("--language", language, "--text", latin)
    assert "nowhere" in failure("--language", language, "--words", tmp_path / "nowhere")
    assert "need a language" in failure("--language", "none", "--words", latin)
    assert "language folder" in failure("--language", "none", "--decoder", "words")
    os.mkfifo(tmp_path / "pipe")  # as /dev/null is, no file to be renamed over
    for out in (tmp_path, tmp_path / "pipe"):
        assert "received a folder or a device" in failure("--out", out)
    assert "vtt" in failure("--format", "vtt")
    assert "best" in failure("--decoder", "best")
    assert "one recording" in failure(audio, "--format", "srt")
    other = toy_language(["你好"])
    lexicon.save(language / lexicon.NAME, other.lexicon)
    assert "another" in failure("--language", language)
    (language / lexicon.NAME).write_bytes(b"truncated")
    assert lexicon.NAME in failure("--language", language)


def test_damaged_weights_are_named(model, language, audio, capsys):
    (model / tuning.NAME).write_text("{")
    arguments = ["transcribe", model, audio, "--language", language]
    assert tuning.NAME in fails(capsys, *arguments)
    assert run(capsys, *arguments, "--decoder", "greedy")[0] == "阿爸 (a1 ba4)\n"


def test_a_damaged_number_of_steps_is_named(model, language, audio, capsys):
    (model / speaker_adaptation.NAME).write_text("{")
    line = fails(capsys, "transcribe", model, audio, "--language", language)
    assert speaker_adaptation.NAME in line


def test_a_vocabulary_without_words(language, audio, tmp_path, capsys, monkeypatch):
    test_model_folder.saved(tmp_path / "m", labels=("xyz7", "xyz8", "xyz9"))
    monkeypatch.setattr(recognizer, "run_network", stub)
    arguments = ["transcribe", tmp_path / "m", audio, "--language", language]
    line = fails(capsys, *arguments, "--decoder", "words")
    assert "none of the" in line and "syllable labels" in line
    printed, (note,) = run(capsys, *arguments)
    assert "greedy" in note and printed == "xyz7 xyz9\n"


def test_a_network_of_characters_needs_no_language(
    model, audio, tmp_path, capsys, monkeypatch
):
    description = dataclasses.replace(
        test_model_folder.description(),
        vocabulary=vocabulary.Vocabulary("character", ("<blank>", *"阿啊爸")),
    )
    network = description.build()
    model_folder.save(tmp_path / "m", network, description, "")
    for arguments in (["--decoder", "greedy"], ["--language", "none"]):
        printed = transcribe(capsys, tmp_path / "m", audio, *arguments)
        assert printed == "阿爸 (a1 ba4)\n"


def test_compiling_is_announced(model, language, audio, capsys, monkeypatch):
    monkeypatch.setattr(compiled, "is_cold", lambda function: True)
    arguments = ["transcribe", str(model), str(audio), "--language"]
    assert cli.main([*arguments, str(language)]) == 0
    assert capsys.readouterr().err.startswith("note: compiling")
    assert cli.main([*arguments, "none"]) == 0
    assert capsys.readouterr().err == ""


# In a program


def test_a_path_or_samples(model, language, audio):
    loaded = recognizer.load(model)
    decoder = decoders.build(
        "words", loaded.description.vocabulary, hanzi.load(language)
    )
    samples, _ = soundfile.read(audio, dtype="float32")
    for source in (audio, samples):
        found = recognizer.transcribe(loaded, source, decoder)
        assert (found.text, found.syllables) == ("阿爸", ("a1", "ba4"))
        assert [label.label for label in found.labels] == ["a1", "ba4"]
        assert [word.text for word in found.words] == ["阿爸"]
        plain = recognizer.transcribe(loaded, source)
        assert (plain.text, plain.syllables) == (None, ("a1", "ba4"))
        assert [word.text for word in plain.words] == ["", ""]
        assert plain.labels == found.labels


# Long recordings


def long_recording(audio, *places, seconds=40):
    """The recording of the tests at some seconds of a long one."""
    said, rate = soundfile.read(audio, dtype="float32")
    samples = np.zeros(seconds * rate, np.float32)
    for place in places:
        samples[place * rate : place * rate + len(said)] = said
    return samples


def test_of_a_long_recording_the_pieces_with_speech_are_recognised(
    model, language, audio
):
    loaded = recognizer.load(model)
    samples = long_recording(audio, 10, 25)
    names = loaded.description.vocabulary
    for decoder in (None, decoders.build("words", names, hanzi.load(language))):
        parts = []
        for piece in segments.find(samples):
            own = samples[piece.first : piece.last]
            parts.append((piece.start, recognizer.transcribe(loaded, own, decoder)))
        assert [round(start) for start, _ in parts] == [10, 25]
        found = recognizer.transcribe(loaded, samples, decoder)
        assert found.syllables == sum((part.syllables for _, part in parts), ())
        for kind in ("labels", "words"):
            expected = [
                begin + moment
                for begin, part in parts
                for one in getattr(part, kind)
                for moment in (one.start, one.end)
            ]
            timed = getattr(found, kind)
            got = [moment for one in timed for moment in (one.start, one.end)]
            assert expected and got == pytest.approx(expected)
        for word in found.words:
            assert word.start == word.syllables[0].start
        assert (found.text is None) == (decoder is None)
        assert not decoder or found.text == "".join(part.text for _, part in parts)


def test_of_a_long_silence_nothing_is_recognised(model, language, audio):
    loaded = recognizer.load(model)
    names = loaded.description.vocabulary
    silence = long_recording(audio)
    for name in decoders.NAMES:
        decoder = decoders.build(name, names, hanzi.load(language))
        found = recognizer.transcribe(loaded, silence, decoder)
        assert found == recognizer.Transcript((), (), "", ())
    assert recognizer.transcribe(loaded, silence).text is None


def test_what_is_hardly_understood_is_said_to_be(
    model, language, audio, capsys, monkeypatch
):
    monkeypatch.setattr(commands, "DOUBTFUL", 1.1)
    arguments = ["transcribe", model, audio, "--language", language]
    _, (complaint,) = run(capsys, *arguments)
    assert re.match(r"note: .*hardly understood \(confidence [01]\.\d\d\)", complaint)


# Evaluate and tune


def write_manifest(path, names, text="阿爸", **changes):
    utterances = [
        manifest.Utterance(
            name,
            str(write_tone(path.parent / f"{name}.wav", seconds=0.5 + number / 10)),
            0.5 + number / 10,
            text,
            "s1",
            ("a1", "ba4"),
        )
        for number, name in enumerate(names)
    ]
    manifest.write(path, [dataclasses.replace(one, **changes) for one in utterances])
    return path


@pytest.fixture
def development(tmp_path):
    return write_manifest(tmp_path / "dev.jsonl", ["d0", "d1", "d2"])


@pytest.mark.slow
def test_every_decoder_is_scored(model, language, development, capsys):
    for decoder in decoders.NAMES:
        arguments = ["evaluate", model, development, "--decoder", decoder]
        printed, _ = run(capsys, *arguments, "--language", language, "--json")
        result = json.loads(printed)
        assert (result["decoder"], result["language"]) == (decoder, str(language))
        assert (result["weights"] is None) == (decoder == "greedy")
        for kind in ("character", "syllable"):
            counted = result["rates"][kind]
            assert (counted["rate"], counted["reference_length"]) == (0, 6)
        aligned = (model / "evaluation" / f"dev.{decoder}.txt").read_text()
        assert aligned.count("characters: 2, 0 substituted") == 3
    printed, _ = run(capsys, *arguments, "--language", language)
    assert f"decoder: words, language: {language}, weights: default" in printed
    assert "character error 0.0 %" in printed
    printed, _ = run(
        capsys, "evaluate", model, development, "--language", "none", "--json"
    )
    result = json.loads(printed)
    assert (result["decoder"], result["language"]) == ("greedy", None)
    assert result["rates"]["character"] is None
    assert result["rates"]["syllable"]["rate"] == 0


@pytest.mark.slow
def test_tuned_weights_are_used(model, language, development, capsys):
    arguments = ["tune", model, development, "--language", language]
    printed, _ = run(capsys, *arguments, "--utterances", 2)
    lines = printed.splitlines()
    assert lines[0].startswith("2 of 3 utterances")
    assert all("error 0.00 % of 4" in line for line in lines[1:-1])
    assert lines[-2].startswith("best: language 0.80")
    content = json.loads((model / tuning.NAME).read_text())
    assert content["words"]["tuned_on"].startswith("dev.jsonl, 2 utterances")
    content["words"]["syllable_bonus"] = -100  # nothing is worth to be heard
    (model / tuning.NAME).write_text(json.dumps(content))
    arguments = ["evaluate", model, development, "--language", language, "--json"]
    result = json.loads(run(capsys, *arguments, "--decoder", "words")[0])
    assert result["rates"]["character"]["deletions"] == 6
    assert result["weights"]["source"] == str(model / tuning.NAME)
    assert result["weights"]["syllable_bonus"] == -100


def test_nothing_is_tuned_on_a_test_set(model, language, tmp_path, capsys):
    def failure(path):
        line = fails(capsys, "tune", model, path, "--language", language)
        assert "test set" in line
        assert not (model / tuning.NAME).exists()
        return line

    assert "2 of 2" in failure(write_manifest(tmp_path / "test.jsonl", ["a", "b"]))
    assert "test.jsonl" in failure(write_manifest(tmp_path / "dev.jsonl", ["b", "c"]))
    failure(write_manifest(tmp_path / "my_Test-2.jsonl", ["c"]))
    line = failure(write_manifest(tmp_path / "mixed.jsonl", ["x", "D4_750"]))
    assert "1 of 2" in line and "THCHS-30" in line
    wav = tmp_path / "corpus" / "test" / "S1"
    wav.mkdir(parents=True)
    path = write_tone(wav / "e.wav")
    failure(write_manifest(tmp_path / "d.jsonl", ["e"], audio_filepath=str(path)))


def test_what_only_sounds_like_a_test_may_be_tuned_on():
    utterance = manifest.Utterance("D4_749", "/test/a/b/c.wav", 1.0, "", "", ("a1",))
    tuning.refuse_test_set("contest.jsonl", [utterance])
    assert "D4_750" in scoring.THCHS30_TEST_IDS


def test_utterances_are_taken_evenly():
    def utterances(texts):
        return [
            manifest.Utterance(str(number), "", 1.0, text, "", ("a1",))
            for number, text in enumerate(texts)
        ]

    def chosen(texts, most):
        return [one.id for one in tuning.choose(utterances(texts), most)]

    assert chosen("阿" * 10, 5) == list("02468")
    assert chosen("阿" * 3, 5) == list("012")
    assert chosen(["", "阿", "", "阿"], 5) == ["1", "3"]
    assert chosen([""] * 2, 5) == ["0", "1"]
    with pytest.raises(tuning.TuningError, match="received 0"):
        chosen("阿", 0)


def test_bad_input_of_tune(model, language, development, capsys):
    line = fails(capsys, "tune", model, development, "--language", "none")
    assert "language folder" in line
    arguments = ["tune", model, development, "--language", language]
    assert "received 0" in fails(capsys, *arguments, "--utterances", 0)

"""The whole path in one command: `make demo`.

Makes three hours of synthetic speech, prepares it, trains an encoder by the clock and
scores it on voices and sentences that it never heard; at the end the model that comes
with zhasr hears one of them, too. Every step is a command that can
be typed for another corpus; what is finished already is not done again.
"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import time

from zhasr import manifest, model_folder

MINUTES = 6.5  # of training
EXAMPLES = 3  # transcripts shown at the end


def main(arguments=None):
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.demo")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("demo"))
    parser.add_argument("--hours", type=float, default=3.0, help="synthetic training")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of training")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    for title, command in steps(options.out, options.hours, options.minutes):
        print(f"\n# {title}\n$ {shlex.join(command)}", flush=True)
        status = subprocess.run(_runnable(command)).returncode
        if status:
            return status
    print_examples(options.out)
    print_shipped(options.out)
    print(f"\nAll of it took {(time.monotonic() - began) / 60:.1f} minutes.")
    print(f"To start afresh, delete {options.out}/.")
    return 0


def steps(out, hours, minutes):
    """The commands of the demo: list of (title, list of str)."""
    corpus, data, model = (str(out / name) for name in ("corpus", "data", "model"))
    test = str(out / "data" / "test.jsonl")
    train = ["zhasr", "train", data, "--out", model, "--preset", "small"]
    train += ["--minutes", f"{minutes:g}"]
    if (out / "model" / "training").exists():
        train.append("--resume")
    return [
        (
            "Synthetic speech by espeak-ng, in the layout of THCHS-30",
            ["python", "-m", "data_prep.synthesize", corpus, "--hours", f"{hours:g}"],
        ),
        (
            "Manifests, labels, features with pitch",
            ["python", "-m", "data_prep.prepare", "synthetic", corpus, data],
        ),
        ("A WaveNet learns Mandarin", train),
        (
            "Unseen voices, unseen sentences",
            ["zhasr", "evaluate", model, test],
        ),
        (
            "The same with sound, words and language model deciding together",
            ["zhasr", "evaluate", model, test, "--decoder", "words"],
        ),
    ]


def _runnable(command):
    """The same with this interpreter, whatever is on the PATH."""
    module = command[2:] if command[0] == "python" else command
    return [sys.executable, "-m", *module]


def print_examples(out):
    """Transcribe a few test recordings beside what was spoken."""
    utterances = manifest.read(out / "data" / "test.jsonl")
    step = max(1, len(utterances) // EXAMPLES)
    for utterance in utterances[::step][:EXAMPLES]:
        _transcribe(utterance, [str(out / "model")])


def print_shipped(out):
    """Transcribe a test recording with the model that comes along, if one does."""
    if not model_folder.exists(model_folder.SHIPPED):
        print("\nNo model comes with this copy of zhasr.")
        return
    print(
        "\n# The model that comes with zhasr learned from people: synthetic speech "
        "such as this is strange to it"
    )
    _transcribe(manifest.read(out / "data" / "test.jsonl")[0], [])
    print("\nYour own voice, in any sound file:\n$ zhasr transcribe my.wav", flush=True)


def _transcribe(utterance, model):
    """Show what is heard in a recording, and what was spoken."""
    audio = os.path.relpath(utterance.audio_filepath)
    command = ["zhasr", "transcribe", *model, audio]
    print(f"\n$ {shlex.join(command)}", flush=True)
    subprocess.run(_runnable(command), check=True)
    pinyin = " ".join(utterance.syllables)
    print(f"spoken: {utterance.text} ({pinyin})", flush=True)


if __name__ == "__main__":
    sys.exit(main())

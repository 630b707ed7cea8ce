"""Does a corpus of THCHS-30's size go through in bounded memory, and how fast?

    python benchmarks/corpus_of_25_hours.py WORK

Makes 25 hours of synthetic speech, prepares it (MFCC with pitch) and trains one epoch
of the small preset. Reports minutes and the largest memory of all processes together,
counted from /proc twice a second (proportional set size; Linux only).
"""

import argparse
import pathlib
import subprocess
import sys
import time

import figures


def main():
    """Run the three commands under measurement; print the table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--hours", type=float, default=25.0)
    options = parser.parse_args()
    work = options.work
    commands = {
        "synthesize": ["data_prep.synthesize", work / "corpus", "--hours"]
        + [options.hours],
        "prepare": ["data_prep.prepare", "synthetic", work / "corpus", work / "data"],
        "train": ["zhasr", "train", work / "data", "--out", work / "model"]
        + ["--preset", "small", "--epochs", 1],
    }
    rows = [(name, *measure(command)) for name, command in commands.items()]
    figures.table(("step", "minutes", "peak GiB"), rows)
    for name, minutes, peak in rows:
        figures.figure(f"corpus25_{name}_minutes", minutes, "min")
        figures.figure(f"corpus25_{name}_peak", peak, "GiB")


def measure(command):
    """Run a module; return its minutes and the peak memory of its process tree."""
    began, peak = time.monotonic(), 0
    process = subprocess.Popen([sys.executable, "-m", *map(str, command)])
    while process.poll() is None:
        peak = max(peak, sum(map(memory, family(process.pid))))
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with status {process.returncode}")
    return (time.monotonic() - began) / 60, peak / 2**20


def family(pid):
    """A process and all its descendants that are alive."""
    members = [pid]
    for member in members:
        try:
            for task in pathlib.Path(f"/proc/{member}/task").iterdir():
                members += map(int, (task / "children").read_text().split())
        except OSError:  # it has just ended
            continue
    return members


def memory(pid):
    """Proportional set size in KiB: shared pages are counted once in all."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()

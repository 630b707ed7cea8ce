"""How far a long recording is: a bar on a terminal, and nothing anywhere else."""

import contextlib
import sys

WIDTH = 30  # characters of the bar
CLEAR = "\r\033[K"  # back to the beginning of the line, which is emptied


@contextlib.contextmanager
def bar(name):
    """Show a bar while something is done; the line is empty again afterwards.

    Args:
        name: str, of what is done.

    Returns:
        context manager of a function that is told (done, whole), seconds.

    Example:
        >>> with bar("talk.wav") as tell:  # silent: doctests have no terminal
        ...     tell(30.0, 60.0)
    """
    if not sys.stderr.isatty():
        yield lambda done, whole: None
        return

    def tell(done, whole):
        print(CLEAR + line(name, done, whole), end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        print(CLEAR, end="", file=sys.stderr, flush=True)


def line(name, done, whole):
    """Write how far it is.

    Args:
        name: str.
        done: float, seconds.
        whole: float, seconds, more than 0.

    Example:
        >>> line("talk.wav", 754.0, 3600.0)
        'talk.wav [######························] 12:34 of 60:00'
    """
    full = round(WIDTH * min(1.0, done / whole))
    drawn = "#" * full + "·" * (WIDTH - full)
    return f"{name} [{drawn}] {_minutes(done)} of {_minutes(whole)}"


def _minutes(seconds):
    return "{}:{:02}".format(*divmod(round(seconds), 60))

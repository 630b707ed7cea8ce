"""Files of the user: words that her recordings have, and text that is like them.

For `hanzi.add_words` and `hanzi.add_text`.
"""

import pathlib
import re

from zhasr import adaptation, pinyin

WEIGHT = 3.0  # of a word that comes without one: e³, 20 times as likely as it was


class UserFileError(ValueError):
    """A file that holds no words or no text; the message names file and line."""


def read_words(path):
    """Read words with their weights.

    Args:
        path: path of a UTF-8 file, `word [weight]` a line; empty lines and those that
            begin with # are left out.

    Returns:
        dict of str (hanzi) to float; see `hanzi.add_words`.

    Raises:
        UserFileError: the file cannot be read, a line is something else, or there is
            no word at all.
    """
    words = {}
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split()
        if fields and not line.startswith("#"):
            word, weight = _word(fields, f"{path}:{number}")
            words[word] = weight
    if not words:
        raise UserFileError(f"{path}: expected `word [weight]` a line, received none")
    return words


def _word(fields, place):
    try:
        word, weight = fields[0], float((*fields, WEIGHT)[1])
        if len(fields) > 2 or not abs(weight) <= adaptation.LARGEST_WEIGHT:
            raise ValueError
    except ValueError:
        raise UserFileError(
            f"{place}: expected `word [weight]`, received {' '.join(fields)!r}"
        ) from None
    if not re.fullmatch(f"[{pinyin.HANZI}]+", word):
        raise UserFileError(f"{place}: expected a word of hanzi, received {word!r}")
    return word, weight


def read_text(path):
    """Read text.

    Args:
        path: path of a UTF-8 file.

    Returns:
        list of str, its lines that have hanzi.

    Raises:
        UserFileError: the file cannot be read, or has no hanzi.
    """
    lines = [line for line in _lines(path) if re.search(f"[{pinyin.HANZI}]", line)]
    if not lines:
        raise UserFileError(f"{path}: expected text in hanzi, received none")
    return lines


def _lines(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserFileError(f"{path}: expected UTF-8 text ({error})") from None

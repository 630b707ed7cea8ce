"""Other ways from pinyin to characters, which pip or Debian can install.

Nothing is installed by this file. What it needs may lie in a folder of its own, PEERS:

    pip install --no-deps --target PEERS Pinyin2Hanzi
    apt-get download libpinyin15 libpinyin-data libgooglepinyin0
    for package in *.deb; do dpkg -x $package PEERS; done
"""

import ctypes
import pathlib
import sys
import tempfile

LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib")
LIBPINYIN, GOOGLE = "libpinyin.so.15", "libgooglepinyin.so.0"
# libpinyin's enum PinyinTableFlag
IS_PINYIN, USE_TONE, FORCE_TONE = 1 << 1, 1 << 5, 1 << 6
# libgooglepinyin takes 40 letters at once; sentences are cut into pieces.
GOOGLE_LETTERS, GOOGLE_HANZI = 38, 32
TEXT, NUMBER = ctypes.c_char_p, ctypes.c_size_t
POINTER = ctypes.c_void_p


class Missing(Exception):
    """A peer that is not there; the message says how to get it."""


def pinyin2hanzi(folder, words):
    """Pinyin2Hanzi (pip): a hidden Markov model of characters, or a graph of words."""
    sys.path.insert(0, str(folder))
    try:
        import Pinyin2Hanzi as peer
    except ImportError:
        raise Missing("pip install --no-deps --target PEERS Pinyin2Hanzi") from None
    finally:
        sys.path.pop(0)
    parameters = peer.DefaultDagParams() if words else peer.DefaultHmmParams()
    search = peer.dag if words else peer.viterbi

    def convert(syllables):
        usual = tuple(peer.simplify_pinyin(one) for one in syllables)
        found = search(parameters, usual, path_num=1, log=True)
        return "".join(found[0].path) if found else ""

    return convert


def libpinyin(folder, toned):
    """libpinyin (Debian): words and bigrams."""
    path = _find(folder, LIBPINYIN, "libpinyin15 libpinyin-data")
    library = ctypes.CDLL(str(path))
    _declare(library, "pinyin_init", POINTER, TEXT, TEXT)
    _declare(library, "pinyin_alloc_instance", POINTER, POINTER)
    _declare(library, "pinyin_set_options", ctypes.c_bool, POINTER, ctypes.c_uint32)
    _declare(library, "pinyin_parse_more_full_pinyins", NUMBER, POINTER, TEXT)
    _declare(library, "pinyin_guess_sentence", ctypes.c_bool, POINTER)
    _declare(library, "pinyin_reset", ctypes.c_bool, POINTER)
    result = ctypes.POINTER(TEXT)
    _declare(
        library, "pinyin_get_sentence", ctypes.c_bool, POINTER, ctypes.c_uint8, result
    )
    data, user = path.parent / "libpinyin" / "data", tempfile.mkdtemp()
    context = library.pinyin_init(bytes(data), user.encode())
    library.pinyin_set_options(
        context, IS_PINYIN | (USE_TONE | FORCE_TONE if toned else 0)
    )
    instance = library.pinyin_alloc_instance(context)

    def convert(syllables):
        text = "'".join(syllables).encode()
        library.pinyin_parse_more_full_pinyins(instance, text)
        library.pinyin_guess_sentence(instance)
        found = TEXT()
        library.pinyin_get_sentence(instance, 0, ctypes.byref(found))
        library.pinyin_reset(instance)
        return (found.value or b"").decode()

    return convert


def libgooglepinyin(folder):
    """libgooglepinyin (Debian): words and their frequencies."""
    path = _find(folder, GOOGLE, "libgooglepinyin0")
    library = ctypes.CDLL(str(path))
    _declare(library, "im_open_decoder", ctypes.c_bool, TEXT, TEXT)
    _declare(library, "im_set_max_lens", None, NUMBER, NUMBER)
    _declare(library, "im_reset_search", None)
    _declare(library, "im_search", NUMBER, TEXT, NUMBER)
    _declare(library, "im_get_candidate", POINTER, NUMBER, POINTER, NUMBER)
    dictionary = path.parent / "googlepinyin" / "data" / "dict_pinyin.dat"
    user = pathlib.Path(tempfile.mkdtemp()) / "user.dat"
    library.im_open_decoder(bytes(dictionary), bytes(user))
    library.im_set_max_lens(2 * GOOGLE_LETTERS, GOOGLE_HANZI)
    room = (ctypes.c_uint16 * (GOOGLE_HANZI + 1))()

    def piece(syllables):
        text = "'".join(syllables).encode()
        library.im_reset_search()
        library.im_search(text, len(text))
        library.im_get_candidate(0, room, GOOGLE_HANZI)
        return bytes(room).decode("utf-16-le").split("\0")[0]

    return lambda syllables: "".join(map(piece, _pieces(syllables)))


def _pieces(syllables):
    """Even pieces that are short enough for libgooglepinyin."""
    letters = len("'".join(syllables))
    count = -(-letters // (GOOGLE_LETTERS - 6))  # 6: the longest syllable
    size = -(-len(syllables) // max(count, 1))
    starts = range(0, len(syllables), max(size, 1))
    return [syllables[start : start + size] for start in starts]


def _find(folder, name, packages):
    """The library in the folder, or that of the system."""
    for root in (pathlib.Path(folder), pathlib.Path("/")):
        for place in LIBRARIES:
            if (root / place / name).exists():
                return root / place / name
    raise Missing(f"apt-get download {packages}; dpkg -x each into PEERS")


def _declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments

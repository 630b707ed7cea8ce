"""Functions compiled to machine code by numba, kept on disk between runs.

    @compiled.njit
    def kernel(array): ...

numba keeps what it compiled in `__pycache__` and compiles a function again when its
file has changed, but not when a function of another file that it calls has. After a
`git pull` the searches could so run old code in part, and err silently. Therefore
everything is forgotten as soon as any file with compiled functions differs.
"""

import functools
import hashlib
import pathlib
import sys
import warnings

import numba

STAMP = "zhasr-compiled-from.txt"
DECORATOR = b"@compiled.njit"

# Without Python's lock, so that several threads search at once.
njit = functools.partial(numba.njit, cache=True, nogil=True)
# Records that begin alike take each other's place (`zhasr.tokens`); numba says so each
# time it compiles that.
warnings.filterwarnings("ignore", category=numba.NumbaExperimentalFeatureWarning)


def forget_old(folder):
    """Delete the compiled functions of a folder if one of them has changed.

    Args:
        folder: path of a package.

    Returns:
        bool, whether they were deleted.
    """
    cache = pathlib.Path(folder) / "__pycache__"
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(folder).glob("*.py")):
        source = path.read_bytes()
        if DECORATOR in source:
            digest.update(source)
    stamp = cache / STAMP
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return False
    try:
        cache.mkdir(exist_ok=True)
        for path in cache.glob("*.nb[ci]"):
            path.unlink(missing_ok=True)
        stamp.write_text(digest.hexdigest())
    except OSError:  # not ours to write: then numba keeps its files elsewhere
        return False
    return True


def is_cold(function):
    """Tell whether the first call of a function will compile it.

    Args:
        function: one that `njit` made.

    Returns:
        bool; False if it was compiled before for arguments of other types.
    """
    if function.signatures:
        return False
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    kept = f"*.{function.__qualname__}-*.{python}*.nbi"
    return not any(pathlib.Path(function.stats.cache_path).glob(kept))


forget_old(pathlib.Path(__file__).parent)

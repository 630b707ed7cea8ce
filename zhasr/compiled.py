"""Functions compiled to machine code by numba, kept on disk between runs.

    @compiled.njit
    def kernel(array): ...

numba keeps what it compiled in `__pycache__` and compiles a function again when its
file has changed, but not when a function of another file that it calls has. After a
`git pull` the searches could so run old code in part, and err silently. Therefore
everything is forgotten as soon as any file with compiled functions differs.
"""

import hashlib
import importlib
import pathlib
import sys
import warnings

import numba

STAMP = "zhasr-compiled-from.sha256"
DECORATOR = b"@compiled.njit"
NOT_USED = ("scipy.linalg", "cffi")

# Records that begin alike take each other's place (`zhasr.tokens`); numba says so each
# time it compiles that.
warnings.filterwarnings("ignore", category=numba.NumbaExperimentalFeatureWarning)


def njit(function):
    """Compile a function when it is first called.

    It runs without Python's lock, so that several threads search at once. Where nothing
    can be written it is compiled anew by every process.
    """
    try:
        return numba.njit(function, cache=True, nogil=True)
    except RuntimeError:  # no folder for the cache: neither here nor in her home
        return numba.njit(function, nogil=True)


def import_quickly():
    """Import what numba imports at the first call, but for what only others need.

    For the command, whose process runs no kernels but these: numba offers its users
    scipy's linear algebra and functions of cffi, and importing those takes longer than
    a sentence to recognise. Without them, `numpy.dot` is not to be had in kernels of
    this process; both can be imported otherwise, as before.
    """
    spared = [name for name in NOT_USED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(spared))  # None: cannot be imported
    try:
        importlib.import_module("numba.np.arraymath")
        importlib.import_module("numba.core.typing.cffi_utils")
    finally:
        for name in spared:
            del sys.modules[name]


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
    if stamp.exists() and stamp.read_bytes() == digest.digest():
        return False
    try:
        cache.mkdir(exist_ok=True)
        for path in cache.glob("*.nb[ci]"):
            path.unlink(missing_ok=True)
        stamp.write_bytes(digest.digest())
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
    if function.stats.cache_path is None:
        return True
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    kept = f"*.{function.__qualname__}-*.{python}*.nbi"
    return not any(pathlib.Path(function.stats.cache_path).glob(kept))


forget_old(pathlib.Path(__file__).parent)

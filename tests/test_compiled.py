"""Compiled functions are forgotten when any source changes."""

import subprocess
import sys

import pytest

from zhasr import compiled


def test_a_changed_source_forgets_all(tmp_path):
    source, cache = tmp_path / "one.py", tmp_path / "__pycache__"
    source.write_text("@compiled.njit\ndef one(): ...\n")
    assert compiled.forget_old(tmp_path)
    kept = cache / "other.function-1.py311.nbi"
    kept.write_bytes(b"compiled")
    assert not compiled.forget_old(tmp_path) and kept.exists()
    (tmp_path / "plain.py").write_text("a = 1\n")
    assert not compiled.forget_old(tmp_path) and kept.exists()
    source.write_text("@compiled.njit\ndef two(): ...\n")
    assert compiled.forget_old(tmp_path) and not kept.exists()


@pytest.mark.slow
def test_a_callee_in_another_file_is_compiled_again(tmp_path):
    (tmp_path / "callee.py").write_text(
        "from zhasr import compiled\n@compiled.njit\ndef number():\n    return 1\n"
    )
    (tmp_path / "caller.py").write_text(
        "from zhasr import compiled\n"
        f"compiled.forget_old({str(tmp_path)!r})\n"
        "import callee\n"
        "@compiled.njit\n"
        "def twice():\n    return 2 * callee.number()\n"
        "print(twice())\n"
    )
    run = [sys.executable, str(tmp_path / "caller.py")]
    said = [subprocess.run(run, capture_output=True, text=True).stdout]
    changed = (tmp_path / "callee.py").read_text().replace("return 1", "return 4")
    (tmp_path / "callee.py").write_text(changed)
    said.append(subprocess.run(run, capture_output=True, text=True).stdout)
    assert said == ["2\n", "8\n"]


@pytest.mark.slow
def test_a_function_is_cold_until_it_was_called_once(tmp_path):
    (tmp_path / "module.py").write_text(
        "from zhasr import compiled\n"
        "@compiled.njit\ndef one(a):\n    return a\n"
        "@compiled.njit\ndef other(a):\n    return a\n"
        "print(compiled.is_cold(one), compiled.is_cold(other))\n"
        "one(1)\n"
        "print(compiled.is_cold(one), compiled.is_cold(other))\n"
    )
    run = [sys.executable, "-c", "import module"]
    said = [
        subprocess.run(run, cwd=tmp_path, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert said == ["True True\nFalse True\n", "False True\nFalse True\n"]


def test_importing_quickly_spares_what_kernels_do_not_use():
    script = (
        "import sys\n"
        "from zhasr import compiled\n"
        "compiled.import_quickly()\n"
        "compiled.import_quickly()\n"
        "print('numba.np.arraymath' in sys.modules, 'scipy.linalg' in sys.modules)\n"
        "import cffi, scipy.linalg\n"
        "print(scipy.linalg.norm([3, 4]))\n"
    )
    run = [sys.executable, "-c", script]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.stdout == "True False\n5.0\n", done.stderr

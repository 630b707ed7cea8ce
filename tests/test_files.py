"""Files are replaced whole; what is no file is left alone."""

import os
import stat

import pytest

from zhasr import files


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "here").symlink_to(tmp_path / "there")
    files.replace(tmp_path / "here", "你好")
    assert (tmp_path / "here").is_symlink()
    assert (tmp_path / "there").read_text(encoding="utf-8") == "你好"


def test_neither_folders_nor_devices_are_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(ValueError, match=f"{name}: expected a file"):
            files.replace(tmp_path / name, "")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "pipe"]

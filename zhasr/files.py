"""Files that are whole or absent, whatever happens while they are written."""

import os
import pathlib


def replace(path, content):
    """Write under another name, then rename.

    Args:
        path: path of the file; its folder is made when missing.
        content: bytes, or str for UTF-8.

    Raises:
        ValueError: a folder or a device, which a file must not take the place of.
    """
    path = pathlib.Path(path).resolve()  # a link stays one
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: expected a file, received a folder or a device")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)

"""What a language folder was made of, for people: card.md."""

import pathlib

from data_prep import segment

NOT_STATED = "not stated"


def short_name(path):
    """The name of a text file without its suffixes: "cctv" of text/cctv.txt.xz."""
    name = pathlib.Path(path).name
    for suffix in sorted(segment.SUFFIXES, key=len, reverse=True):
        name = name.removesuffix(suffix)
    return name


def describe_text(collected, terms):
    """A table of the text.

    Args:
        collected: segment.Collected.
        terms: dict of str to str, short name of a file to the terms of its use.

    Returns:
        str, a Markdown table.
    """
    rows = [
        (
            short_name(path),
            f"{collected.lines[path]:,}",
            f"{collected.characters[path]:,}",
            f"{collected.removed[path]:,}",
            terms.get(short_name(path), NOT_STATED),
        )
        for path in {**collected.lines, **collected.removed}
    ]
    total = [
        f"{counter.total():,}"
        for counter in (collected.lines, collected.characters, collected.removed)
    ]
    rows.append(("all", *total, ""))
    heads = ("text", "lines", "characters", "removed lines", "terms")
    return table(heads, rows)


def table(heads, rows):
    """A Markdown table whose columns are aligned in an editor, too: str."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        )
        + " |"
        for line in lines
    )


def write(sections):
    """The card.

    Args:
        sections: dict of heading to text.

    Returns:
        str, Markdown.
    """
    parts = [f"## {heading}\n\n{text}\n" for heading, text in sections.items()]
    return "# Language model\n\n" + "\n".join(parts)


def set_section(text, heading, body):
    """Adds a section to a card, in the place of one with this heading if there is one.

    Args:
        text: str, Markdown of `write`.
        heading: str.
        body: str, Markdown.

    Returns:
        str, Markdown.

    Example:
        >>> set_section(write({"Text": "none"}), "Text", "some").splitlines()[2:]
        ['## Text', '', 'some']
    """
    first, *sections = text.split("\n## ")
    kept = [one for one in sections if not one.startswith(f"{heading}\n")]
    parts = [first, *kept, f"{heading}\n\n{body}"]
    return "\n\n## ".join(part.strip("\n") for part in parts) + "\n"

"""How every benchmark prints: a table to read, then one line per figure."""

import math


def figure(name, value, unit):
    """Print the line that machines look for, last: `figure <name> <value> <unit>`.

    Args:
        name: str without spaces.
        value: float.
        unit: str, for example "x", "%", "s".
    """
    print(f"figure {name} {_text(value)} {unit}")


def table(header, rows):
    """Print rows under a header, in columns; numbers to the right.

    Args:
        header: sequence of str.
        rows: sequence of sequences of str or numbers.
    """
    cells = [list(header)] + [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for number, row in enumerate(cells):
        aligned = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *aligned[1:]]))
        if number == 0:
            print("  ".join("-" * width for width in widths))


def _text(cell):
    if not isinstance(cell, float):
        return str(cell)
    # Four digits, but all of those before the point, and never an exponent.
    digits = max(0, 3 - int(math.floor(math.log10(abs(cell))))) if cell else 0
    return f"{cell:.{digits}f}"

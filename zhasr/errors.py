"""How the commands tell what is wrong: in one line, without a traceback."""


def one_line(error):
    """What is wrong, for people, in one line: str.

    Args:
        error: Exception; of the operating system's the file and the reason are said.
    """
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())

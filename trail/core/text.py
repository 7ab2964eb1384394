"""Text from outside the product, made safe to print on one line."""


def printable(text: str, replacement: str = "\ufffd") -> str:
    """Return *text* with each control or other unprintable character as *replacement*."""
    return "".join(letter if letter.isprintable() else replacement for letter in text)


def one_line(value: object, limit: int = 300) -> str:
    """Return *value* as one line of printable characters, cut to *limit* with an ellipsis."""
    line = " ".join(printable("" if value is None else str(value), " ").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"

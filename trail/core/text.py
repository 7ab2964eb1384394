"""Text from outside the product, made safe to print on one line."""


def printable(text: str, replacement: str = "\ufffd") -> str:
    """Return *text* with each control or other unprintable character as *replacement*."""
    return "".join(letter if letter.isprintable() else replacement for letter in text)


_MAX_INTEGER = 2**63 - 1  # of the database


def parse_integer(text: str) -> int | None:
    """Return the integer from 0 to 2^63 - 1 that *text* states in decimal digits, or None."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(_MAX_INTEGER)):
        return None
    number = int(text)
    return number if number <= _MAX_INTEGER else None


def one_line(value: object, limit: int = 300) -> str:
    """Return *value* as one line of printable characters, cut to *limit* with an ellipsis."""
    line = " ".join(printable("" if value is None else str(value), " ").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def percent(share: float, digits: int = 0) -> str:
    """Return a share of 1 as a percentage: `29 %`."""
    return f"{100 * share:,.{digits}f} %"


def count(value: int, singular: str, plural: str = "") -> str:
    """Return a count with its noun: `1 event`, `1,842 events`."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def byte_size(octets: float) -> str:
    """Return a rough size: `0.5 MB`."""
    for unit in ("B", "kB", "MB"):
        if octets < 999.5:
            return (
                f"{octets:.0f} {unit}" if unit != "MB" or octets >= 10 else f"{octets:.1f} {unit}"
            )
        octets /= 1000
    return f"{octets:.1f} GB"

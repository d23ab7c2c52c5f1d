"""Typed text made fit to keep: nothing that cannot be seen, and no line break where one line is meant."""

import unicodedata

# Letters and marks that draw nothing: fillers, blank Braille, the joiner, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for span in (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for code in span
}
_UNSEEN = {"Cc", "Cf", "Cs"}  # control, format (zero-width, direction), half of a surrogate pair


def _visible(text: str) -> str:
    return "".join(
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", text)
        if char.isspace() or not (char in _BLANK or unicodedata.category(char) in _UNSEEN)
    )


def one_line(text: str) -> str:
    """Without control and zero-width characters, every run of space a single one, none at the ends."""
    return " ".join(_visible(text).split())


def paragraphs(text: str) -> str:
    """The same line by line: line breaks stay, as plain newlines; empty lines at the ends go."""
    return "\n".join(_visible(line).rstrip() for line in text.splitlines()).strip()


def has_letter(text: str) -> bool:
    return any(unicodedata.category(char).startswith("L") for char in text)

"""Names as a search compares them."""

import unicodedata

_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
# What a phone types for an apostrophe or a hyphen is one to a search.
_LETTERS |= dict.fromkeys(map(ord, "’‘ʼ`´"), "'") | dict.fromkeys(map(ord, "‐‑–—"), "-")


def fold(text: str) -> str:
    """Without case, accents, curly quotes and extra spaces: "  Zoë  O’SHEA" and "zoe o'shea" are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char)).translate(_LETTERS)
    return " ".join(plain.split())

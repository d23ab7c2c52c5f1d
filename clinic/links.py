"""Links that open something without an account: the token stands in one mail, and nothing but its hash is kept."""

import hashlib
import logging
import re
import secrets

# Where an address may carry a token; what follows is never written into a log.
_TOKEN = re.compile(r"(/v/)[^/\s?\"]+")


def mint() -> tuple[str, str]:
    """A new token of 256 random bits, fit for an address, and the hash to store in its place."""
    token = secrets.token_urlsafe(32)
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """The SHA-256 of a token, in hexadecimal. Takes whatever somebody puts into an address."""
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()


def hide_tokens(record: logging.LogRecord) -> bool:
    """For loggers that name addresses: the record stays, without the token."""
    words = record.getMessage()
    if "/v/" in words:
        record.msg, record.args = _TOKEN.sub(r"\1…", words), ()
    return True

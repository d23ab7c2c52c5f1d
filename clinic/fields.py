"""Fields that keep health words unreadable in the database and in its backups."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models

PREFIX = "v1:"


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return PREFIX + _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Raises ValueError when none of the keys fits: a wrong key must never look like an empty answer."""
    try:
        return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(stored.removeprefix(PREFIX)).decode()
    except InvalidToken:
        raise ValueError("This text was encrypted with a key that FIELD_ENCRYPTION_KEYS does not hold.") from None


class EncryptedTextField(models.TextField):
    """Text that is stored encrypted and read in the clear. It cannot be searched: a lookup raises FieldError."""

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value, expression, connection):
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name):
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted and cannot be searched by {lookup_name}.")

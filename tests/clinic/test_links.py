import hashlib
import logging

import pytest

from clinic.links import hash_of, hide_tokens, mint


def test_tokens_are_long_random_and_fit_for_an_address():
    tokens = {mint()[0] for _each in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == 43 and token.replace("-", "").replace("_", "").isalnum() for token in tokens)


def test_what_is_kept_is_the_hash_alone():
    token, kept = mint()
    assert kept == hash_of(token) == hashlib.sha256(token.encode()).hexdigest()


@pytest.mark.parametrize("token", ["", "ü", "\ud83d", "a" * 10_000])
def test_whatever_stands_in_an_address_has_a_hash(token):
    assert len(hash_of(token)) == 64


def test_a_log_names_the_page_and_never_the_token():
    token, _kept = mint()
    record = logging.LogRecord("web", logging.WARNING, "", 0, "%s: %s", ("Not Found", f"/v/{token}/"), None)
    assert hide_tokens(record)
    assert record.getMessage() == "Not Found: /v/…/"
    other = logging.LogRecord("web", logging.WARNING, "", 0, "%s: %s", ("Not Found", "/board/"), None)
    assert hide_tokens(other)
    assert other.getMessage() == "Not Found: /board/"

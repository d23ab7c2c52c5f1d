import hashlib
import logging
import socket
from contextlib import closing
from http.client import HTTPResponse

import pytest

from clinic.links import hash_of, hide_tokens, mint
from tests import servers


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


@pytest.mark.django_db(transaction=True)
def test_the_web_server_names_no_token_whatever_else_a_request_holds():
    token, _kept = mint()
    web = servers.web(servers.environment())
    heads = [
        f"GET /v/{token}/ HTTP/9.9",
        f"GET /v/{token}/ x y HTTP/1.1",
        f"G@T /v/{token}/ HTTP/1.1",
        f"GET /v/{token}/?\x00 HTTP/1.1",
        f"GET /v/{token}/ HTTP/1.1\r\nbad header",
        f"GET /v/{token}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nSCRIPT_NAME: /x",
    ]
    with web:
        assert [status_of(web.port, head) for head in heads] == [400, 400, 400, 400, 400, 404]
        assert "/v/…" in web.child.output
        assert token not in web.child.output


def status_of(port: int, head: str) -> int:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status

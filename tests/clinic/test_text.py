import pytest

from clinic.text import has_letter, one_line, paragraphs


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Zoë \t Åkesson ", "Zoë Åkesson"),
        ("Zoe\u0308", "Zoë"),
        ("Ma\x00r\x07ta", "Marta"),
        ("Mar\u200bta\ufeff", "Marta"),
        ("Mar\ud800ta", "Marta"),
        ("Marta\r\nBcc: all@example.org", "Marta Bcc: all@example.org"),
        ("\u202eatraM", "atraM"),
        ("\u3164\u2800\ufe0f\u034f", ""),
        ("Anna\u00a0Lena\u2028Berg", "Anna Lena Berg"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_one_line_keeps_what_can_be_seen(typed, kept):
    assert one_line(typed) == kept


def test_one_line_cuts_nothing():
    assert one_line("x" * 10_000) == "x" * 10_000


def test_paragraphs_keep_their_line_breaks():
    assert paragraphs("\n\n One\u200b \r\n\r\n two\x00\t2 \r three\n\n") == "One\n\n two 2\n three"


@pytest.mark.parametrize(("text", "expected"), [("Ó", True), ("李", True), ("123 !", False), ("", False)])
def test_has_letter(text, expected):
    assert has_letter(text) is expected

import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import outbox, times
from clinic.demo_smtp import folder
from clinic.heartbeats import beat
from clinic.models import OutgoingMail
from scheduling import reminders
from scheduling.mailbox import why_nothing_comes
from tests.factories import NOW, make_appointment, make_clinic, signed_in
from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.django_db

LIST = reverse("scheduling:mailbox-list")


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.CLOCK_FILE = tmp_path / "clock"
    folder().mkdir()


@pytest.fixture
def reception():
    return signed_in("receptionist", location=make_clinic(name="Larkfield Skin Clinic"))


def receive(number=1, *, subject="Booked", html="<p style='color: red'>Hello <b>Zoë</b></p>", **headers) -> str:
    """A mail as the mail server keeps it; returns its key."""
    message = EmailMultiAlternatives(subject, "Hello Zoë", "clinic@example.org", ["zoe@example.org"], headers=headers)
    if html:
        message.attach_alternative(html, "text/html")
    key = f"20260112T0900{number:02}000000Z-0000000{number % 10}"
    (folder() / f"{key}.eml").write_bytes(message.message().as_bytes(linesep="\r\n"))
    return key


def show(key, **query) -> str:
    return reverse("scheduling:mailbox-show", args=[key]) + ("?view=" + query["view"] if query else "")


def html_of(key) -> str:
    return reverse("scheduling:mailbox-html", args=[key])


# --- The list --------------------------------------------------------------------------------------------------------


def test_list_shows_the_newest_mail_first(reception):
    receive(1, subject="First")
    receive(2, subject="<i>Second</i>")
    (folder() / "20260112T090003000000Z-00000000.partial").write_bytes(b"half a mail")
    page = reception.get(LIST)
    assert [(head.subject, head.to) for head in page.context["heads"]] == [
        ("<i>Second</i>", "zoe@example.org"),
        ("First", "zoe@example.org"),
    ]
    assert "&lt;i&gt;Second&lt;/i&gt;" in page.text and "<i>Second" not in page.text
    assert "Mon 12 Jan 2026, 09:00" in page.text


def test_list_asks_for_news_and_gets_an_answer_only_when_there_is_some(reception):
    key = receive(1)
    fragment = {"HX-Request": "true"}
    assert f'hx-get="{LIST}?newest={key}"' in reception.get(LIST).text
    assert reception.get(LIST, {"newest": key}, headers=fragment).status_code == 204
    newer = receive(2)
    answer = reception.get(LIST, {"newest": key}, headers=fragment)
    assert answer.status_code == 200
    assert [head.key for head in answer.context["heads"]] == [newer, key]
    assert "<html" not in answer.text


def test_long_list_has_pages_and_only_the_first_looks_for_news(reception):
    for number in range(51):
        receive(number)
    assert len(reception.get(LIST).context["heads"]) == 50
    second = reception.get(LIST, {"page": "2"})
    assert len(second.context["heads"]) == 1
    assert "hx-trigger" not in second.text.partition('id="mailbox"')[2]
    assert len(reception.get(LIST, {"page": "junk"}).context["heads"]) == 50


def test_list_makes_the_same_queries_for_one_mail_and_for_three(reception, django_assert_num_queries):
    receive(1)
    reception.get(LIST)
    with CaptureQueriesContext(connection) as one:
        reception.get(LIST)
    receive(2)
    receive(3)
    with django_assert_num_queries(len(one)):
        reception.get(LIST)


def test_empty_mailbox_says_why_and_what_to_do(reception):
    page = reception.get(LIST)
    assert "The Celery worker has not looked for due mails yet." in page.text
    assert reception.get(LIST, {"newest": ""}, headers={"HX-Request": "true"}).status_code == 200


def test_reason_follows_how_far_the_mails_have_come():
    assert "worker has not looked" in why_nothing_comes(real_now=NOW)
    beat(name="sweep", at=NOW)
    assert "No message is planned" in why_nothing_comes(real_now=NOW)
    make_appointment()
    assert "No message is due yet" in why_nothing_comes(real_now=NOW)
    reminders.mail_due_reminders(now=NOW)
    assert "on their way" in why_nothing_comes(real_now=NOW)
    OutgoingMail.objects.update(status=OutgoingMail.Status.SENT)
    assert "No message is due yet" in why_nothing_comes(real_now=NOW)
    assert "No message is due yet" in why_nothing_comes(real_now=NOW + timedelta(minutes=2))
    assert "worker has not looked" in why_nothing_comes(real_now=NOW + timedelta(minutes=2, seconds=1))


# --- One mail --------------------------------------------------------------------------------------------------------


def test_mail_is_shown_in_a_frame_with_a_policy_of_its_own(reception):
    key = receive()
    page = reception.get(show(key))
    assert f'src="{html_of(key)}"' in page.text
    assert "style='color: red'" not in page.text
    framed = reception.get(html_of(key))
    assert framed.text == "<p style='color: red'>Hello <b>Zoë</b></p>"
    assert framed.headers["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    )
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "no-store" in framed.headers["Cache-Control"]


def test_words_and_source_are_shown_as_words(reception):
    key = receive(**{"X-Odd": "<script>alert(1)</script>"})
    assert "Hello Zoë" in reception.get(show(key, view="text")).context["words"]
    source = reception.get(show(key, view="source"))
    assert "X-Odd: <script>alert(1)</script>" in source.context["words"]
    assert "<script>alert(1)" not in source.text


def test_ways_to_see_a_mail_are_those_that_it_has(reception):
    appointment = make_appointment()
    reminders.mail_due_reminders(now=NOW)
    outbox.deliver(now=NOW, machine_now=lambda: NOW)
    [sent] = mail.outbox
    key = receive(1, html="")
    assert [name for name, label in reception.get(show(key)).context["tabs"]] == ["mail", "text", "source"]
    (folder() / f"{key}.eml").write_bytes(sent.message().as_bytes(linesep="\r\n"))
    page = reception.get(show(key, view="calendar"))
    assert [name for name, label in page.context["tabs"]] == ["mail", "text", "calendar", "source"]
    assert f"UID:{appointment.public_id}@" in page.context["words"]


@pytest.mark.parametrize("key", ["20260112T090009000000Z-00000009", "needlepoint", "clock"])
def test_key_of_no_mail_is_not_found(reception, key):
    assert reception.get(show(key)).status_code == 404
    assert reception.get(html_of(key)).status_code == 404


def test_unknown_view_is_not_found(reception):
    assert reception.get(show(receive(), view="junk")).status_code == 404


# --- The clock -------------------------------------------------------------------------------------------------------


def test_clock_moves_a_day_at_a_time(reception):
    for days in (1, 2):
        answer = reception.post(reverse("scheduling:clock-move"))
        assert (answer.status_code, answer.url) == (302, LIST)
        assert times.offset() == timedelta(days=days)


def test_list_tells_the_clinics_time_and_what_comes_next(reception):
    make_appointment(now=NOW)
    times.move_clock(by=timedelta(days=400))
    page = reception.get(LIST)
    assert page.context["clinic_now"] - times.real_now() > timedelta(days=399)
    assert "The next planned message is due on Monday 12 January 2026, 07:00." in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", LIST),
        ("get", reverse("scheduling:clock-move")),
        ("post", show("20260112T090001000000Z-00000001")),
        ("post", html_of("20260112T090001000000Z-00000001")),
    ],
)
def test_wrong_method_is_refused(reception, method, path):
    assert getattr(reception, method)(path).status_code == 405
    assert times.offset() == timedelta(0)


@pytest.mark.parametrize("path", [LIST, show("20260112T090001000000Z-00000001"), html_of("20260112T090001000000Z-1")])
def test_nobody_looks_in_without_signing_in(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.url.partition("?")[0]) == (302, reverse("clinic:login"))
    assert client.post(reverse("scheduling:clock-move")).status_code == 302
    assert times.offset() == timedelta(0)


def test_production_has_neither_mailbox_nor_clock():
    env = clean_environment() | {
        "MODE": "production",
        "DATABASE_URL": "postgres://needlepoint@localhost/needlepoint",
        "REDIS_URL": "redis://localhost/0",
        "EMAIL_URL": "smtp://mail.example:587",
        "SITE_URL": "https://clinic.example",
        "SECRET_KEY": "of this test alone",
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
    }
    program = """
import django; django.setup()
from django.urls import Resolver404, resolve
for path in ("/demo/mailbox/", "/demo/clock/", "/login/"):
    try: print(resolve(path).url_name)
    except Resolver404: print("none")
"""
    said = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["none", "none", "login"]

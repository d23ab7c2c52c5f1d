import smtplib
import sys
from email.message import EmailMessage

import pytest

from tests import servers


@pytest.fixture
def sink():
    with servers.smtp_sink() as sink:
        yield sink


def send(sink, *recipients: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "clinic@example.org",
        ", ".join(recipients),
        "Your visit – café",
    )
    message.set_content("See you at ten.\n")
    message.add_alternative("<p>See you at ten.</p>", subtype="html")
    message.add_attachment("BEGIN:VCALENDAR\r\n", subtype="calendar", filename="visit.ics")
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.send_message(message)


def test_sink_keeps_envelope_and_message(sink):
    send(sink, "ann@example.org", "bob@example.org")
    [mail] = sink.wait_for(lambda mail: mail.recipients == ("ann@example.org", "bob@example.org"), 1)
    assert (mail.sender, mail.subject) == ("clinic@example.org", "Your visit – café")
    assert mail.text == "See you at ten.\n"
    assert mail.html == "<p>See you at ten.</p>\n"
    assert mail.calendar.split() == ["BEGIN:VCALENDAR"]


def test_sink_refuses_a_recipient_and_takes_another(sink):
    sink.refused.add("gone@example.org")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(sink, "gone@example.org")
    send(sink, "ann@example.org")
    assert [mail.recipients for mail in sink.messages] == [("ann@example.org",)]


def test_sink_answers_data_as_told_and_keeps_nothing(sink):
    sink.data_answer = "451 Try again later"
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        send(sink, "ann@example.org")
    assert sink.messages == []


def test_sink_comes_back_on_the_same_port_with_what_it_had(sink):
    send(sink, "ann@example.org")
    sink.stop()
    with pytest.raises(ConnectionRefusedError):
        send(sink, "ann@example.org")
    sink.start()
    send(sink, "ann@example.org")
    assert len(sink.messages) == 2


def test_waiting_for_a_mail_that_does_not_come_ends_in_a_sentence(sink):
    with pytest.raises(TimeoutError, match="Waited 0.1 s for 1 mail"):
        sink.wait_for(lambda mail: True, timeout=0.1)


def test_child_that_ends_at_once_is_an_error_with_its_words(tmp_path):
    child = servers.Child("clock", [sys.executable, "-c", "print('no such clock')"], log=tmp_path / "log")
    with pytest.raises(RuntimeError, match="clock did not start:\nno such clock"):
        child.start(lambda: False)


def test_stopping_a_child_ends_what_it_started(tmp_path):
    nested = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); sys.stdin.read()"
    command = ["sh", "-c", f'{sys.executable} -c "{nested}" < /dev/zero']
    child = servers.Child("parent", command, log=tmp_path / "log")
    child.start(lambda: child.output.strip())
    grandchild = int(child.output)
    child.kill()
    assert not child.is_running
    servers.wait_until(lambda: not _runs(grandchild), "the grandchild to end", timeout=5)


def _runs(pid: int) -> bool:
    """Whether the process does anything still; one that only waits to be collected does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

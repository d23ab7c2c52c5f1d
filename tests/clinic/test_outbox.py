import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from clinic import outbox
from clinic.models import OutgoingMail
from tests.factories import NOW
from tests.servers import smtp_sink

pytestmark = [pytest.mark.both, pytest.mark.django_db]

Status = OutgoingMail.Status
LEASE = timedelta(seconds=120)


@pytest.fixture
def sink(settings):
    with smtp_sink() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def queue(to="olivia@example.org", **fields) -> OutgoingMail:
    return outbox.queue_mail(
        **{
            "to": to,
            "subject": "Booked",
            "text": "You are booked.",
            "due_at": NOW,
            "expires_at": NOW + timedelta(days=2),
            "now": NOW,
        }
        | fields
    )


def deliver(now=NOW, machine_now=NOW, **limits) -> dict:
    """One sweep, on clocks that stand still unless the test says otherwise."""
    return dict(
        outbox.deliver(now=now, machine_now=machine_now if callable(machine_now) else lambda: machine_now, **limits)
    )


def statuses() -> dict[str, str]:
    return dict(OutgoingMail.objects.values_list("to", "status"))


def recipients(sink) -> list[str]:
    return [recipient for mail in sink.messages for recipient in mail.recipients]


def test_mail_arrives_as_it_was_queued(sink):
    mail = queue(
        html="<p>You are booked.</p>", calendar="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", calendar_method="PUBLISH"
    )

    assert deliver() == {"sent": 1}

    [arrived] = sink.messages
    assert arrived.recipients == ("olivia@example.org",)
    assert arrived.message["Message-ID"] == mail.message_id
    assert (arrived.subject, arrived.text.strip(), arrived.html.strip()) == (
        "Booked",
        "You are booked.",
        "<p>You are booked.</p>",
    )
    [calendar] = [part for part in arrived.message.walk() if part.get_content_type() == "text/calendar"]
    assert calendar.get_param("method") == "PUBLISH"
    assert calendar.get_content().splitlines() == ["BEGIN:VCALENDAR", "END:VCALENDAR"]
    mail.refresh_from_db()
    assert (mail.status, mail.sent_at, mail.attempts, mail.claim_token) == (Status.SENT, NOW, 1, None)


def test_second_sweep_sends_nothing_again(sink):
    queue()
    deliver()
    assert deliver() == {}
    assert recipients(sink) == ["olivia@example.org"]


def test_only_what_is_due_leaves_and_the_oldest_first(sink):
    queue("later@example.org", due_at=NOW + timedelta(seconds=1))
    queue("second@example.org")
    queue("first@example.org", due_at=NOW - timedelta(hours=1))
    assert deliver() == {"sent": 2}
    assert recipients(sink) == ["first@example.org", "second@example.org"]


def test_more_than_a_batch_leaves_in_one_sweep(sink):
    for number in range(outbox.BATCH + 1):
        queue(f"p{number}@example.org")
    assert deliver() == {"sent": outbox.BATCH + 1}
    assert len(set(recipients(sink))) == outbox.BATCH + 1


def test_mail_that_lost_its_point_is_dropped_at_that_moment(sink):
    queue("gone@example.org", expires_at=NOW)
    queue("still@example.org", expires_at=NOW + timedelta(seconds=1))
    assert deliver() == {"expired": 1, "sent": 1}
    assert statuses() == {"gone@example.org": Status.EXPIRED, "still@example.org": Status.SENT}


def test_control_characters_never_reach_a_header():
    mail = queue(to="olivia@example.org\r\n", subject="Booked\r\nBcc: eve@example.org\x00\u2028 now")
    assert (mail.to, mail.subject) == ("olivia@example.org", "Booked Bcc: eve@example.org now")


def test_each_mail_has_a_message_id_of_its_own(settings):
    settings.SITE_HOST = "clinic.example"
    first, second = queue(), queue()
    assert first.message_id == f"<{first.public_id}@clinic.example>"
    assert first.message_id != second.message_id


# --- Withdrawal ------------------------------------------------------------------------------------------------------


def test_withdrawal_catches_what_has_not_left():
    for status in Status:
        held = {"claim_token": outbox.uuid.uuid4(), "leased_until": NOW + LEASE}
        fields = held if status in (Status.CLAIMED, Status.SENDING) else {}
        OutgoingMail.objects.filter(pk=queue(f"{status}@example.org").pk).update(status=status, **fields)

    assert outbox.withdraw(OutgoingMail.objects.all()) == 2

    unchanged = {f"{status}@example.org": status for status in Status}
    assert statuses() == unchanged | {"pending@example.org": Status.WITHDRAWN, "claimed@example.org": Status.WITHDRAWN}


@pytest.mark.django_db(transaction=True)
def test_withdrawal_outside_a_transaction_is_refused():
    queue()
    with pytest.raises(transaction.TransactionManagementError):
        outbox.withdraw(OutgoingMail.objects.all())
    assert statuses() == {"olivia@example.org": Status.PENDING}


def test_mail_withdrawn_between_claim_and_fence_does_not_leave(sink):
    queue("first@example.org")
    second = queue("second@example.org", due_at=NOW + timedelta(seconds=1))

    def machine_now():
        if sink.messages:
            outbox.withdraw(OutgoingMail.objects.filter(pk=second.pk, status=Status.CLAIMED))
        return NOW

    assert deliver(now=NOW + timedelta(seconds=1), machine_now=machine_now) == {"sent": 1, "withdrawn": 1}
    assert recipients(sink) == ["first@example.org"]
    assert statuses()["second@example.org"] == Status.WITHDRAWN


# --- Leases ----------------------------------------------------------------------------------------------------------


def leave_behind(mail, status) -> None:
    """What a worker that died leaves: a mail in its hands."""
    OutgoingMail.objects.filter(pk=mail.pk).update(
        status=status, claim_token=outbox.uuid.uuid4(), leased_until=NOW + LEASE, attempts=1
    )


def test_claim_of_a_dead_worker_is_free_once_its_lease_is_over(sink):
    leave_behind(queue(), Status.CLAIMED)
    assert deliver(machine_now=NOW + LEASE) == {}
    assert deliver(machine_now=NOW + LEASE + timedelta(seconds=1)) == {"recovered": 1, "sent": 1}
    assert OutgoingMail.objects.get().is_repeat is False


def test_mail_that_was_leaving_when_its_worker_died_is_repeated_under_the_same_message_id(sink):
    mail = queue()
    leave_behind(mail, Status.SENDING)
    assert deliver(machine_now=NOW + LEASE) == {}
    assert deliver(machine_now=NOW + LEASE + timedelta(seconds=1)) == {"recovered": 1, "sent": 1}
    assert [arrived.message["Message-ID"] for arrived in sink.messages] == [mail.message_id]
    assert OutgoingMail.objects.get().is_repeat is True


def test_mail_that_was_leaving_is_not_repeated_after_it_lost_its_point(sink):
    leave_behind(queue(expires_at=NOW + timedelta(hours=1)), Status.SENDING)
    later = NOW + timedelta(hours=1)
    assert deliver(now=later, machine_now=later) == {"recovered": 1, "expired": 1}
    assert sink.messages == []


def test_sweep_ends_in_time_and_gives_back_what_it_could_not_send(sink):
    for number in range(3):
        queue(f"p{number}@example.org")

    def machine_now():
        return NOW + timedelta(seconds=30 * len(sink.messages))

    assert deliver(machine_now=machine_now, limit_seconds=45) == {"sent": 2}
    left = OutgoingMail.objects.get(status=Status.PENDING)
    assert (left.claim_token, left.leased_until, left.attempts) == (None, None, 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work_and_double_nothing(sink):
    for number in range(80):
        queue(f"p{number}@example.org")
    start = threading.Barrier(2)
    counts = []

    def work():
        start.wait()
        try:
            counts.append(deliver())
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(count.get("sent", 0) for count in counts) == 80
    assert sorted(recipients(sink)) == sorted(f"p{number}@example.org" for number in range(80))


# --- The mail server says no -----------------------------------------------------------------------------------------


def test_while_the_server_is_away_no_mail_loses_a_try(sink):
    mail = queue()
    sink.stop()
    assert deliver() == {}
    mail.refresh_from_db()
    assert (mail.status, mail.attempts, mail.not_before) == (Status.PENDING, 0, None)
    sink.start()
    assert deliver() == {"sent": 1}


def test_refused_address_fails_alone(sink):
    sink.refused.add("gone@example.org")
    queue("gone@example.org")
    queue("olivia@example.org")
    assert deliver() == {"failed": 1, "sent": 1}
    assert OutgoingMail.objects.get(to="gone@example.org").last_error == "550 No such mailbox"


@pytest.mark.parametrize("answer", ["451 Try again later", "554 Not this one"])
def test_refused_message_is_put_off_longer_each_time(sink, answer):
    mail = queue(expires_at=NOW + timedelta(days=30))
    sink.data_answer = answer
    at, pauses = NOW, []
    for _ in range(9):
        assert deliver(machine_now=at) == {"pending": 1}
        mail.refresh_from_db()
        assert deliver(machine_now=mail.not_before - timedelta(seconds=1)) == {}
        pauses.append((mail.not_before - at).total_seconds())
        at = mail.not_before
    assert pauses == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert mail.last_error == answer

    sink.data_answer = None
    assert deliver(machine_now=at) == {"sent": 1}
    mail.refresh_from_db()
    assert (mail.status, mail.attempts, mail.last_error) == (Status.SENT, 10, "")


def test_refused_messages_do_not_hold_up_the_others(sink):
    sink.data_answer = "451 Try again later"
    for number in range(3):
        queue(f"p{number}@example.org")
    assert deliver() == {"pending": 3}


class RefusesTheSender(smtp_sink):
    async def handle_MAIL(self, server, session, envelope, address, options):
        return "553 Who are you?"


class HangsUp(smtp_sink):
    """Takes the message and is gone before it says so."""

    async def handle_DATA(self, server, session, envelope):
        await super().handle_DATA(server, session, envelope)
        server.transport.abort()


@pytest.fixture
def odd_sink(request, settings):
    with request.param() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.mark.parametrize("odd_sink", [RefusesTheSender], indirect=True)
def test_refused_sender_is_tried_again_and_costs_one_mail_one_try(odd_sink):
    queue("first@example.org")
    queue("second@example.org", due_at=NOW + timedelta(seconds=1))
    assert deliver(now=NOW + timedelta(seconds=1)) == {"pending": 1}
    assert list(OutgoingMail.objects.values_list("to", "status", "attempts")) == [
        ("first@example.org", Status.PENDING, 1),
        ("second@example.org", Status.PENDING, 0),
    ]


@pytest.mark.parametrize("odd_sink", [HangsUp], indirect=True)
def test_mail_whose_fate_is_unknown_is_repeated_and_marked(odd_sink):
    mail = queue()
    assert deliver() == {"pending": 1}
    assert deliver(machine_now=NOW + timedelta(seconds=30)) == {"pending": 1}
    assert {arrived.message["Message-ID"] for arrived in odd_sink.messages} == {mail.message_id}
    mail.refresh_from_db()
    assert (mail.is_repeat, mail.attempts) == (True, 2)


# --- Poison ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "poison",
    [{"subject": "two\nlines"}, {"to": ""}, {"to": "olivia@example.org, eve@example.org"}, {"to": "nobody"}],
    ids=str,
)
def test_mail_that_cannot_be_sent_fails_alone(sink, poison):
    OutgoingMail.objects.filter(pk=queue("poison@example.org").pk).update(**poison)
    sink.refused.add("nobody")
    queue()
    assert deliver() == {"failed": 1, "sent": 1}
    assert recipients(sink) == ["olivia@example.org"]


def test_mail_that_cannot_be_decrypted_waits_and_lets_the_others_pass(sink):
    mail = queue("unreadable@example.org")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clinic_outgoingmail SET text = 'v1:of another key' WHERE id = %s", [mail.pk])
    queue()
    assert deliver() == {"pending": 1, "sent": 1}
    assert statuses() == {"unreadable@example.org": Status.PENDING, "olivia@example.org": Status.SENT}


def test_log_names_nobody(sink, caplog):
    sink.refused.add("gone@example.org")
    queue("gone@example.org", subject="Secret subject")
    leave_behind(queue("left@example.org"), Status.SENDING)
    broken = queue("broken@example.org")
    OutgoingMail.objects.filter(pk=broken.pk).update(subject="Secret\nsubject")
    deliver(machine_now=NOW + LEASE * 2)
    sink.stop()
    queue("waiting@example.org")
    deliver()
    words = [record.getMessage() for record in caplog.records if record.name == "clinic.outbox"]
    assert len(words) == 4
    assert [word for word in words if "example.org" in word or "ecret" in word] == []


# --- Forgetting ------------------------------------------------------------------------------------------------------


def test_bodies_are_forgotten_after_a_month_and_the_record_stays():
    month_ago = NOW - timedelta(days=30)
    over = {"text": "words", "html": "<p>words</p>", "calendar": "words"}
    old = queue("old@example.org", now=month_ago - timedelta(seconds=1), **over)
    young = queue("young@example.org", now=month_ago, **over)
    waiting = queue("waiting@example.org", now=month_ago - timedelta(days=1), **over)
    OutgoingMail.objects.filter(pk__in=[old.pk, young.pk]).update(status=Status.SENT)

    assert outbox.forget_old_bodies(now=NOW) == 1
    assert outbox.forget_old_bodies(now=NOW) == 0

    old.refresh_from_db()
    assert (old.text, old.html, old.calendar, old.status, old.to) == ("", "", "", Status.SENT, "old@example.org")
    young.refresh_from_db()
    waiting.refresh_from_db()
    assert (young.text, waiting.text) == ("words", "words")

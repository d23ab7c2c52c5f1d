"""The outbox: mails are rows, and this module alone moves them on.

`queue_mail` stores one rendered mail to one address, `withdraw` takes back what has not left, `deliver` hands over what
is due. Three rules keep it whole when a process, the broker, the database or the mail server dies at any moment:

* A worker claims mails for a lease. A lapsed claim is free again. A mail that was already leaving is sent once more,
  under the same Message-ID: a doubled reminder costs less than a missed visit.
* No transaction is open while the mail server is spoken to, and none of a worker's writes lands unless its claim holds.
* Only a refused address is final. Whatever else goes wrong is tried again until the mail has lost its point.

Due and expiry times follow the clinic's clock, leases and pauses the machine's. The log names rows, never people.
"""

import logging
import smtplib
import time
import unicodedata
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from enum import Enum

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, SafeMIMEText, get_connection
from django.core.mail.message import sanitize_address
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet

from clinic.models import OutgoingMail
from clinic.times import real_now

logger = logging.getLogger(__name__)

Status = OutgoingMail.Status

BATCH = 50
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
# A restarting database is back within this many tries, a second apart.
WRITE_TRIES = 30
UNCLAIMED = {"claim_token": None, "leased_until": None}


def compose_mail(
    *,
    to: str,
    subject: str,
    text: str,
    html: str = "",
    calendar: str = "",
    calendar_method: str = "",
    due_at: datetime,
    expires_at: datetime,
    now: datetime,
) -> OutgoingMail:
    """One mail to one address, not stored yet. It leaves from `due_at` on and is dropped at `expires_at`.

    Control characters are taken out of what becomes a header. The Message-ID is made here and never again, so that
    a repeat can be told for one.
    """
    public_id = uuid.uuid4()
    return OutgoingMail(
        public_id=public_id,
        message_id=f"<{public_id}@{settings.SITE_HOST}>",
        to=_header(to),
        subject=_header(subject)[:200],
        text=text,
        html=html,
        calendar=calendar,
        calendar_method=calendar_method,
        due_at=due_at,
        expires_at=expires_at,
        created_at=now,
    )


def queue_mails(mails: list[OutgoingMail]) -> list[OutgoingMail]:
    """Store composed mails, all in one statement."""
    return OutgoingMail.objects.bulk_create(mails)


def queue_mail(**fields) -> OutgoingMail:
    """Compose one mail and store it; takes what `compose_mail` takes."""
    [mail] = queue_mails([compose_mail(**fields)])
    return mail


def withdraw(mails: QuerySet[OutgoingMail]) -> int:
    """Take back those of `mails` that the mail server has not seen, and say how many.

    Belongs inside the transaction of whatever made them wrong, so that both happen or neither.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Withdraw mails in the transaction that makes them wrong.")
    # The status is tested on the row itself: inside a subquery it would not be tested again after waiting for a lock.
    chosen = OutgoingMail.objects.filter(pk__in=mails.order_by().values("pk"))
    return chosen.withdrawable().update(**UNCLAIMED, status=Status.WITHDRAWN)


def deliver(
    *, now: datetime, machine_now: Callable[[], datetime] = real_now, limit_seconds: float = 45
) -> Counter[str]:
    """Hand what is due to the mail server, for about `limit_seconds` at most; safe to run twice at the same time.

    Returns how many mails were `sent`, `failed`, put off (`pending`), taken back at the last moment (`withdrawn`),
    `expired`, or found with a lapsed claim (`recovered`).
    """
    stop_at = machine_now() + timedelta(seconds=limit_seconds)
    counts = Counter(recovered=_recover_lapsed(machine_now()), expired=_expire(now))
    while machine_now() < stop_at and _due(now, machine_now()).exists():
        # Opened before anything is claimed: while the mail server is away, no mail loses a try.
        server = _open_server()
        if server is None:
            break
        try:
            is_worth_another = _send_batch(server, now, machine_now, stop_at, counts)
        finally:
            server.close()
        if not is_worth_another:
            break
    return +counts


def forget_old_bodies(*, now: datetime) -> int:
    """Delete the words of mails that are over and a month old; that they left, and when, stays on record."""
    old = OutgoingMail.objects.filter(
        is_forgotten=False, created_at__lt=now - timedelta(days=settings.OUTBOX_BODY_DAYS)
    )
    return old.exclude(status__in=Status.ON_THE_WAY).update(text="", html="", calendar="", is_forgotten=True)


class Then(Enum):
    """What the fate of one mail means for those after it."""

    GO_ON = "the connection is good for the next mail"
    RECONNECT = "the server takes mails, but this conversation is spoilt"
    STOP = "the server takes no mail at all"


@dataclass(frozen=True)
class Outcome:
    status: OutgoingMail.Status
    error: str = ""
    then: Then = Then.GO_ON
    is_unsure: bool = False  # the server may have taken the mail without our hearing of it


def _header(words: str) -> str:
    """On one line, without the characters that could begin another header or break its encoding."""
    return " ".join("".join(" " if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} else c for c in words).split())


def _lease() -> timedelta:
    return timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)


def _due(now: datetime, machine_now: datetime) -> QuerySet[OutgoingMail]:
    return OutgoingMail.objects.filter(
        Q(not_before=None) | Q(not_before__lte=machine_now), status=Status.PENDING, due_at__lte=now, expires_at__gt=now
    )


def _lock(mails: QuerySet[OutgoingMail]) -> list[int]:
    """Keys of those that no other transaction holds. SQLite knows no row locks; its one writer at a time serves."""
    return list(mails.select_for_update(skip_locked=True).values_list("pk", flat=True))


def _recover_lapsed(machine_now: datetime) -> int:
    lapsed = OutgoingMail.objects.filter(status__in=(Status.CLAIMED, Status.SENDING), leased_until__lt=machine_now)
    if not lapsed.exists():
        return 0
    with transaction.atomic():
        unseen = OutgoingMail.objects.filter(pk__in=_lock(lapsed.filter(status=Status.CLAIMED))).update(
            **UNCLAIMED, status=Status.PENDING
        )
        # The worker died with the mail in its hands, and nobody knows whether the server took it.
        unsure = OutgoingMail.objects.filter(pk__in=_lock(lapsed.filter(status=Status.SENDING))).update(
            **UNCLAIMED, status=Status.PENDING, is_repeat=True, last_error="The worker died while sending."
        )
    logger.warning("Outbox: %s claims had lapsed; %s mails may have left and are sent once more.", unseen, unsure)
    return unseen + unsure


def _expire(now: datetime) -> int:
    late = OutgoingMail.objects.filter(status=Status.PENDING, expires_at__lte=now)
    if not late.exists():
        return 0
    with transaction.atomic():
        expired = OutgoingMail.objects.filter(pk__in=_lock(late)).update(status=Status.EXPIRED)
    logger.error("Outbox: %s mails lost their point before they could leave.", expired)
    return expired


def _open_server():
    server = get_connection()
    try:
        server.open()
    except OSError as error:  # the errors of smtplib are OSErrors too
        logger.error("Outbox: the mail server cannot be reached (%s).", type(error).__name__)
        return None
    return server


def _claim(token: uuid.UUID, now: datetime, machine_now: datetime) -> list[OutgoingMail]:
    """Up to a batch of what is due, oldest first. Bodies are left alone: one that cannot be read must not stop all."""
    with transaction.atomic(durable=True):
        keys = _lock(_due(now, machine_now).order_by("due_at", "pk")[:BATCH])
        mails = OutgoingMail.objects.filter(pk__in=keys)
        mails.update(status=Status.CLAIMED, claim_token=token, leased_until=machine_now + _lease())
        return list(mails.only("attempts"))


def _send_batch(
    server, now: datetime, machine_now: Callable[[], datetime], stop_at: datetime, counts: Counter[str]
) -> bool:
    """Claim a batch and send it over one connection. False when another batch at once would be in vain."""
    token = uuid.uuid4()
    stop_at = min(stop_at, machine_now() + _lease())
    mails = _claim(token, now, machine_now())
    has_got_through = False
    try:
        for mail in mails:
            if machine_now() >= stop_at:
                break
            claim = OutgoingMail.objects.filter(pk=mail.pk, claim_token=token)
            outcome = _send_one(server, mail, claim, machine_now)
            if outcome is None:
                counts["withdrawn"] += 1
                continue
            _write_outcome(mail, outcome, claim, now, machine_now())
            counts[outcome.status.value] += 1
            if outcome.then is not Then.GO_ON:
                return has_got_through or outcome.then is Then.RECONNECT
            has_got_through = True
        return bool(mails)
    finally:
        still_claimed = OutgoingMail.objects.filter(claim_token=token, status=Status.CLAIMED)
        _write(still_claimed, **UNCLAIMED, status=Status.PENDING)


def _send_one(
    server, mail: OutgoingMail, claim: QuerySet[OutgoingMail], machine_now: Callable[[], datetime]
) -> Outcome | None:
    """Build the mail, pass the fence, hand it over. None when the claim no longer holds: it was withdrawn."""
    try:
        mail.refresh_from_db(fields=["message_id", "to", "subject", "text", "html", "calendar", "calendar_method"])
    except ValueError:
        logger.error("Outbox: mail %s cannot be decrypted.", mail.pk)
        return Outcome(Status.PENDING, "The mail cannot be decrypted.")
    try:
        message = _build(mail)
    except (ValueError, TypeError, LookupError, AttributeError, MessageError) as error:  # the others leave all the same
        logger.error("Outbox: mail %s cannot be built (%s).", mail.pk, type(error).__name__)
        return Outcome(Status.FAILED, f"The mail cannot be built: {error}")
    # The fence: from here on the mail counts as gone and a withdrawal comes too late. The lease starts afresh, because
    # one slow mail may take as long as all the time-outs of a conversation together.
    leased_until = machine_now() + _lease()
    passes = claim.filter(status=Status.CLAIMED)
    if not _write(passes, status=Status.SENDING, attempts=F("attempts") + 1, leased_until=leased_until):
        return None
    return _hand_over(server, message, mail)


def _build(mail: OutgoingMail) -> EmailMultiAlternatives:
    """The message, proven to turn into bytes and its address into an envelope."""
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        to=[mail.to],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    if mail.calendar:
        part = SafeMIMEText(mail.calendar, "calendar", "utf-8")
        part.set_param("method", mail.calendar_method)
        part.add_header("Content-Disposition", "attachment", filename="visit.ics")
        message.attach(part)
    message.message().as_bytes()
    sanitize_address(mail.to, "utf-8")
    return message


def _hand_over(server, message: EmailMultiAlternatives, mail: OutgoingMail) -> Outcome:
    try:
        server.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        ((code, words),) = error.recipients.values()
        outcome = Outcome(
            Status.FAILED if code >= 500 else Status.PENDING, _answer(code, words), _then(code, Then.GO_ON)
        )
    except smtplib.SMTPSenderRefused as error:
        # For good, it is a fault of our own configuration and concerns every mail.
        spoilt = Then.STOP if error.smtp_code >= 500 else Then.RECONNECT
        outcome = Outcome(Status.PENDING, _answer(error.smtp_code, error.smtp_error), _then(error.smtp_code, spoilt))
    except smtplib.SMTPResponseException as error:
        spoilt = _then(error.smtp_code, Then.RECONNECT)
        outcome = Outcome(Status.PENDING, _answer(error.smtp_code, error.smtp_error), spoilt)
    except OSError as error:  # the connection broke, perhaps after the last byte
        outcome = Outcome(Status.PENDING, type(error).__name__, Then.STOP, is_unsure=True)
    else:
        return Outcome(Status.SENT)
    # The server's words may repeat the address: they stay in the row, the log gets the number in front of them.
    logger.error("Outbox: mail %s is %s after: %s", mail.pk, outcome.status.value, outcome.error.partition(" ")[0])
    return outcome


def _then(code: int, otherwise: Then) -> Then:
    return Then.STOP if code == 421 else otherwise  # 421: the server is closing down, and smtplib has hung up


def _answer(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"


def _write_outcome(
    mail: OutgoingMail, outcome: Outcome, claim: QuerySet[OutgoingMail], now: datetime, machine_now: datetime
) -> None:
    fields = {"status": outcome.status, "last_error": _header(outcome.error)[:300]}
    if outcome.status == Status.SENT:
        fields["sent_at"] = now
    if outcome.status == Status.PENDING:
        fields["not_before"] = machine_now + min(FIRST_PAUSE * 2 ** min(mail.attempts, 10), LONGEST_PAUSE)
    if outcome.is_unsure:
        fields["is_repeat"] = True
    if not _write(claim, **UNCLAIMED, **fields):
        logger.error("Outbox: the claim of mail %s lapsed while it was being sent.", mail.pk)


def _write(claim: QuerySet[OutgoingMail], **fields) -> int:
    """Update what is still claimed. Outlasts a restart of the database, because the mail server remembers otherwise."""
    for tries_left in reversed(range(WRITE_TRIES)):
        try:
            return claim.update(**fields)
        except (OperationalError, InterfaceError):
            if not tries_left:
                raise
            connection.close()
            time.sleep(1)

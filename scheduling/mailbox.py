"""What the demo's mail server has received, read from the files that it keeps; nothing is ever written to them here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import lru_cache
from pathlib import Path

from django.utils.translation import gettext as _

from clinic.demo_smtp import folder
from clinic.heartbeats import last_beat
from clinic.models import OutgoingMail
from scheduling.models import Reminder

# A sweep that is older than this belongs to a worker that does not run.
SWEEP_IS_MISSING_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Head:
    """One line of the list. `key` names the mail, `at` is its arrival on the clinic's clock."""

    key: str
    at: datetime
    to: str
    subject: str


def keys() -> list[str]:
    """Newest first: names begin with the moment of arrival."""
    return sorted((path.stem for path in folder().glob("*.eml")), reverse=True)


def head(key: str) -> Head:
    return _head(folder() / f"{key}.eml")


def received(key: str) -> EmailMessage | None:
    """The whole mail, or None if there is none of that key (letters, digits and hyphens: it cannot name a folder)."""
    try:
        return message_from_bytes((folder() / f"{key}.eml").read_bytes(), policy=policy.default)
    except OSError:  # nothing of that name, or a name that no file can have
        return None


def part(message: EmailMessage, kind: str) -> str:
    """The words of the first part of that content type, or nothing."""
    for candidate in message.walk():
        if candidate.get_content_type() == kind:
            return candidate.get_payload(decode=True).decode(errors="replace")
    return ""


def why_nothing_comes(*, real_now: datetime) -> str:
    """The reason for an empty mailbox, as a sentence that says what to do."""
    swept_at = last_beat("sweep")
    if swept_at is None or real_now - swept_at > SWEEP_IS_MISSING_AFTER:
        return _(
            "The Celery worker has not looked for due mails yet. In the demo it does a few seconds after the start."
        )
    if OutgoingMail.objects.filter(status__in=OutgoingMail.Status.ON_THE_WAY).exists():
        return _("Mails are on their way to the mail server. Wait a moment; this page looks again by itself.")
    if Reminder.objects.filter(state=Reminder.State.PLANNED).exists():
        return _("No message is due yet. Move the clock ahead to see the next ones leave.")
    return _(
        "No message is planned. Book a visit for a patient with an e-mail address, and its confirmation comes here."
    )


def next_due_at() -> datetime | None:
    """When the next planned message falls due."""
    planned = Reminder.objects.filter(state=Reminder.State.PLANNED).order_by("due_at")
    return planned.values_list("due_at", flat=True).first()


@lru_cache(maxsize=2000)  # a file never changes
def _head(path: Path) -> Head:
    with path.open("rb") as file:
        headers = BytesHeaderParser(policy=policy.default).parse(file)
    at = datetime.strptime(path.stem.partition("-")[0], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    return Head(key=path.stem, at=at, to=str(headers["To"] or ""), subject=str(headers["Subject"] or ""))

"""Fill, change and read a clinic's database from outside, in a process of its own.

python -m tests.faults.visits fill 400      as many visits, each with its reminders planned
python -m tests.faults.visits stir          move every tenth visit and cancel every tenth, one after the other
python -m tests.faults.visits report        one JSON object: reminders due, mails, visits with what was told last
"""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402

from clinic import times  # noqa: E402
from clinic.models import OutgoingMail  # noqa: E402
from scheduling import reminders  # noqa: E402
from scheduling.models import Appointment, Reminder  # noqa: E402
from tests.factories import make_clinic, make_patient, make_practitioner, make_protocol  # noqa: E402
from treatments.courses import start_course  # noqa: E402


def fill(count: str) -> None:
    call_command("migrate", verbosity=0)
    now = times.now()
    clinic = make_clinic(name="Larkfield Skin Clinic")
    practitioner, room, device = make_practitioner(clinic), clinic.rooms.first(), clinic.devices.first()
    protocol = make_protocol()
    with transaction.atomic():
        for number in range(int(count)):
            patient = make_patient(clinic)
            starts_at = now + timedelta(days=3 + number % 30)
            appointment = Appointment.objects.create(
                session=start_course(patient=patient, protocol=protocol, zones=[], by=None, now=now),
                location=clinic,
                practitioner=practitioner,
                room=room,
                device=device,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=75),
                created_at=now,
            )
            reminders.plan_for_booking(appointment=appointment, now=now)


def stir() -> None:
    for position, key in enumerate(Appointment.objects.order_by("pk").values_list("pk", flat=True)):
        if position % 10 in (3, 7):
            with transaction.atomic():
                appointment = Appointment.objects.select_for_update(no_key=True).get(pk=key)
                appointment.revision += 1
                if position % 10 == 3:
                    appointment.starts_at += timedelta(hours=1)
                    appointment.ends_at += timedelta(hours=1)
                    plan = reminders.plan_for_move
                else:
                    appointment.state = Appointment.State.CANCELLED
                    plan = reminders.plan_for_cancel
                appointment.save()
                plan(appointment=appointment, now=times.now())


def report() -> None:
    due = Reminder.objects.due(times.now()).count()  # first: whatever is a mail by then is among the mails
    mails = {
        mail.message_id: {"status": mail.status, "is_repeat": mail.is_repeat} for mail in OutgoingMail.objects.all()
    }
    visits = []
    for appointment in Appointment.objects.prefetch_related("reminders__mail"):
        told = [reminder for reminder in appointment.reminders.all() if reminder.mail and reminder.mail.sent_at]
        last = max(told, key=lambda reminder: reminder.revision, default=None)
        visits.append(
            {
                "is_cancelled": appointment.is_cancelled,
                "revision": appointment.revision,
                "told": last and last.kind,
                "told_revision": last and last.revision,
            }
        )
    print(json.dumps({"due": due, "mails": mails, "visits": visits}))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

"""What beat starts. Thin: the truth is in rows, and every task may run twice or not at all."""

from celery import shared_task

from clinic import outbox
from clinic.heartbeats import beat
from clinic.times import now, real_now
from scheduling.reminders import mail_due_reminders
from scheduling.rescreening import rescreen_without_advice
from scheduling.rule_runs import work_off_runs


@shared_task
def sweep() -> None:
    """Block what the prescriber was not heard about, turn due reminders into mails, hand over what is due, forget old
    bodies, and go on with what a new version of the rules makes to do."""
    at = now()
    rescreen_without_advice(now=at)
    mail_due_reminders(now=at)
    outbox.deliver(now=at)
    outbox.forget_old_bodies(now=at)
    work_off_runs(now=at)
    beat(name="sweep", at=real_now())

"""What waits for somebody at one location: each list says who waits and why, by when, and where to see to it.

A row leaves its list when what it waits for has happened; nothing is ticked off here. Reception learns that a visit is
on hold and until when; why stands only in lists read `for_treating`, as does what waits for a signature.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.models import Location
from scheduling.worklists import calls, plans, records, screenings
from scheduling.worklists.eligible_soon import eligible_row, eligible_soon
from scheduling.worklists.rows import Reading, Row, Worklist, rows_of

__all__ = ["Reading", "Row", "Worklist", "count_waiting", "eligible_soon", "read_worklists"]


def read_worklists(*, location: Location, now: datetime, for_treating: bool) -> list[Worklist]:
    """All lists of a location, what is most urgent first in each. A constant number of queries."""
    reading = Reading(location, now, for_treating)
    to_review, to_move = screenings.held_rows(reading)
    lists = [
        Worklist("screening", _("Screening to review"), "shield-alert", _("No visit waits for a decision."), to_review),
        Worklist("move", _("To move"), "calendar-clock", _("No visit has to move."), to_move),
        Worklist(
            "calls",
            _("To call back"),
            "phone-incoming",
            _("Nobody has asked for a call."),
            [
                *rows_of(reading, calls.asked(reading), calls.asked_row),
                *(calls.not_bookable_row(reading, each) for each in calls.not_bookable(reading)),
            ],
        ),
        Worklist(
            "forms",
            _("Forms missing"),
            "file-clock",
            _("Nobody owes an answer for the next 3 days."),
            rows_of(reading, screenings.without_answers(reading), screenings.without_answers_row),
        ),
        Worklist(
            "eligible",
            _("Eligible soon"),
            "calendar-check",
            _("Nobody’s date falls in the next 14 days."),
            [eligible_row(reading, each) for each in eligible_soon(location=location, now=now)],
            is_offer=True,
        ),
    ]
    if for_treating:
        lists += [
            Worklist(
                "plans",
                _("Plans to write"),
                "clipboard-pen",
                _("No visit waits for a plan."),
                rows_of(reading, plans.missing(reading), plans.missing_row),
            ),
            Worklist(
                "unsigned",
                _("Unsigned records"),
                "file-pen-line",
                _("Every record is signed."),
                rows_of(reading, records.unsigned(reading), records.unsigned_row),
            ),
        ]
    return [
        *lists,
        Worklist(
            "mails",
            _("Failed mails"),
            "mail-warning",
            _("No mail was refused."),
            rows_of(reading, calls.refused(reading), calls.refused_row),
        ),
        Worklist(
            "links",
            _("Locked links"),
            "lock",
            _("No link was locked."),
            rows_of(reading, calls.locked(reading), calls.locked_row),
        ),
        Worklist(
            "phone",
            _("To confirm by phone"),
            "phone",
            _("Nobody has to be phoned about the next 7 days."),
            rows_of(reading, calls.to_phone(reading), calls.to_phone_row),
        ),
    ]


def count_waiting(*, location: Location, now: datetime, for_treating: bool) -> int:
    """How many rows the lists have together, apart from those of offers. One query, for every page asks it."""
    reading = Reading(location, now, for_treating)
    held, *others = [
        waiting.order_by().values("pk")
        for waiting in (
            screenings.held(reading),
            screenings.without_answers(reading),
            calls.asked(reading),
            calls.not_bookable(reading),
            calls.locked(reading),
            calls.refused(reading),
            calls.to_phone(reading),
            *([plans.missing(reading), records.unsigned(reading)] if for_treating else []),
        )
    ]
    return held.union(*others, all=True).count()

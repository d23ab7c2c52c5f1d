"""What a prescriber says about a medicine that calms the immune system: the only writer of the advice.

The clinic asks for 24 hours between such a medicine and the needling (the owner's document), and only the prescriber
may agree to a pause. So nobody here ever asks for a dose to be left out; what the prescriber says is written down, by
whom and when, and the rules read it: what the patient says of the prescriber is no advice, and ends none.
"""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.models import User
from clinic.text import has_letter, one_line, paragraphs
from patients.models import Patient
from treatments.answers import SENT_TWICE, record_answers
from treatments.models import PrescriberAdvice
from treatments.publishing import current_catalogue

IMMUNE_MEDICINE = "S2"
TAKES_ONE, ITS_NAME, ADVICE = "Q05", "Q05b", "Q05c"
LONGEST_LINE = 120

Said = PrescriberAdvice.Said
# The answer to the patient's own question for each; a medicine that does not count is none that it is about.
MEANS = {Said.MAY_PAUSE: "may_pause", Said.KEEP_TAKING: "keep_taking", Said.NOT_REACHED: "not_asked"}


class AdviceRefused(Exception):
    """Nothing was recorded. `field` is what is wrong, `message` a sentence that says what to do."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field
        self.message = message


def record_advice(
    *,
    patient: Patient,
    medicine: str,
    said: PrescriberAdvice.Said,
    today: date,
    by: User,
    now: datetime,
    said_by: str = "",
    said_on: date | None = None,
    note: str = "",
) -> PrescriberAdvice:
    """Write down what was said, and keep what the patient takes as her answer. Raises AdviceRefused.

    Whoever was reached has a name and a day; the day is `today`, the clinic's, or before. The same words of the same
    hand within an hour are one advice, sent twice.
    """
    medicine, said_by = one_line(medicine), one_line(said_by)
    if not has_letter(medicine) or len(medicine) > LONGEST_LINE:
        raise AdviceRefused("medicine", _("Write the name of the medicine."))
    is_reached = said != Said.NOT_REACHED
    if is_reached and (not has_letter(said_by) or len(said_by) > LONGEST_LINE):
        raise AdviceRefused("said_by", _("Write who said so, such as the doctor's name."))
    if is_reached and said_on is None:
        raise AdviceRefused("said_on", _("Write the day on which this was said."))
    if said_on and said_on > today:
        raise AdviceRefused("said_on", _("This day is still to come. Write the day on which it was said."))
    answers = {TAKES_ONE: "yes", ITS_NAME: medicine, ADVICE: MEANS[said]} if said in MEANS else {TAKES_ONE: "no"}
    words = {
        "medicine": medicine,
        "said": said,
        "said_by": said_by if is_reached else "",
        "said_on": said_on if is_reached else None,
        "note": paragraphs(note),
    }
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        newest = PrescriberAdvice.objects.filter(patient=patient).first()
        if newest and newest.recorded_by_id == by.pk and now - newest.recorded_at < SENT_TWICE:
            if words == {name: getattr(newest, name) for name in words}:
                return newest
        record_answers(patient=patient, answers=answers, by=by, now=now)
        return PrescriberAdvice.objects.create(patient=patient, recorded_at=now, recorded_by=by, **words)


def is_settled(patient: Patient) -> bool:
    """Whether a prescriber agreed to a pause, or said that the medicine does not count, and nothing was said since."""
    newest = PrescriberAdvice.objects.filter(patient=patient).first()
    if newest is None or newest.said not in (Said.MAY_PAUSE, Said.DOES_NOT_COUNT):
        return False
    catalogue = current_catalogue()
    asked = {id for at_stage in catalogue.rules[IMMUNE_MEDICINE].questions.values() for id in at_stage}
    about = {(keeps.kind, keeps.subject) for id in asked if (keeps := catalogue.questions[id].keeps)}
    since = patient.facts.current().filter(recorded_at__gt=newest.recorded_at).values_list("kind", "subject")
    return about.isdisjoint(since)

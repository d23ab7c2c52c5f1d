"""The only writers of what is typed behind a link: kept answer by answer, and sent once as a whole."""

import json
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from patients.models import Patient
from scheduling.calls import ask_for_call
from scheduling.models import Appointment, PatientAnswers, PatientLink
from scheduling.patient_pages.gate import LinkClosed, is_open
from scheduling.patient_pages.questions import Fields, Questionnaire
from scheduling.patient_pages.results import result_of
from scheduling.rescreening import rescreen_patient
from treatments.answers import record_answers
from treatments.catalogue import Stage
from treatments.models import Screening
from treatments.screening import AnswerError
from treatments.screenings import screen_session

Cause = Screening.Cause


class NotSent(Exception):
    """Nothing was sent, and nothing is lost. `message` is a sentence for the patient."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


def keep_answer(*, link: PatientLink, question: str, fields: Fields, now: datetime) -> PatientAnswers:
    """Keep one answer as it was typed, beside the others that still stand and still apply. What was sent before counts
    until all is sent again.

    Raises LinkClosed when the visit has begun or is cancelled by now.
    """
    with transaction.atomic():
        locked = _locked(link, now)
        sheet = Questionnaire(locked, anew={question: fields}, now=now)
        asked = {each.id for each in sheet.form.asked}
        typed = _typed(locked)
        typed.answers = json.dumps({id: dict(fields) for id, fields in sheet.typed.items() if id in asked})
        typed.catalogue_version, typed.as_of, typed.sent_at = sheet.version, now, None
        typed.save()
        return typed


def send_answers(*, link: PatientLink, version: str, now: datetime) -> None:
    """Let the answers count: as facts of the patient, for her visit at the stage of the link, for her other visits.

    Sent twice is sent once. `version` is the one of the questions that her page was made with. Raises NotSent when it
    is another by now, when an answer is missing, cannot be understood or was given elsewhere since, and LinkClosed.
    """
    with transaction.atomic():
        locked = _locked(link, now)
        sheet = Questionnaire(locked, now=now)
        if sheet.first_open:
            raise NotSent(_("One more answer is missing."))
        typed = _typed(locked)
        if typed.sent_at:
            return
        if str(sheet.version.number) != version:
            raise NotSent(_("Our questions have changed. Please read your answers once more, and then send them."))
        try:
            _let_count(sheet, now)
        except AnswerError as mistake:
            raise NotSent(str(mistake)) from mistake
        typed.sent_at, typed.as_of, typed.catalogue_version = now, now, sheet.version
        typed.save()
        if result_of(locked.appointment, now).is_called:  # her page says that she is called
            ask_for_call(appointment=locked.appointment, now=now)


def _locked(link: PatientLink, now: datetime) -> PatientLink:
    """The link as it stands, with its visit locked against everybody who moves or begins it, and the patient against
    whoever writes down an answer of hers."""
    Appointment.objects.select_for_update(no_key=True).get(pk=link.appointment_id)
    Patient.objects.select_for_update(no_key=True).get(pk=link.appointment.patient.pk)
    stored = PatientLink.objects.with_everything().get(pk=link.pk)
    if not is_open(stored, now):
        raise LinkClosed(stored)
    return stored


def _typed(link: PatientLink) -> PatientAnswers:
    return link.typed if hasattr(link, "typed") else PatientAnswers(link=link, answers="{}")


def _let_count(sheet: Questionnaire, now: datetime) -> None:
    link, answers, questions = sheet.link, sheet.form.answers, sheet.catalogue.questions
    appointment, session = link.appointment, link.appointment.session
    record_answers(patient=appointment.patient, answers=answers, by=None, now=now, zones=sheet.form.zones)
    of_this_visit = {id: said for id, said in answers.items() if questions[id].keeps is None}
    stages = [Stage(link.purpose)]
    newest = session.screenings.newest_first().first()
    if newest and (newest.stage, newest.for_start) == (Stage.PREVISIT, appointment.starts_at):
        # the check stays the newest word on the visit, over what is known by now
        stages = list(dict.fromkeys([*stages, Stage.PREVISIT]))
    for stage in stages:
        screen_session(
            session=session,
            stage=stage,
            start=appointment.starts_at,
            zone=appointment.location.zone,
            cause=Cause.ANSWERS,
            answers=of_this_visit if stage == link.purpose else None,
            by=None,
            now=now,
        )
    rescreen_patient(patient=appointment.patient, cause=Cause.ANSWERS, by=None, now=now)

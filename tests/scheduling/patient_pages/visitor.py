"""A patient's browser before the pages of her link."""

import json
import re
from datetime import timedelta

from django.test import Client
from django.urls import reverse

from scheduling.models import Appointment, PatientAnswers
from tests.factories import (
    NOW,
    clear_answers,
    make_appointment,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_link,
)
from tests.reading import words
from treatments.catalogue import QuestionKind, Stage
from treatments.models import Screening
from treatments.publishing import catalogue_of

START = NOW + timedelta(days=2, hours=3)
BORN = {"day": "17", "month": "5", "year": "1990"}


def appointment(**wish) -> Appointment:
    clinic = wish.pop("location", None) or make_clinic(address="12 Orchard Row")
    patient = wish.pop("patient", None) or make_clear_patient(clinic, given_name="Olivia")
    return make_appointment(location=clinic, patient=patient, starts_at=START, **wish)


class Visitor(Client):
    """A patient's browser, with the link that her mail brought."""

    def __init__(self, visit=None, purpose="previsit", **options):
        super().__init__(**options)
        self.visit = visit or appointment()
        self.link, self.token = make_link(self.visit, purpose)

    def url(self, name="visit", *about):
        address = reverse(f"scheduling:link-{name}", args=[self.link.public_id, *about])
        return f"{address}#question" if name == "question" else address

    def enter(self):
        return self.get(reverse("scheduling:link-open", args=[self.token]))

    def pass_the_gate(self):
        self.enter()
        return self.post(self.url(), BORN)

    def answer(self, question, value=None, **fields):
        return self.post(self.url("question", question), {question: value} if value else fields)

    def answer_all(self, **answers):
        """All that is asked, clear unless answered otherwise; ends on the page with all answers."""
        clear = clear_answers(Stage.PREVISIT) | clear_answers(Stage.BOOKING) | answers
        page = self.get(self.url("start"))
        going = re.search(r'class="big-button" href="([^"]+)"', page.text)[1]
        for _each in range(80):
            if "/questions/" not in going:
                return self.get(going)
            id = asked_at(going)
            reply = self.post(going, self._fields(id, clear.get(id, "")))
            assert reply.status_code == 302, words(reply)
            going = reply["Location"]
        raise AssertionError("The questions have no end.")

    def _fields(self, id, said):
        kind = catalogue_of(make_catalogue()).questions[id].kind
        if kind in (QuestionKind.PAST_DATE, QuestionKind.LAST_DATE):
            if not said:
                return {f"{id}_unknown": "on"}
            return dict(zip((f"{id}_year", f"{id}_month", f"{id}_day"), said.split("-"), strict=False))
        if kind == QuestionKind.TEXT:
            return {f"{id}_1": "on"} if said == "none" else {f"{id}_0": said}
        return {id: said.split(", ")}

    def send(self):
        page = self.get(self.url("answers"))
        return self.post(self.url("answers"), hidden(page))

    def screenings(self):
        return Screening.objects.filter(session=self.visit.session, cause="answers")


def asked_at(url) -> str:
    """The question of an address."""
    return url.partition("/#")[0].rpartition("/")[2]


def hidden(page) -> dict:
    return dict(re.findall(r'type="hidden" name="(version)" value="([^"]*)"', page.text))


def kept() -> dict:
    return json.loads(PatientAnswers.objects.get().answers)

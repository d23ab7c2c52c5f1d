"""Every page behind the link in a mail, whatever comes of it and however it is closed: nothing for axe to find."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page

from clinic import times
from scheduling import booking
from scheduling.models import PatientLink
from tests.factories import NOW, make_clinic, make_patient
from tests.journeys.test_accessibility import look, show
from tests.scheduling.patient_pages.visitor import BORN, Visitor, appointment
from treatments.catalogue import shipped_text
from treatments.publishing import publish_catalogue

pytestmark = pytest.mark.browser


@pytest.fixture
def screen(page: Page, transactional_db, settings, tmp_path) -> Page:
    settings.CLOCK_FILE = tmp_path / "clock"
    times.move_clock(by=NOW - times.real_now())
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    page.emulate_media(reduced_motion="reduce")
    page.goto("/login/")  # so that what is shown finds its looks
    return page


def look_at_both_sizes(screen: Page, answer, name: str, status: int = 200) -> list[str]:
    """As on a phone, and as on a wide screen, where more stands beside a question."""
    assert answer.status_code == status, name
    faults = []
    for width in (390, 1440):
        screen.set_viewport_size({"width": width, "height": 900})
        show(screen, answer)
        faults += look(screen, f"{name} at {width}", in_the_dark=width == 1440)
    return faults


def asked_anew(**fields) -> Visitor:
    """Somebody of whom nothing is known, before the questions of the booking."""
    clinic = make_clinic(emergency_phone="999")
    visitor = Visitor(
        appointment(patient=make_patient(clinic, given_name="Olivia", **fields), location=clinic), "booking"
    )
    visitor.pass_the_gate()
    return visitor


def checked() -> Visitor:
    visitor = Visitor()
    visitor.pass_the_gate()
    return visitor


def test_the_questions_have_no_accessibility_faults(screen):
    visitor, faults = Visitor(), []
    visitor.enter()
    faults += look_at_both_sizes(screen, visitor.get(visitor.url()), "the gate")
    faults += look_at_both_sizes(screen, visitor.post(visitor.url(), BORN | {"year": "1980"}), "a wrong date", 422)
    faults += look_at_both_sizes(screen, visitor.post(visitor.url(), {}), "no date", 422)
    visitor.post(visitor.url(), BORN)
    faults += look_at_both_sizes(screen, visitor.get(visitor.url("start")), "the start")
    visitor = asked_anew()
    faults += look_at_both_sizes(screen, visitor.get(visitor.url("start")), "the start of the booking")
    visitor.answer_all(Q04="yes", Q04b="2024-03", Q05="yes", Q05b="Methotrexate", Q05c="not_asked")
    for question in ("Q04", "Q04b", "Q05b", "Q05c", "Q14", "Q23", "Q25"):
        faults += look_at_both_sizes(screen, visitor.get(visitor.url("question", question)), question)
        if question in ("Q04", "Q04b", "Q14"):
            mistaken = visitor.answer(question, **{f"{question}_day": "3"})
            faults += look_at_both_sizes(screen, mistaken, f"{question} with a mistake", 422)
    faults += look_at_both_sizes(screen, visitor.get(visitor.url("answers")), "all answers")
    faults += look_at_both_sizes(screen, visitor.post(visitor.url("answers"), {}), "answers that were not sent", 409)
    visitor.send()
    faults += look_at_both_sizes(screen, visitor.get(visitor.url("answers")), "answers that were sent")
    assert faults == [], "\n".join(faults)


def test_what_comes_of_the_answers_has_no_accessibility_faults(screen):
    medicine = {"Q05": "yes", "Q05b": "Methotrexate", "Q05c": "not_asked"}
    kinds = {
        "all good": (checked(), {}),
        "to move": (checked(), {"P04": "yes", "P04b": "2026-01-10"}),
        "a medicine": (asked_anew(), medicine),
        "not sure": (checked(), {"P02": "not_sure"}),
        "a clinician looks": (asked_anew(), {"Q10": "yes"}),
        "not to come": (asked_anew(), {"Q12": "yes"}),
        "no number": (asked_anew(phone=""), {"Q10": "yes"}),
    }
    faults = []
    for name, (visitor, answers) in kinds.items():
        visitor.answer_all(**answers)
        visitor.send()
        faults += look_at_both_sizes(screen, visitor.get(visitor.url("result")), name)
        if name in ("to move", "a medicine"):
            visitor.post(visitor.url("call"))
            faults += look_at_both_sizes(screen, visitor.get(visitor.url("result")), f"{name}, on the list")
    assert faults == [], "\n".join(faults)


def test_pages_that_are_closed_have_no_accessibility_faults(screen):
    locked, cancelled, expired = Visitor(), Visitor(), Visitor()
    locked.enter()
    for year in range(1980, 1985):
        answer = locked.post(locked.url(), BORN | {"year": year})
    faults = look_at_both_sizes(screen, answer, "locked", 403)
    booking.cancel_appointment(appointment=cancelled.visit, revision=0, by=None, now=NOW)
    faults += look_at_both_sizes(screen, cancelled.enter(), "cancelled", 410)
    PatientLink.objects.filter(pk=expired.link.pk).update(expires_at=NOW - timedelta(seconds=1))
    faults += look_at_both_sizes(screen, expired.enter(), "closed", 410)
    faults += look_at_both_sizes(screen, expired.get("/v/nobody/"), "unknown", 404)
    assert faults == [], "\n".join(faults)

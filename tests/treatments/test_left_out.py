"""Zones that a visit goes on without: what is found on some of the skin, from the answer to the record."""

from decimal import Decimal

import pytest

from patients.health import alerts_of
from scheduling import day
from tests.factories import (
    check_in,
    make_arrival,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_visit,
    sign,
    tell,
)
from treatments import visits
from treatments.answers import known_answers, record_answers
from treatments.left_out import LeftOut, left_out_of
from treatments.models import Screening, ZoneRecord

pytestmark = [pytest.mark.both, pytest.mark.django_db]

WHY = "Tattoo or permanent make-up in the zone: the answer to Q20 is “Yes”. Where: Chin and jawline."


def zones(*codes):
    return [make_catalogue().zones.get(code=code) for code in codes]


@pytest.fixture
def tattooed():
    """Somebody with a tattoo on her chin."""
    patient = make_clear_patient(make_clinic())
    answers = {"Q20": "yes", "Q20b": "chin_jaw"}
    record_answers(patient=patient, answers=answers, by=None, now=patient.created_at)
    return patient


def place_of(patient):
    return {"location": patient.locations.get(), "patient": patient}


def test_nothing_is_left_out_of_a_visit_that_is_clear():
    assert left_out_of(make_visit(zones=zones("cheeks", "chin_jaw")).session) == {}


def test_nothing_is_left_out_of_a_session_that_was_never_screened():
    session = make_visit(zones=zones("cheeks")).session
    session.course.sessions.create(course=session.course, number=2)
    assert left_out_of(session.course.sessions.get(number=2)) == {}


def test_a_zone_is_left_out_and_the_visit_goes_on(tattooed):
    visit = make_visit(**place_of(tattooed), zones=zones("cheeks", "chin_jaw"))
    screening = Screening.objects.filter(session=visit.session).newest_first().first()
    assert (screening.stands_in_the_way, screening.zones_left_out) == (False, {"chin_jaw"})
    assert left_out_of(visit.session) == {"chin_jaw": LeftOut("chin_jaw", "Chin and jawline", (WHY,))}


def test_skin_that_is_calm_on_arrival_is_open_again_everywhere():
    clinic = make_clinic()
    patient = make_clear_patient(clinic)
    tell(patient, {"Q15": "yes", "Q15b": "neck"})
    visit = make_visit(location=clinic, patient=patient, zones=zones("cheeks", "neck"))
    assert left_out_of(visit.session) == {}
    assert known_answers(patient)["Q15"] == "no"
    assert "Q15b" not in known_answers(patient)
    assert not any("broken" in alert.title for alert in alerts_of(patient))
    charted = visits.set_zone(visit=visit, revision=visit.revision, zone=zones("neck")[0], **needled(visit))
    assert charted.zone_records.count() == 1


def test_a_look_that_finds_nothing_says_nothing_of_a_flare_that_nobody_asked_about():
    visit = make_visit(zones=zones("cheeks"))
    assert "Q14b" not in known_answers(visit.session.course.patient)


def test_a_look_that_finds_nothing_ends_a_flare():
    clinic = make_clinic()
    patient = make_clear_patient(clinic)
    tell(patient, {"Q14": "eczema", "Q14b": "yes", "Q14c": "neck"})
    here = make_arrival(location=clinic, patient=patient, zones=zones("cheeks", "neck"))
    assert set(left_out_of(here.session)) == {"neck"}
    check_in(here)
    known = known_answers(patient)
    assert (left_out_of(here.session), known["Q14"], known["Q14b"]) == ({}, "eczema", "no")
    assert "Q14c" not in known


def test_what_was_seen_on_arrival_joins_what_was_known(tattooed):
    here = make_arrival(**place_of(tattooed), zones=zones("cheeks", "chin_jaw", "nose"))
    check_in(here, C06="spots", C06b="nose")
    sign(here)
    assert set(left_out_of(here.session)) == {"nose", "chin_jaw"}
    check_in(here, C06="none")
    assert set(left_out_of(here.session)) == {"chin_jaw"}


def needled(visit):
    return {"depth_mm": Decimal("0.5"), "passes": 4, "by": visit.practitioner.user, "now": visit.started_at}


def test_a_zone_that_is_left_out_is_not_charted(tattooed):
    visit = make_visit(**place_of(tattooed), zones=zones("cheeks", "chin_jaw"))
    cheeks, chin = zones("cheeks", "chin_jaw")
    with pytest.raises(visits.ZoneLeftOut) as refused:
        visits.set_zone(visit=visit, revision=visit.revision, zone=chin, **needled(visit))
    assert refused.value.message == f"Chin and jawline is left out of this visit because of what was found. {WHY}"
    visits.set_zone(visit=visit, revision=visit.revision, zone=cheeks, **needled(visit))
    assert [record.zone for record in ZoneRecord.objects.all()] == [cheeks]


@pytest.mark.parametrize("seen", ["raised_mark", "infection", "wound", "rash", "spots", "flare"])
def test_skin_on_which_something_was_seen_is_not_charted(seen):
    here = make_arrival(zones=zones("cheeks", "neck"))
    check_in(here, C06=seen, C06b="neck")
    sign(here)
    visit = day.start_treatment(appointment=here, by=here.practitioner.user, now=here.starts_at)
    cheeks, neck = zones("cheeks", "neck")
    with pytest.raises(visits.ZoneLeftOut):
        visits.set_zone(visit=visit, revision=visit.revision, zone=neck, **needled(visit))
    visits.set_zone(visit=visit, revision=visit.revision, zone=cheeks, **needled(visit))
    assert [record.zone for record in ZoneRecord.objects.all()] == [cheeks]


def test_it_is_read_in_two_queries(tattooed, django_assert_num_queries):
    visit = make_visit(**place_of(tattooed), zones=zones("cheeks", "chin_jaw"))
    with django_assert_num_queries(2):
        left_out_of(visit.session)

"""Two hands on one patient: one row, one winner, and the others are told."""

from datetime import date
from functools import partial
from uuid import uuid4

import pytest

from patients.models import Patient
from patients.records import create_patient, record_fact, update_patient
from tests.factories import NOW, make_location, make_patient
from tests.races import outcomes

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

CALLERS = 6
MARTA = {"given_name": "Marta", "family_name": "Lindholm", "date_of_birth": date(1992, 3, 12)}


def test_form_posted_by_many_at_once_makes_one_patient():
    location, public_id = make_location(), uuid4()
    create = partial(create_patient, location=location, now=NOW, public_id=public_id, **MARTA)
    assert outcomes([create] * CALLERS) == {"done": 1, "AlreadySaved": CALLERS - 1}
    assert Patient.objects.count() == 1


def test_one_revision_is_edited_once():
    patient = make_patient(make_location())
    edits = [
        partial(
            update_patient,
            patient=patient,
            revision=0,
            now=NOW,
            email="",
            phone="",
            note=f"note {number}",
            **MARTA,
        )
        for number in range(CALLERS)
    ]
    assert outcomes(edits) == {"done": 1, "EditedMeanwhile": CALLERS - 1}
    patient.refresh_from_db()
    assert patient.revision == 1


def test_answers_given_at_once_leave_one_that_counts():
    patient = make_patient(make_location())
    answers = [
        partial(record_fact, patient=patient, kind="medicine", subject="isotretinoin", answer=f"{n}", by=None, now=NOW)
        for n in range(CALLERS)
    ]
    assert outcomes(answers) == {"done": CALLERS}
    assert (patient.facts.count(), patient.facts.current().count()) == (CALLERS, 1)

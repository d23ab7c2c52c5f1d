"""The worklists as a page, and their number beside the name in the side bar: Monday 12 January 2026, seven o'clock."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    signed_in,
)
from tests.reading import words
from treatments.answers import record_answers
from treatments.reasons import reason_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

PAGE, COUNT = reverse("scheduling:worklists"), reverse("scheduling:worklists-count")
TODAY, SOON = datetime(2026, 1, 12, 10, tzinfo=UTC), datetime(2026, 1, 14, 10, tzinfo=UTC)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


def by_phone(clinic, practitioner, start=SOON, **fields):
    patient = make_clear_patient(clinic, email="", phone="020 7946 0333", **fields)
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=start)


def held(clinic, practitioner, start=TODAY):
    patient = make_clear_patient(clinic, given_name="Oscar", family_name="Reid")
    record_answers(patient=patient, answers={"Q04": "not_sure"}, by=None, now=NOW)
    return make_appointment(location=clinic, practitioner=practitioner, patient=patient, starts_at=start)


def test_empty_lists_say_that_nothing_waits(reception):
    page = words(reception.get(PAGE))
    assert "Worklists Monday 12 January, 07:00. Nothing waits." in page
    assert "Screening to review No visit waits for a decision." in page
    assert "Failed mails No mail was refused." in page
    assert "To confirm by phone Nobody has to be phoned about the next 7 days." in page
    assert "Unsigned" not in page


def test_rows_say_who_waits_and_why_and_by_when(reception, clinic, practitioner):
    visit = by_phone(clinic, practitioner, given_name="Marta", family_name="Lindholm")
    held(clinic, practitioner)
    answer = reception.get(PAGE)
    page = words(answer)
    assert "3 things wait, 2 for today or overdue." in page
    assert "Screening to review 1 Oscar Reid On hold Today, 10:00 Open the screening : Oscar Reid" in page
    assert "Marta Lindholm No e-mail address, 020 7946 0333 Wed 14 Jan, 10:00 Open the visit : Marta Lindholm" in page
    assert 'href="tel:02079460333"' in answer.text
    assert f'href="{reverse("scheduling:appointment-show", args=[visit.public_id])}"' in answer.text
    assert answer.text.count('class="btn btn-primary btn-sm"') == 2  # for today: the screening and her form


def test_the_rule_is_named_to_those_who_treat_alone(clinic, practitioner):
    finding = held(clinic, practitioner).session.screenings.get().findings.get(outcome="hold")
    for role in ("practitioner", "lead"):
        page = words(signed_in(role, location=clinic).get(PAGE))
        assert f"Oscar Reid {finding.rule_code} {reason_of(finding)} Today" in page
        assert "Unsigned records Every record is signed." in page
    for role in ("receptionist", "owner"):
        page = words(signed_in(role, location=clinic).get(PAGE))
        assert "Oscar Reid On hold Today" in page
        assert reason_of(finding) not in page


def test_a_long_list_opens_to_its_end(reception, clinic):
    for number in range(7):
        by_phone(clinic, make_practitioner(clinic), SOON.replace(hour=10 + number % 2, day=13 + number // 2))
    page = words(reception.get(PAGE))
    assert page.count("No e-mail address") == 7
    assert "Show 4 more : To confirm by phone" in page


def test_the_page_of_one_location_says_nothing_of_another(reception, clinic):
    elsewhere = make_clinic()
    by_phone(elsewhere, make_practitioner(elsewhere), family_name="Ferncastle")
    page = words(reception.get(PAGE))
    assert "Ferncastle" not in page
    assert "Nothing waits." in page


def test_whom_a_time_can_be_offered_is_said_apart_and_waits_for_nobody(reception, clinic):
    patient = make_clear_patient(clinic, given_name="Imogen", family_name="Clarke")
    record_answers(patient=patient, answers={"Q04": "yes", "Q04b": "2025-07-20"}, by=None, now=NOW)
    page = words(reception.get(PAGE))
    assert "07:00. Nothing waits. 1 patient may come soon." in page
    assert "Eligible soon 1 Imogen Clarke Not booked yet" in page
    assert words(reception.get(COUNT)) == ""


def test_the_side_bar_asks_for_the_number_and_says_it_in_words(reception, clinic, practitioner):
    assert f'hx-get="{COUNT}"' in reception.get(reverse("patients:patient-list")).text
    assert words(reception.get(COUNT)) == ""
    by_phone(clinic, practitioner)
    assert words(reception.get(COUNT)) == "1 , 1 thing waits"
    held(clinic, practitioner)
    answer = reception.get(COUNT)
    assert words(answer) == "3 , 3 things wait"
    assert '<span class="count" aria-hidden="true">3</span>' in answer.text


def test_the_page_asks_as_much_for_three_rows_as_for_one(reception, clinic, practitioner):
    def count_queries(url):
        with CaptureQueriesContext(connection) as queries:
            assert reception.get(url).status_code == 200
        return len(queries)

    def fill(day):
        by_phone(clinic, practitioner, SOON.replace(day=day))
        held(clinic, practitioner, SOON.replace(day=day, hour=12))

    fill(14)
    once = count_queries(PAGE), count_queries(COUNT)
    fill(15)
    fill(16)
    assert (count_queries(PAGE), count_queries(COUNT)) == once

"""The date of birth before a link: many tries at once are no more than five."""

from datetime import date, timedelta

import pytest

from scheduling.models import PatientLink
from scheduling.patient_pages.gate import LinkClosed, find_link, try_birth_date
from tests.factories import NOW, make_appointment, make_clinic, make_link, make_patient
from tests.races import outcomes

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

BORN = date(1990, 5, 17)


def make_a_link(wrong_tries=0) -> PatientLink:
    clinic = make_clinic()
    visit = make_appointment(location=clinic, patient=make_patient(clinic, date_of_birth=BORN))
    link, token = make_link(visit)
    PatientLink.objects.update(wrong_tries=wrong_tries)
    return find_link(token=token, now=NOW)


def guess(link: PatientLink, day: date):
    own = PatientLink.objects.with_everything().get(pk=link.pk)
    return lambda: try_birth_date(link=own, day=day, now=NOW)


def test_twenty_wrong_tries_at_once_are_five():
    link = make_a_link()
    ends = outcomes([guess(link, BORN + timedelta(days=number + 1)) for number in range(20)])
    assert ends == {"done": 4, "LinkClosed": 16}
    link.refresh_from_db()
    assert (link.wrong_tries, link.locked_at) == (5, NOW)


def test_two_at_once_for_the_last_try_lock_it_once():
    link = make_a_link(wrong_tries=4)
    guesses = [guess(link, BORN + timedelta(days=number)) for number in (1, 2)]
    assert outcomes(guesses) == {"LinkClosed": 2}
    link.refresh_from_db()
    assert (link.wrong_tries, link.locked_at) == (5, NOW)


def test_a_lock_holds_against_the_right_date():
    link = make_a_link(wrong_tries=4)
    for day in (BORN + timedelta(days=1), BORN):
        with pytest.raises(LinkClosed) as closed:
            try_birth_date(link=link, day=day, now=NOW)
        assert closed.value.is_locked and closed.value.status == 403


def test_the_last_try_may_be_the_right_one():
    link = make_a_link(wrong_tries=4)
    assert try_birth_date(link=link, day=BORN, now=NOW)
    link.refresh_from_db()
    assert (link.wrong_tries, link.locked_at) == (0, None)

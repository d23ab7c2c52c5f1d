"""Who waits for a call is put on the list once, however often and at the same time she asks."""

import pytest
from django.db import IntegrityError, transaction

from scheduling.calls import answer_call, answer_call_of_lead, ask_for_call, ask_lead_to_call
from scheduling.models import CallRequest
from tests.factories import NOW, make_appointment, make_clinic, make_patient, make_user
from tests.races import outcomes

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]


def test_asked_many_times_at_once_is_asked_once():
    visit = make_appointment()
    assert outcomes([lambda: ask_for_call(appointment=visit, now=NOW)] * 6) == {"done": 6}
    assert CallRequest.objects.waiting().get().asked_at == NOW


def test_a_call_is_noted_with_whoever_called_and_only_once():
    visit, first, second = make_appointment(), make_user("receptionist"), make_user("lead")
    ask_for_call(appointment=visit, now=NOW)
    for by in (first, second):
        answer_call(appointment=visit, by=by, now=NOW)
    answered = CallRequest.objects.get()
    assert (answered.answered_by, answered.answered_at) == (first, NOW)


def test_nobody_calls_without_a_name():
    ask_for_call(appointment=make_appointment(), now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        CallRequest.objects.update(answered_at=NOW)


# --- Without a visit --------------------------------------------------------------------------------------------------


def test_a_call_without_a_visit_is_asked_once_and_noted_once():
    clinic = make_clinic()
    wish = {"patient": make_patient(clinic), "location": clinic}
    first, second = make_user("lead"), make_user("receptionist")
    assert outcomes([lambda: ask_lead_to_call(**wish, by=second, now=NOW)] * 6) == {"done": 6}
    waiting = CallRequest.objects.waiting().about_no_visit(clinic).get()
    assert (waiting.asked_at, waiting.asked_by) == (NOW, second)
    for by in (first, second):
        answer_call_of_lead(**wish, by=by, now=NOW)
    assert (CallRequest.objects.get().answered_by, CallRequest.objects.waiting().count()) == (first, 0)
    ask_lead_to_call(**wish, by=first, now=NOW)
    assert CallRequest.objects.waiting().count() == 1


def test_who_has_no_number_is_not_put_on_the_list():
    clinic = make_clinic()
    ask_lead_to_call(patient=make_patient(clinic, phone=""), location=clinic, by=make_user("receptionist"), now=NOW)
    assert not CallRequest.objects.exists()


def test_a_call_is_about_a_visit_or_a_patient():
    clinic = make_clinic()
    ask_lead_to_call(patient=make_patient(clinic), location=clinic, by=make_user("receptionist"), now=NOW)
    for nonsense in ({"patient": None}, {"location": None}, {"revision": 0}, {"appointment": make_appointment()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CallRequest.objects.update(**nonsense)

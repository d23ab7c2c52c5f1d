"""Who waits for a call is put on the list once, however often and at the same time she asks."""

import pytest
from django.db import IntegrityError, transaction

from scheduling.calls import answer_call, ask_for_call
from scheduling.models import CallRequest
from tests.factories import NOW, make_appointment, make_user
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

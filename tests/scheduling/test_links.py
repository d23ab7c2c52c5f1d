"""A new link by hand: the old ones end, one mail leaves, and nothing else of the visit changes."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.urls import reverse

from clinic.models import OutgoingMail
from scheduling import booking, day
from scheduling.links import NoAddress, renewal_of, send_new_link
from scheduling.messages import messages_for
from scheduling.models import Appointment, PatientAnswers, PatientLink
from scheduling.patient_pages.gate import LinkClosed, find_link, try_birth_date
from scheduling.reminders import mail_due_reminders
from scheduling.worklists import Reading, calls
from tests.factories import (
    NOW,
    make_appointment,
    make_clear_patient,
    make_clinic,
    make_link,
    make_patient,
    make_user,
    signed_in,
)
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_clock")]

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
CHECK_DUE = START - timedelta(days=2)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def visit(clinic):
    patient = make_clear_patient(clinic, given_name="Marta", family_name="Lindholm", email="marta@example.org")
    return make_appointment(location=clinic, patient=patient, starts_at=START)


@pytest.fixture
def reception(clinic):
    return signed_in("receptionist", location=clinic)


def renew(visit, now=NOW, **seen):
    newest = visit.links.first()
    seen = seen or {"seen": newest and newest.public_id}
    send_new_link(appointment=visit, by=None, now=now, **seen)
    return visit.links.first()


def token_in(mail) -> str:
    return re.search(r"/v/([^/\s]+)/", mail.text)[1]


def lock(link):
    for _try in range(PatientLink.MOST_TRIES - 1):
        assert not try_birth_date(link=link, day=START.date(), now=NOW)
    with pytest.raises(LinkClosed):
        try_birth_date(link=link, day=START.date(), now=NOW)


def locked_rows(clinic):
    return list(calls.locked(Reading(clinic, NOW, for_treating=False)))


# --- What a new link does ---------------------------------------------------------------------------------------------


def test_the_old_link_is_dead_and_the_new_one_is_in_one_mail(visit):
    old, old_token = make_link(visit, "booking")
    new = renew(visit)
    [mail] = OutgoingMail.objects.all()
    assert (mail.to, mail.status, mail.due_at) == ("marta@example.org", "pending", NOW)
    assert mail.subject == "Your new link: Monday 19 January 2026, 10:00"
    assert "The one in our earlier mail opens nothing any more." in mail.text
    assert find_link(token=token_in(mail), now=NOW) == new
    assert (new.purpose, new.wrong_tries, new.locked_at) == ("booking", 0, None)
    with pytest.raises(LinkClosed) as closed:
        find_link(token=old_token, now=NOW)
    assert (closed.value.link, closed.value.status) == (old, 410)


def test_a_locked_link_leaves_the_worklist(visit, clinic):
    link, _token = make_link(visit, "booking")
    lock(link)
    assert locked_rows(clinic) == [visit]
    renew(visit)
    assert locked_rows(clinic) == []


@pytest.mark.parametrize(("now", "purpose"), [(CHECK_DUE - timedelta(minutes=1), "booking"), (CHECK_DUE, "previsit")])
def test_the_new_link_asks_what_is_asked_at_its_time(visit, now, purpose):
    make_link(visit, "booking")
    assert renew(visit, now=now).purpose == purpose


def test_what_was_typed_goes_on_behind_the_new_link(visit):
    old, _token = make_link(visit, "booking")
    typed = PatientAnswers.objects.create(
        link=old, catalogue_version=visit.session.course.protocol.version, answers='{"Q04": {}}', as_of=NOW
    )
    new = renew(visit)
    typed.refresh_from_db()
    assert typed.link == new


def test_a_patient_who_has_no_link_yet_gets_one(visit):
    assert renew(visit).appointment == visit
    assert OutgoingMail.objects.count() == 1


def test_it_may_be_sent_again_and_is_told_in_the_messages(visit):
    mail_due_reminders(now=NOW)
    renew(visit)
    renew(visit, now=NOW + timedelta(hours=1))
    told = [message.words for message in messages_for(visit) if message.kind == "New link"]
    assert told == ["On its way", "On its way"]
    assert [link.expires_at > NOW + timedelta(hours=1) for link in visit.links.all()] == [True, False, False]


def test_a_cancelled_visit_takes_the_mail_back(visit):
    renew(visit)
    booking.cancel_appointment(appointment=visit, revision=0, by=None, now=NOW)
    assert OutgoingMail.objects.get().status == "withdrawn"


# --- Refusals ---------------------------------------------------------------------------------------------------------


def test_sent_twice_from_one_page_one_mail_leaves(visit):
    old, _token = make_link(visit, "booking")
    new = renew(visit)
    with pytest.raises(booking.ChangedMeanwhile, match="A newer link has left meanwhile"):
        renew(visit, seen=old.public_id)
    assert (OutgoingMail.objects.count(), visit.links.first()) == (1, new)


def test_without_an_address_nothing_changes(clinic):
    visit = make_appointment(location=clinic, patient=make_patient(clinic, email=""), starts_at=START)
    link, _token = make_link(visit, "booking")
    with pytest.raises(NoAddress, match="There is no e-mail address on file"):
        renew(visit)
    link.refresh_from_db()
    assert (link.expires_at, OutgoingMail.objects.count()) == (START, 0)


def cancelled(visit):
    return booking.cancel_appointment(appointment=visit, revision=0, by=None, now=NOW)


def arrived(visit):
    return day.arrive(appointment=visit, revision=0, by=None, now=START)


@pytest.mark.parametrize(("state", "now"), [(cancelled, NOW), (arrived, NOW), (lambda visit: visit, START)])
def test_a_visit_that_is_cancelled_or_has_begun_needs_no_link(visit, state, now):
    changed = state(visit)
    with pytest.raises(booking.ChangedMeanwhile, match="This visit has begun or is cancelled"):
        renew(changed, now=now)
    assert renewal_of(changed, now) is None
    assert not visit.links.exists()


def test_until_its_very_start_a_visit_may_have_one(visit):
    assert renew(visit, now=START - timedelta(seconds=1)).purpose == "previsit"


# --- The pages --------------------------------------------------------------------------------------------------------


def url(visit):
    return reverse("scheduling:appointment-link", args=[visit.public_id])


def panel(client, visit):
    return client.get(reverse("scheduling:appointment-show", args=[visit.public_id]), headers={"HX-Request": "true"})


def sent_from(page) -> dict:
    """The fields of the form on a page."""
    [form] = re.findall(r'<form[^>]*action="[^"]*/link/".*?</form>', page.text, re.DOTALL)
    return dict(re.findall(r'<input type="hidden" name="(seen|page)" value="([^"]*)"', form))


def test_the_panel_sends_one_and_shows_it(reception, visit):
    make_link(visit, "booking")
    posted = sent_from(panel(reception, visit))
    answer = reception.post(url(visit), posted, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "A new link is on its way. The earlier ones open nothing any more." in words(answer)
    assert "New link On its way" in words(answer)
    again = reception.post(url(visit), posted, headers={"HX-Request": "true"})
    assert (again.status_code, OutgoingMail.objects.count()) == (409, 1)


def test_the_worklist_sends_one_and_loses_its_row(reception, visit):
    link, _token = make_link(visit, "booking")
    lock(link)
    worklists = reverse("scheduling:worklists")
    page = reception.get(worklists)
    assert "Send a new link : Marta Lindholm" in words(page)
    answer = reception.post(url(visit), sent_from(page), follow=True)
    assert answer.redirect_chain == [(worklists, 302)]
    assert "No link was locked." in words(answer)
    assert "A new link is on its way." in words(answer)


@pytest.mark.parametrize("role", ["receptionist", "practitioner"])
def test_the_screening_sends_one(clinic, visit, role):
    client, screening = signed_in(role, location=clinic), reverse("scheduling:screening-show", args=[visit.public_id])
    answer = client.post(url(visit), sent_from(client.get(screening)), follow=True)
    assert answer.redirect_chain == [(screening, 302)]
    assert "A new link is on its way." in words(answer)


def test_without_an_address_the_panel_says_so(reception, clinic):
    visit = make_appointment(location=clinic, patient=make_patient(clinic, email=""), starts_at=START)
    assert "No e-mail address is on file, so no link can be sent." in words(panel(reception, visit))
    answer = reception.post(url(visit), {"seen": ""}, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "There is no e-mail address on file." in words(answer)


def test_a_cancelled_visit_offers_none(reception, visit):
    assert "Send a new link" in words(panel(reception, visit))
    booking.cancel_appointment(appointment=visit, revision=0, by=None, now=NOW)
    assert "Send a new link" not in words(panel(reception, Appointment.objects.get(pk=visit.pk)))


def test_the_trail_says_who_sent_it_and_nobody_reads_its_token(clinic, visit, caplog):
    make_link(visit, "booking")
    user = make_user("receptionist", location=clinic)
    client = signed_in(user=user)
    caplog.set_level("DEBUG")
    answer = client.post(url(visit), sent_from(panel(client, visit)), headers={"HX-Request": "true"})
    mail = OutgoingMail.objects.get()
    token, new = token_in(mail), visit.links.first()
    [made] = LogEntry.objects.get_for_object(new).filter(action=LogEntry.Action.CREATE)
    assert made.actor == user
    trail = "".join(str(entry.changes) for entry in LogEntry.objects.all())
    assert not [where for where in (answer.text, mail.subject, caplog.text, trail) if token in where]
    assert new.token_hash not in trail


def test_a_visit_of_elsewhere_does_not_exist(reception):
    foreign = make_appointment(starts_at=START)
    assert reception.post(url(foreign), {"seen": ""}).status_code == 404
    assert not OutgoingMail.objects.exists()

"""The record of the visit of Monday 19 January 2026, 10:00, as pages: begun, filled in, ended, signed, added to."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertRedirects

from clinic import times
from scheduling import day
from tests.factories import (
    chart,
    make_arrival,
    make_catalogue,
    make_clear_patient,
    make_clinic,
    make_fact,
    make_practitioner,
    make_ready,
    make_signed_visit,
    make_user,
    make_visit,
    signed_in,
)
from tests.reading import words
from tests.scene import HTMX
from treatments import visits
from treatments.answers import record_answers
from treatments.models import Amendment, Visit, ZoneRecord

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
NOON = START + timedelta(hours=2)
CHANGED = "Somebody else changed this record meanwhile."


@pytest.fixture(autouse=True)
def clock(settings, tmp_path):
    """At noon, two hours after the start; moved on by whoever calls this."""
    settings.CLOCK_FILE = tmp_path / "clock"
    times.move_clock(by=NOON - times.real_now())
    return lambda **by: times.move_clock(by=timedelta(**by))


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic, max_depth_mm="2.0")


@pytest.fixture
def where(clinic, practitioner):
    return {"location": clinic, "practitioner": practitioner, "starts_at": START}


@pytest.fixture
def treating(practitioner):
    return signed_in(user=practitioner.user)


@pytest.fixture
def visit(where) -> Visit:
    return make_visit(**where)


@pytest.fixture
def charted(visit) -> Visit:
    return chart(visit)


def appointment_of(visit):
    return visit.session.appointments.get()


def url(visit, step="show"):
    about = visit.session.appointments.get() if isinstance(visit, Visit) else visit
    return reverse(f"scheduling:visit-{step}", args=[about.public_id])


def post(client, visit, step, *, headers=HTMX, **typed):
    given = {"revision": stored(visit).revision} | typed
    return client.post(
        url(visit, step), {name: said for name, said in given.items() if said is not None}, headers=headers
    )


def stored(visit) -> Visit:
    return Visit.objects.with_everything().get(pk=visit.pk)


def end(visit) -> Visit:
    by = visit.practitioner.user
    return day.end_treatment(appointment=appointment_of(visit), revision=visit.revision, by=by, now=NOON)


# --- Before the start -------------------------------------------------------------------------------------------------


def test_before_the_start_it_says_what_is_missing(treating, where):
    here = make_arrival(**where)
    text = words(treating.get(url(here)))
    assert "Not ready yet The start still needs: Screening, Clean face, Consent" in text
    assert re.search(r'<button type="submit"[^>]* disabled aria-describedby="missing"', treating.get(url(here)).text)


def test_a_start_past_the_page_is_refused_with_what_is_missing(treating, where):
    here = make_arrival(**where)
    sent = treating.post(url(here, "start"))
    assert (sent.status_code, Visit.objects.count()) == (409, 0)
    assert "Not done: The questions of the day are not answered yet. Clean the face and tick it." in words(sent)


def test_the_start_opens_the_record_with_who_treats(treating, practitioner, where):
    ready = make_ready(**where)
    assert "Everything is there" in words(treating.get(url(ready)))
    assertRedirects(treating.post(url(ready, "start")), url(ready))
    visit = Visit.objects.get()
    assert (visit.practitioner, visit.started_at.replace(second=0, microsecond=0)) == (practitioner, NOON)
    assert "In treatment" in words(treating.get(url(ready)))


def test_a_second_start_opens_the_same_record(treating, where):
    ready = make_ready(**where)
    treating.post(url(ready, "start"))
    assertRedirects(treating.post(url(ready, "start")), url(ready))
    assert Visit.objects.count() == 1


def test_nothing_is_recorded_before_the_start(treating, where):
    ready = make_ready(**where)
    for step in ("numbing", "zone", "cartridge", "topical", "result", "end", "sign", "amend"):
        assert treating.post(url(ready, step), {"revision": 0}).status_code == 404


@pytest.mark.parametrize("role", ["receptionist", "owner"])
def test_those_who_do_not_treat_open_no_record(clinic, visit, role):
    client = signed_in(role, location=clinic)
    assert client.get(url(visit)).status_code == 403
    assert post(client, visit, "end").status_code == 403
    assert signed_in(role, "lead", location=clinic).get(url(visit)).status_code == 200


def test_opening_it_is_written_down_and_looking_again_is_not(treating, practitioner, visit):
    treating.get(url(visit))
    treating.get(url(visit), headers=HTMX)
    entry = LogEntry.objects.get_for_object(visit.session.course.patient).filter(action=LogEntry.Action.ACCESS).get()
    assert entry.actor == practitioner.user


def test_it_begins_with_what_must_be_read_first(treating, visit):
    make_fact(visit.session.course.patient, kind="allergy", subject="Latexwort", answer="Blistered at once")
    assert "Latexwort: Blistered at once" in words(treating.get(url(visit)))


# --- Numbing ----------------------------------------------------------------------------------------------------------


CREAM = {"agent": "Lidocaine cream", "strength_percent": "4", "applied_at": "11:40"}


def test_a_cream_and_how_long_it_still_takes(treating, visit):
    sent = post(treating, visit, "numbing", **CREAM)
    assert sent.status_code == 200
    assert "10 min to ready on at 11:40 ready at 12:10" in words(sent)
    assert "Saved at 12:00" in words(sent)
    assert stored(visit).numbing_applied_at == START + timedelta(minutes=100)


def test_the_clock_goes_on(treating, visit, clock):
    post(treating, visit, "numbing", **CREAM)
    clock(minutes=9)
    assert "1 min to ready" in words(treating.get(url(visit), headers=HTMX))
    clock(minutes=1)
    assert "30 min on, it has worked: take it off" in words(treating.get(url(visit), headers=HTMX))
    post(treating, visit, "numbing", **CREAM, removed_at="12:05")
    clock(minutes=30)
    assert "25 min on the skin on at 11:40 off at 12:05" in words(treating.get(url(visit)))


def test_now_takes_the_present_minute(treating, visit):
    post(treating, visit, "numbing", agent="Lidocaine cream", strength_percent="4", stamp="applied_at")
    assert stored(visit).numbing_applied_at == NOON


def test_a_cream_that_goes_on_in_the_minute_of_the_check_in_is_taken(treating, visit):
    assert post(treating, visit, "numbing", **CREAM | {"applied_at": "09:51"}).status_code == 200


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"applied_at": "11:40", "removed_at": "11:30"}, "The cream comes off after it went on. Check both times."),
        ({"applied_at": "12:30"}, "This time has not come yet."),
        ({"applied_at": "09:50"}, "The check-in began at 09:51, before any cream. Check the time."),
        ({"applied_at": ""}, "Give the time at which the cream went on."),
        ({"strength_percent": "strong"}, "Give a number such as 0.5."),
        ({"strength_percent": "0"}, "Give the strength in per cent, such as 4."),
        ({"none_reason": "Fears creams"}, "Name the cream or say why there was none, not both."),
    ],
)
def test_what_cannot_be_is_told_and_all_that_was_typed_stays(treating, visit, typed, sentence):
    sent = post(treating, visit, "numbing", **CREAM | typed)
    assert (sent.status_code, stored(visit).revision) == (422, visit.revision)
    assert sentence in words(sent)
    for said in (CREAM | typed).values():
        assert said in sent.text


def test_a_strong_cream_asks_for_a_note_in_its_place(treating, visit):
    sent = post(treating, visit, "numbing", **CREAM | {"strength_percent": "10"})
    assert sent.status_code == 422
    assert "Write into the note why this one was used." in words(sent)
    assert post(treating, visit, "numbing", **CREAM | {"strength_percent": "10"}, note="Ordered").status_code == 200
    assert (stored(visit).numbing_strength_percent, stored(visit).note) == (10, "Ordered")


def test_no_numbing_needs_a_reason(treating, visit):
    assert post(treating, visit, "numbing").status_code == 422
    assert post(treating, visit, "numbing", none_reason="She asked for none.").status_code == 200
    assert stored(visit).no_numbing_reason == "She asked for none."


# --- Zones ------------------------------------------------------------------------------------------------------------


def zone(client, visit, depth, passes="4", code="cheeks", **typed):
    return post(client, visit, "zone", zone=code, depth_mm=depth, passes=passes, **typed)


def test_a_zone_is_set_and_stays_set(treating, visit):
    sent = zone(treating, visit, "1.2", "6")
    assert sent.status_code == 200
    assert "Cheeks usual 0.5 to 2.5 Set Saved at 12:00" in words(sent)
    record = ZoneRecord.objects.get()
    assert (record.zone.code, record.depth_mm, record.passes) == ("cheeks", Decimal("1.2"), 6)
    assert "12 things left" not in words(sent)
    assert "11 things left before you can sign" in words(sent)


def test_depths_are_read_with_a_comma_too(treating, visit):
    zone(treating, visit, "0,6")
    assert ZoneRecord.objects.get().depth_mm == Decimal("0.6")


def test_three_point_one_is_refused_with_whose_limit_it_is_and_stays_typed(treating, visit):
    zone(treating, visit, "1.2")
    sent = zone(treating, visit, "3.1", "7")
    assert (sent.status_code, ZoneRecord.objects.get().depth_mm) == (422, Decimal("1.2"))
    assert f"{visit.practitioner.name} may go 2.0 mm deep at most. The record keeps 1.2 mm." in words(sent)
    assert 'value="3.1"' in sent.text
    assert 'value="7"' in sent.text


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"device": "3.0", "practitioner": "3.0"}, "A needle goes 3.0 mm deep at most."),
        ({"device": "1.5", "practitioner": "3.0"}, "goes 1.5 mm deep at most."),
    ],
)
def test_the_strictest_limit_is_the_one_that_is_told(treating, visit, limits, sentence):
    type(visit.device).objects.update(max_depth_mm=limits["device"])
    type(visit.practitioner).objects.update(max_depth_mm=limits["practitioner"])
    assert sentence in words(zone(treating, visit, "3.1"))
    assert sentence in words(treating.get(url(visit)))


def test_over_the_usual_range_a_reason_is_asked_for(treating, visit):
    assert 'name="reason"' not in treating.get(url(visit)).text
    sent = zone(treating, visit, "0.6", code="forehead")
    assert (sent.status_code, ZoneRecord.objects.count()) == (422, 0)
    assert "Forehead: usually no deeper than 0.5 mm." in words(sent)
    assert 'name="reason"' in sent.text
    assert zone(treating, visit, "0.6", code="forehead", reason="Deep scar there.").status_code == 200
    assert ZoneRecord.objects.get().reason == "Deep scar there."


def test_a_step_up_asks_too_and_the_row_starts_where_it_ended_last_time(treating, clinic, where, clock):
    patient = make_signed_visit(**where, depth_mm="0.8").session.course.patient
    clock(days=35)
    again = make_visit(**where | {"starts_at": START + timedelta(days=35), "patient": patient, "now": NOON})
    page = treating.get(url(again))
    assert "Cheeks last 0.8 mm × 6, usual 0.5 to 2.5 Not set" in words(page)
    assert re.search(r'name="depth_mm" value="0.8"', page.text)
    assert "Last time it was 0.8 mm here." in words(zone(treating, again, "0.9"))
    assert zone(treating, again, "0.8").status_code == 200


@pytest.mark.parametrize("depth", ["", "deep", "-1", "0", "0.05", "1_0", "٠.٥", "9" * 50])
def test_a_depth_that_is_none_is_refused(treating, visit, depth):
    assert (zone(treating, visit, depth).status_code, ZoneRecord.objects.count()) == (422, 0)


@pytest.mark.parametrize("passes", ["", "0", "31", "2.5", "many"])
def test_passes_that_are_none_are_refused(treating, visit, passes):
    assert (zone(treating, visit, "0.5", passes).status_code, ZoneRecord.objects.count()) == (422, 0)


@pytest.mark.parametrize("code", ["eyelid", "nowhere", "", "<script>"])
def test_a_zone_that_is_not_treated_does_not_exist(treating, visit, code):
    assert (zone(treating, visit, "0.5", code=code).status_code, ZoneRecord.objects.count()) == (404, 0)


def test_a_zone_that_was_not_needled_is_taken_away_again(treating, visit):
    zone(treating, visit, "0.5")
    assert "Not set" in words(post(treating, visit, "remove-zone", zone="cheeks"))
    assert not ZoneRecord.objects.exists()


def test_planned_zones_come_first_and_treated_ones_join_them(treating, where):
    version = make_ready(**where).session.course.protocol.version
    planned = [version.zones.get(code="chin_jaw")]
    visit = make_visit(**where | {"starts_at": START + timedelta(hours=2)}, zones=planned)
    shown = treating.get(url(visit)).context["zones"]
    assert [block.depths.zone.code for block in shown.chosen] == ["chin_jaw"]
    zone(treating, visit, "0.5", code="nose")
    shown = treating.get(url(visit)).context["zones"]
    assert [block.depths.zone.code for block in shown.chosen] == ["nose", "chin_jaw"]
    assert "eyelid" not in [block.depths.zone.code for block in shown.others]


@pytest.fixture
def left_out(where) -> Visit:
    """A visit for cheeks and chin, on which she has a tattoo."""
    patient = make_clear_patient(where["location"])
    record_answers(patient=patient, answers={"Q20": "yes", "Q20b": "chin_jaw"}, by=None, now=patient.created_at)
    zones = make_catalogue().zones.filter(code__in=["cheeks", "chin_jaw"])
    return make_visit(**where, patient=patient, zones=list(zones))


def test_a_zone_that_is_left_out_is_listed_with_the_reason_and_has_no_form(treating, left_out):
    page = treating.get(url(left_out))
    shown = page.context["zones"]
    assert [block.depths.zone.code for block in shown.chosen] == ["cheeks"]
    assert "chin_jaw" not in [block.depths.zone.code for block in shown.others]
    why = "Tattoo or permanent make-up in the zone: the answer to Q20 is “Yes”. Where: Chin and jawline."
    assert f"Chin and jawline {why} Left out" in words(page)


def test_a_zone_that_is_left_out_is_refused_in_words_and_what_was_typed_stays(treating, left_out):
    sent = zone(treating, left_out, "0.5", code="chin_jaw")
    assert (sent.status_code, ZoneRecord.objects.count()) == (409, 0)
    assert "Chin and jawline is left out of this visit because of what was found." in words(sent)


def test_what_was_left_out_is_told_before_the_start_and_after_the_signature(treating, where, left_out):
    charted = chart(left_out)
    end(charted)
    post(treating, charted, "sign", headers={})
    assert "Chin and jawline Tattoo" in words(treating.get(url(charted)))
    here = make_arrival(
        **where | {"starts_at": START + timedelta(hours=2)},
        patient=left_out.session.course.patient,
        zones=make_catalogue().zones.filter(code__in=["forehead"]),
    )
    assert "Left out" not in words(treating.get(url(here)))


# --- Device, cartridge, topicals, result ------------------------------------------------------------------------------


def test_device_and_cartridge(treating, visit, clinic):
    other = clinic.devices.exclude(pk=visit.device.pk).get()
    sent = post(
        *(treating, visit, "cartridge"),
        device=other.public_id,
        cartridge_make="Aurel",
        cartridge_lot="26k-1187",
        cartridge_expires_on="2026-01-19",
    )
    assert sent.status_code == 200
    found = stored(visit)
    assert (found.device, found.cartridge_lot, found.cartridge_expires_on) == (other, "26K-1187", date(2026, 1, 19))


def test_an_expired_or_used_cartridge_is_refused_and_stays_typed(treating, visit, where):
    used = chart(make_visit(**where | {"starts_at": START + timedelta(hours=1.5)}))
    typed = {"device": visit.device.public_id, "cartridge_make": "Aurel", "cartridge_lot": "26K-2"}
    expired = post(treating, visit, "cartridge", **typed, cartridge_expires_on="2026-01-18")
    assert expired.status_code == 422
    assert "This expired on 18 January 2026. Take another one." in words(expired)
    twice = post(treating, visit, "cartridge", **typed | {"cartridge_lot": used.cartridge_lot})
    assert twice.status_code == 422
    assert "This cartridge was used at another visit. Open a new one." in words(twice)
    assert used.cartridge_lot in twice.text
    assert stored(visit).revision == visit.revision


def test_a_device_of_elsewhere_is_not_in_the_list(treating, visit):
    foreign = make_clinic().devices.first()
    assert post(treating, visit, "cartridge", device=foreign.public_id).status_code == 422


def test_topicals_are_added_and_taken_off_the_list(treating, visit):
    sent = post(treating, visit, "topical", name="Glide gel", lot="hg-2291", expires_on="2027-08-31")
    assert "Glide gel Lot HG-2291, use by 31 August 2027" in words(sent)
    gel = visit.topicals.get()
    assert "Glide gel" not in words(post(treating, visit, "remove-topical", topical=gel.pk))
    assert not visit.topicals.exists()


@pytest.mark.parametrize("typed", [{"name": ""}, {"name": "Gel", "expires_on": "2026-01-18"}, {"name": "x" * 81}])
def test_a_topical_that_cannot_be_is_refused(treating, visit, typed):
    assert (post(treating, visit, "topical", **typed).status_code, visit.topicals.count()) == (422, 0)


def test_a_topical_of_another_visit_is_not_taken_off_here(treating, visit, where):
    other = make_visit(**where | {"starts_at": START + timedelta(hours=1.5)})
    post(treating, other, "topical", name="Glide gel")
    for number in (other.topicals.get().pk, "", "x", "9" * 30, "١"):
        assert post(treating, visit, "remove-topical", topical=number).status_code == 404
    assert other.topicals.count() == 1


RESULT = {"endpoint": "even_redness", "bleeding": "none", "redness": "2", "swelling": "0", "pain": "10"}


def test_what_the_skin_did(treating, visit):
    sent = post(treating, visit, "result", **RESULT, reaction="Calm", is_aftercare_given="on", note="Bring a hat")
    assert sent.status_code == 200
    found = stored(visit)
    assert (found.endpoint, found.bleeding, found.redness, found.swelling, found.pain) == (
        "even_redness",
        "none",
        2,
        0,
        10,
    )
    assert (found.reaction, found.is_aftercare_given, found.note) == ("Calm", True, "Bring a hat")


@pytest.mark.parametrize("typed", [{"redness": "5"}, {"pain": "11"}, {"endpoint": "blood"}, {"note": "x" * 10_000}])
def test_what_is_on_no_scale_is_refused_and_the_words_stay(treating, visit, typed):
    sent = post(treating, visit, "result", **RESULT | {"reaction": "Calm at once"} | typed)
    assert (sent.status_code, stored(visit).revision) == (422, visit.revision)
    assert "Calm at once" in sent.text


def test_without_scripts_the_page_comes_back(treating, visit):
    sent = post(treating, visit, "result", headers={}, **RESULT)
    assertRedirects(sent, f"{url(visit)}#result", fetch_redirect_response=False)
    refused = post(treating, visit, "zone", headers={}, zone="cheeks", depth_mm="3.1", passes="4")
    assert refused.status_code == 422
    assert "may go 2.0 mm deep at most." in words(refused)
    assert "Sign the record" in words(refused)


def test_hostile_words_are_shown_as_words(treating, visit):
    script = '<script>alert(7)</script>"><img src=x onerror=alert(7)>'
    pages = [
        post(treating, visit, "result", note=script, reaction=script),
        post(treating, visit, "numbing", none_reason=script),
        post(treating, visit, "topical", name=script[:70], lot="<img src=x>"),
        zone(treating, visit, "0.6", code="forehead", reason=script),
        treating.get(url(visit)),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text


# --- Two people in one record -----------------------------------------------------------------------------------------


def test_the_second_to_save_sees_both_versions_and_keeps_what_was_typed(treating, visit, clinic):
    seen, colleague = visit.revision, signed_in("lead", location=clinic)
    post(colleague, visit, "result", **RESULT, note="Theirs")
    sent = post(treating, visit, "result", revision=seen, **RESULT | {"redness": "3"}, note="Mine")
    assert (sent.status_code, stored(visit).note) == (409, "Theirs")
    text = words(sent)
    assert "Somebody else saved this meanwhile" in text
    assert "Redness 2 3" in text
    assert "Note Theirs Mine" in text
    again = post(treating, visit, "result", **RESULT | {"redness": "3"}, note="Mine")
    assert (again.status_code, stored(visit).note) == (200, "Mine")


def test_a_refused_save_brings_the_revision_to_save_over(treating, visit):
    post(treating, visit, "result", **RESULT)
    sent = post(treating, visit, "numbing", revision=visit.revision, none_reason="None wanted")
    assert sent.status_code == 409
    assert f'name="revision" class="revision" value="{visit.revision + 1}"' in sent.text


def test_other_blocks_move_on_only_from_the_revision_that_was_replaced(treating, visit):
    """Or a block that shows what somebody else has changed since would be saved over it without a word."""
    sent = post(treating, visit, "result", **RESULT)
    assert f"hx-swap-oob=\"outerHTML:.revision[value='{visit.revision}']\"" in sent.text
    assert f'value="{visit.revision + 1}" hx-swap-oob' in sent.text


@pytest.mark.parametrize("step", ["end", "sign", "topical", "remove-zone", "zone", "cartridge", "numbing", "result"])
@pytest.mark.parametrize("revision", ["99", "", "x", "-1", None])
def test_a_revision_that_is_not_the_stored_one_changes_nothing(treating, charted, step, revision):
    charted = end(charted) if step == "sign" else charted
    typed = {
        "zone": {"zone": "cheeks", "depth_mm": "0.5", "passes": "4"},
        "remove-zone": {"zone": "cheeks"},
        "topical": {"name": "Gel"},
        "cartridge": {"device": charted.device.public_id},
        "numbing": {"none_reason": "None wanted"},
    }
    sent = post(treating, charted, step, revision=revision, **typed.get(step, {}))
    assert (sent.status_code, stored(charted).revision) == (409, charted.revision)
    assert re.search(f"{CHANGED}|Somebody else saved this meanwhile", words(sent))


# --- The end and the signature ----------------------------------------------------------------------------------------


def test_the_end_completes_the_appointment_and_says_what_is_left(treating, visit):
    sent = post(treating, visit, "end")
    assert sent.status_code == 200
    assert "11 things left before you can sign" in words(sent)
    assert "Needling ended at 12:00" in words(sent)
    assert "Completed" in words(sent)
    assert appointment_of(visit).state == "completed"


def test_a_second_end_changes_nothing(treating, charted):
    ended = end(charted)
    assert post(treating, charted, "end", revision=charted.revision).status_code == 200
    assert stored(charted).ended_at == ended.ended_at


def test_a_record_that_lacks_something_is_not_signed_past_the_page(treating, charted):
    sent = post(treating, charted, "sign", headers={})
    assert (sent.status_code, stored(charted).signed_at) == (409, None)
    assert "Before you can sign: end of the needling." in words(sent)


def test_the_signature_closes_the_record(treating, practitioner, charted):
    end(charted)
    page = words(treating.get(url(charted)))
    assert "Everything is there Once signed, the record is only added to." in page
    assertRedirects(post(treating, charted, "sign", headers={}), url(charted))
    signed = treating.get(url(charted))
    assert f"Signed by {practitioner.name} on 19 January 2026, 12:00." in words(signed)
    assert "Cheeks 0.5 mm 6" in words(signed)
    assert "Lidocaine, 4 %, 10:00 to 10:30" in words(signed)
    assert 'name="depth_mm"' not in signed.text


def test_a_signature_posted_twice_is_one(treating, charted):
    end(charted)
    for _each in range(2):
        assertRedirects(post(treating, charted, "sign", headers={}), url(charted))
    assert stored(charted).revision == charted.revision + 2


def test_a_colleague_does_not_sign_and_the_lead_may(clinic, charted):
    end(charted)
    colleague = signed_in(user=make_practitioner(clinic).user)
    sent = post(colleague, charted, "sign", headers={})
    assert (sent.status_code, stored(charted).signed_at) == (409, None)
    assert "The practitioner who treated or the clinical lead signs this record." in words(sent)
    lead = make_user("lead", location=clinic)
    assertRedirects(post(signed_in(user=lead), charted, "sign", headers={}), url(charted))
    assert stored(charted).signed_by == lead


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_comes_after_the_signature_is_refused_in_words(treating, where, headers):
    visit = make_signed_visit(**where)
    sent = post(treating, visit, "result", headers=headers, **RESULT, note="Too late")
    assert (sent.status_code, stored(visit).note) == (409, "")
    assert "This record is signed. Write an amendment instead." in words(sent)


# --- Amendments -------------------------------------------------------------------------------------------------------


def test_an_amendment_is_added_with_who_and_when(treating, practitioner, where):
    visit, key = make_signed_visit(**where), uuid4()
    for _each in range(2):  # a double post is one
        sent = post(treating, visit, "amend", headers={}, key=key, text="Called the next day.\nCalm.")
        assertRedirects(sent, f"{url(visit)}#amendments", fetch_redirect_response=False)
    assert f"Called the next day. Calm. {practitioner.name}, 19 January 2026, 12:00" in words(treating.get(url(visit)))
    assert Amendment.objects.count() == 1


@pytest.mark.parametrize(("text", "sentence"), [("", "Please fill this in."), ("x" * 10_000, "Shorten")])
def test_an_amendment_without_fit_words_is_refused_and_stays_typed(treating, where, text, sentence):
    sent = post(treating, make_signed_visit(**where), "amend", headers={}, key=uuid4(), text=text)
    assert (sent.status_code, Amendment.objects.count()) == (422, 0)
    assert sentence in words(sent)
    assert text in sent.text


def test_an_open_record_is_not_amended(treating, visit):
    sent = post(treating, visit, "amend", headers={}, key=uuid4(), text="Too early")
    assert (sent.status_code, Amendment.objects.count()) == (409, 0)


def test_the_key_of_another_records_amendment_adds_nothing(treating, where):
    first = make_signed_visit(**where)
    second = make_signed_visit(**where | {"starts_at": START + timedelta(hours=1.5)})
    key = uuid4()
    post(treating, first, "amend", headers={}, key=key, text="Mine")
    sent = post(treating, second, "amend", headers={}, key=key, text="Not mine")
    assert (sent.status_code, Amendment.objects.count()) == (409, 1)
    assert "Another record was amended with this form." in words(sent)


# --- Queries ----------------------------------------------------------------------------------------------------------


def count_queries(client, address) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_an_open_record_asks_the_same_number_of_questions_however_much_is_in_it(treating, charted):
    post(treating, charted, "topical", name="Glide gel")
    with_one = count_queries(treating, url(charted))
    for code in ("nose", "chin_jaw"):
        zone(treating, charted, "0.5", code=code)
        post(treating, charted, "topical", name=f"Balm for the {code}")
    assert count_queries(treating, url(charted)) == with_one


def test_a_signed_record_asks_the_same_number_of_questions_however_much_is_in_it(treating, charted, where):
    def signed(visit, rows):
        for code in ("cheeks", "nose", "chin_jaw")[:rows]:
            zone(treating, visit, "0.5", code=code)
            post(treating, visit, "topical", name="Glide gel")
        end(stored(visit))
        post(treating, visit, "sign", headers={})
        for number in range(rows):
            post(treating, visit, "amend", headers={}, key=uuid4(), text=f"Call {number}")
        return count_queries(treating, url(visit))

    other = chart(make_visit(**where | {"starts_at": START + timedelta(hours=1.5)}))
    assert signed(charted, 1) == signed(other, 3)


def test_a_save_asks_the_same_number_of_questions_however_much_there_is(treating, charted):
    def count(name):
        with CaptureQueriesContext(connection) as queries:
            assert post(treating, charted, "topical", name=name).status_code == 200
        return len(queries)

    assert count("One") == count("Two") == count("Three")


def test_a_visit_of_elsewhere_does_not_exist(treating):
    foreign = make_visit(location=make_clinic(), starts_at=START)
    assert treating.get(url(foreign)).status_code == 404
    assert post(treating, foreign, "result", **RESULT).status_code == 404
    assert visits.left_to_sign(foreign)

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import ProtectedError

from clinic.editing import EditedMeanwhile
from tests.factories import (
    NOW,
    chart,
    check_in,
    clear_answers,
    lift,
    make_arrival,
    make_clinic,
    make_device,
    make_practitioner,
    make_protocol,
    make_ready,
    make_signed_visit,
    make_user,
    make_visit,
    sign,
)
from tests.races import outcomes
from treatments import visits
from treatments.answers import known_answers
from treatments.catalogue import Stage, shipped_text
from treatments.charting import left_to_sign
from treatments.models import Amendment, Screening, Visit, ZoneRecord
from treatments.publishing import publish_catalogue
from treatments.screenings import screen_session

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def after(visit, minutes=0):
    return visit.started_at + timedelta(minutes=minutes)


def start(ready, by=None, **changes):
    return visits.start_visit(
        **{"session": ready.session, "start": ready.starts_at, "practitioner": ready.practitioner}
        | {"device": ready.device, "by": by or ready.practitioner.user, "now": ready.starts_at}
        | changes
    )


def write(writer, visit, minutes=60, **values):
    return writer(
        **{"visit": visit, "revision": visit.revision, "by": visit.practitioner.user, "now": after(visit, minutes)}
        | values
    )


def mistakes(writer, visit, **values):
    with pytest.raises(ValidationError) as refused:
        write(writer, visit, **values)
    visit.refresh_from_db()
    assert visit.revision == 0
    return refused.value.message_dict


# --- Starting ---------------------------------------------------------------------------------------------------------


def test_start_opens_the_record_of_whoever_treats():
    ready = make_ready()
    visit = start(ready)
    assert (visit.session, visit.practitioner, visit.device) == (ready.session, ready.practitioner, ready.device)
    assert (visit.started_at, visit.ended_at, visit.signed_at, visit.revision) == (ready.starts_at, None, None, 0)


@pytest.mark.parametrize(
    ("answers", "is_signed", "missing"),
    [
        (None, True, ["screening", "clean_face"]),
        ({"C01": "yes", "C01b": "2026-01-19T08:00"}, True, ["screening"]),  # a block
        ({"C04": "yes", "Q04b": "still"}, True, ["screening"]),  # a block that nobody lifts
        ({"C03": "no"}, True, ["clean_face"]),
        ({}, False, ["consent"]),
        (None, False, ["screening", "clean_face", "consent"]),
    ],
)
def test_nothing_begins_while_a_gate_is_open(answers, is_signed, missing):
    arrived = make_arrival()
    if answers is not None:
        check_in(arrived, **answers)
    if is_signed:
        sign(arrived)
    with pytest.raises(visits.CannotStart) as refusal:
        start(arrived, make_user("lead"))
    assert [gate.code for gate in refusal.value.gates] == missing
    assert refusal.value.message == " ".join(gate.words for gate in refusal.value.gates)
    assert Visit.objects.count() == 0


def test_nothing_begins_without_the_plan_that_the_protocol_needs():
    arrived = make_arrival(protocol=make_protocol("melasma"))
    check_in(arrived)
    sign(arrived)
    with pytest.raises(visits.CannotStart, match="signs a plan before the first session"):
        start(arrived)
    assert start(make_ready(protocol=make_protocol("melasma")))


def test_answers_for_another_start_begin_nothing():
    ready = make_ready()
    with pytest.raises(visits.CannotStart, match="answered for another time"):
        start(ready, start=ready.starts_at + timedelta(minutes=15))


@pytest.mark.parametrize(
    ("role", "may"), [("receptionist", False), ("owner", False), ("practitioner", True), ("lead", True)]
)
def test_who_begins_a_visit(role, may):
    ready, somebody = make_ready(), make_user(role)
    if may:
        assert start(ready, somebody)
    else:
        with pytest.raises(visits.NotForYou, match="A practitioner or the clinical lead"):
            start(ready, somebody)


def test_who_left_and_what_is_out_of_use_treat_nobody():
    ready = make_ready()
    gone = make_practitioner(ready.location, user=make_user("practitioner", is_active=False))
    with pytest.raises(ValidationError, match="Choose a practitioner who treats here"):
        start(ready, practitioner=gone)
    with pytest.raises(ValidationError, match="not in use any more"):
        start(ready, device=make_device(ready.location, is_active=False))


def test_a_visit_begins_once():
    ready = make_ready()
    first = start(ready)
    with pytest.raises(visits.HasStarted) as refusal:
        start(ready, make_user("lead"))
    assert refusal.value.visit == first


@pytest.mark.django_db(transaction=True)
def test_of_two_who_begin_at_once_one_does():
    ready = make_ready()
    assert outcomes([partial(start, ready)] * 2) == {"done": 1, "HasStarted": 1}
    assert Visit.objects.count() == 1


# --- Numbing ----------------------------------------------------------------------------------------------------------


def numbing(visit, **values):
    cream = {"agent": "Lidocaine", "strength_percent": Decimal(4), "applied_at": after(visit, 5)}
    return cream | {"removed_at": after(visit, 35)} | values


def test_numbing_is_what_how_strong_and_from_when_to_when():
    visit = make_visit()
    visit = write(visits.record_numbing, visit, **numbing(visit, agent="  Lido\u200bcaine  cream "))
    visit.refresh_from_db()
    assert (visit.numbing_agent, visit.numbing_strength_percent) == ("Lidocaine cream", 4)
    assert (visit.numbing_applied_at, visit.numbing_removed_at) == (after(visit, 5), after(visit, 35))
    assert visit.revision == 1


def test_the_cream_may_go_on_first_and_come_off_later():
    visit = make_visit()
    visit = write(visits.record_numbing, visit, 6, **numbing(visit, removed_at=None))
    assert visit.numbing_removed_at is None
    assert write(visits.record_numbing, visit, 35, **numbing(visit)).numbing_removed_at == after(visit, 35)


def test_no_cream_takes_a_reason():
    visit = make_visit()
    assert mistakes(visits.record_numbing, visit).keys() == {"agent", "strength_percent", "applied_at"}
    assert mistakes(visits.record_numbing, visit, none_reason="\u200b")["agent"] == [
        "Name the cream, or say why there was none."
    ]
    assert write(visits.record_numbing, visit, none_reason="She wanted none.").no_numbing_reason == "She wanted none."


def test_a_cream_and_a_reason_for_none_are_not_both_true():
    visit = make_visit()
    assert mistakes(visits.record_numbing, visit, **numbing(visit, none_reason="None")).keys() == {"none_reason"}
    visit = write(visits.record_numbing, visit, none_reason="She wanted none.")
    visit = write(visits.record_numbing, visit, **numbing(visit))  # corrected
    assert (visit.numbing_agent, visit.no_numbing_reason) == ("Lidocaine", "")


@pytest.mark.parametrize(
    ("applied", "removed", "fields"),
    [
        (5, 5, {"removed_at"}),
        (5, 4, {"removed_at"}),  # off before on
        (5, 6, set()),
        (5, 60, set()),  # this very moment
        (5, 61, {"removed_at"}),  # in the future
        (61, None, {"applied_at"}),
        (60, None, set()),
        (-9, 30, set()),  # the moment of the check-in
        (-10, 30, {"applied_at"}),  # before it
    ],
)
def test_the_times_of_the_cream(applied, removed, fields):
    visit = make_visit()
    values = numbing(
        visit, applied_at=after(visit, applied), removed_at=after(visit, removed) if removed is not None else None
    )
    if fields:
        assert mistakes(visits.record_numbing, visit, **values).keys() == fields
    else:
        assert write(visits.record_numbing, visit, **values).revision == 1


def test_a_time_before_the_check_in_is_told_with_the_local_time_of_it():
    clinic = make_clinic(zone_name="Australia/Lord_Howe")  # half an hour off the full one
    visit = make_visit(location=clinic, practitioner=make_practitioner(clinic, hours=[("00:00", "23:45")]))
    told = mistakes(visits.record_numbing, visit, **numbing(visit, applied_at=after(visit, -10)))
    assert told == {"applied_at": ["The check-in began at 20:51, before any cream. Check the time."]}


def test_the_check_in_of_another_start_is_another_check_in():
    """Asked in the morning, moved to the afternoon and asked again: the cream of the morning is not today's."""
    arrived = make_arrival()
    check_in(arrived)
    sign(arrived)
    session, later = arrived.session, arrived.starts_at + timedelta(hours=3)
    screen_session(
        session=session,
        stage="checkin",
        start=later,
        zone=arrived.location.zone,
        cause=Screening.Cause.ANSWERS,
        answers=clear_answers(Stage.CHECKIN, known_answers(arrived.patient)),
        by=None,
        now=later - timedelta(minutes=5),
    )
    visit = start(arrived, start=later, now=later)
    assert mistakes(visits.record_numbing, visit, **numbing(visit, applied_at=after(visit, -6))).keys() == {
        "applied_at"
    }
    assert write(visits.record_numbing, visit, **numbing(visit, applied_at=after(visit, -5))).revision == 1


@pytest.mark.parametrize(("strength", "takes_a_note"), [("0.01", False), ("4", False), ("4.01", True), ("30", True)])
def test_a_strong_cream_takes_a_note(strength, takes_a_note):
    visit = make_visit()
    values = numbing(visit, strength_percent=Decimal(strength))
    if takes_a_note:
        told = mistakes(visits.record_numbing, visit, **values)
        assert told == {
            "note": ["Creams of more than 4 per cent are warned against. Write into the note why this one was used."]
        }
        visit = write(visits.record_numbing, visit, **values, note="Small scar, prescribed.")
        with pytest.raises(ValidationError, match="more than 4 per cent"):
            write(visits.record_details, visit, note="")
    else:
        assert write(visits.record_numbing, visit, **values).revision == 1


@pytest.mark.parametrize("strength", [None, "0", "-1", "100"])
def test_a_strength_is_a_percentage(strength):
    visit = make_visit()
    values = numbing(visit, strength_percent=strength and Decimal(strength))
    assert mistakes(visits.record_numbing, visit, **values).keys() == {"strength_percent"}


@pytest.mark.parametrize("said", ["allergy", "used_today", "not_sure"])
def test_who_may_not_be_numbed_is_treated_without_a_cream_even_when_the_lead_lets_her_come(said):
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    arrived = make_arrival()
    screening = check_in(arrived, C07=said)
    sign(arrived)
    lift(
        screening=screening,
        reason="Without a cream.",
        by=make_user("lead"),
        now=arrived.starts_at,
    )
    visit = start(arrived)
    assert mistakes(visits.record_numbing, visit, **numbing(visit)) == {
        "agent": ["The screening says: no numbing cream. Treat without, and say so."]
    }
    assert write(visits.record_numbing, visit, none_reason="It does not suit her.").revision == 1


# --- Zones ------------------------------------------------------------------------------------------------------------


def zone_of(visit, code="cheeks"):
    return visit.session.course.protocol.version.zones.get(code=code)


def test_a_zone_is_written_once_and_then_changed():
    visit = make_visit()
    cheeks = zone_of(visit)
    visit = write(visits.set_zone, visit, zone=cheeks, depth_mm=Decimal("0.5"), passes=6)
    visit = write(visits.set_zone, visit, zone=cheeks, depth_mm=Decimal("0.4"), passes=8)
    record = ZoneRecord.objects.get()
    assert (record.depth_mm, record.passes, visit.revision) == (Decimal("0.4"), 8, 2)


def test_a_zone_that_was_not_needled_is_taken_out_again():
    visit = make_visit()
    visit = write(visits.set_zone, visit, zone=zone_of(visit), depth_mm=Decimal("0.5"), passes=6)
    visit = write(visits.remove_zone, visit, zone=zone_of(visit))
    assert (visit.zone_records.count(), visit.revision) == (0, 2)
    assert write(visits.remove_zone, visit, zone=zone_of(visit)).revision == 3


# --- Device, cartridge, skin ------------------------------------------------------------------------------------------


def test_details_come_in_pieces_and_keep_what_is_not_named():
    visit = make_visit()
    visit = write(visits.record_details, visit, cartridge_make=" Aurel  12 ", cartridge_lot="26k-1187")
    visit = write(visits.record_details, visit, redness=4, pain=0, reaction="  A little\nwarm ")
    visit.refresh_from_db()
    assert (visit.cartridge_make, visit.cartridge_lot) == ("Aurel 12", "26K-1187")
    assert (visit.redness, visit.swelling, visit.pain, visit.reaction) == (4, None, 0, "A little\nwarm")
    assert visit.revision == 2


@pytest.mark.parametrize(
    ("field", "allowed", "refused"), [("redness", [0, 4], [-1, 5]), ("swelling", [0, 4], [5]), ("pain", [0, 10], [11])]
)
def test_scores_stay_on_their_scales(field, allowed, refused):
    visit = make_visit()
    for score in refused:
        assert mistakes(visits.record_details, visit, **{field: score}).keys() == {field}
    for score in allowed:
        visit = write(visits.record_details, visit, **{field: score})
        assert getattr(visit, field) == score


@pytest.mark.parametrize("field", ["endpoint", "bleeding"])
def test_what_the_skin_did_is_one_of_the_answers(field):
    assert mistakes(visits.record_details, make_visit(), **{field: "purple"}) == {field: ["Choose one of the answers."]}


def test_texts_that_are_too_long_are_refused_and_every_mistake_is_told():
    told = mistakes(
        visits.record_details,
        make_visit(),
        cartridge_make="x" * 61,
        cartridge_lot="x" * 41,
        reaction="x" * 4001,
        pain=11,
    )
    assert told.keys() == {"cartridge_make", "cartridge_lot", "reaction", "pain"}


def test_only_details_are_details():
    with pytest.raises(TypeError):
        write(visits.record_details, make_visit(), signed_at=None)


@pytest.mark.parametrize(
    ("zone_name", "day"),
    [
        ("Europe/London", date(2026, 1, 19)),
        ("Australia/Lord_Howe", date(2026, 1, 20)),  # there it is past midnight already
    ],
)
def test_a_cartridge_holds_to_the_end_of_its_day(zone_name, day):
    clinic = make_clinic(zone_name=zone_name)
    treats = make_practitioner(clinic, hours=[("00:00", "23:59")])
    visit = make_visit(location=clinic, practitioner=treats, starts_at=datetime(2026, 1, 19, 14, tzinfo=UTC))
    told = mistakes(visits.record_details, visit, cartridge_expires_on=day - timedelta(days=1))
    assert told == {
        "cartridge_expires_on": [f"This expired on {(day - timedelta(days=1)).day} January 2026. Take another one."]
    }
    assert write(visits.record_details, visit, cartridge_expires_on=day).cartridge_expires_on == day


def test_an_expiry_of_another_age_is_a_typing_mistake():
    assert mistakes(visits.record_details, make_visit(), cartridge_expires_on=date(2101, 1, 1)) == {
        "cartridge_expires_on": ["Check the year of the expiry."]
    }


def test_a_cartridge_is_used_at_one_visit():
    used = write(visits.record_details, make_visit(), cartridge_make="Aurel", cartridge_lot="26K-1187")
    visit = make_visit()
    for make, lot in (("Aurel", "26K-1187"), ("AUREL", " 26k-1187")):
        assert mistakes(visits.record_details, visit, cartridge_make=make, cartridge_lot=lot) == {
            "cartridge_lot": ["This cartridge was used at another visit. Open a new one."]
        }
    assert write(visits.record_details, visit, cartridge_make="Other", cartridge_lot="26K-1187").revision == 1
    assert write(visits.record_details, used, cartridge_lot="26K-1187").revision == 2  # its own is no other


@pytest.mark.django_db(transaction=True)
def test_of_two_who_record_one_cartridge_at_once_one_does():
    calls = [
        partial(write, visits.record_details, make_visit(), cartridge_make="Aurel", cartridge_lot="26K-1187")
        for _each in range(2)
    ]
    assert outcomes(calls) == {"done": 1, "ValidationError": 1}


def test_another_device_must_reach_what_was_needled():
    clinic = make_clinic()
    visit = make_visit(location=clinic)
    visit = write(visits.set_zone, visit, zone=zone_of(visit), depth_mm=Decimal("0.5"), passes=6)
    with pytest.raises(ValidationError, match="Cheeks is recorded with 0.5 mm"):
        write(visits.record_details, visit, device=make_device(clinic, max_depth_mm="0.49"))
    exact = make_device(clinic, max_depth_mm="0.50")
    assert write(visits.record_details, visit, device=exact).device == exact


def test_a_device_from_elsewhere_or_out_of_use_is_refused():
    visit = make_visit()
    for device in (make_device(make_clinic()), make_device(visit.device.location, is_active=False)):
        assert mistakes(visits.record_details, visit, device=device).keys() == {"device"}


def test_topicals_are_added_and_taken_out():
    visit = make_visit()
    visit = write(visits.add_topical, visit, name=" Glide  gel ", lot="hg-2291", expires_on=date(2027, 8, 31))
    topical = visit.topicals.get()
    assert (topical.name, topical.lot, topical.expires_on) == ("Glide gel", "HG-2291", date(2027, 8, 31))
    visit = write(visits.remove_topical, visit, topical=topical)
    assert (visit.topicals.count(), visit.revision) == (0, 2)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "\u200b"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "Gel", "lot": "x" * 41}, "lot"),
        ({"name": "Gel", "expires_on": date(2026, 1, 18)}, "expires_on"),
    ],
)
def test_a_topical_has_a_name_and_is_in_date(values, field):
    assert mistakes(visits.add_topical, make_visit(), **values).keys() == {field}


# --- Two people in one record -----------------------------------------------------------------------------------------

WRITERS = {
    "record_numbing": {"none_reason": "None wanted"},
    "record_details": {"redness": 1},
    "set_zone": {"zone": "cheeks", "depth_mm": Decimal("0.5"), "passes": 6},
    "remove_zone": {"zone": "cheeks"},
    "add_topical": {"name": "Gel"},
    "remove_topical": {"topical": None},
    "end_needling": {},
    "sign_visit": {},
}


def values_for(visit, name):
    values = dict(WRITERS[name])
    if "zone" in values:
        values["zone"] = zone_of(visit)
    if "topical" in values:
        values["topical"] = visit.topicals.first() or visit.topicals.model(pk=0)
    return values


@pytest.mark.parametrize("name", WRITERS)
def test_who_saw_an_older_record_is_shown_the_stored_one(name):
    visit = make_visit()
    write(visits.record_details, visit, pain=3)
    with pytest.raises(EditedMeanwhile) as refusal:
        write(getattr(visits, name), visit, **values_for(visit, name))
    assert (refusal.value.stored.revision, refusal.value.stored.pain) == (1, 3)
    visit.refresh_from_db()
    assert (visit.revision, visit.ended_at, visit.zone_records.count(), visit.topicals.count()) == (1, None, 0, 0)


@pytest.mark.parametrize("name", [*WRITERS, "amend_visit"])
def test_reception_writes_nothing_into_a_record(name):
    visit = make_visit()
    values = {"visit": visit, "by": make_user("receptionist", "owner"), "now": after(visit, 60)}
    values |= {"text": "More"} if name == "amend_visit" else {"revision": 0} | values_for(visit, name)
    with pytest.raises(visits.NotForYou):
        getattr(visits, name)(**values)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_at_once_one_is_told():
    visit = make_visit()
    calls = [partial(write, visits.record_details, visit, pain=pain) for pain in (1, 2)]
    assert outcomes(calls) == {"done": 1, "EditedMeanwhile": 1}


# --- Ending and signing -----------------------------------------------------------------------------------------------


def charted():
    visit = chart(make_visit())
    return write(visits.end_needling, visit, 50)


def test_the_needling_ends_once():
    visit = write(visits.end_needling, make_visit(), 50)
    assert (visit.ended_at, visit.revision) == (after(visit, 50), 1)
    again = write(visits.end_needling, visit, 55, revision=0)
    assert (again.ended_at, again.revision) == (after(visit, 50), 1)


def test_what_is_left_before_a_signature():
    visit = make_visit()
    assert left_to_sign(visit) == [
        "numbing: what, when on and when off, or why none",
        "a zone with depth and passes",
        "make of the cartridge",
        "lot of the cartridge",
        "expiry of the cartridge",
        "endpoint",
        "bleeding",
        "redness",
        "swelling",
        "pain",
        "aftercare explained and handed over",
        "end of the needling",
    ]
    visit = write(visits.record_numbing, visit, 6, **numbing(visit, removed_at=None))
    assert left_to_sign(visit)[0].startswith("numbing")  # the cream is still on
    assert left_to_sign(chart(visit)) == ["end of the needling"]


def test_a_score_of_nothing_is_a_score():
    visit = write(visits.record_details, charted(), redness=0, swelling=0, pain=0)
    assert left_to_sign(visit) == []


def test_a_record_with_something_left_is_not_signed():
    visit = write(visits.end_needling, make_visit(), 50)
    with pytest.raises(visits.NotReady) as refusal:
        write(visits.sign_visit, visit)
    assert refusal.value.left == left_to_sign(visit)
    assert refusal.value.message.startswith("Before you can sign: numbing")
    assert Visit.objects.get().signed_at is None


def test_a_record_is_not_signed_before_its_end():
    with pytest.raises(visits.NotReady, match="Before you can sign: end of the needling."):
        write(visits.sign_visit, chart(make_visit()))


def test_whoever_treated_signs_and_so_does_the_lead():
    for by in (None, make_user("lead")):
        visit = charted()
        signed = write(visits.sign_visit, visit, 65, **({"by": by} if by else {}))
        signed.refresh_from_db()
        assert (signed.signed_at, signed.signed_by) == (after(visit, 65), by or visit.practitioner.user)


def test_a_colleague_does_not_sign():
    with pytest.raises(visits.NotForYou, match="The practitioner who treated or the clinical lead"):
        write(visits.sign_visit, charted(), by=make_user("practitioner"))


def test_a_signature_posted_twice_is_one():
    visit = charted()
    first = write(visits.sign_visit, visit, 65)
    again = write(visits.sign_visit, visit, 70)  # the same form, with the revision of before
    assert (again.signed_at, again.revision) == (first.signed_at, first.revision)


def test_a_second_hand_finds_the_record_signed():
    visit = write(visits.sign_visit, charted(), 65)
    with pytest.raises(visits.RecordSigned, match="Write an amendment instead"):
        write(visits.sign_visit, visit, by=make_user("lead"))
    assert Visit.objects.get().signed_by == visit.practitioner.user


@pytest.mark.django_db(transaction=True)
def test_of_two_who_sign_at_once_one_signature_stands():
    visit = charted()
    calls = [partial(write, visits.sign_visit, visit, by=by) for by in (visit.practitioner.user, make_user("lead"))]
    assert outcomes(calls) == {"done": 1, "RecordSigned": 1}


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("end_needling", "sign_visit")])
def test_nothing_is_written_into_a_signed_record(name):
    visit = make_signed_visit()
    with pytest.raises(visits.RecordSigned, match="This record is signed"):
        write(getattr(visits, name), visit, **values_for(visit, name))
    before = visit.revision
    visit.refresh_from_db()
    assert (visit.revision, visit.zone_records.count(), visit.topicals.count()) == (before, 1, 0)


# --- Amendments -------------------------------------------------------------------------------------------------------


def amend(visit, text="The lot was 26K-1188.", **changes):
    return visits.amend_visit(
        **{"visit": visit, "text": text, "by": visit.practitioner.user, "now": after(visit, 90)} | changes
    )


def test_an_amendment_is_dated_signed_and_beside_the_record():
    visit, colleague = make_signed_visit(), make_user("practitioner")
    amendment = amend(visit, " The lot\nwas 26K-1188.\u200b ", by=colleague)
    amendment.refresh_from_db()
    assert (amendment.text, amendment.written_at) == ("The lot\nwas 26K-1188.", after(visit, 90))
    assert amendment.written_by == colleague
    before = visit.revision
    visit.refresh_from_db()
    assert visit.revision == before


def test_only_a_signed_record_is_amended():
    with pytest.raises(visits.NotSigned, match="Correct it instead"):
        amend(charted())


@pytest.mark.parametrize("text", ["", " \n ", "\u200b"])
def test_an_amendment_says_something(text):
    with pytest.raises(ValidationError, match="Write what is to be added"):
        amend(make_signed_visit(), text)


def test_an_amendment_posted_twice_is_one():
    visit, key = make_signed_visit(), uuid4()
    assert amend(visit, key=key) == amend(visit, key=key, now=after(visit, 91))
    assert Amendment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_amendment_posted_many_times_at_once_is_one():
    visit, key = make_signed_visit(), uuid4()
    assert outcomes([partial(amend, visit, key=key)] * 4) == {"done": 4}
    assert Amendment.objects.count() == 1


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_the_words_of_a_record_are_unreadable_in_the_database():
    visit = make_visit()
    visit = write(visits.record_details, visit, reaction="Warm", note="Slept badly")
    with connection.cursor() as cursor:
        cursor.execute("SELECT reaction, note FROM treatments_visit")
        assert all(stored.startswith("v1:") for stored in cursor.fetchone())


def test_the_trail_names_what_was_changed_and_hides_the_words():
    visit = write(visits.record_details, make_visit(), reaction="Warm")
    entry = LogEntry.objects.get_for_object(visit).filter(action=LogEntry.Action.UPDATE).get()
    assert set(entry.changes) == {"reaction", "revision"}
    assert "Warm" not in str(entry.changes)


def test_every_part_of_the_record_leaves_a_trail():
    visit = make_signed_visit()
    amendment = amend(visit)
    consent = visit.session.consent
    for each in (visit, visit.zone_records.get(), consent, amendment):
        assert LogEntry.objects.get_for_object(each).filter(action=LogEntry.Action.CREATE).count() == 1


def test_a_record_is_protected_from_deletion():
    visit = make_signed_visit()
    with pytest.raises(ProtectedError):
        visit.delete()
    with pytest.raises(ProtectedError):
        visit.session.delete()

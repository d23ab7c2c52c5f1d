from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django import forms

from scheduling.forms import BookingForm, MoveForm, PlacesForm, RevisionForm, SearchForm, SlotField, day_of, slot_value
from scheduling.slots import LONGEST_LEAD_DAYS, Slot
from tests.factories import NOW, make_catalogue, make_clinic, make_practitioner

START = datetime(2026, 1, 19, 10, tzinfo=UTC)
TODAY = date(2026, 1, 12)


@pytest.fixture
def clinic(db):
    return make_clinic()


@pytest.fixture
def practitioner(clinic):
    return make_practitioner(clinic)


# --- A slot by its name -----------------------------------------------------------------------------------------------


def test_a_slot_comes_back_from_its_name(clinic, practitioner):
    named = slot_value(Slot(START, practitioner))
    assert SlotField(location=clinic).clean(named) == (START, practitioner)


def test_a_start_may_be_written_with_any_offset(clinic, practitioner):
    found, _practitioner = SlotField(location=clinic).clean(f"2026-07-13T10:00:00+01:00 {practitioner.public_id}")
    assert found == datetime(2026, 7, 13, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "start",
    ["", "tomorrow", "2026-01-19", "2026-01-19T10:00:00", "2026-02-30T10:00:00+00:00", "1999-12-31T10:00:00+00:00"]
    + ["0001-01-01T00:00:00+14:00", "2101-01-01T10:00:00+00:00", "2026-01-19T10:00:00+00:00" + " " * 80],
)
def test_a_start_that_is_none_is_refused_with_what_to_do(clinic, practitioner, start):
    with pytest.raises(forms.ValidationError, match=r"^\['Choose one of the free times.'\]$"):
        SlotField(location=clinic).clean(f"{start} {practitioner.public_id}")


def test_a_practitioner_who_cannot_be_booked_here_is_refused(clinic):
    elsewhere, gone = make_practitioner(make_clinic()), make_practitioner(clinic)
    gone.user.is_active = False
    gone.user.save()
    for public_id in (elsewhere.public_id, gone.public_id, uuid4(), "junk", ""):
        with pytest.raises(forms.ValidationError, match="Choose one of the free times."):
            SlotField(location=clinic).clean(f"{START.isoformat()} {public_id}")


# --- Days -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-29", date(2026, 3, 29)),
        ("2000-01-01", date(2000, 1, 1)),
        ("1999-12-31", None),
        ("2100-12-31", date(2100, 12, 31)),
        ("2101-01-01", None),
        ("2026-02-29", None),
        ("29/03/2026", None),
        ("2026-03-29 ", None),
        ("0001-01-01", None),
        ("", None),
        (None, None),
    ],
)
def test_day_of(text, day):
    assert day_of(text) == day


def search(clinic, **data):
    return SearchForm(data, location=clinic, now=NOW)


@pytest.mark.parametrize(
    ("typed", "first_day"),
    [
        ("", TODAY),
        ("2026-01-11", TODAY),
        ("2026-01-12", TODAY),
        ("2026-01-13", date(2026, 1, 13)),
        ("2099-01-01", TODAY + timedelta(days=LONGEST_LEAD_DAYS)),
    ],
)
def test_a_search_begins_between_today_and_as_far_ahead_as_can_be_booked(clinic, typed, first_day):
    form = search(clinic, from_day=typed)
    assert form.is_valid()
    assert form.cleaned_data == {"practitioner": None, "from_day": first_day}


@pytest.mark.parametrize("typed", ["soon", "2026-02-30", "1999-12-31", "2101-01-01"])
def test_a_day_that_cannot_be_read_is_told_in_a_sentence(clinic, typed):
    form = search(clinic, from_day=typed)
    assert not form.is_valid()
    assert form.errors["from_day"][0].endswith(".")


def test_a_search_is_with_somebody_of_the_place_or_with_anybody(clinic, practitioner):
    assert search(clinic, practitioner=practitioner.public_id).is_valid()
    assert list(search(clinic, practitioner=make_practitioner(make_clinic()).public_id).errors) == ["practitioner"]


# --- What is booked and moved -----------------------------------------------------------------------------------------


def test_a_booking_asks_for_what_and_takes_only_what_is_on_offer(clinic):
    zones = make_catalogue().zones
    hidden = zones.filter(is_bookable=False).first()

    def errors(**data):
        form = BookingForm({"protocol": "acne_scar_moderate", "key": uuid4()} | data, location=clinic, now=NOW)
        return list(form.errors)

    assert errors() == errors(zones=["cheeks", "hands"]) == []
    assert errors(protocol="") == errors(protocol="massage") == ["protocol"]
    assert errors(zones=[hidden.code]) == errors(zones=["moon"]) == ["zones"]
    assert errors(key="junk") == ["key"]


def test_a_slot_is_asked_for_only_once_times_are_on_the_screen(clinic):
    make_catalogue()
    form = BookingForm({"protocol": "acne_scar_moderate", "key": uuid4()}, location=clinic, now=NOW)
    form.add_slot(clinic)
    assert form.errors == {"slot": ["Choose one of the free times."]}


@pytest.mark.parametrize(
    ("typed", "revision"), [("0", 0), ("3", 3), ("", -1), ("x", -1), ("-1", -1), (str(2**31), -1), ("2.5", -1)]
)
def test_a_revision_that_cannot_be_read_is_one_that_was_never_stored(typed, revision):
    form = RevisionForm({"revision": typed})
    assert form.is_valid()
    assert form.cleaned_data == {"revision": revision}


def test_a_move_needs_a_slot(clinic, practitioner):
    moved = MoveForm({"revision": "2", "slot": slot_value(Slot(START, practitioner))}, location=clinic)
    assert moved.is_valid()
    assert moved.cleaned_data == {"revision": 2, "slot": (START, practitioner)}
    assert list(MoveForm({"revision": "2"}, location=clinic).errors) == ["slot"]


def test_places_are_those_of_the_location_that_are_in_use(clinic):
    room, old_room = clinic.rooms.all()
    device = clinic.devices.first()
    old_room.is_active = False
    old_room.save()

    def errors(**changes):
        chosen = {"room": room, "device": device, "seen_room": old_room, "seen_device": device} | changes
        data = {name: place.public_id for name, place in chosen.items()}
        return list(PlacesForm(data | {"revision": "0"}, location=clinic).errors)

    assert errors() == []  # what was seen may be out of use by now
    assert errors(room=old_room) == ["room"]
    assert errors(device=make_clinic().devices.first()) == ["device"]

from decimal import Decimal

import pytest
from auditlog.models import LogEntry
from django.core.exceptions import ValidationError

from clinic.editing import EditedMeanwhile, fingerprint
from clinic.models import Device, Location, Room
from clinic.places import add_device, add_location, add_room, details_of, update_device, update_location, update_room
from tests.factories import make_device, make_location, make_room

pytestmark = pytest.mark.django_db


def seen(place):
    return fingerprint(details_of(type(place).objects.get(pk=place.pk)))


def test_add_location_cleans_what_was_typed():
    location = add_location(name=" Lark\u200bfield ", zone_name="Europe/London", phone=" 020 7946 0112")
    location.refresh_from_db()
    assert (location.name, location.phone, location.address) == ("Larkfield", "020 7946 0112", "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "\u200b"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"zone_name": "Mars/Olympus"}, "zone_name"),
        ({"phone": ""}, "phone"),
        ({"phone": "call us"}, "phone"),
        ({"phone": "1234"}, "phone"),
        ({"emergency_phone": "99"}, "emergency_phone"),
        ({"emergency_phone": "call us"}, "emergency_phone"),
        ({"address": "x" * 201}, "address"),
    ],
)
def test_add_location_refuses_by_sentence(changes, field):
    with pytest.raises(ValidationError) as refused:
        add_location(**{"name": "Larkfield", "zone_name": "Europe/London", "phone": "020 7946 0112"} | changes)
    assert list(refused.value.message_dict) == [field]
    assert Location.objects.count() == 0


def test_update_location_stores_over_what_was_seen():
    location = make_location()
    details = {"name": "Larkfield", "zone_name": "Europe/Berlin", "phone": "12345", "emergency_phone": "112"}
    update_location(location=location, seen=seen(location), address="", **details)
    location.refresh_from_db()
    assert {name: getattr(location, name) for name in details} == details


def test_names_are_taken_once_a_location_whatever_their_case():
    here, there = make_location(), make_location()
    add_room(location=here, name="Garden")
    add_room(location=there, name="Garden")
    add_device(location=here, name="Garden", max_depth_mm=Decimal("2.5"))
    for name in ("Garden", "GARDEN ", "Gar\u200bden"):
        with pytest.raises(ValidationError) as refused:
            add_room(location=here, name=name)
        assert refused.value.message_dict == {"name": ["This name is taken already. Choose another one."]}
    assert Room.objects.count() == 2


def test_update_room_keeps_its_own_name():
    room = make_room(make_location(), name="Garden")
    update_room(room=room, seen=seen(room), name="Garden", is_active=False)
    room.refresh_from_db()
    assert (room.name, room.is_active) == ("Garden", False)


def test_update_refuses_when_others_have_saved_meanwhile():
    room = make_room(make_location(), name="Garden")
    before = seen(room)
    update_room(room=room, seen=before, name="Attic", is_active=True)
    with pytest.raises(EditedMeanwhile) as refused:
        update_room(room=room, seen=before, name="Cellar", is_active=True)
    assert refused.value.stored.name == "Attic"
    room.refresh_from_db()
    assert room.name == "Attic"


@pytest.mark.parametrize("depth", ["0.1", "3"])
def test_device_depth_at_its_bounds(depth):
    device = add_device(location=make_location(), name="Pen", max_depth_mm=Decimal(depth))
    device.refresh_from_db()
    assert device.max_depth_mm == Decimal(depth)


@pytest.mark.parametrize("depth", ["0", "0.05", "3.01", "-1", "100"])
def test_device_depth_out_of_bounds_is_refused(depth):
    with pytest.raises(ValidationError):
        add_device(location=make_location(), name="Pen", max_depth_mm=Decimal(depth))
    assert Device.objects.count() == 0


def test_update_device_is_written_down():
    device = make_device(make_location())
    update_device(device=device, seen=seen(device), name=device.name, max_depth_mm=Decimal("1.5"), is_active=True)
    entry = LogEntry.objects.get_for_object(device).order_by("pk").last()
    assert set(entry.changes) == {"max_depth_mm"}

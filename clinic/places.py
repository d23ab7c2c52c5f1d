"""The only writers of locations, rooms and devices.

Each raises ValidationError with a sentence for every field at fault. Updates also take the fingerprint of the details
that the form was opened with, and raise EditedMeanwhile when others have been stored since.
"""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinic.contacts import clean_emergency_phone, clean_phone
from clinic.editing import EditedMeanwhile, fingerprint
from clinic.models import Device, Location, Room
from clinic.text import one_line

DETAILS = {
    Location: ("name", "zone_name", "address", "phone", "emergency_phone"),
    Room: ("name", "is_active"),
    Device: ("name", "max_depth_mm", "is_active"),
}


def details_of(place: Location | Room | Device) -> dict:
    """What can be edited of it."""
    return {name: getattr(place, name) for name in DETAILS[type(place)]}


def add_location(*, name: str, zone_name: str, phone: str, address: str = "", emergency_phone: str = "") -> Location:
    details = {"name": name, "zone_name": zone_name, "address": address}
    return _save(Location(), **details, phone=phone, emergency_phone=emergency_phone)


def update_location(
    *, location: Location, seen: str, name: str, zone_name: str, address: str, phone: str, emergency_phone: str
) -> Location:
    details = {"name": name, "zone_name": zone_name, "address": address}
    return _update(location, seen, **details, phone=phone, emergency_phone=emergency_phone)


def add_room(*, location: Location, name: str) -> Room:
    return _save(Room(location=location), name=name)


def update_room(*, room: Room, seen: str, name: str, is_active: bool) -> Room:
    return _update(room, seen, name=name, is_active=is_active)


def add_device(*, location: Location, name: str, max_depth_mm: Decimal) -> Device:
    return _save(Device(location=location), name=name, max_depth_mm=max_depth_mm)


def update_device(*, device: Device, seen: str, name: str, max_depth_mm: Decimal, is_active: bool) -> Device:
    return _update(device, seen, name=name, max_depth_mm=max_depth_mm, is_active=is_active)


def _update(place, seen: str, **details):
    with transaction.atomic():
        stored = type(place).objects.select_for_update(no_key=True).get(pk=place.pk)
        if fingerprint(details_of(stored)) != seen:
            raise EditedMeanwhile(stored)
        return _save(stored, **details)


def _save(place, **details):
    for name, value in details.items():
        setattr(place, name, one_line(value) if isinstance(value, str) else value)
    if isinstance(place, Location):
        _clean_numbers(place)
    taken = ValidationError({"name": _("This name is taken already. Choose another one.")})
    neighbours = type(place).objects.exclude(pk=place.pk)
    if not isinstance(place, Location):
        neighbours = neighbours.filter(location=place.location)
    if neighbours.filter(name__iexact=place.name).exists():
        raise taken
    place.full_clean()
    try:
        with transaction.atomic():
            place.save()
    except IntegrityError:
        raise taken from None  # somebody else took it between the look and the save
    return place


def _clean_numbers(location: Location) -> None:
    for name, clean in (("phone", clean_phone), ("emergency_phone", clean_emergency_phone)):
        try:
            setattr(location, name, clean(getattr(location, name)))
        except ValidationError as mistake:
            raise ValidationError({name: mistake}) from None

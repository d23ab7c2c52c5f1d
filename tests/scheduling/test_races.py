"""Many people at one slot, on real connections: one of them gets it, the others are told, nobody waits for ever."""

import threading
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from scheduling import booking
from scheduling.booking import writers
from scheduling.models import Appointment, Occupancy
from tests.factories import (
    NOW,
    make_appointment,
    make_device,
    make_location,
    make_patient,
    make_practitioner,
    make_protocol,
    make_room,
)

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]

SIZES = [
    pytest.param(8, 10, id="8x10"),
    pytest.param(32, 50, id="32x50", marks=pytest.mark.faults),
]


def at_once(calls) -> Counter:
    """Run every call on a thread and connection of its own, all let go at the same moment; count how they ended."""
    gate = threading.Barrier(len(calls))
    ends = []

    def run(call):
        try:
            gate.wait()
            call()
            ends.append("won")
        except booking.Taken:
            ends.append("taken")
        except Exception as error:  # whatever else a client may meet is what this test is looking for
            ends.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(ends)


def overlaps() -> int:
    """Pairs of rows that take one practitioner, room, device or patient at the same time."""
    found = 0
    for kind in ("practitioner_id", "room_id", "device_id", "patient_id"):
        ends = {}
        rows = Occupancy.objects.exclude(**{kind: None}).order_by("starts_at").values_list(kind, "starts_at", "ends_at")
        for key, start, end in rows:
            found += key in ends and start < ends[key]
            ends[key] = max(end, ends.get(key, end))
    return found


class Arena:
    """A clinic with room for everybody, and one practitioner whom all of them want."""

    def __init__(self, clients: int, rooms: int | None = None):
        self.clients = clients
        self.location = make_location()
        for _each in range(rooms or clients):
            make_room(self.location)
        for _each in range(clients):
            make_device(self.location)
        self.wanted = make_practitioner(self.location)
        self.others = [make_practitioner(self.location) for _each in range(clients)]
        self.protocol = make_protocol()

    def slot(self, round_):
        return NOW + timedelta(days=7 + round_, hours=3)

    def book(self, practitioner, starts_at):
        return make_appointment(
            location=self.location, practitioner=practitioner, protocol=self.protocol, starts_at=starts_at
        )

    def booking(self, round_, practitioner=None):
        patient = make_patient(self.location)
        return lambda: booking.book_appointment(
            patient=patient,
            protocol=self.protocol,
            zones=[],
            location=self.location,
            practitioner=practitioner or self.wanted,
            starts_at=self.slot(round_),
            by=None,
            now=NOW,
        )

    def moving(self, round_, practitioner):
        appointment = self.book(practitioner, self.slot(round_) + timedelta(hours=3))
        return lambda: booking.move_appointment(
            appointment=appointment,
            starts_at=self.slot(round_),
            practitioner=self.wanted,
            revision=appointment.revision,
            by=None,
            now=NOW,
        )

    def reactivating(self, round_):
        appointment = self.book(self.wanted, self.slot(round_))
        cancelled = booking.cancel_appointment(appointment=appointment, revision=0, by=None, now=NOW)
        return lambda: booking.reactivate_appointment(appointment=cancelled, revision=1, by=None, now=NOW)


@pytest.mark.parametrize(("clients", "rounds"), SIZES)
@pytest.mark.parametrize("way", ["book", "move", "reactivate", "every way at once"])
def test_one_slot_has_one_winner(way, clients, rounds):
    arena = Arena(clients)
    for round_ in range(rounds):
        ways = {
            "book": lambda each, round_=round_: arena.booking(round_),
            "move": lambda each, round_=round_: arena.moving(round_, arena.others[each]),
            "reactivate": lambda each, round_=round_: arena.reactivating(round_),
        }
        chosen = [ways[way]] * clients if way in ways else [list(ways.values())[n % 3] for n in range(clients)]
        calls = [make(each) for each, make in enumerate(chosen)]
        assert at_once(calls) == {"won": 1, "taken": clients - 1}
    assert overlaps() == 0


@pytest.mark.parametrize(("clients", "rounds"), SIZES)
def test_two_rooms_have_two_winners(clients, rounds):
    """Everybody has a practitioner of her own, and there are two rooms: the system picks, and must pick again."""
    arena = Arena(clients, rooms=2)
    for round_ in range(rounds):
        calls = [arena.booking(round_, practitioner) for practitioner in arena.others]
        assert at_once(calls) == {"won": 2, "taken": clients - 2}
    assert overlaps() == 0


def test_one_patient_booked_twice_at_once_is_booked_once():
    arena = Arena(8)
    patient = make_patient(arena.location)

    def call(practitioner):
        return lambda: booking.book_appointment(
            patient=patient,
            protocol=arena.protocol,
            zones=[],
            location=arena.location,
            practitioner=practitioner,
            starts_at=arena.slot(0),
            by=None,
            now=NOW,
        )

    ends = at_once([call(practitioner) for practitioner in arena.others])
    # whoever comes second meets the visit either as taken time or as skin that must rest
    assert ends["won"] == 1
    assert sum(ends.values()) == 8
    assert Appointment.objects.count() == 1


def test_a_longer_treatment_and_a_booking_after_it_do_not_both_fit():
    arena = Arena(2)
    longer = make_protocol("stretch_marks")

    def changing(appointment):
        wish = {"protocol": longer, "zones": [], "revision": 0, "by": None, "now": NOW}
        return lambda: booking.change_treatment(appointment=appointment, **wish)

    for round_ in range(6):
        appointment = arena.book(arena.wanted, arena.slot(round_))
        after = make_patient(arena.location)
        following = {"patient": after, "protocol": arena.protocol, "zones": [], "location": arena.location}
        following |= {"practitioner": arena.wanted, "starts_at": appointment.ends_at, "by": None, "now": NOW}
        book = partial(booking.book_appointment, **following)
        assert at_once([changing(appointment), book]) == {"won": 1, "taken": 1}
    assert overlaps() == 0


def test_a_treatment_is_changed_by_one_of_many():
    arena = Arena(6)
    appointment = arena.book(arena.wanted, arena.slot(0))
    treatments = [make_protocol(code) for code in ("melasma", "sagging", "rejuvenation")] * 2
    wish = {"appointment": appointment, "zones": [], "revision": 0, "by": None, "now": NOW}
    ends = at_once([partial(booking.change_treatment, protocol=each, **wish) for each in treatments])
    assert (ends["won"], sum(end.startswith("ChangedMeanwhile") for end in ends.elements())) == (1, 5)


@contextmanager
def no_protection(monkeypatch):
    """The same code with the database's guarantee and the locks taken away."""
    guarantees = [each for each in Occupancy._meta.constraints if type(each).__name__ == "NoOverlap"]
    with connection.schema_editor() as editor:
        for guarantee in guarantees:
            if sql := guarantee.remove_sql(Occupancy, editor):
                editor.execute(sql)
    monkeypatch.setattr(writers, "_lock_resources", lambda wish: None)
    try:
        yield
    finally:
        Occupancy.objects.all().delete()
        with connection.schema_editor() as editor:
            for guarantee in guarantees:
                if sql := guarantee.create_sql(Occupancy, editor):
                    editor.execute(sql)


def test_without_the_protection_the_race_is_real(monkeypatch):
    arena = Arena(8)
    with no_protection(monkeypatch):
        ends = at_once([arena.booking(0) for _each in range(8)])
        assert ends["won"] > 1
        assert overlaps() > 0

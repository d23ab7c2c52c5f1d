from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import (
    NOW,
    make_clear_patient,
    make_clinic,
    make_practitioner,
    make_protocol,
    make_signed_visit,
    make_visit,
)
from treatments import visits
from treatments.catalogue import shipped_text
from treatments.depths import default_depth, last_depths, limit_of, zone_depths
from treatments.models import Visit
from treatments.publishing import publish_catalogue

pytestmark = [pytest.mark.both, pytest.mark.django_db]

START = NOW + timedelta(days=7, hours=3)


def make_place(*, practitioner="3.0", device="3.0"):
    """Where a visit is, and who treats there, with what the two allow."""
    clinic = make_clinic()
    clinic.devices.update(max_depth_mm=Decimal(device))
    return {"location": clinic, "practitioner": make_practitioner(clinic, max_depth_mm=Decimal(practitioner))}


def begin(protocol="acne_scar_moderate", *, place=None, **wish) -> Visit:
    visit = make_visit(**(place or make_place()), protocol=make_protocol(protocol), **wish)
    return Visit.objects.with_everything().get(pk=visit.pk)


def zone_of(visit, code):
    return visit.session.course.protocol.version.zones.get(code=code)


def needle(visit, depth, zone="cheeks", **changes):
    zone = zone_of(visit, zone) if isinstance(zone, str) else zone
    return visits.set_zone(
        **{"visit": visit, "revision": visit.revision, "zone": zone, "depth_mm": Decimal(depth)}
        | {"passes": 6, "by": visit.practitioner.user, "now": visit.started_at + timedelta(minutes=40)}
        | changes
    )


def refusal(visit, depth, zone="cheeks", **changes):
    with pytest.raises(ValidationError) as refused:
        needle(visit, depth, zone, **changes)
    assert visit.zone_records.count() == 0
    return refused.value.message_dict


# --- What refuses -----------------------------------------------------------------------------------------------------


def test_three_millimetres_are_the_end():
    visit = begin()
    assert refusal(visit, "3.1", reason="Thick scar") == {"depth_mm": ["A needle goes 3.0 mm deep at most."]}
    assert needle(visit, "3.0", reason="Thick scar").zone_records.get().depth_mm == 3


def test_the_devices_limit_is_the_end():
    visit = begin(place=make_place(device="1.2"))
    assert refusal(visit, "1.3", reason="Thick scar") == {"depth_mm": [f"{visit.device} goes 1.2 mm deep at most."]}
    assert needle(visit, "1.2").zone_records.get().depth_mm == Decimal("1.2")


def test_the_practitioners_limit_is_the_end():
    visit = begin(place=make_place(practitioner="0.5"))
    assert refusal(visit, "0.6", reason="Thick scar") == {
        "depth_mm": [f"{visit.practitioner.name} may go 0.5 mm deep at most."]
    }
    assert needle(visit, "0.5").zone_records.get().depth_mm == Decimal("0.5")


def test_the_strictest_limit_is_named():
    visit = begin(place=make_place(practitioner="0.5", device="0.4"))
    assert limit_of(visit).words == f"{visit.device} goes 0.4 mm deep at most."
    visit = begin(place=make_place(practitioner="0.25", device="0.4"))
    assert limit_of(visit).words == f"{visit.practitioner.name} may go 0.25 mm deep at most."


@pytest.mark.parametrize("depth", ["0", "-0.5", "0.05", "0.55", "0.01"])
def test_depths_go_in_steps(depth):
    assert refusal(begin(), depth) == {"depth_mm": ["Give the depth in steps of 0.1 mm, such as 0.5."]}


@pytest.mark.parametrize(("passes", "is_allowed"), [(-1, False), (0, False), (1, True), (30, True), (31, False)])
def test_one_to_thirty_passes(passes, is_allowed):
    visit = begin()
    if is_allowed:
        assert needle(visit, "0.5", passes=passes).zone_records.get().passes == passes
    else:
        assert refusal(visit, "0.5", passes=passes) == {"passes": ["Give 1 to 30 passes."]}


def test_every_mistake_is_told_at_once():
    assert refusal(begin(), "3.1", passes=31).keys() == {"depth_mm", "passes"}


def test_eyelids_are_never_treated_and_what_lies_outside_the_rim_is():
    visit = begin()
    assert refusal(visit, "0.1", "eyelid", reason="Asked for") == {"zone": ["Eyelids: this is never treated."]}
    assert "eyelid" not in zone_depths(visit)
    assert needle(visit, "0.5", "periorbital_outer").zone_records.get().zone.name == "Around the eyes"


def test_a_zone_of_another_catalogue_is_none_of_this_treatment():
    visit = begin()
    newer = publish_catalogue(text=shipped_text(), by=None, now=NOW)
    with pytest.raises(ValidationError, match="one of the zones of this treatment"):
        needle(visit, "0.5", zone=newer.zones.get(code="cheeks"))


# --- What asks for a reason -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "zone", "usual", "beyond", "words"),
    [
        ("wrinkles_deep", "forehead", "0.5", "0.6", ["Forehead: usually no deeper than 0.5 mm."]),
        ("wrinkles_fine", "cheeks", "1.0", "1.1", ["Fine lines is usually treated no deeper than 1.0 mm."]),
        # scars may go deeper in some zones, other complaints may not
        ("acne_scar_severe", "cheeks", "2.5", "2.6", ["Cheeks: usually no deeper than 2.5 mm."]),
        ("scar_thermal_burn", "chin_jaw", "1.5", "1.6", ["Chin and jawline: usually no deeper than 1.5 mm."]),
        ("stretch_marks", "cheeks", "1.5", "1.6", ["Cheeks: usually no deeper than 1.5 mm."]),
        (
            "wrinkles_fine",
            "neck",
            "1.0",
            "1.1",
            ["Fine lines is usually treated no deeper than 1.0 mm.", "Neck: usually no deeper than 1.0 mm."],
        ),
    ],
)
def test_beyond_the_usual_a_depth_takes_a_reason(protocol, zone, usual, beyond, words):
    visit = begin(protocol)
    assert refusal(visit, beyond, zone) == {"reason": words}
    assert refusal(visit, beyond, zone, reason=" \u200b ") == {"reason": words}
    visit = needle(visit, usual, zone)
    needle(visit, beyond, zone, reason="Thick skin")
    record = visit.zone_records.get()
    assert (record.depth_mm, record.reason) == (Decimal(beyond), "Thick skin")


def test_deeper_than_last_time_takes_a_reason_and_as_deep_takes_none():
    place = make_place()
    patient = make_clear_patient(place["location"])
    make_signed_visit(**place, patient=patient, starts_at=START, zone="cheeks", depth_mm="1.0")
    visit = begin(place=place, patient=patient, starts_at=START + timedelta(days=28))
    assert refusal(visit, "1.1") == {"reason": ["Last time it was 1.0 mm here."]}
    assert needle(visit, "1.0").zone_records.count() == 1
    assert needle(visit, "1.1", revision=1, reason="Healed well").zone_records.get().depth_mm == Decimal("1.1")


# --- Where an entry starts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("practitioner", "device", "default"),
    [("3.0", "3.0", "0.5"), ("0.4", "3.0", "0.4"), ("3.0", "0.3", "0.3"), ("0.25", "3.0", "0.2")],
)
def test_the_first_time_an_entry_starts_at_the_smallest_of_the_three(practitioner, device, default):
    visit = begin(place=make_place(practitioner=practitioner, device=device))
    assert default_depth(visit, zone_of(visit, "cheeks")) == Decimal(default)


def test_after_that_it_starts_where_the_last_one_was_within_the_limit():
    place = make_place()
    patient = make_clear_patient(place["location"])
    first = make_signed_visit(**place, patient=patient, starts_at=START, zone="cheeks", depth_mm="1.2")
    visit = begin(place=place, patient=patient, starts_at=START + timedelta(days=28))
    assert default_depth(visit, zone_of(visit, "cheeks")) == Decimal("1.2")
    assert default_depth(visit, zone_of(visit, "neck")) == Decimal("0.5")
    assert {code: record.visit for code, record in last_depths(visit.session).items()} == {"cheeks": first}
    place["practitioner"].max_depth_mm = visit.practitioner.max_depth_mm = Decimal("0.8")
    place["practitioner"].save()
    assert default_depth(visit, zone_of(visit, "cheeks")) == Decimal("0.8")


def test_last_time_is_the_newest_before_and_of_this_patient_alone():
    place = make_place()
    patient = make_clear_patient(place["location"])
    first = make_signed_visit(**place, patient=patient, starts_at=START, depth_mm="0.5")
    make_signed_visit(**place, starts_at=START + timedelta(hours=3), depth_mm="1.5")  # somebody else
    second = make_signed_visit(**place, patient=patient, starts_at=START + timedelta(days=28), depth_mm="0.4")
    third = begin(place=place, patient=patient, starts_at=START + timedelta(days=56))
    assert last_depths(third.session)["cheeks"].visit == second
    assert last_depths(second.session)["cheeks"].visit == first  # what came later is not last time
    assert last_depths(first.session) == {}


def test_all_zones_are_read_in_as_many_queries_as_one_record_takes():
    place = make_place()
    patient = make_clear_patient(place["location"])

    def count_queries(visit):
        visit = Visit.objects.with_everything().get(pk=visit.pk)
        with CaptureQueriesContext(connection) as queries:
            assert len(zone_depths(visit)) == 12
        return len(queries)

    once = count_queries(begin(place=place, patient=patient, starts_at=START))
    for weeks in (4, 8, 12):
        make_signed_visit(**place, patient=patient, starts_at=START + timedelta(weeks=weeks))
    assert count_queries(begin(place=place, patient=patient, starts_at=START + timedelta(weeks=16))) == once

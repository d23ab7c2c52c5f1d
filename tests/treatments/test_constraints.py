from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.state import ProjectState

from tests.factories import chart, make_signed_visit, make_visit
from treatments import visits
from treatments.constraints import SignedIsFinal
from treatments.models import Amendment, Topical, Visit, ZoneRecord

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def refused(name, write):
    """The database itself says no, by the name of the constraint."""
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        write()


@pytest.fixture
def signed():
    visit = make_signed_visit()
    return visit


CHANGES = {
    "note": "v1:",
    "pain": 9,
    "cartridge_lot": "26K-9999",
    "is_aftercare_given": False,
    "signed_at": None,
    "signed_by": None,
    "revision": 99,
}


@pytest.mark.parametrize("field", CHANGES)
def test_no_field_of_a_signed_record_changes(signed, field):
    change = {field: CHANGES[field]} | ({"signed_by": None} if field == "signed_at" else {})
    refused("visit_signed_is_final", lambda: Visit.objects.filter(pk=signed.pk).update(**change))
    assert Visit.objects.get(pk=signed.pk).signed_at == signed.signed_at


def test_not_even_by_sql(signed):
    def write():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE treatments_visit SET redness = 4 WHERE id = %s", [signed.pk])

    refused("visit_signed_is_final", write)


def test_a_zone_of_a_signed_record_neither_changes_nor_is_added(signed):
    zones = signed.session.course.protocol.version.zones
    fields = {"visit": signed, "depth_mm": Decimal("0.5"), "passes": 6}
    refused("zone_record_signed_is_final", lambda: signed.zone_records.update(depth_mm=Decimal("0.4")))
    refused(
        "zone_record_signed_is_final",
        lambda: ZoneRecord.objects.create(zone=zones.get(code="neck"), **fields),
    )
    assert [(each.zone.code, each.depth_mm) for each in signed.zone_records.all()] == [("cheeks", Decimal("0.5"))]


def test_a_zone_is_not_moved_into_a_signed_record(signed):
    open_visit = make_visit()
    other = ZoneRecord.objects.create(
        visit=open_visit,
        zone=open_visit.session.course.protocol.version.zones.get(code="neck"),
        depth_mm=Decimal("0.5"),
        passes=6,
    )
    refused("zone_record_signed_is_final", lambda: ZoneRecord.objects.filter(pk=other.pk).update(visit=signed))


def test_a_topical_of_a_signed_record_neither_changes_nor_is_added():
    visit = chart(make_visit())
    topical = Topical.objects.create(visit=visit, name="Gel")
    visit = visits.end_needling(
        visit=visit, revision=visit.revision, by=visit.practitioner.user, now=visit.started_at + timedelta(hours=1)
    )
    visits.sign_visit(visit=visit, revision=visit.revision, by=visit.practitioner.user, now=visit.ended_at)
    refused("topical_signed_is_final", lambda: Topical.objects.filter(pk=topical.pk).update(lot="X"))
    refused("topical_signed_is_final", lambda: Topical.objects.create(visit=visit, name="Balm"))


def test_an_unsigned_record_and_its_parts_change_freely():
    visit = chart(make_visit())
    assert Visit.objects.filter(pk=visit.pk).update(pain=9) == 1
    assert visit.zone_records.update(passes=7) == 1
    assert Topical.objects.create(visit=visit, name="Gel").pk


def test_an_amendment_is_added_to_a_signed_record(signed):
    amendment = Amendment.objects.create(
        visit=signed, text="More", written_at=signed.signed_at, written_by=signed.signed_by
    )
    assert signed.amendments.get() == amendment


def test_validation_says_it_in_words(signed):
    for row in (signed, signed.zone_records.get()):
        with pytest.raises(ValidationError) as refusal:
            row.validate_constraints()
        assert refusal.value.messages == ["This record is signed. Write an amendment instead."]
    make_visit().validate_constraints()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("visit_ends_after_start", {"ended_at": -1}),
        ("visit_cream_comes_off_after_it_went_on", {"numbing_applied_at": 5, "numbing_removed_at": 5}),
        ("visit_scores_on_their_scales", {"redness": 5}),
        ("visit_scores_on_their_scales", {"swelling": 5}),
        ("visit_scores_on_their_scales", {"pain": 11}),
        ("visit_known_endpoint_and_bleeding", {"endpoint": "purple"}),
        ("visit_known_endpoint_and_bleeding", {"bleeding": "purple"}),
        ("visit_signed_after_its_end_by_somebody", {"ended_at": 5, "signed_at": 6}),
        ("visit_signed_after_its_end_by_somebody", {"ended_at": 5, "signed_at": 4, "signed_by": True}),
    ],
)
def test_what_cannot_be_is_refused_by_name(name, change):
    visit = make_visit()
    values = {
        field: visit.started_at + timedelta(minutes=value) if field.endswith("_at") else value
        for field, value in change.items()
    }
    if values.get("signed_by"):
        values["signed_by"] = visit.practitioner.user
    refused(name, lambda: Visit.objects.filter(pk=visit.pk).update(**values))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("zone_record_depth_within_limit", {"depth_mm": Decimal("3.01")}),
        ("zone_record_depth_within_limit", {"depth_mm": Decimal("0")}),
        ("zone_record_has_passes", {"passes": 0}),
        ("zone_record_has_passes", {"passes": 31}),
    ],
)
def test_depth_and_passes_end_where_the_database_ends_them(name, values):
    visit = make_visit()
    zone = visit.session.course.protocol.version.zones.get(code="cheeks")
    fields = {"visit": visit, "zone": zone, "depth_mm": Decimal("0.5"), "passes": 6}
    refused(name, lambda: ZoneRecord.objects.create(**fields | values))
    assert ZoneRecord.objects.create(**fields | {"depth_mm": Decimal("3.00"), "passes": 30}).pk


def test_one_cartridge_at_one_visit():
    used = {"cartridge_make": "Aurel", "cartridge_lot": "26K-1187", "cartridge_expires_on": date(2027, 1, 1)}
    first, second = make_visit(), make_visit()
    Visit.objects.filter(pk=first.pk).update(**used)
    refused("visit_cartridge_used_once|cartridge_lot", lambda: Visit.objects.filter(pk=second.pk).update(**used))
    assert Visit.objects.filter(pk=second.pk).update(cartridge_make="Aurel", cartridge_lot="") == 1


def test_the_constraint_is_itself_and_no_other():
    one = SignedIsFinal(name="a", visit="visit")
    assert one == SignedIsFinal(name="a", visit="visit")
    assert one != SignedIsFinal(name="a")
    path, args, kwargs = one.deconstruct()
    assert (path, args, kwargs) == ("treatments.constraints.SignedIsFinal", (), {"name": "a", "visit": "visit"})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["visit", "zonerecord"])
def test_the_guarantee_survives_a_change_of_the_table(name):
    """SQLite rebuilds the whole table to alter a field; a trigger made by hand would be gone afterwards."""
    signed = make_signed_visit()
    state = ProjectState.from_apps(apps)
    operation = migrations.AddField(name, "extra", models.IntegerField(default=0, db_default=0))
    after = state.clone()
    operation.state_forwards("treatments", after)

    def still_refused():
        refused("visit_signed_is_final", lambda: Visit.objects.filter(pk=signed.pk).update(pain=9))
        refused("zone_record_signed_is_final", lambda: signed.zone_records.update(passes=7))

    with connection.schema_editor() as editor:
        operation.database_forwards("treatments", editor, state, after)
    try:
        still_refused()
    finally:
        with connection.schema_editor() as editor:
            operation.database_backwards("treatments", editor, after, state)
    still_refused()


@pytest.mark.django_db(transaction=True)
def test_without_the_guarantee_a_signed_record_could_be_changed():
    signed = make_signed_visit()
    guarantee = next(each for each in Visit._meta.constraints if isinstance(each, SignedIsFinal))
    with connection.schema_editor() as editor:
        guarantee.remove_sql(Visit, editor)
    try:
        assert Visit.objects.filter(pk=signed.pk).update(pain=9) == 1
    finally:
        with connection.schema_editor() as editor:
            guarantee.create_sql(Visit, editor)
    refused("visit_signed_is_final", lambda: Visit.objects.filter(pk=signed.pk).update(pain=8))

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.migrations.state import ProjectState

from scheduling.booking import writers
from scheduling.models import Occupancy
from tests.factories import NOW, make_appointment

pytestmark = [pytest.mark.both, pytest.mark.django_db]

RESOURCES = ["practitioner", "room", "device", "patient"]


@pytest.fixture
def taken():
    """An appointment whose occupancies stand, and the means to try another row beside them."""
    return make_appointment(starts_at=NOW + timedelta(hours=3))


def _same_but(row, **changes):
    fields = {"appointment": row.appointment, "starts_at": row.starts_at, "ends_at": row.ends_at}
    fields |= {f"{each}_id": getattr(row, f"{each}_id") for each in RESOURCES}
    return Occupancy(**fields | changes)


@pytest.mark.parametrize("resource", RESOURCES)
def test_overlap_of_one_resource_is_refused_by_name(taken, resource):
    row = taken.occupancies.exclude(**{resource: None}).first()
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        _same_but(row, ends_at=row.ends_at + timedelta(hours=1)).save()
    assert f"occupancy_{resource}_once" in str(refusal.value)
    assert writers._sentence_of(refusal.value) == str(
        next(c for c in Occupancy._meta.constraints if c.name == f"occupancy_{resource}_once").violation_error_message
    )


@pytest.mark.parametrize("resource", RESOURCES)
def test_touching_spans_of_one_resource_are_no_overlap(taken, resource):
    row = taken.occupancies.exclude(**{resource: None}).order_by("-ends_at").first()
    _same_but(row, starts_at=row.ends_at, ends_at=row.ends_at + timedelta(minutes=1)).save()
    assert Occupancy.objects.filter(**{resource: getattr(row, resource)}).count() >= 2


def test_an_update_into_a_taken_span_is_refused(taken):
    row = taken.occupancies.exclude(room=None).get()
    later = _same_but(row, starts_at=row.ends_at, ends_at=row.ends_at + timedelta(hours=1))
    later.save()
    with pytest.raises(IntegrityError, match="occupancy_room_once"), transaction.atomic():
        Occupancy.objects.filter(pk=later.pk).update(starts_at=row.ends_at - timedelta(seconds=1))


def test_a_row_may_shrink_within_its_own_span(taken):
    row = taken.occupancies.exclude(room=None).get()
    row.ends_at -= timedelta(minutes=1)
    row.save()
    assert Occupancy.objects.get(pk=row.pk).ends_at == row.ends_at


def test_a_row_takes_exactly_one_resource(taken):
    row = taken.occupancies.exclude(room=None).get()
    with pytest.raises(IntegrityError, match="occupancy_takes_exactly_one"), transaction.atomic():
        _same_but(row, device_id=taken.device_id, starts_at=row.ends_at, ends_at=row.ends_at + timedelta(1)).save()
    with pytest.raises(IntegrityError, match="occupancy_takes_exactly_one"), transaction.atomic():
        _same_but(row, room_id=None, starts_at=row.ends_at, ends_at=row.ends_at + timedelta(1)).save()


def test_validation_says_it_in_words(taken):
    row = taken.occupancies.exclude(room=None).get()
    with pytest.raises(ValidationError) as refusal:
        _same_but(row).validate_constraints()
    assert refusal.value.messages == ["The room is taken at that time."]


@pytest.mark.django_db(transaction=True)
def test_the_guarantee_survives_a_change_of_the_table():
    """SQLite rebuilds the whole table to alter a field; a trigger made by hand would be gone afterwards."""
    taken = make_appointment(starts_at=NOW + timedelta(hours=3))
    row = taken.occupancies.exclude(room=None).get()
    state = ProjectState.from_apps(apps)
    operation = migrations.AddField("occupancy", "extra", models.IntegerField(default=0, db_default=0))
    after = state.clone()
    operation.state_forwards("scheduling", after)
    with connection.schema_editor() as editor:
        operation.database_forwards("scheduling", editor, state, after)
    try:
        with pytest.raises(IntegrityError, match="occupancy_room_once"), transaction.atomic():
            _same_but(row).save()
    finally:
        with connection.schema_editor() as editor:
            operation.database_backwards("scheduling", editor, after, state)
    with pytest.raises(IntegrityError, match="occupancy_room_once"), transaction.atomic():
        _same_but(row).save()

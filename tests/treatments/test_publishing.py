import threading
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from treatments.catalogue import CatalogueError, read, shipped_text
from treatments.models import CatalogueVersion, Protocol, ScreeningRule, Zone
from treatments.publishing import (
    PublishedMeanwhile,
    catalogue_of,
    drafted_catalogue,
    ensure_catalogue,
    publish_catalogue,
)

pytestmark = [pytest.mark.both, pytest.mark.django_db]

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
LONGER_WAIT = shipped_text().replace("months: 6,", "months: 7,", 1)


def test_publish_stores_the_text_and_everything_in_it():
    version = publish_catalogue(text=shipped_text(), by=None, now=NOW, note="First.")
    assert (version.number, version.source, version.note) == (1, shipped_text(), "First.")
    assert (version.published_at, version.published_by) == (NOW, None)
    shipped = read()
    assert {p.code: p.slot_minutes for p in version.protocols.all()} == {
        code: protocol.slot_minutes for code, protocol in shipped.protocols.items()
    }
    burn = version.protocols.get(code="scar_thermal_burn")
    assert (burn.sessions_min, burn.sessions_typical, burn.sessions_max) == (1, 4, 5)
    assert (burn.interval_weeks_min, burn.interval_weeks_typical, burn.interval_weeks_max) == (4, 6, 8)
    assert (burn.depth_min_mm, burn.depth_start_mm, burn.depth_max_mm) == (Decimal("1"), Decimal("1.5"), Decimal("3"))
    assert (burn.preparation_minutes, burn.numbing_minutes, burn.needling_minutes, burn.clean_up_minutes) == (
        30,
        30,
        60,
        10,
    )
    assert (burn.needs_clinician_plan, burn.refreshers_min_per_year, burn.refreshers_max_per_year) == (True, None, None)
    fine = version.protocols.get(code="wrinkles_fine")
    assert (fine.refreshers_min_per_year, fine.refreshers_max_per_year, fine.depth_min_mm) == (1, 2, Decimal("0.25"))
    assert list(version.zones.filter(is_bookable=False).values_list("code", flat=True)) == ["eyelid"]
    assert version.zones.count() == 13
    assert version.rules.count() == 47


def test_publish_keeps_a_rule_as_it_was_written():
    rule = publish_catalogue(text=shipped_text(), by=None, now=NOW).rules.get(code="S1")
    assert (rule.name, rule.tag, rule.grade, rule.override, rule.is_active) == (
        "Isotretinoin capsules",
        "seed",
        "",
        "none",
        True,
    )
    assert rule.definition["test"] == {
        "kind": "since_last_date",
        "params": {"months": 6, "boundary": "corresponding_date_clear", "missing_day": "next_month_first"},
    }
    assert rule.definition["questions"] == {
        "booking": ["Q04", "Q04b"],
        "previsit": ["Q04", "Q04b"],
        "checkin": ["Q04", "Q04b", "C04"],
    }
    assert rule.definition.keys() == asdict(read().rules["S1"]).keys()


def test_publish_again_makes_the_next_number_and_leaves_the_first_alone():
    first = publish_catalogue(text=shipped_text(), by=None, now=NOW)
    second = publish_catalogue(text=LONGER_WAIT, by=None, now=NOW + timedelta(days=1))
    assert (first.number, second.number) == (1, 2)
    assert CatalogueVersion.objects.current() == second
    first.refresh_from_db()
    assert first.source == shipped_text()
    assert first.protocols.count() == second.protocols.count() == 13


def test_publish_of_a_refused_text_stores_nothing():
    with pytest.raises(CatalogueError, match="S1 is the owner's rule"):
        publish_catalogue(text=shipped_text().replace("months: 6,", "months: 5,", 1), by=None, now=NOW)
    assert [m.objects.count() for m in (CatalogueVersion, Protocol, Zone, ScreeningRule)] == [0, 0, 0, 0]


def test_ensure_publishes_the_shipped_file_on_the_first_start_alone():
    first = ensure_catalogue(now=NOW)
    assert (first.number, first.source, first.published_at) == (1, shipped_text(), NOW)
    assert ensure_catalogue(now=NOW + timedelta(days=1)) == first
    assert CatalogueVersion.objects.count() == 1


def test_ensure_never_overwrites_what_was_published():
    published = publish_catalogue(text=LONGER_WAIT, by=None, now=NOW)
    assert ensure_catalogue(now=NOW + timedelta(days=1)) == published
    assert CatalogueVersion.objects.get().source == LONGER_WAIT


def test_current_is_none_before_the_first():
    assert CatalogueVersion.objects.current() is None


def test_catalogue_of_a_version_is_what_was_published_with_it():
    first = publish_catalogue(text=shipped_text(), by=None, now=NOW)
    second = publish_catalogue(text=LONGER_WAIT, by=None, now=NOW)
    assert catalogue_of(first) == read()
    assert catalogue_of(second).rules["S1"].test.params["months"] == 7
    assert catalogue_of(CatalogueVersion.objects.get(number=2)) is catalogue_of(second)


def test_a_number_is_taken_once():
    publish_catalogue(text=shipped_text(), by=None, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        CatalogueVersion.objects.create(number=1, source="", published_at=NOW)


@pytest.mark.parametrize(
    "change, constraint",
    [
        ({"depth_max_mm": Decimal("3.01")}, "protocol_depths_in_order"),
        ({"depth_start_mm": Decimal("0.4")}, "protocol_depths_in_order"),
        ({"sessions_min": 4}, "protocol_sessions_in_order"),
        ({"interval_weeks_max": 3}, "protocol_intervals_in_order"),
        ({"needling_minutes": 0}, "protocol_has_needling_time"),
    ],
)
def test_the_database_refuses_a_protocol_that_makes_no_sense(change, constraint):
    version = publish_catalogue(text=shipped_text(), by=None, now=NOW)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        version.protocols.filter(code="acne_scar_moderate").update(**change)


def at_once(calls) -> list[int]:
    """Run the calls on connections of their own, let go at the same moment; the numbers of the versions they return."""
    gate, numbers = threading.Barrier(len(calls)), []

    def run(call):
        try:
            gate.wait()
            numbers.append(call().number)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(numbers)


@pytest.mark.django_db(transaction=True)
def test_processes_that_start_at_once_share_the_first_version_and_publishers_get_a_number_each():
    assert at_once([lambda: ensure_catalogue(now=NOW)] * 4) == [1, 1, 1, 1]
    assert at_once([lambda: publish_catalogue(text=LONGER_WAIT, by=None, now=NOW)] * 4) == [2, 3, 4, 5]
    assert CatalogueVersion.objects.count() == 5


def test_publish_on_top_of_a_version_that_is_no_longer_the_newest_stores_nothing():
    first = publish_catalogue(text=shipped_text(), by=None, now=NOW)
    second = publish_catalogue(text=LONGER_WAIT, by=None, now=NOW, on_top_of=first.number)
    with pytest.raises(PublishedMeanwhile) as refused:
        publish_catalogue(text=shipped_text(), by=None, now=NOW, on_top_of=first.number)
    assert refused.value.newest == second.number
    assert CatalogueVersion.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_on_top_of_the_same_version_one_does():
    ensure_catalogue(now=NOW)

    def publish():
        try:
            return publish_catalogue(text=LONGER_WAIT, by=None, now=NOW, on_top_of=1)
        except PublishedMeanwhile:
            return CatalogueVersion(number=0)

    assert at_once([publish] * 2) == [0, 2]
    assert CatalogueVersion.objects.count() == 2


def test_a_draft_is_read_and_not_stored():
    assert drafted_catalogue(LONGER_WAIT, base=read()).rules["S1"].test.params["months"] == 7
    assert not CatalogueVersion.objects.exists()

"""Catalogue versions: the only writer of what the clinic offers and of the rules."""

from dataclasses import asdict
from datetime import datetime
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.db.models import Max

from treatments import catalogue
from treatments.catalogue import Catalogue, CatalogueError
from treatments.models import CatalogueVersion, Protocol, ScreeningRule, Zone


class PublishedMeanwhile(Exception):
    """Another version was published since the text was written, and nothing was stored; `newest` is its number."""

    def __init__(self, newest: int):
        super().__init__(f"version {newest}")
        self.newest = newest


def publish_catalogue(
    *, text: str, by, now: datetime, note: str = "", on_top_of: int | None = None
) -> CatalogueVersion:
    """Check a catalogue and store it as the next version, which is the current one from then on.

    Earlier versions stay as they are, with everything that was decided by them. `by` is None when the program itself
    publishes. `on_top_of` is the number of the version that the text was made from; the text would silently take back
    what was published after it, so that raises PublishedMeanwhile. Raises CatalogueError, having stored nothing, for a
    text that the loader refuses.
    """
    _loaded(text)  # refused here, before anything is locked
    with transaction.atomic():
        # The newest version is the lock: two people who publish at once get two numbers.
        CatalogueVersion.objects.select_for_update().order_by("-number").first()
        newest = CatalogueVersion.objects.aggregate(number=Max("number"))["number"] or 0
        if on_top_of not in (None, newest):
            raise PublishedMeanwhile(newest)
        drafted_catalogue(text, base=current_catalogue())
        return _store(number=newest + 1, source=text, note=note, published_at=now, published_by=by)


def ensure_catalogue(*, now: datetime) -> CatalogueVersion:
    """The current version; on a clinic's first start, the file that ships with the program, published.

    What was published is never overwritten, whatever the shipped file says by now.
    """
    current = CatalogueVersion.objects.current()
    if current is not None:
        return current
    try:
        with transaction.atomic():
            return _store(number=1, source=catalogue.shipped_text(), published_at=now, published_by=None)
    except IntegrityError:  # another process has published the first version in the meantime
        return CatalogueVersion.objects.current()


def catalogue_of(version: CatalogueVersion) -> Catalogue:
    """The catalogue as it stood in a version; read once in a process for as long as the same text is asked for."""
    return _loaded(version.source)


def drafted_catalogue(text: str, *, base: Catalogue) -> Catalogue:
    """A catalogue that is not published yet, on top of another one.

    Raises CatalogueError for a text that the loader refuses, and for a fault that the other one does not have.
    """
    draft, known = _loaded(text), {sentence for _line, sentence in base.faults}
    if found := [fault for fault in draft.faults if fault[1] not in known]:
        raise CatalogueError(found)
    return draft


def current_catalogue() -> Catalogue:
    """The catalogue that counts for what happens now; before the first is published, the one that will be first."""
    version = CatalogueVersion.objects.current()
    return catalogue_of(version) if version else catalogue.read()


@lru_cache(maxsize=8)
def _loaded(source: str) -> Catalogue:
    return catalogue.load(source)


def _store(**facts) -> CatalogueVersion:
    version = CatalogueVersion.objects.create(**facts)
    loaded = catalogue_of(version)
    Protocol.objects.bulk_create(
        Protocol(
            version=version,
            code=protocol.code,
            name=protocol.name,
            tone=protocol.tone,
            sessions_min=protocol.sessions.min,
            sessions_typical=protocol.sessions.typical,
            sessions_max=protocol.sessions.max,
            interval_weeks_min=protocol.interval_weeks.min,
            interval_weeks_typical=protocol.interval_weeks.typical,
            interval_weeks_max=protocol.interval_weeks.max,
            depth_min_mm=protocol.depth_mm.min,
            depth_start_mm=protocol.depth_mm.typical,
            depth_max_mm=protocol.depth_mm.max,
            endpoint=protocol.endpoint,
            preparation_minutes=protocol.preparation,
            numbing_minutes=protocol.numbing,
            needling_minutes=protocol.needling,
            clean_up_minutes=protocol.clean_up,
            review_after=protocol.review_after,
            needs_clinician_plan=protocol.needs_clinician_plan,
            refreshers_min_per_year=protocol.refreshers and protocol.refreshers.min_per_year,
            refreshers_max_per_year=protocol.refreshers and protocol.refreshers.max_per_year,
        )
        for protocol in loaded.protocols.values()
    )
    Zone.objects.bulk_create(
        Zone(
            version=version,
            code=zone.code,
            name=zone.name,
            soft_min_mm=zone.soft_min_mm,
            soft_max_mm=zone.soft_max_mm,
            scar_soft_max_mm=zone.scar_soft_max_mm,
            is_bookable=zone.is_bookable,
            is_keloid_prone=zone.is_keloid_prone,
        )
        for zone in loaded.zones.values()
    )
    ScreeningRule.objects.bulk_create(
        ScreeningRule(
            version=version,
            code=rule.code,
            name=rule.name,
            tag=rule.tag,
            grade=rule.grade or "",
            override=rule.override,
            is_active=rule.is_active,
            definition=asdict(rule),
        )
        for rule in loaded.rules.values()
    )
    return version

"""What the clinic offers: protocols and the zones of the skin."""

from django.utils.translation import gettext as _

from clinic.models import Tone
from treatments.catalogue.entries import CODE, Entries
from treatments.catalogue.reading import Reader
from treatments.catalogue.spec import Endpoint, Grade, ProtocolSpec, Refreshers, ZoneSpec

SCALES = frozenset({"goodman_baron_qual", "gais", "posas", "vss", "lemperle", "mmasi"})


class OfferEntries(Entries):
    """Protocols and zones. A zone may ask for questions that exist."""

    def __init__(self, sources, questions):
        super().__init__(sources)
        self.questions = questions

    def protocol(self, entry: Reader) -> ProtocolSpec:
        code = self.check_code(entry, CODE)
        depth = self.range(entry, "depth_mm", "decimal", middle="start")
        if depth:
            self.check_depth(entry, "depth_mm", depth.max)
        slot, parts = entry.whole("slot_minutes"), self.parts(entry)
        protocol = ProtocolSpec(
            code=code,
            name=self.name(entry),
            tone=entry.choice("tone", Tone),
            sessions=self.range(entry, "sessions", "whole"),
            interval_weeks=self.range(entry, "interval_weeks", "whole"),
            depth_mm=depth,
            endpoint=entry.choice("endpoint", Endpoint),
            slot_minutes=slot,
            **parts,
            review_after=entry.whole("review_after"),
            needs_clinician_plan=entry.flag("needs_clinician_plan"),
            scales=self.known(entry, "scales", SCALES, required=True),
            refreshers=self.refreshers(entry),
            sources=self.cited(entry),
        )
        present = (parts["preparation"], parts["numbing"], parts["needling"])
        if None not in (slot, *present) and sum(present) != slot:
            entry.refuse(
                _("%(what)s: preparation, numbing and needling make %(sum)d minutes, the slot has %(slot)d."),
                "parts_minutes",
                sum=sum(present),
                slot=slot,
            )
        entry.finish()
        return protocol

    def parts(self, parent: Reader) -> dict[str, int | None]:
        names = ("preparation", "numbing", "needling", "clean_up")
        entry = parent.mapping("parts_minutes")
        if entry is None:
            return dict.fromkeys(names)
        parts = {name: entry.whole(name) for name in names}
        for name in ("preparation", "needling"):
            if parts[name] == 0:
                entry.refuse(_("%(what)s needs at least a minute for “%(key)s”."), name)
        entry.finish()
        return parts

    def refreshers(self, parent: Reader) -> Refreshers | None:
        entry = parent.mapping("refreshers", required=False)
        if entry is None:
            return None
        low, high = entry.whole("min_per_year"), entry.whole("max_per_year")
        if None not in (low, high) and low > high:
            entry.refuse(_("%(what)s: the smallest number is above the largest."), "min_per_year")
        tag, grade = self.origin(entry)
        entry.finish()
        return Refreshers(low, high, tag, grade)

    def zone(self, entry: Reader) -> ZoneSpec:
        code = self.check_code(entry, CODE)
        is_bookable = entry.flag("bookable", default=True)
        low = entry.decimal("soft_min_mm", required=is_bookable)
        high = entry.decimal("soft_max_mm", required=is_bookable)
        scar = entry.decimal("scar_soft_max_mm", required=False)
        if None not in (low, high) and low > high:
            entry.refuse(_("%(what)s: the soft range ends before it begins."), "soft_min_mm")
        if None not in (high, scar) and scar < high:
            entry.refuse(_("%(what)s: scars may not be shallower than the rest of the zone."), "scar_soft_max_mm")
        if low == 0:
            entry.refuse(_("%(what)s: the soft range must begin above zero."), "soft_min_mm")
        self.check_depth(entry, "soft_max_mm", high)
        self.check_depth(entry, "scar_soft_max_mm", scar)
        zone = ZoneSpec(
            code=code,
            name=self.name(entry),
            soft_min_mm=low,
            soft_max_mm=high,
            scar_soft_max_mm=scar,
            is_bookable=is_bookable,
            is_keloid_prone=entry.flag("keloid_prone"),
            ask=self.known(entry, "ask", self.questions),
            grade=entry.choice("grade", Grade, required=False),
            note=entry.text("note", required=False),
        )
        entry.finish()
        return zone

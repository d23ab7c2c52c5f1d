"""What the page of a visit shows: the record as blocks, each of which is saved for itself."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.editing import Difference, EditedMeanwhile
from scheduling.booking import BookingRefused
from scheduling.models import Appointment
from scheduling.visit_forms import (
    AmendmentForm,
    CartridgeForm,
    NumbingForm,
    RecordForm,
    ResultForm,
    StepForm,
    TopicalForm,
    ZoneForm,
)
from treatments.charting import left_to_sign
from treatments.depths import ZoneDepths, limit_of, zone_depths
from treatments.gates import gates
from treatments.left_out import LeftOut, left_out_of
from treatments.models import Visit, ZoneRecord
from treatments.numbing import numbing_clock
from treatments.visits import VisitRefused

FORMS = {
    "numbing": NumbingForm,
    "cartridge": CartridgeForm,
    "topical": TopicalForm,
    "result": ResultForm,
    "bar": StepForm,
}


@dataclass
class Block:
    """A form of the record, and what became of it when it was sent.

    `versions` tells both versions where somebody else was faster; `refusal` why nothing could be saved at all. Once it
    is saved, forms on the page that still stand on the `replaced` revision may move on to the new one.
    """

    form: RecordForm
    status: int = 200
    versions: list[Difference] | None = None
    refusal: str = ""
    saved_at: datetime | None = None
    replaced: int | None = None

    def adopt(self, step: "Block") -> None:
        """Tell what became of a step that belongs to this block."""
        self.status, self.refusal = step.status, step.refusal
        self.saved_at, self.replaced = step.saved_at, step.replaced


class ZoneBlock(Block):
    @property
    def depths(self) -> ZoneDepths:
        return self.form.depths

    @property
    def record(self) -> ZoneRecord | None:
        return self.form.record


@dataclass
class Zones:
    """The planned and the treated zones, those that are left out, and after them the others of the catalogue."""

    chosen: list[ZoneBlock] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    others: list[ZoneBlock] = field(default_factory=list)


def send(block: Block, write: Callable[..., Visit], *, now: datetime) -> Visit | None:
    """Save a block by its writer, or note in it why that is not possible. Returns the record as it is stored then."""
    form = block.form
    if not form.is_valid():
        block.status = 422
        return None
    try:
        stored = write(revision=form.cleaned_data["revision"], now=now, **form.for_writer)
    except ValidationError as mistakes:
        form.refuse(mistakes)
        block.status = 422
    except EditedMeanwhile as meanwhile:
        block.versions, block.status = form.on_top_of(meanwhile.stored), 409
        if block.versions is None:
            block.refusal = _(
                "Somebody else changed this record meanwhile. Look at it as it stands now, then take this step again."
            )
    except (BookingRefused, VisitRefused) as refused:
        block.refusal, block.status = refused.message, 409
    else:
        block.saved_at, block.replaced = now, form.cleaned_data["revision"]
        return stored
    return None


def zone_block(visit: Visit, code: str, data=None) -> ZoneBlock | None:
    """One zone by its code; None for one that is not treated."""
    depths = zone_depths(visit).get(code)
    if depths is None:
        return None
    record = visit.zone_records.filter(zone=depths.zone).first()
    return ZoneBlock(ZoneForm(data, visit=visit, depths=depths, record=record))


def zones_of(visit: Visit, sent: ZoneBlock | None = None) -> Zones:
    """All zones that may be treated; the one that was `sent` as it came. What is left out has no form."""
    left_out = left_out_of(visit.session)
    planned = set(visit.session.course.zones.values_list("code", flat=True))
    records = {record.zone_id: record for record in visit.zone_records.all()}
    found = Zones(left_out=list(left_out.values()))
    for code, depths in zone_depths(visit).items():
        record = records.get(depths.zone.pk)
        block = ZoneBlock(ZoneForm(visit=visit, depths=depths, record=record))
        if sent and sent.depths.zone == depths.zone:
            block = sent
        if code in left_out and not record and block is not sent:
            continue
        is_chosen = code in planned or record or block is sent
        (found.chosen if is_chosen else found.others).append(block)
    return found


def before_start(appointment: Appointment) -> dict:
    found = gates(session=appointment.session, start=appointment.starts_at)
    return {
        "gates": found,
        "missing": [gate for gate in found if gate.is_open],
        "left_out": list(left_out_of(appointment.session).values()),
    }


def record_of(appointment: Appointment, visit: Visit, *, now: datetime, sent: Mapping[str, Block]) -> dict:
    """Everything on the page of a record; `sent` are the blocks that came with a form, instead of the stored ones."""
    if visit.signed_at is not None:
        return signed_record_of(visit) | sent
    blocks = {name: Block(form(visit=visit)) for name, form in FORMS.items()}
    return {
        "visit": visit,
        "gates": gates(session=appointment.session, start=appointment.starts_at),
        "clock": numbing_clock(visit, now),
        "limit": limit_of(visit),
        "zones": zones_of(visit, sent.get("zone")),
        "topicals": list(visit.topicals.all()),
        "left": left_to_sign(visit),
        **blocks,
        **sent,
    }


def signed_record_of(visit: Visit) -> dict:
    return {
        "visit": visit,
        "zone_records": list(visit.zone_records.select_related("zone")),
        "left_out": list(left_out_of(visit.session).values()),
        "topicals": list(visit.topicals.all()),
        "amendments": list(visit.amendments.select_related("written_by")),
        "amendment": Block(AmendmentForm(initial={"key": uuid.uuid4()})),
    }

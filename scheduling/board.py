"""What the day board reads: one day of one location, as columns of blocks on a grid of five minutes.

Rows count from 1 at the board's first hour. Positions are wall-clock times of the location, so a day on which the
clocks change keeps its shape.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.models import Location, Practitioner
from clinic.times import day_bounds, local_date
from scheduling.availability import GRID_SECONDS, Span, grid
from scheduling.models import Appointment, Reminder, TimeOff
from scheduling.slots import practitioners_of, seconds, working_windows
from treatments.models import Screening

ROW_MINUTES = 5
DEFAULT_OPENS, DEFAULT_CLOSES = 8 * 60, 18 * 60


@dataclass(frozen=True)
class Sign:
    """How a state is drawn, beside its word."""

    icon: str
    tone: str


_SIGNS = {
    Appointment.State.BOOKED: Sign("clock", "stone"),
    Appointment.State.CONFIRMED: Sign("check", "sky"),
    Appointment.State.ARRIVED: Sign("armchair", "gold"),
    Appointment.State.IN_TREATMENT: Sign("activity", "brand"),
    Appointment.State.COMPLETED: Sign("circle-check", "leaf"),
    Appointment.State.CANCELLED: Sign("circle-x", "stone"),
}


def sign_of(appointment: Appointment) -> Sign:
    return _SIGNS[Appointment.State(appointment.state)]


@dataclass(frozen=True)
class Block:
    """A stretch of a column: hours off, or a free quarter that can be booked."""

    row: int
    span: int
    label: str
    url: str = ""


@dataclass
class Card:
    """One appointment on the board. `lane` of `lanes` tells it apart from others at the same time."""

    appointment: Appointment
    row: int
    span: int
    numbing_row: int
    numbing_span: int
    time: str
    url: str
    is_past: bool
    lane: int = 1
    lanes: int = 1

    @property
    def name(self) -> str:
        return self.appointment.patient.name

    @property
    def title(self) -> str:
        session = self.appointment.session
        return ", ".join(filter(None, [session.course.protocol.name, session.position]))

    @property
    def tone(self) -> str:
        return self.appointment.session.course.protocol.tone

    @property
    def is_cancelled(self) -> bool:
        return self.appointment.is_cancelled

    @property
    def sign(self) -> Sign:
        return sign_of(self.appointment)

    @property
    def state_word(self) -> str:
        return self.appointment.get_state_display()

    @property
    def is_here(self) -> bool:
        return self.appointment.state == Appointment.State.ARRIVED

    @property
    def is_on_hold(self) -> bool:
        """By the newest screening of the session, as long as somebody can still decide about it."""
        newest = self.appointment.session.newest_screenings[:1]
        is_open = self.appointment.state in Appointment.State.AHEAD or self.is_here
        return bool(newest) and newest[0].stands_in_the_way and is_open

    @property
    def waits_for_plan(self) -> bool:
        """As long as it has not begun."""
        is_open = self.appointment.state in Appointment.State.AHEAD or self.is_here
        return is_open and self.appointment.session.waits_for_plan

    @property
    def is_mail_refused(self) -> bool:
        return self.appointment.is_mail_refused


@dataclass
class Column:
    practitioner: Practitioner
    off: list[Block] = field(default_factory=list)
    slots: list[Block] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    free_seconds: int = 0


@dataclass(frozen=True)
class DayOnScreen:
    """A local day of a location, and those that a page leads to from there."""

    location: Location
    day: date
    now: datetime

    @cached_property
    def today(self) -> date:
        return local_date(self.now, self.location.zone)

    @property
    def is_today(self) -> bool:
        return self.day == self.today

    @property
    def previous(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def next(self) -> date:
        return self.day + timedelta(days=1)


@dataclass(frozen=True)
class Board(DayOnScreen):
    opens: int
    closes: int
    columns: list[Column]

    @property
    def rows(self) -> int:
        return (self.closes - self.opens) // ROW_MINUTES

    @property
    def hours(self) -> list[tuple[str, int]]:
        return [
            (f"{minute // 60:02}:00", (minute - self.opens) // ROW_MINUTES + 1)
            for minute in range(self.opens, self.closes, 60)
        ]

    @property
    def now_row(self) -> int | None:
        minute = _minute(self.now, self.location, self.day)
        return (minute - self.opens) // ROW_MINUTES + 1 if self.opens <= minute < self.closes else None

    @property
    def now_label(self) -> str:
        return f"{self.now.astimezone(self.location.zone):%H:%M}"

    @cached_property
    def cards(self) -> list[Card]:
        return [card for column in self.columns for card in column.cards]

    @property
    def visit_count(self) -> int:
        return sum(not card.is_cancelled for card in self.cards)

    @property
    def on_hold_count(self) -> int:
        return sum(card.is_on_hold for card in self.cards)

    @property
    def mail_refused_count(self) -> int:
        return sum(card.is_mail_refused for card in self.cards)

    @property
    def free_hours(self) -> int:
        return sum(column.free_seconds for column in self.columns) // 3600


def visits_of_day(location: Location, day: date):
    """The appointments of a local day, cancelled ones too."""
    return Appointment.objects.of_locations([location]).overlapping(*day_bounds(day, location.zone))


def read_board(*, location: Location, day: date, now: datetime) -> Board:
    """The board of a local day. A constant number of queries, however many visits there are."""
    start, end = day_bounds(day, location.zone)
    appointments = list(_appointments(location, day))
    practitioners = list(practitioners_of(location))
    windows = working_windows(location=location, practitioners=practitioners, first_day=day, days=1)
    away = defaultdict(list)
    for each in TimeOff.objects.filter(practitioner__in=practitioners).overlapping(start, end):
        away[each.practitioner_id].append((seconds(each.starts_at), seconds(each.ends_at)))
    # somebody who left still has her visits on the day on which they were, and no hours in which to book her
    staying = {each.pk for each in practitioners}
    gone = {each.practitioner_id: each.practitioner for each in appointments if each.practitioner_id not in staying}
    closure = location.closures.overlapping_days(day, day).first()

    minutes = [_minute(at, location, day) for each in appointments for at in (each.starts_at, each.ends_at)]
    minutes += [
        _minute(datetime.fromtimestamp(edge, tz=location.zone), location, day)
        for spans in windows.values()
        for span in spans
        for edge in span
    ]
    opens = min([DEFAULT_OPENS, *minutes]) // 60 * 60
    closes = -(-max([DEFAULT_CLOSES, *minutes]) // 60) * 60
    board = Board(location=location, day=day, now=now, opens=opens, closes=min(closes, 24 * 60), columns=[])

    by_practitioner = defaultdict(list)
    for each in appointments:
        by_practitioner[each.practitioner_id].append(each)
    for practitioner in [*practitioners, *gone.values()]:
        column = Column(practitioner)
        column.cards = _cards(board, by_practitioner[practitioner.pk])
        hours = sorted(windows[practitioner.pk])
        work = _minus(hours, away[practitioner.pk])
        column.off = _off(board, work, closure.reason if closure else "", away[practitioner.pk])
        free = _minus(work, _taken(by_practitioner[practitioner.pk]) + [(0, seconds(now))])
        column.free_seconds = sum(end - start for start, end in free)
        column.slots = _slots(board, practitioner, hours, free)
        board.columns.append(column)
    return board


def _appointments(location: Location, day: date):
    refused = Reminder.objects.refused().filter(appointment=OuterRef("pk"))
    newest = Screening.objects.newest_first().select_related("decision").defer("answers")
    return (
        visits_of_day(location, day)
        .with_everything()
        .annotate(is_mail_refused=Exists(refused))
        .prefetch_related(Prefetch("session__screenings", queryset=newest, to_attr="newest_screenings"))
    )


def _minute(at: datetime, location: Location, day: date) -> int:
    """Minutes of wall-clock time since the local midnight at which `day` begins; outside the day, its nearer end."""
    local = at.astimezone(location.zone)
    if local.date() != day:
        return 0 if local.date() < day else 24 * 60
    return local.hour * 60 + local.minute


def _rows(board: Board, start: datetime, end: datetime) -> tuple[int, int]:
    """Row and span of a stretch, cut to the board."""
    first = max(_minute(start, board.location, board.day), board.opens)
    last = min(_minute(end, board.location, board.day), board.closes)
    row = (first - board.opens) // ROW_MINUTES + 1
    return row, max(-(-(last - board.opens) // ROW_MINUTES) + 1 - row, 0)


def _cards(board: Board, appointments: list[Appointment]) -> list[Card]:
    cards = []
    zone = board.location.zone
    for each in appointments:
        protocol = each.session.course.protocol
        numb_from = each.starts_at + timedelta(minutes=protocol.preparation_minutes)
        row, span = _rows(board, each.starts_at, each.ends_at)
        numbing_row, numbing_span = _rows(board, numb_from, numb_from + timedelta(minutes=protocol.numbing_minutes))
        cards.append(
            Card(
                appointment=each,
                row=row,
                span=max(span, 1),  # in the repeated hour of autumn a visit may end at the time at which it began
                numbing_row=numbing_row - row + 1,
                numbing_span=numbing_span,
                time=_("%(start)s to %(end)s")
                % {
                    "start": f"{each.starts_at.astimezone(zone):%H:%M}",
                    "end": f"{each.ends_at.astimezone(zone):%H:%M}",
                },
                url=reverse("scheduling:appointment-show", args=[each.public_id]),
                is_past=each.ends_at <= board.now,
            )
        )
    _lay_in_lanes(cards)
    return cards


def _lay_in_lanes(cards: list[Card]) -> None:
    """Side by side what overlaps; a group that touches nothing else shares the column's width evenly."""
    group: list[Card] = []
    ends: list[int] = []
    for card in sorted(cards, key=lambda card: (card.row, -card.span)):
        if group and card.row >= max(ends):
            group, ends = [], []
        lane = next((lane for lane, end in enumerate(ends) if end <= card.row), len(ends))
        ends[lane : lane + 1] = [card.row + card.span]
        card.lane = lane + 1
        group.append(card)
        for each in group:
            each.lanes = len(ends)


def _minus(spans: list[Span], cuts: list[Span]) -> list[Span]:
    for cut_from, cut_until in cuts:
        spans = [
            piece
            for start, end in spans
            for piece in ((start, min(end, cut_from)), (max(start, cut_until), end))
            if piece[0] < piece[1]
        ]
    return spans


def _off(board: Board, work: list[Span], closure: str, away: list[Span]) -> list[Block]:
    """The hours in which nobody is booked, each with the word that says why."""
    zone = board.location.zone
    whole = tuple(seconds(edge) for edge in day_bounds(board.day, zone))
    off = _minus([whole], work)
    blocks = []
    for start, end in off:
        row, span = _rows(board, datetime.fromtimestamp(start, tz=zone), datetime.fromtimestamp(end, tz=zone))
        if span:
            is_between = start > whole[0] and end < whole[1]
            is_away = any(cut_from < end and cut_until > start for cut_from, cut_until in away)
            label = closure or (_("Away") if is_away else _("Break") if is_between else "")
            blocks.append(Block(row, span, label))
    return blocks


def _taken(appointments: list[Appointment]) -> list[Span]:
    return [(seconds(each.starts_at), seconds(each.ends_at)) for each in appointments if not each.is_cancelled]


def _slots(board: Board, practitioner: Practitioner, hours: list[Span], free: list[Span]) -> list[Block]:
    """The free quarters in which a booking can be begun, on the grid on which free times are offered."""
    zone = board.location.zone
    blocks = []
    for at in (at for stretch in hours for at in grid(stretch, GRID_SECONDS) if at > seconds(board.now)):
        if any(start <= at and at + GRID_SECONDS <= end for start, end in free):
            local = datetime.fromtimestamp(at, tz=zone)
            row, span = _rows(board, local, local + timedelta(seconds=GRID_SECONDS))
            query = urlencode(
                {"day": board.day.isoformat(), "practitioner": practitioner.public_id, "at": f"{local:%H:%M}"}
            )
            label = _("Book at %(time)s with %(name)s") % {"time": f"{local:%H:%M}", "name": practitioner.name}
            blocks.append(Block(row, span, label, f"{reverse('scheduling:booking-create')}?{query}"))
    return blocks

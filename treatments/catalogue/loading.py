"""From the text of a catalogue to a `Catalogue`, or to every reason why not."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from django.utils.translation import gettext as _

from treatments.catalogue.offer import OfferEntries
from treatments.catalogue.questions import QuestionEntries
from treatments.catalogue.reading import Problems, Reader, compose
from treatments.catalogue.rules import RuleEntries
from treatments.catalogue.spec import ADVICE, Catalogue, ConsentText, Defaults, Outcome, Stage

SHIPPED = Path(__file__).resolve().parent.parent / "catalogue.yaml"


def shipped_text() -> str:
    return SHIPPED.read_text(encoding="utf-8")


@cache
def read() -> Catalogue:
    """The catalogue that ships with the program."""
    return load(shipped_text())


def load(text: str) -> Catalogue:
    """Read and check a whole catalogue.

    Raises CatalogueError with every problem as `line N: sentence`. What comes back can be run: every active rule has
    a test that the engine knows, and questions that feed it at each of its stages.
    """
    problems = Problems()
    top = Reader(compose(text), _("The catalogue"), problems)
    sources = top.texts("sources")
    medicine_lists, groups = top.lists("medicine_lists"), top.texts("question_groups")
    asked = QuestionEntries(sources, groups)
    questions = asked.read(top)
    offer = OfferEntries(sources, questions)
    protocols = {entry.what: offer.protocol(entry) for entry in top.entries("protocols")}
    zones = {entry.what: offer.zone(entry) for entry in top.entries("zones")}
    asked.offer_zones(zones)
    rules = RuleEntries(sources, protocols, zones, medicine_lists, asked).read(top)
    asked.name_windows(rules.values())
    catalogue = Catalogue(
        defaults=_defaults(top, offer),
        protocols=protocols,
        zones=zones,
        question_groups=groups,
        questions={**questions, ADVICE.id: ADVICE},
        rules=rules,
        unsure_policy=_unsure_policy(top),
        consent=_consent(top),
        medicine_lists=medicine_lists,
        sources=sources,
    )
    top.finish()
    problems.raise_if_any()
    return replace(catalogue, faults=problems.faults)


def _defaults(top: Reader, offer: OfferEntries) -> Defaults | None:
    entry = top.mapping("defaults")
    if entry is None:
        return None
    defaults = Defaults(
        depth_hard_max_mm=entry.decimal("depth_hard_max_mm"),
        depth_default_mm=entry.decimal("depth_default_mm"),
        depth_step_mm=entry.decimal("depth_step_mm"),
        zone_min_interval_days=entry.whole("zone_min_interval_days"),
        practitioner_default_cap_mm=entry.decimal("practitioner_default_cap_mm"),
        refresher_window_months=entry.whole("refresher_window_months"),
    )
    for key in ("depth_hard_max_mm", "depth_default_mm", "practitioner_default_cap_mm"):
        offer.check_depth(entry, key, getattr(defaults, key))
    entry.finish()
    return defaults


def _unsure_policy(top: Reader) -> Mapping[Stage, Outcome]:
    """What an unsure or missing answer means. It never passes, and blocks on arrival."""
    entry = top.mapping("unsure_policy")
    if entry is None:
        return {}
    policy = {stage: entry.choice(stage.value, Outcome) for stage in Stage}
    for stage, outcome in policy.items():
        least = Outcome.BLOCK if stage == Stage.CHECKIN else Outcome.HOLD
        if outcome and outcome.severity < least.severity:
            sentence = _("An unsure answer at “%(key)s” must be at least “%(least)s”.")
            entry.refuse(sentence, stage.value, least=least.value)
    entry.finish()
    return policy


def _consent(top: Reader) -> ConsentText | None:
    entry = top.mapping("consent")
    if entry is None:
        return None
    consent = ConsentText(version=entry.whole("version"), text=entry.text("text"))
    entry.finish()
    return consent

"""What the owner's document says about the treatment, line by line in our words, and where the product says or does it.

A fact that has lost its place fails by its name.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import HARD_MAX_DEPTH_MM, OutgoingMail
from scheduling.models import Appointment
from scheduling.reminders import mail_due_reminders, plan_aftercare
from tests.factories import NOW, make_appointment
from tests.reading import words
from treatments.catalogue import Catalogue, Outcome, Override, Stage
from treatments.models import Visit
from treatments.publishing import current_catalogue

pytestmark = pytest.mark.django_db

START = NOW + timedelta(days=7, hours=3)  # Monday 19 January 2026, 10:00 in London
ENDED = START + timedelta(minutes=70)
SECTION = re.compile(r'<section id="([\w-]+)".*?</section>', re.DOTALL)


@dataclass(frozen=True)
class Product:
    """What a patient reads, as it comes out, and what the program goes by."""

    leaflet: str
    sections: dict[str, str]
    mails: dict[str, str]
    catalogue: Catalogue


@pytest.fixture
def product() -> Product:
    appointment = make_appointment(starts_at=START)
    for due_at in appointment.reminders.order_by("due_at").values_list("due_at", flat=True):
        mail_due_reminders(now=due_at)
    Visit.objects.create(
        session=appointment.session,
        practitioner=appointment.practitioner,
        device=appointment.device,
        started_at=START,
        ended_at=ENDED,
    )
    Appointment.objects.update(state=Appointment.State.COMPLETED)
    plan_aftercare(appointment=appointment, ended_at=ENDED)
    for hours in (2, 24, 48):
        mail_due_reminders(now=ENDED + timedelta(hours=hours))
    page = Client().get(reverse("scheduling:about-treatment"))
    found = SECTION.finditer(page.text)
    return Product(
        leaflet=words(page),
        sections={section[1]: words(SimpleNamespace(text=section[0])) for section in found},
        mails={mail.reminders.get().kind: " ".join(mail.text.split()) for mail in OutgoingMail.objects.all()},
        catalogue=current_catalogue(),
    )


def leaflet(sentence: str, section: str = ""):
    return lambda product: sentence in (product.sections[section] if section else product.leaflet)


def mail(kind: str, sentence: str):
    return lambda product: sentence in product.mails[kind]


def consent(sentence: str):
    return lambda product: sentence in " ".join(product.catalogue.consent.text.split())


def rule(code: str, *, outcome: Outcome, override: Override, **settings):
    """An active rule that says so at check-in, that nobody below `override` lifts, with these settings."""

    def holds(product: Product) -> bool:
        kept = product.catalogue.rules[code]
        said = {name: kept.test.params[name] for name in settings}
        return kept.is_active and (kept.outcome[Stage.CHECKIN], kept.override, said) == (outcome, override, settings)

    return holds


def protocol(*codes: str, **sessions):
    """Treatments on offer, with a numbing cream, and with these numbers of sessions."""

    def is_offered(product: Product) -> bool:
        kept = [product.catalogue.protocols[code] for code in codes]
        return all(
            {name: getattr(each.sessions, name) for name in sessions} == sessions and each.numbing > 0 for each in kept
        )

    return is_offered


def refreshers(*codes: str):
    def are_one_to_two(product: Product) -> bool:
        kept = [product.catalogue.protocols[code].refreshers for code in codes]
        return [(each.min_per_year, each.max_per_year) for each in kept] == [(1, 2)] * len(codes)

    return are_one_to_two


def zone(code: str, *, is_bookable: bool):
    return lambda product: product.catalogue.zones[code].is_bookable == is_bookable


MEDICINE_GAP = (
    "If you take a medicine for an autoimmune illness: our rule is a gap of 24 hours, "
    "but only if your doctor has agreed to it. Never stop it by yourself."
)
FACTS = {
    # what it is
    "it is gentle and no operation": [
        leaflet("There is no operation, and we hurt the skin as little as we can.", "what"),
    ],
    "it makes the face look younger": [leaflet("make the face look fresher and younger", "what")],
    "a device with needles injures the skin in a controlled way": [
        leaflet("A small device with fine needles makes tiny wounds in your skin.", "what"),
        leaflet("on purpose and with care: the device controls how deep each needle goes", "what"),
    ],
    "few treatments of the skin are as safe": [leaflet("It is one of the safest treatments for the skin.")],
    "fewer dark marks and scars, so safer for dark skin": [
        leaflet("dark marks or scars. Here the risk is lower, so it is safer for dark skin.", "for-whom"),
        leaflet("Lower risk, not no risk.", "for-whom"),
        consent("The risk of lasting colour changes is low, but it is not zero."),
    ],
    "it suits thin and sensitive skin": [leaflet("It suits thin skin and sensitive skin.", "for-whom")],
    "safe where a peel or a laser is not, as near the eyes": [
        leaflet("It is safe in places where a peel or a laser is not, such as near the eyes.", "for-whom"),
        leaflet("Near the eyes means outside the bony rim", "for-whom"),
        zone("periorbital_outer", is_bookable=True),
        zone("eyelid", is_bookable=False),
    ],
    "no line between treated and untreated skin, which other ways often leave": [
        leaflet("often leave a line between treated and untreated skin. This one does not.", "for-whom"),
    ],
    # what it does
    "fewer scars: of acne, of surgery, of burns, raised ones too": [
        leaflet("Scars from acne, an operation or a burn show less. Raised scars too", "good-for"),
        protocol("acne_scar_mild", "acne_scar_moderate", "acne_scar_severe"),
        protocol("scar_surgical", "scar_thermal_burn", "scar_hypertrophic"),
    ],
    "stretch marks fade": [leaflet("Stretch marks fade.", "good-for"), protocol("stretch_marks")],
    "fewer fine lines and deep wrinkles": [
        leaflet("Fine lines and deep wrinkles get softer.", "good-for"),
        protocol("wrinkles_fine", "wrinkles_deep"),
    ],
    "uneven pigment and melasma are treated": [
        leaflet("Dark marks, uneven colour and melasma (brown patches) can be treated.", "good-for"),
        protocol("pigmentation", "melasma"),
    ],
    "sagging skin gets tight": [leaflet("Skin that sags gets tighter.", "good-for"), protocol("sagging")],
    "a fresher face, better tone and texture": [
        leaflet("A tired face looks fresher: the colour is more even, the skin feels smoother.", "good-for"),
        protocol("rejuvenation"),
    ],
    # before
    "out of the sun for a day": [
        rule("S3", outcome=Outcome.BLOCK, override=Override.CLINICIAN, hours=24),
        leaflet("Stay out of the sun for the last 24 hours.", "before"),
        mail("before_48h", "From Sunday 18 January 2026, 10:00 please stay out of the sun."),
        mail("get_ready", "From Sunday 10:00 please stay out of the sun."),
    ],
    "a day between immune medicine and treatment, where the prescriber agrees": [
        rule("S2", outcome=Outcome.BLOCK, override=Override.CLINICIAN, hours=24, needs="prescriber_plan"),
        leaflet(MEDICINE_GAP, "before"),
        mail("get_ready", MEDICINE_GAP),
    ],
    "a clean face without make-up": [
        rule("S4", outcome=Outcome.TASK, override=Override.AESTHETICIAN),
        leaflet("Come with a clean face and no make-up.", "before"),
        mail("before_48h", "Come with a clean face and no make-up."),
        mail("get_ready", "On Monday: come with a clean face and no make-up."),
    ],
    "not within six months of isotretinoin, which is for acne": [
        rule("S1", outcome=Outcome.HARD_BLOCK, override=Override.NONE, months=6),
        leaflet("Isotretinoin capsules for acne (Accutane, Roaccutane): we cannot treat you", "before"),
        leaflet("if you have used them in the last 6 months", "before"),
    ],
    # during
    "the aesthetician first puts on a numbing cream, for comfort": [
        leaflet("First a numbing cream", "during"),
        leaflet("Your aesthetician puts it on your skin before we begin, so that you feel more at ease.", "during"),
        mail("before_48h", "First we put on a numbing cream"),
        consent("A cream numbs the skin first."),
    ],
    "each needle makes a channel": [leaflet("Each needle makes a tiny channel.", "during")],
    "the channels close by themselves after ten minutes and the barrier stays whole": [
        leaflet("The channels close by themselves after 10 minutes", "during"),
        leaflet("so the outer layer of your skin stays whole", "during"),
    ],
    "the body's answer brings collagen, elastin and fine vessels": [
        leaflet("The skin reacts as it does to any small wound.", "during"),
        leaflet("It makes new collagen and elastin, which keep it firm, and new tiny blood vessels.", "during"),
    ],
    "needles of up to 3 mm, usually of 0.5 mm": [
        leaflet("They are up to 3 mm long. Mostly we use 0.5 mm", "during"),
        lambda product: product.catalogue.defaults.depth_hard_max_mm == HARD_MAX_DEPTH_MM == 3,
        lambda product: product.catalogue.defaults.depth_default_mm == Decimal("0.5"),
    ],
    "short needles: little bleeding, soon well": [
        leaflet("then the skin bleeds very little and is soon well again", "during"),
    ],
    "some feel sandpaper": [
        leaflet("Some people say that it feels like sandpaper on the skin.", "during"),
        mail("before_48h", "The treatment can feel like sandpaper on your skin."),
        consent("The treatment may feel like sandpaper."),
    ],
    "the skin may be red and tight, as from the sun": [
        leaflet("Your skin may get red and tight, as if you had been in the sun too long.", "during"),
        mail("before_48h", "your skin may be red and tight, like sunburn"),
        mail("after_2h", "Normal now: red, tight skin, like sunburn"),
    ],
    # after
    "swelling and some peeling are normal up to two days": [
        leaflet("Normal for up to 48 hours: swelling and some peeling.", "after"),
        mail("after_24h", "Normal up to 48 hours after your visit, so until Wednesday 21 January 2026, 11:10"),
        mail("after_24h", "some swelling and peeling."),
        mail("after_48h", "Swelling and peeling should be settling by now."),
        consent("Some swelling and peeling in the first 48 hours is normal."),
    ],
    # how many
    "results need several treatments, and how many depends on the skin": [
        leaflet("You need more than one before you see what it does. How many depends on your skin.", "how-many"),
    ],
    "three or four for moderate acne scars": [
        protocol("acne_scar_moderate", min=3, max=4),
        leaflet("Acne scars, moderate 3 to 4 treatments", "how-many"),
    ],
    "up to five for burn scars and for stretch marks": [
        protocol("scar_thermal_burn", "stretch_marks", max=5),
        leaflet("Burn scar up to 5 treatments", "how-many"),
        leaflet("Stretch marks up to 5 treatments", "how-many"),
    ],
    "four to six for wrinkles, then one or two refreshers a year": [
        protocol("wrinkles_fine", "wrinkles_deep", min=4, max=6),
        refreshers("wrinkles_fine", "wrinkles_deep"),
        leaflet("Fine lines 4 to 6 treatments then 1 to 2 refreshers every year", "how-many"),
        leaflet("Deep wrinkles 4 to 6 treatments then 1 to 2 refreshers every year", "how-many"),
    ],
}


def test_every_fact_is_in_each_of_its_places(product):
    lost = [
        f"{fact} (place {number})"
        for fact, places in FACTS.items()
        for number, is_found in enumerate(places, 1)
        if not is_found(product)
    ]
    assert lost == []


def test_ten_minutes_are_told_as_a_fact_and_never_used_as_aftercare(product):
    assert [kind for kind, text in product.mails.items() if "10 minutes" in text] == []
    assert [section for section, text in product.sections.items() if "10 minutes" in text] == ["during"]


def test_no_text_names_the_gap_without_its_condition_or_tells_anybody_to_stop(product):
    for text in (*product.sections.values(), *product.mails.values()):
        rest = text.replace(MEDICINE_GAP, "").replace("Do not stop any of them by yourself.", "")
        assert not re.search(r"\b(stop|skip|avoid|pause)|immune", rest, re.IGNORECASE)

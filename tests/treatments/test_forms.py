from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.template.loader import render_to_string

from tests.factories import NOW, make_catalogue, make_location, make_patient, tell, text_with_the_owners_rules
from treatments.answers import record_answers
from treatments.catalogue import AnsweredBy, Stage, load, read
from treatments.forms import AnswersForm
from treatments.question_fields import field_for
from treatments.screening import evaluate

# --- The questions ----------------------------------------------------------------------------------------------------


OWNERS = load(text_with_the_owners_rules())


@pytest.fixture
def patient(db):
    return make_patient(make_location())


def form_of(patient, data=None):
    zone = ZoneInfo("Australia/Lord_Howe")
    return AnswersForm(data, catalogue=OWNERS, stage=Stage.BOOKING, patient=patient, zone=zone)


def answers(patient, **data):
    form = form_of(patient, data)
    assert form.is_valid(), form.errors
    return form.answers


def known(patient, **said):
    record_answers(patient=patient, answers=said, by=None, now=NOW + timedelta(hours=6))  # midnight on Lord Howe


def test_it_asks_what_the_active_rules_ask_at_the_stage(patient):
    (group,) = form_of(patient).groups()
    assert (group.heading, group.condition, group.same) == ("Medicines", "", None)
    assert [(row.field.name, row.condition) for row in group.rows] == [
        ("Q04", ""),
        ("Q04b", "Q04=yes"),
        ("Q05", ""),
        ("Q05b", "Q05=yes"),
        ("Q05c", "Q05=yes"),
    ]


def test_what_was_answered_comes_out_by_question(patient):
    assert answers(patient, Q04="yes", Q04b_0="08/2025", Q05="yes", Q05c="not_asked") == {
        "Q04": "yes",
        "Q04b": "2025-08",
        "Q05": "yes",
        "Q05c": "not_asked",
    }
    assert answers(patient, Q04="yes", Q04b_1="on", Q05="not_sure") == {
        "Q04": "yes",
        "Q04b": "still",
        "Q05": "not_sure",
    }


def test_what_nobody_can_say_now_stays_open(patient):
    assert answers(patient, Q04="yes", Q05="yes") == {"Q04": "yes", "Q05": "yes"}


def test_what_follows_an_answer_that_was_not_given_is_dropped(patient):
    assert answers(patient, Q04="not_sure", Q04b_0="08/2025", Q05="not_sure", Q05c="may_pause") == {
        "Q04": "not_sure",
        "Q05": "not_sure",
    }


def test_a_date_beside_a_no_is_asked_about(patient):
    sentence = "This says no, and a date is given below it. Change one of the two."
    for when in ({"Q04b_0": "08/2025"}, {"Q04b_1": "on"}):
        assert form_of(patient, {"Q04": "no", "Q05": "no"} | when).errors == {"Q04": [sentence]}
    assert answers(patient, Q04="no", Q04b_0="soon", Q05="no") == {"Q04": "no", "Q05": "no"}


def test_every_question_needs_an_answer_and_not_sure_is_one(patient):
    form = form_of(patient, {"Q04": "", "Q05c": "may_pause"})
    sentence = "Please choose an answer; “Not sure” is one."
    assert form.errors == {"Q04": [sentence], "Q05": [sentence]}


@pytest.mark.parametrize(
    "data", [{"Q04": "perhaps"}, {"Q04": "same"}, {"Q05c": "stop_it"}, {"Q04b_0": "soon"}, {"Q04b_0": "2" * 21}]
)
def test_what_is_not_among_the_answers_is_refused(patient, data):
    form = form_of(patient, {"Q04": "yes", "Q05": "yes"} | data)
    assert list(form.errors) == [next(iter(data)).partition("_")[0]]


def test_a_date_and_still_cannot_both_be_true(patient):
    form = form_of(patient, {"Q04": "yes", "Q04b_0": "08/2025", "Q04b_1": "on", "Q05": "no"})
    assert form.errors == {"Q04b": ["Give the date of the last one, or tick that it goes on, not both."]}


# --- Answered before --------------------------------------------------------------------------------------------------


def test_a_known_answer_is_shown_as_a_day_and_may_stay(patient):
    known(patient, Q04="yes", Q04b="2025-08", Q05="no")
    form = form_of(patient)
    tick = form.fields["same-medicines"]  # the day it was on Lord Howe
    assert (tick.label, tick.help_text) == (
        "Nothing has changed here since 13 January 2026",
        "Ask whether that still holds.",
    )
    assert {form.fields[each].help_text for each in ("Q04", "Q05", "Q04b", "Q05c")} == {""}
    assert form.fields["Q04"].choices[0] == ("same", "Nothing has changed")
    assert [form[each].value() for each in ("Q04", "Q05")] == [None, None]  # nothing is chosen in advance
    assert answers(patient, Q04="same", Q05="same") == {}


def test_a_known_answer_may_change(patient):
    known(patient, Q04="no", Q05="no")
    assert answers(patient, Q04="yes", Q04b_0="2025", Q05="same") == {"Q04": "yes", "Q04b": "2025"}


def test_what_follows_an_answer_that_stays_is_not_asked_again(patient):
    known(patient, Q04="yes", Q04b="2025-08", Q05="no")
    assert answers(patient, Q04="same", Q04b_0="2020", Q05="same") == {}


# --- All rules --------------------------------------------------------------------------------------------------------

CLEAR = {
    "Q04": "no",
    "Q05": "no",
    "Q10": "no",
    "Q23_1": "on",
    "Q06": "does_not_apply",
    "Q06b": "does_not_apply",
    "Q07": "no",
    "Q08": "no",
    "Q09": "no",
    "Q11": "no",
    "Q17": ["none"],
    "Q18": "no",
    "Q12": "no",
    "Q13": "no",
    "Q14": ["none"],
    "Q15": "no",
    "Q16": "no",
    "Q20": "no",
    "Q22": "no",
    "Q24": "II",
    "Q24b": ["none"],
    "Q19": ["none"],
    "Q25": "yes",
}
SAID = {id: ", ".join(said) if isinstance(said, list) else said for id, said in CLEAR.items() if id != "Q23_1"} | {
    "Q23": "none"
}
FRESH = {"P01": "no", "P02": "no", "P03": "no", "P04": "no", "P05": "no", "P06": "no", "P07": "no"}
ARRIVED = {"C01": "no", "C04": "no", "C07": "no", "C08": ["none"], "P05": "no"}


@pytest.fixture(scope="module")
def everything():
    return read()


@pytest.fixture
def ask(everything, patient):
    """The form of a stage with every rule on, filled in with what is named; nothing named is an empty page."""
    make_catalogue()

    def ask(stage=Stage.BOOKING, data=None, **options):
        posted = None
        if data is not None:
            posted = QueryDict(mutable=True)
            for name, value in data.items():
                posted.setlist(name, value if isinstance(value, list) else [value])
        options = {"zone": ZoneInfo("Europe/London")} | options
        return AnswersForm(posted, catalogue=everything, stage=stage, patient=patient, **options)

    return ask


def asked(form) -> dict[str, str]:
    return {row.field.name: row.condition for group in form.groups() for row in group.rows}


def said(form) -> dict[str, str]:
    assert form.is_valid(), form.errors
    return form.answers


def test_a_booking_asks_everything_under_short_headings(ask, everything):
    form = ask()
    assert [group.heading for group in form.groups()] == [
        "Medicines",
        "Health",
        "Skin",
        "Earlier treatments",
        "Your choice",
    ]
    booking = {id for id, question in everything.questions.items() if question.keeps}
    assert set(asked(form)) == booking
    assert asked(form)["Q19b"] == "Q19=laser"
    assert asked(form)["Q21"] == (
        "protocol= protocol=scar_hypertrophic protocol=scar_surgical protocol=scar_thermal_burn"
    )
    assert asked(form)["Q13"] == "zones= zones=cheeks zones=chin_jaw zones=nose zones=perioral"
    assert asked(form)["Q09"] == ""


def test_a_booking_that_is_clear_is_clear_to_the_rules(ask, everything):
    answers = said(ask(data=CLEAR | {"protocol": "melasma", "zones": ["cheeks"]}))
    assert answers == SAID
    result = evaluate(
        catalogue=everything,
        answers=answers | {"Q01": "1990-05-17"},
        stage="booking",
        visit_start=NOW,
        zone=ZoneInfo("Europe/London"),
        protocol="melasma",
        zones=["cheeks"],
    )
    assert {finding.rule: finding.outcome for finding in result.findings if finding.outcome != "pass"} == {
        "S3": "advise"
    }


def test_every_question_that_applies_needs_an_answer(ask):
    form = ask(data={"protocol": "melasma", "zones": ["neck"]})
    assert set(form.errors) == (CLEAR.keys() - {"Q23_1", "Q13"}) | {"Q23"}
    assert form.errors["Q14"] == ["Please tick what is true; “None” is an answer too."]
    assert form.errors["Q23"] == ["Please write it down, or tick “None”."]
    assert form.errors["Q09"] == ["Please choose an answer; “Not sure” is one."]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"protocol": "scar_surgical", "zones": ["neck"]}, {"Q21": "2024-11"}),
        ({"protocol": "melasma", "zones": ["neck"]}, {}),
        ({"protocol": "melasma", "zones": ["neck", "nose"]}, {"Q13": "yes"}),
        ({"protocol": "melasma"}, {"Q13": "yes"}),
        ({"protocol": "", "zones": ["neck"]}, {"Q21": "2024-11"}),
        ({"protocol": "junk", "zones": ["junk"]}, {}),
    ],
)
def test_what_is_asked_follows_the_wishes_beside_the_form(ask, wish, expected):
    answers = said(ask(data=CLEAR | {"Q21": "11/2024", "Q13": "yes"} | wish))
    assert {id: answers[id] for id in ("Q13", "Q21") if id in answers} == expected


def test_with_a_plan_only_what_concerns_it_is_on_the_page(ask):
    scar = ask(protocol="scar_surgical", zones=["neck"])
    assert "Q21" in asked(scar) and "Q13" not in asked(scar) and asked(scar)["Q21"] == ""
    face = ask(protocol="melasma", zones=["perioral"])
    assert "Q13" in asked(face) and "Q21" not in asked(face) and asked(face)["Q13"] == ""
    assert "Q13" in asked(ask(protocol="melasma"))


def test_the_dates_of_earlier_treatments_go_with_what_was_ticked(ask):
    answers = said(
        ask(data=CLEAR | {"Q19": ["laser", "needling"], "Q19b": "24/12/2025", "Q19g": "2025", "Q19a": "2024"})
    )
    assert {id: value for id, value in answers.items() if id.startswith("Q19")} == {
        "Q19": "laser, needling",
        "Q19b": "2025-12-24",
        "Q19g": "2025",
    }


def test_nonsense_where_nothing_is_asked_is_in_nobodys_way(ask):
    assert "Q19a" not in said(ask(data=CLEAR | {"Q19a": "junk"}))
    assert set(ask(data=CLEAR | {"Q19a": "2025"}).errors) == {"Q19"}
    assert set(ask(data=CLEAR | {"Q19": ["light_peel"], "Q19a": "junk"}).errors) == {"Q19a"}


# --- Coming back ------------------------------------------------------------------------------------------------------


@pytest.fixture
def returning(patient, ask):
    tell(patient, SAID)
    return patient


def test_a_returning_patient_answers_a_group_with_one_tick(ask, returning):
    form = ask()
    assert {group.heading: group.same and group.same.name for group in form.groups()} == {
        "Medicines": "same-medicines",
        "Health": "same-health",
        "Skin": "same-skin",
        "Earlier treatments": None,
        "Your choice": None,
    }
    assert form.fields["same-skin"].label == "Nothing has changed here since 12 January 2026"
    assert form.fields["same-skin"].help_text == "Ask whether that still holds."
    assert [form.fields[id].help_text for id in ("Q09", "Q19", "Q25")] == [
        "",  # the tick of its group says it
        "",  # it may be other skin than the last time
        "Answered on 12 January 2026. Ask whether that still holds.",
    ]
    assert asked(form)["Q05c"] == "same-medicines= & Q05=yes"
    ticks = {"same-medicines": "on", "same-health": "on", "same-skin": "on", "Q25": "same"}
    assert set(ask(data=ticks).errors) == {"Q15", "Q19", "Q20"}
    of_skin = {"Q15": "no", "Q19": "none", "Q20": "no"}
    assert said(ask(data=ticks | of_skin | {"Q19": ["none"]})) == of_skin


def test_what_changed_is_answered_beside_ticks(ask, returning):
    data = {"same-medicines": "on", "same-health": "on", "Q25": "same"}
    skin = {id: CLEAR[id] for id in ("Q12", "Q13", "Q15", "Q16", "Q19", "Q20", "Q22", "Q24", "Q24b")}
    answers = said(ask(data=data | skin | {"Q14": ["psoriasis"], "Q14b": "no", "Q24": "same", "Q04": "yes"}))
    assert answers == {id: SAID[id] for id in skin if id != "Q24"} | {"Q14": "psoriasis", "Q14b": "no"}


def test_a_group_with_something_unknown_has_no_tick(ask, patient):
    record_answers(patient=patient, answers={"Q04": "no", "Q05": "no"}, by=None, now=NOW)
    assert {group.same for group in ask().groups()} == {None}


def test_no_answer_that_is_known_is_on_the_page(ask, patient):
    record_answers(
        patient=patient, answers=SAID | {"Q23": "Doxycycline", "Q17": "latex", "Q09": "not_sure"}, by=None, now=NOW
    )
    shown = render_to_string("treatments/_questions.html", {"answers": ask()})
    assert "Answered on 12 January 2026. Ask whether that still holds." in shown
    assert "Doxycycline" not in shown
    assert " checked" not in shown


def test_known_answers_are_read_in_two_queries(ask, returning, django_assert_num_queries):
    with django_assert_num_queries(2):
        render_to_string("treatments/_questions.html", {"answers": ask()})
    with django_assert_num_queries(2):
        assert ask(data=CLEAR).is_valid()


# --- Days that cannot be ---------------------------------------------------------------------------------------------

TO_COME, BEFORE_BIRTH = "This is still to come. Write when it was.", "This is before the date of birth. Check the year."


@pytest.mark.parametrize(
    ("zone", "now", "typed", "mistake"),
    [
        ("Europe/London", "2026-01-15T10:00", "15/01/2026", None),
        ("Europe/London", "2026-01-15T10:00", "16/01/2026", TO_COME),
        ("Europe/London", "2026-01-15T10:00", "01/2026", None),  # a part of the month has passed
        ("Europe/London", "2026-01-15T10:00", "2026", None),
        ("Europe/London", "2026-01-15T10:00", "02/2026", TO_COME),
        ("Europe/London", "2026-01-15T10:00", "2027", TO_COME),
        ("Europe/London", "2026-03-29T23:30", "30/03/2026", None),  # it is summer already, and tomorrow
        ("Europe/London", "2026-10-25T23:30", "26/10/2026", TO_COME),  # and winter, and today
        ("Australia/Lord_Howe", "2026-01-15T12:59", "16/01/2026", TO_COME),
        ("Australia/Lord_Howe", "2026-01-15T13:00", "16/01/2026", None),
        ("Europe/London", "2026-01-15T10:00", "16/05/1990", BEFORE_BIRTH),
        ("Europe/London", "2026-01-15T10:00", "17/05/1990", None),
        ("Europe/London", "2026-01-15T10:00", "05/1990", None),
        ("Europe/London", "2026-01-15T10:00", "04/1990", BEFORE_BIRTH),
        ("Europe/London", "2026-01-15T10:00", "1989", BEFORE_BIRTH),
    ],
)
def test_a_day_that_cannot_be_is_refused(ask, patient, zone, now, typed, mistake):
    patient.date_of_birth = date(1990, 5, 17)
    options = {"zone": ZoneInfo(zone), "now": datetime.fromisoformat(now).replace(tzinfo=UTC)}
    for data in ({"Q04": "yes", "Q04b_0": typed}, {"Q19": ["needling"], "Q19g": typed}):
        form = ask(data=CLEAR | data, **options)
        assert [*form.errors.values()] == ([[mistake]] if mistake else [])


@pytest.mark.parametrize(
    ("now", "day", "clock", "is_to_come"),
    [
        ("2026-01-15T10:00", "2026-01-15", "10:00", False),
        ("2026-01-15T10:00", "2026-01-15", "10:01", True),
        ("2026-01-15T10:00", "2026-01-15", "", False),
        ("2026-01-15T10:00", "2026-01-16", "", True),
        ("2026-06-15T10:00", "2026-06-15", "11:00", False),  # in summer time
        ("2026-06-15T10:00", "2026-06-15", "11:01", True),
        ("2026-10-25T00:40", "2026-10-25", "01:30", False),  # the hour that comes twice has come once
        ("2026-10-25T00:20", "2026-10-25", "01:30", True),
    ],
)
def test_a_time_of_day_that_is_still_to_come_is_refused(ask, returning, now, day, clock, is_to_come):
    data = ARRIVED | {"C01": "yes", "C01b_0": day, "C01b_1": clock}
    form = ask(Stage.CHECKIN, data, by=AnsweredBy.PATIENT, now=datetime.fromisoformat(now).replace(tzinfo=UTC), **PLAN)
    assert form.errors == ({"C01b": [TO_COME]} if is_to_come else {})


def test_a_date_that_is_too_long_is_no_date():
    assert read_typed_sentence("2" * 3000, is_patients=False).startswith("Write the date as 31/08/2025")
    assert read_typed_sentence("2" * 3000, is_patients=True) == "Write the day, the month and the year in numbers."


def read_typed_sentence(typed, *, is_patients):
    field = field_for(read().questions["Q04b"], is_known=False, is_patients=is_patients)
    with pytest.raises(ValidationError) as refused:
        field.clean([typed, ""])
    return " ".join(refused.value.messages)


# --- Before the visit -------------------------------------------------------------------------------------------------

PLAN = {"protocol": "melasma", "zones": ["cheeks"]}


def test_before_the_visit_only_what_is_new_is_asked(ask, returning):
    form = ask(Stage.PREVISIT, **PLAN)
    always = [name for name, condition in asked(form).items() if not condition]
    assert always == list(FRESH)
    assert [(group.heading, group.condition) for group in form.groups()] == [
        ("How you are now", ""),
        ("Medicines", "P01=yes"),
        ("Health", "P01=yes"),
        ("Skin", "P01=yes"),
        ("Earlier treatments", "P01=yes"),
        ("Your choice", "P01=yes"),
    ]
    assert asked(form)["Q05c"] == "same-medicines= & P01=yes & Q05=yes"
    assert said(ask(Stage.PREVISIT, FRESH, **PLAN)) == FRESH


def test_what_was_never_answered_is_asked_before_the_visit_too(ask, patient):
    tell(patient, {id: word for id, word in SAID.items() if id != "Q04"})
    form = ask(Stage.PREVISIT, FRESH, **PLAN)
    assert asked(form)["Q04"] == ""
    assert set(form.errors) == {"Q04"}


def test_a_change_is_told_in_words_and_what_it_reopens_is_gone_through_whole_or_not_at_all(ask, returning):
    silent = ask(Stage.PREVISIT, FRESH | {"P01": "yes"}, **PLAN)
    assert silent.errors == {"P01b": ["Please write it in your own words."]}
    words = {"P01b": "A new heart tablet"}
    changed = FRESH | {"P01": "yes", "P01b_0": words["P01b"]}
    assert said(ask(Stage.PREVISIT, changed, **PLAN)) == FRESH | {"P01": "yes"} | words
    ticks = {"same-health": "on", "same-skin": "on", "Q19": ["same"], "Q25": "same"}
    half = ask(Stage.PREVISIT, changed | ticks, **PLAN)
    assert set(half.errors) == {"Q04", "Q05", "Q10", "Q23"}
    medicines = {"Q04": "same", "Q05": "same", "Q10": "yes", "Q23_2": "on"}
    whole = ask(Stage.PREVISIT, changed | ticks | medicines, **PLAN)
    assert said(whole) == FRESH | {"P01": "yes", "Q10": "yes"} | words


def test_what_stands_below_a_change_that_was_taken_back_is_dropped(ask, returning):
    assert said(ask(Stage.PREVISIT, FRESH | {"Q10": "yes", "same-health": "on"}, **PLAN)) == FRESH


# --- On arrival -------------------------------------------------------------------------------------------------------


def test_on_arrival_the_patient_and_staff_have_a_page_each(ask, returning):
    tablet = ask(Stage.CHECKIN, by=AnsweredBy.PATIENT, **PLAN)
    assert asked(tablet) == {
        "C01": "",
        "C01b": "C01=yes",
        "C04": "",
        "C07": "",
        "C08": "",
        "P05": "",
        "Q04b": "C04=yes",
    }
    assert asked(ask(Stage.CHECKIN, by=AnsweredBy.STAFF, **PLAN)) == {"C03": "", "C06": ""}
    assert said(ask(Stage.CHECKIN, ARRIVED, by=AnsweredBy.PATIENT, **PLAN)) == ARRIVED | {"C08": "none"}
    seen = {"C06": ["cold_sore", "tan"]}
    assert said(ask(Stage.CHECKIN, seen, by=AnsweredBy.STAFF, **PLAN)) == {"C06": "cold_sore, tan"}
    ticked = {"C03": "on", "C06": ["none"]}
    assert said(ask(Stage.CHECKIN, ticked, by=AnsweredBy.STAFF, **PLAN)) == {"C03": "yes", "C06": "none"}


def test_what_follows_a_known_answer_is_asked_on_arrival(ask, returning, patient):
    record_answers(patient=patient, answers={"Q05": "yes", "Q05c": "may_pause", "Q06": "no"}, by=None, now=NOW)
    form = ask(Stage.CHECKIN, by=AnsweredBy.PATIENT, **PLAN)
    assert {id: asked(form)[id] for id in ("C02", "C05")} == {"C02": "", "C05": ""}
    data = ARRIVED | {"C05": "no", "C02_0": "2026-02-01", "C02_1": "08:15"}
    answers = said(ask(Stage.CHECKIN, data, by=AnsweredBy.PATIENT, **PLAN))
    assert answers["C02"] == "2026-02-01T08:15"


def test_what_is_still_missing_behind_a_known_answer_is_asked_before_the_visit(ask, returning, patient):
    record_answers(patient=patient, answers={"Q05": "yes"}, by=None, now=NOW)
    form = ask(Stage.PREVISIT, FRESH | {"Q05c": "may_pause"}, **PLAN)
    assert {id: asked(form)[id] for id in ("Q05b", "Q05c", "Q17b")} == {
        "Q05b": "",
        "Q05c": "",
        "Q17b": "same-health= & P01=yes & Q17=numbing Q17=metal Q17=latex Q17=products",
    }
    assert said(form) == FRESH | {"Q05c": "may_pause"}


def test_the_day_of_a_capsule_since_the_booking_is_asked_although_one_is_known(ask, returning):
    data = ARRIVED | {"C04": "yes", "Q04b_0": "10/01/2026"}
    assert said(ask(Stage.CHECKIN, data, by=AnsweredBy.PATIENT, **PLAN))["Q04b"] == "2026-01-10"


@pytest.mark.parametrize("by", [AnsweredBy.PATIENT, None])
def test_a_patient_is_spoken_to_and_staff_are_told(ask, by):
    shown = render_to_string("treatments/_questions.html", {"answers": ask(Stage.CHECKIN, by=by, **PLAN)})
    patients = {"I still take it", "If you do not know the time", "we will talk about it"}
    staffs = {"Still takes it", "Leave the time open", "the visit then waits"}
    assert {words for words in patients | staffs if words in shown} == (patients if by else staffs)


def test_a_patient_reads_other_words_than_reception(ask, returning):
    form = ask(Stage.PREVISIT, by=AnsweredBy.PATIENT, **PLAN)
    assert form.fields["Q09"].help_text == "You answered this on 12 January 2026."


@pytest.mark.parametrize("stage", Stage)
def test_every_question_can_be_drawn(ask, stage):
    form = ask(stage, {"C01b_0": "junk", "Q14": ["junk"], "Q23_0": "...", "Q21": "junk"})
    assert not form.is_valid()
    page = render_to_string("treatments/_questions.html", {"answers": form})
    assert all(f'name="{name}' in page for name in asked(form))
    assert all(sentence in page for name in form.errors for sentence in form.errors[name])


# --- Where on the skin ------------------------------------------------------------------------------------------------

TWO = {"zones": ["cheeks", "chin_jaw"]}


def test_where_is_asked_after_what_is_about_skin_unless_a_single_zone_is_treated(ask):
    more = "zones= zones=+"
    conditions = asked(ask())
    assert {id: conditions[id] for id in ("Q15b", "Q14c", "Q20b")} == {
        "Q15b": f"Q15=yes & {more}",
        "Q14c": f"Q14b=yes & {more}",
        "Q20b": f"Q20=yes & {more}",
    }
    tattooed = CLEAR | {"Q20": "yes"}
    assert set(ask(data=tattooed | TWO).errors) == set(ask(data=tattooed).errors) == {"Q20b"}
    assert ask(data=tattooed | TWO).errors["Q20b"] == ["Please tick where; “Not sure” is an answer too."]
    assert said(ask(data=tattooed | {"zones": ["neck"]}))["Q20b"] == "neck"
    assert "Q20b" not in asked(ask(protocol="melasma", zones=["neck"]))


def test_only_the_zones_that_are_treated_are_on_offer(ask, everything):
    codes = [code for code, zone in everything.zones.items() if zone.is_bookable]
    offered = {
        zones: [value for value, _label in ask(protocol="melasma", zones=zones).fields["Q20b"].choices]
        for zones in ((), ("chin_jaw", "cheeks"))
    }
    assert offered == {(): [*codes, "not_sure"], ("chin_jaw", "cheeks"): ["cheeks", "chin_jaw", "not_sure"]}


@pytest.mark.parametrize(
    ("ticked", "kept"),
    [
        (["chin_jaw"], "chin_jaw"),
        (["chin_jaw", "neck"], "chin_jaw"),  # whose box was ticked before the neck was taken away above
        (["not_sure"], "not_sure"),
    ],
)
def test_where_is_answered_by_the_zones_that_are_chosen_beside(ask, ticked, kept):
    assert said(ask(data=CLEAR | TWO | {"Q20": "yes", "Q20b": ticked}))["Q20b"] == kept
    assert set(ask(data=CLEAR | TWO | {"Q20": "yes", "Q20b": ["neck"]}).errors) == {"Q20b"}


def test_staff_say_where_they_have_seen_something(ask, returning):
    plan = PLAN | {"zones": ["cheeks", "chin_jaw"]}
    form = ask(Stage.CHECKIN, by=AnsweredBy.STAFF, **plan)
    seen = "C06=infection C06=wound C06=rash C06=spots C06=flare C06=raised_mark"
    assert asked(form) == {"C03": "", "C06": "", "C06b": seen}
    spots = {"C03": "on", "C06": ["spots"]}
    assert set(ask(Stage.CHECKIN, spots, by=AnsweredBy.STAFF, **plan).errors) == {"C06b"}
    answers = said(ask(Stage.CHECKIN, spots | {"C06b": ["cheeks"]}, by=AnsweredBy.STAFF, **plan))
    assert answers == {"C03": "yes", "C06": "spots", "C06b": "cheeks"}
    on_one_zone = said(ask(Stage.CHECKIN, spots, by=AnsweredBy.STAFF, **PLAN))
    assert on_one_zone == {"C03": "yes", "C06": "spots", "C06b": "cheeks"}

import pytest

from tests.factories import (
    NOW,
    make_catalogue,
    make_course,
    make_location,
    make_patient,
    make_protocol,
    make_user,
    make_visit,
)
from treatments.courses import (
    CourseRefused,
    SessionsOutsideRange,
    change_course,
    plan_refresher,
    sign_plan,
    start_course,
)
from treatments.models import Course, CoursePlan, CourseSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return make_patient(make_location())


def start(patient, code="acne_scar_moderate", **fields):
    wish = {"patient": patient, "protocol": make_protocol(code), "zones": [], "by": None, "now": NOW}
    return start_course(**wish | fields)


def test_a_single_visit_is_a_course_of_one(patient):
    by, zones = make_user("receptionist"), list(make_catalogue().zones.filter(code__in=["cheeks", "hands"]))
    first = start(patient, zones=zones, by=by)
    course = first.course
    assert (first.number, first.kind, first.position) == (1, "planned", "")
    assert (course.patient, course.protocol, course.planned_sessions) == (patient, make_protocol(), 1)
    assert (course.created_at, course.created_by, course.refreshers_per_year) == (NOW, by, None)
    assert set(course.zones.all()) == set(zones)
    assert list(course.sessions.all()) == [first]


def test_a_course_has_all_its_sessions_from_the_start(patient):
    first = start(patient, planned_sessions=3)
    assert [each.position for each in first.course.sessions.all()] == ["1 of 3", "2 of 3", "3 of 3"]


@pytest.mark.parametrize("planned", [3, 4])
def test_a_protocols_smallest_and_largest_numbers_are_allowed(patient, planned):
    assert start(patient, planned_sessions=planned).course.sessions.count() == planned


@pytest.mark.parametrize("planned", [2, 5, 0])
def test_other_numbers_are_refused_in_words_and_nothing_is_stored(patient, planned):
    with pytest.raises(SessionsOutsideRange) as refusal:
        start(patient, planned_sessions=planned)
    assert refusal.value.message == "Acne scars, moderate takes 3 to 4 sessions. Plan a number between them."
    assert Course.objects.count() == 0


def test_a_single_visit_is_allowed_whatever_the_protocol_foresees(patient):
    assert start(patient, planned_sessions=1).course.planned_sessions == 1


def test_refreshers_are_foreseen_for_a_course_and_not_for_a_single_visit(patient):
    assert start(patient, "wrinkles_fine", planned_sessions=4).course.refreshers_per_year == 1
    assert start(patient, "wrinkles_fine").course.refreshers_per_year is None


def test_a_refresher_follows_the_last_session_and_one_waits_at_a_time(patient):
    course = start(patient, "wrinkles_fine", planned_sessions=4).course
    refresher = plan_refresher(course=course)
    assert (refresher.number, refresher.kind, refresher.position) == (5, "refresher", "refresher")
    assert plan_refresher(course=course) == refresher
    assert CourseSession.objects.filter(course=course).count() == 5


@pytest.mark.parametrize("per_year", [1, 2])
def test_refreshers_are_planned_as_often_as_the_protocol_allows(patient, per_year):
    course = start(patient, "wrinkles_fine", planned_sessions=4).course
    plan_refresher(course=course, per_year=per_year)
    course.refresh_from_db()
    assert course.refreshers_per_year == per_year


@pytest.mark.parametrize("per_year", [3, -1])
def test_more_refreshers_than_the_protocol_takes_are_refused(patient, per_year):
    course = start(patient, "wrinkles_fine", planned_sessions=4).course
    with pytest.raises(CourseRefused, match="takes 1 to 2 refreshers a year"):
        plan_refresher(course=course, per_year=per_year)
    assert (course.sessions.count(), Course.objects.get().refreshers_per_year) == (4, 1)


@pytest.mark.parametrize(("code", "planned"), [("acne_scar_moderate", 3), ("wrinkles_fine", 1)])
def test_scars_and_single_visits_have_no_refreshers(patient, code, planned):
    course = start(patient, code, planned_sessions=planned).course
    with pytest.raises(CourseRefused, match="Refreshers follow a whole course"):
        plan_refresher(course=course, per_year=1)
    assert course.sessions.count() == planned


# --- The plan of the clinical lead ------------------------------------------------------------------------------------


def sign(course, by, text="Shallow first, sunscreen all year."):
    return sign_plan(course=course, text=text, by=by, now=NOW)


def test_the_lead_signs_a_plan(patient):
    course, lead = start(patient, "melasma", planned_sessions=3).course, make_user("lead")
    plan = sign(course, lead, "  Shallow first.\u200b\n\nSunscreen all year. ")
    assert (plan.course, plan.text) == (course, "Shallow first.\n\nSunscreen all year.")
    assert (plan.signed_by, plan.signed_at) == (lead, NOW)


@pytest.mark.parametrize("role", ["receptionist", "practitioner", "owner"])
def test_nobody_else_signs_a_plan(patient, role):
    with pytest.raises(CourseRefused, match="The clinical lead alone"):
        sign(start(patient, "melasma").course, make_user(role))
    assert CoursePlan.objects.count() == 0


def test_a_plan_without_a_word_is_none(patient):
    with pytest.raises(CourseRefused, match="Write down what is planned"):
        sign(start(patient, "melasma").course, make_user("lead"), " \u200b ")
    assert CoursePlan.objects.count() == 0


def test_the_same_plan_twice_is_one_and_another_one_is_refused(patient):
    course, lead = start(patient, "melasma").course, make_user("lead")
    first = sign(course, lead)
    assert sign(course, lead) == first
    for by, text in ((lead, "Deeper."), (make_user("lead"), first.text)):
        with pytest.raises(CourseRefused, match="signed already"):
            sign(course, by, text)
    assert CoursePlan.objects.get().text == "Shallow first, sunscreen all year."


# --- Another treatment ------------------------------------------------------------------------------------------------


def replan(course, code="acne_scar_moderate", *zones, **planned):
    protocol = make_protocol(code)
    zones = protocol.version.zones.filter(code__in=zones)
    change_course(course=course, protocol=protocol, zones=zones, **planned)
    course.refresh_from_db()
    return course.protocol.code, course.planned_sessions, course.refreshers_per_year


def test_sessions_and_refreshers_follow_the_protocol(patient):
    course = start(patient, planned_sessions=4).course
    assert replan(course, "wrinkles_deep") == ("wrinkles_deep", 4, 1)
    assert replan(course, "scar_surgical", "hands") == ("scar_surgical", 4, None)
    assert [zone.code for zone in course.zones.all()] == ["hands"]
    course = start(patient, "stretch_marks", planned_sessions=5).course
    assert replan(course, "acne_scar_mild") == ("acne_scar_mild", 4, None)
    assert [each.number for each in course.sessions.all()] == [1, 2, 3, 4]
    assert replan(course, "scar_hypertrophic")[1] == 4
    assert replan(start(patient, "wrinkles_fine").course, "melasma") == ("melasma", 1, None)


def test_the_number_of_sessions_that_is_named_is_planned_within_the_range(patient):
    course = start(patient, "rejuvenation", planned_sessions=3).course
    assert replan(course, "wrinkles_fine", planned_sessions=6) == ("wrinkles_fine", 6, 1)
    assert replan(course, "wrinkles_fine", planned_sessions=4)[1] == course.sessions.count() == 4
    assert replan(course, "rejuvenation", planned_sessions=3)[1] == course.sessions.count() == 3
    assert replan(course, "rejuvenation", planned_sessions=1) == ("rejuvenation", 1, None)
    assert replan(course, "rejuvenation", planned_sessions=3)[1:] == (3, course.protocol.refreshers_min_per_year)
    for number in (2, 7):
        with pytest.raises(SessionsOutsideRange):
            replan(course, "rejuvenation", planned_sessions=number)
    assert (course.planned_sessions, course.sessions.count()) == (3, 3)


def test_a_session_that_was_booked_once_or_a_refresher_keeps_the_number():
    course = make_course(protocol=make_protocol("wrinkles_fine"), planned=6, booked=5)
    with pytest.raises(CourseRefused, match="Session 5 was booked once"):
        replan(course, "wrinkles_fine", planned_sessions=4)
    assert replan(course, "wrinkles_fine", planned_sessions=5)[1] == course.sessions.count() == 5
    plan_refresher(course=course)
    with pytest.raises(CourseRefused, match="has a refresher already"):
        replan(course, "wrinkles_fine", planned_sessions=6)


def test_what_was_treated_or_planned_by_the_lead_keeps_its_protocol_and_not_its_skin():
    course = make_visit().session.course
    with pytest.raises(CourseRefused, match="begun with its treatment"):
        replan(course, "melasma")
    assert replan(course, "acne_scar_moderate", "cheeks")[0] == "acne_scar_moderate"
    assert [zone.code for zone in course.zones.all()] == ["cheeks"]
    signed = start(course.patient, "melasma").course
    sign(signed, make_user("lead"))
    with pytest.raises(CourseRefused, match="signed a plan"):
        replan(signed, "sagging")
    assert signed.protocol.code == "melasma"

"""The house keeps its shape: who may know whom, and the habits that a syntax tree can see.

Each check is a function that lists what breaks it as "path:line what", so that a failure reads as a to-do list. What
finds nothing could be blind: the checks that look for something hidden are first shown one.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

ROOT = settings.BASE_DIR
# Each may use itself and what stands before it.
APPS = ("clinic", "patients", "treatments", "scheduling")
NAME_EVERY_APP = {"clinic/settings.py", "clinic/urls.py", "clinic/celery.py"}

LONGEST_MODULE = 449
LONGEST_VIEW = 29
# Where the present may be looked up; everywhere else it is handed in.
EDGES = re.compile(r"\w+/(views/|management/commands/|tasks\.py|context\.py|demo_smtp\.py)")
# Tests that are about a promise of the whole and not about one module.
PROMISES = {"access_matrix", "architecture", "hostile_input", "privacy", "races", "source_facts", "static"}


@dataclass(frozen=True)
class Module:
    path: str
    app: str
    tree: ast.Module
    lines: int


@cache
def modules() -> list[Module]:
    """Every module of the product, migrations included."""
    found = []
    for path in sorted(file for app in APPS for file in (ROOT / app).rglob("*.py")):
        source = path.read_text()
        name = path.relative_to(ROOT).as_posix()
        found.append(Module(name, name.partition("/")[0], ast.parse(source), len(source.splitlines())))
    return found


def written() -> list[Module]:
    """Those that people write: a migration is made once, from them."""
    return [module for module in modules() if "/migrations/" not in module.path]


def above(app: str) -> set[str]:
    return set(APPS[APPS.index(app) + 1 :])


def dotted(node: ast.AST) -> str:
    """`a.b.c` as it is written; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{base}.{node.attr}" if (base := dotted(node.value)) else ""
    return ""


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every imported name in full, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or '.'}.{alias.name}") for alias in node.names)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module but its docstrings."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def collect(check, among: Iterable[Module]) -> list[str]:
    return [f"{module.path}:{line} {what}" for module in among for line, what in check(module.tree)]


# --- Who may know whom ------------------------------------------------------------------------------------------------


def named_apps(tree: ast.AST, wanted: set[str]) -> Iterator[tuple[int, str]]:
    """Where a module names one of the apps: by import, or as a dotted text or the app's label in one."""
    for line, name in [*imports(tree), *strings(tree)]:
        if re.match(r"(\w+)(\.|$)", name) and name.partition(".")[0] in wanted:
            yield line, name


@pytest.mark.parametrize(
    "source",
    [
        "from scheduling import booking",
        "import scheduling.booking as b",
        "def f():\n    from scheduling.models import Appointment",
        "if TYPE_CHECKING:\n    from scheduling.models import Appointment",
        "models.ForeignKey('scheduling.Appointment', related_name='+')",
        "apps.get_model('scheduling', 'Appointment')",
        "import_module('scheduling.booking')",
        "dependencies = [('scheduling', '0001_first')]",
    ],
)
def test_a_name_from_above_is_found_in_every_shape(source):
    assert list(named_apps(ast.parse(source), above("patients")))


@pytest.mark.parametrize(
    "source", ["reverse('scheduling:board-day')", "'''scheduling.booking is the only writer.'''", "x = 'schedulings'"]
)
def test_an_address_and_prose_are_no_names(source):
    assert list(named_apps(ast.parse(source), above("patients"))) == []


@pytest.mark.parametrize("app", APPS)
def test_no_module_names_an_app_above_its_own(app):
    own = [module for module in modules() if module.app == app and module.path not in NAME_EVERY_APP]
    assert collect(lambda tree: named_apps(tree, above(app)), own) == []


def test_the_modules_at_the_root_name_none():
    roots = [ast.parse((ROOT / name).read_text()) for name in ("conftest.py", "manage.py")]
    named = [name for tree in roots for _line, name in named_apps(tree, set(APPS))]
    assert named == ["clinic.settings"]


def own_models(app: str) -> list[type]:
    return list(apps.get_app_config(app).get_models(include_auto_created=True))


@pytest.mark.parametrize("app", APPS)
def test_no_relation_of_a_model_points_up(app):
    upward = [
        f"{model.__name__}.{field.name} -> {field.related_model.__name__}"
        for model in own_models(app)
        for field in [*model._meta.fields, *model._meta.many_to_many]
        if field.related_model and field.related_model._meta.app_label in above(app)
    ]
    assert upward == []


@pytest.mark.parametrize("app", APPS)
def test_no_migration_waits_for_one_above(app):
    upward = [
        f"{app}.{name} -> {'.'.join(other)}"
        for (label, name), migration in MigrationLoader(None).disk_migrations.items()
        if label == app
        for other in (*migration.dependencies, *migration.run_before)
        if other[0] in above(app)
    ]
    assert upward == []


def ways_back(app: str) -> set[str]:
    """The names by which the models of an app can be reached from above themselves: `patient.appointments`."""
    return {
        field.remote_field.get_accessor_name()
        for upper in above(app)
        for model in own_models(upper)
        for field in [*model._meta.fields, *model._meta.many_to_many]
        if field.related_model
        and field.related_model._meta.app_label in {app, *APPS[: APPS.index(app)]}
        and not field.remote_field.hidden
    }


def uses_of(tree: ast.AST, names: set[str]) -> Iterator[tuple[int, str]]:
    """Where one of the names is an attribute, the start of a lookup, or the text of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            yield node.lineno, f".{node.attr}"
        elif isinstance(node, ast.keyword) and node.arg and node.arg.partition("__")[0] in names:
            yield node.value.lineno, f"{node.arg}="
    for line, text in strings(tree):
        if text.lstrip("-").partition("__")[0] in names:
            yield line, repr(text)


def test_a_way_back_is_found_in_every_shape():
    assert {"appointments", "courses"} <= ways_back("clinic") | ways_back("patients")
    source = "p.appointments.all(); P.filter(appointments__state=1); P.prefetch_related('appointments__room')"
    assert len(list(uses_of(ast.parse(source), {"appointments"}))) == 3


@pytest.mark.parametrize("app", APPS[:-1])
def test_no_module_reaches_up_through_a_related_name(app):
    own = [module for module in written() if module.app == app and module.path not in NAME_EVERY_APP]
    assert collect(lambda tree: uses_of(tree, ways_back(app)), own) == []


# --- The clock --------------------------------------------------------------------------------------------------------

ASKING_THE_TIME = {"now", "utcnow", "today", "localdate", "localtime"}


def looks_at_the_machine_clock(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for call in calls(tree):
        name = dotted(call.func)
        owner, _dot, asked = name.rpartition(".")
        of_another_time = asked in {"localdate", "localtime"} and call.args
        if owner != "times" and owner and asked in ASKING_THE_TIME and not of_another_time:
            yield call.lineno, f"{name}()"
        if name in {"time.time", "time.localtime", "time.gmtime"}:
            yield call.lineno, f"{name}()"
        yield from ((call.lineno, f"{key.arg}=") for key in call.keywords if key.arg in {"auto_now", "auto_now_add"})
    for line, name in imports(tree):
        if name in {"django.utils.timezone.now", "django.utils.timezone.localdate", "django.db.models.functions.Now"}:
            yield line, name


@pytest.mark.parametrize(
    "source",
    [
        "timezone.now()",
        "datetime.now(tz=UTC)",
        "datetime.datetime.now()",
        "date.today()",
        "timezone.localdate()",
        "time.time()",
        "models.DateTimeField(auto_now_add=True)",
        "from django.utils.timezone import now",
        "from django.db.models.functions import Now",
    ],
)
def test_a_look_at_the_machine_clock_is_found(source):
    assert list(looks_at_the_machine_clock(ast.parse(source)))


def test_only_the_clinic_clock_tells_the_time():
    others = [module for module in written() if module.path != "clinic/times.py"]
    assert collect(looks_at_the_machine_clock, others) == []


def takes_the_present(tree: ast.AST) -> Iterator[tuple[int, str]]:
    own = {name.rpartition(".")[2] for _line, name in imports(tree) if name.startswith("clinic.times.")}
    asking = {f"times.{name}" for name in ("now", "real_now")} | own & {"now", "real_now"}
    return ((call.lineno, f"{dotted(call.func)}()") for call in calls(tree) if dotted(call.func) in asking)


def test_the_present_is_taken_at_the_edge_and_handed_down():
    inside = [module for module in written() if not EDGES.match(module.path) and module.path != "clinic/times.py"]
    assert collect(takes_the_present, inside) == []


# --- Flow and writing -------------------------------------------------------------------------------------------------


def test_nothing_of_ours_is_started_by_a_signal():
    found = [
        f"{module.path}:{line} {name}"
        for module in written()
        for line, name in imports(module.tree)
        if re.search(r"(^|\.)(signals|dispatch)(\.|$)", name)
    ]
    # The one way in which the audit library is told of an opening.
    found = [entry for entry in found if not re.fullmatch(r"clinic/audit\.py:\d+ auditlog\.signals\.accessed", entry)]
    assert found == []


def test_no_model_does_anything_on_its_own_when_saved():
    models = [module for module in written() if re.match(r"\w+/models(/|\.py)", module.path)]
    assert [
        f"{module.path}:{function.lineno} def {function.name}"
        for module in models
        for function in functions(module.tree)
        if function.name in {"save", "delete", "full_clean"}
    ] == []


WRITING = {
    *("save", "create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update"),
    *("delete", "add", "set", "remove", "clear"),
}


def writes_of_time(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where an appointment, or what it takes, is made, changed or deleted."""
    for call in calls(tree):
        name = ast.unparse(call.func)
        makes = name in {"Appointment", "Occupancy", "models.Appointment", "models.Occupancy"}
        rows = re.search(r"(\b(Appointment|Occupancy)\.objects|\.(appointments|occupancies))\b", name)
        is_one = re.match(r"(\w+\.)*\w*appointment\w*\.(save|delete)$", name)
        if makes or is_one or (rows and name.rpartition(".")[2] in WRITING):
            yield call.lineno, name


@pytest.mark.parametrize(
    "source",
    [
        "Appointment(state='booked')",
        "Appointment.objects.create()",
        "Appointment.objects.filter(pk=1).update(state='cancelled')",
        "Occupancy.objects.bulk_create([])",
        "session.appointments.all().delete()",
        "appointment.occupancies.create()",
        "appointment.save(update_fields=['state'])",
        "reminder.appointment.delete()",
    ],
)
def test_a_write_of_time_is_found(source):
    assert list(writes_of_time(ast.parse(source)))


def test_booking_alone_writes_appointments_and_what_they_take():
    # The demo's three months are stored in bulk, as rows that lie in the past are no longer booked.
    writers = {"scheduling/booking/writers.py", "scheduling/day.py", "scheduling/demo_clinic/appointments.py"}
    assert collect(writes_of_time, [module for module in written() if module.path not in writers]) == []


# --- Size and place ---------------------------------------------------------------------------------------------------


def test_no_module_outgrows_its_subject():
    assert [f"{m.path} {m.lines} lines" for m in written() if m.lines > LONGEST_MODULE] == []


def test_no_view_outgrows_a_screen():
    views = [
        (module.path, function)
        for module in written()
        if "/views/" in module.path
        for function in functions(module.tree)
        if function.args.args[:1] and function.args.args[0].arg == "request"
    ]
    lengths = {f"{path} {function.name}": function.end_lineno - function.lineno + 1 for path, function in views}
    assert {name: length for name, length in lengths.items() if length > LONGEST_VIEW} == {}


def mirrored(app: str) -> set[str]:
    """The names a test of the app may bear: `outbox`, `screen_command`, and for views `patient_pages`."""
    names = set(PROMISES)
    for path in (ROOT / app).rglob("*"):
        if path.suffix == ".py" or (path / "__init__.py").exists():
            kind = path.relative_to(ROOT / app).parts[:-1]
            names.add(path.stem)
            if "commands" in kind:
                names.add(f"{path.stem}_command")
            if "views" in kind:
                names |= {f"{path.stem}_pages", f"{path.stem.removesuffix('s')}_pages"}
    return names


@pytest.mark.parametrize("app", APPS)
def test_every_test_is_found_where_its_module_is(app):
    files = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / app).glob("test_*.py")}
    assert files - mirrored(app) == set()


# --- What a browser is given ------------------------------------------------------------------------------------------

REFUSED_MARKUP = {
    "inline style": re.compile(r"<style\b|\sstyle\s*=", re.I),
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)[^>]*>", re.I),
    "event attribute": re.compile(r"""\son\w+\s*=\s*["'{]|\s(data-)?hx-on\b|["'\s=]js:""", re.I),
    "script address": re.compile(r"javascript:", re.I),
    "another host": re.compile(r"""(src|href|action|content|hx-\w+|url)\s*[=(]\s*["']?\s*(https?:)?//""", re.I),
    "unescaped text": re.compile(r"\|\s*safe\b|\{%\s*autoescape\s+off", re.I),
    "clock of its own": re.compile(r"\{%\s*now\b"),
}


def refused_markup(text: str) -> Iterator[tuple[int, str]]:
    for what, pattern in REFUSED_MARKUP.items():
        yield from ((text.count("\n", 0, match.start()) + 1, what) for match in pattern.finditer(text))


@pytest.mark.parametrize(
    "markup",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        "<script>go()</script>",
        '<script type="module">go()</script>',
        '<a onclick="go()">',
        "<p hx-on:click='go()'>",
        '<p hx-vals="js:{a: 1}">',
        '<a href="javascript:go()">',
        '<script src="https://cdn.example/x.js"></script>',
        '<img src="//cdn.example/x.png">',
        "{{ name|safe }}",
        "{% autoescape off %}",
        '{% now "Y" %}',
    ],
)
def test_refused_markup_is_found(markup):
    assert list(refused_markup(markup))


def pages() -> list[Path]:
    """All templates but those of mails: mail readers know no other styles than those in the text."""
    found = [path for folder in (ROOT / "templates", *(ROOT / app for app in APPS)) for path in folder.rglob("*.html")]
    return [path for path in found if "emails" not in path.parts]


def test_templates_hold_no_inline_code_and_point_to_no_other_host():
    assert len(pages()) > 20
    assert [
        f"{path.relative_to(ROOT)}:{line} {what}" for path in pages() for line, what in refused_markup(path.read_text())
    ] == []


def test_our_scripts_and_styles_load_nothing_from_elsewhere_and_run_no_text():
    refused = re.compile(r"https?://(?!www\.w3\.org/)|@import|\beval\(|new Function\(|document\.write|\.innerHTML\s*=")
    files = [path for kind in ("*.js", "*.css") for path in (ROOT / "static").rglob(kind)]
    assert [
        f"{path.relative_to(ROOT)} {match[0]}" for path in files for match in refused.finditer(path.read_text())
    ] == []


def test_a_comment_of_a_template_ends_on_its_line_or_people_read_it():
    assert [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")]
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if line.count("{#") != line.count("#}")
    ] == []

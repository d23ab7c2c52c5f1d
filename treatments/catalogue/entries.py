"""What the entries of a catalogue have in common, whatever they describe."""

import re

from django.utils.translation import gettext as _

from clinic.models import HARD_MAX_DEPTH_MM
from treatments.catalogue.reading import Reader
from treatments.catalogue.spec import Grade, Range, Tag

CODE = re.compile(r"[a-z][a-z_]{1,39}")
QUESTION_ID = re.compile(r"[QPC][0-9]{2}[a-z]?")


class Entries:
    """Reads the shared parts of entries. What cannot be read is noted in the reader and left out."""

    def __init__(self, sources):
        self.sources = sources

    def check_code(self, entry: Reader, form: re.Pattern, key: str = "code") -> str:
        code = entry.text(key)
        if not form.fullmatch(code):
            entry.refuse(_("“%(what)s” does not have the form of such a code."), key)
        return code

    def name(self, entry: Reader) -> str:
        name = entry.text("name")
        if len(name) > 80:
            entry.refuse(_("%(what)s has a name of more than 80 letters."), "name")
        return name

    def check_depth(self, entry: Reader, key: str, depth) -> None:
        if depth is not None and depth > HARD_MAX_DEPTH_MM:
            entry.refuse(_("%(what)s goes deeper than 3.0 mm in “%(key)s”."), key)

    def cited(self, entry: Reader) -> tuple[str, ...]:
        cited = entry.words("sources", required=False)
        for source in cited:
            if source not in self.sources:
                entry.refuse(_("%(what)s names the unknown source “%(source)s”."), "sources", source=source)
        return cited

    def known(self, entry: Reader, key: str, known, *, required: bool = False) -> tuple[str, ...]:
        """A list of codes that must be among the known ones."""
        codes = entry.words(key, required=required)
        for code in codes:
            if code not in known:
                entry.refuse(_("%(what)s names “%(code)s” in “%(key)s”, which does not exist."), key, code=code)
        return codes

    def origin(self, entry: Reader) -> tuple[Tag | None, Grade | None]:
        """Where a number comes from. What was published has a grade; the owner's words and our own need none."""
        tag, grade = entry.choice("tag", Tag), entry.choice("grade", Grade, required=False)
        if tag == Tag.EXT and not entry.has("grade"):
            entry.refuse(_("%(what)s lacks the grade of its sources."), "tag")
        return tag, grade

    def range(self, parent: Reader, key: str, read: str, *, middle: str = "typical") -> Range | None:
        entry = parent.mapping(key)
        if entry is None:
            return None
        number = getattr(entry, read)
        low, typical, high = number("min"), number(middle), number("max")
        tag, grade = self.origin(entry)
        note = entry.text("note", required=False)
        entry.finish()
        if None not in (low, typical, high):
            if not low <= typical <= high:
                entry.refuse(_("%(what)s: the numbers must rise from min over %(middle)s to max."), middle=middle)
            if low <= 0:
                entry.refuse(_("%(what)s must be above zero."), "min")
        return Range(low, typical, high, tag, grade, note)

    def question_ids(self, entry: Reader, key: str) -> tuple[str, ...]:
        ids = entry.words(key)
        for id in ids:
            if not QUESTION_ID.fullmatch(id):
                entry.refuse(_("%(what)s: “%(id)s” is not the id of a question."), key, id=id)
        return ids

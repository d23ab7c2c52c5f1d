"""Strict reading of YAML: every value is asked for by name, and every problem is kept with the line it stands on."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import yaml
from django.utils.translation import gettext as _

TEXT = "tag:yaml.org,2002:str"
WHOLE = re.compile(r"[0-9]{1,4}")
DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")


class CatalogueError(ValueError):
    """The file cannot be used. `found` holds a line and a sentence for each thing that is wrong, `problems` both as one
    text: `line N: sentence`.
    """

    def __init__(self, found: list[tuple[int, str]]):
        self.found = found
        self.problems = [_("line %(line)d: %(sentence)s") % {"line": line, "sentence": said} for line, said in found]
        super().__init__("\n".join(self.problems))


class Problems:
    """Collects what is wrong, so that an owner sees all of it at once."""

    def __init__(self):
        self._found: set[tuple[int, str]] = set()
        self._faults: set[tuple[int, str]] = set()

    def add(self, node: yaml.Node | None, sentence: str) -> None:
        self._found.add((node.start_mark.line + 1 if node else 1, sentence))

    def add_fault(self, node: yaml.Node | None, sentence: str) -> None:
        """Something that a new text may not say, and that one which is in force already does."""
        self._faults.add((node.start_mark.line + 1 if node else 1, sentence))

    @property
    def faults(self) -> tuple[tuple[int, str], ...]:
        return tuple(sorted(self._faults))

    def raise_if_any(self) -> None:
        if self._found:
            raise CatalogueError(sorted(self._found))


def compose(text: str) -> yaml.Node | None:
    """The file as a tree in which every scalar is plain text: `yes` is a word here and `0.25` is not a float.

    Raises CatalogueError when it is not YAML.
    """
    try:
        return yaml.compose(text, Loader=yaml.CBaseLoader)
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError):
        return _compose_saying_where(text)


def _compose_saying_where(text: str) -> yaml.Node | None:
    """As `compose`, by a reader that takes ten times as long and knows the place of a mistake."""
    try:
        return yaml.compose(text, Loader=yaml.BaseLoader)
    except RecursionError:
        raise CatalogueError([(1, _("This file is nested too deeply to be read."))]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise CatalogueError([(line, _("This is not valid YAML from here on."))]) from None


class Reader:
    """A mapping of the file, read key by key.

    A method that cannot read what it is asked for notes the problem and returns None (or something empty), so that
    reading goes on. `finish` notes the keys that nobody asked for and those that are there twice.
    """

    def __init__(self, node: yaml.Node | None, what: str, problems: Problems):
        self.node, self.what, self.problems = node, what, problems
        self.asked: set[str] = set()
        self.keys: dict[str, yaml.Node] = {}
        self.values: dict[str, yaml.Node] = {}
        self.doubled: list[yaml.Node] = []
        if not isinstance(node, yaml.MappingNode):
            problems.add(node, _("%(what)s must be a list of names with values.") % {"what": what})
            return
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                problems.add(key, _("%(what)s has a name that is not a word.") % {"what": what})
            elif key.value in self.values:
                self.doubled.append(key)
            else:
                self.keys[key.value], self.values[key.value] = key, value

    def refuse(self, sentence: str, key: str | None = None, **details) -> None:
        details = {"what": self.what, "key": key, **details}
        self.problems.add(self.keys.get(key, self.node), sentence % details)

    def find_fault(self, sentence: str, key: str, **details) -> None:
        details = {"what": self.what, "key": key, **details}
        self.problems.add_fault(self.keys.get(key, self.node), sentence % details)

    def has(self, key: str) -> bool:
        self.asked.add(key)
        return key in self.values

    def is_word(self, key: str) -> bool:
        return isinstance(self.values.get(key), yaml.ScalarNode)

    def _node(self, key: str, *, required: bool) -> yaml.Node | None:
        if self.has(key):
            return self.values[key]
        if required and isinstance(self.node, yaml.MappingNode):
            self.refuse(_("%(what)s lacks “%(key)s”."), key)
        return None

    def text(self, key: str, *, required: bool = True) -> str:
        node = self._node(key, required=required)
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode) or node.tag != TEXT or not node.value.strip():
            self.refuse(_("%(what)s needs a text for “%(key)s”."), key)
            return ""
        return node.value.strip()

    def _number(self, key: str, form: re.Pattern, kind: Callable, sentence: str, *, required: bool):
        written = self.text(key, required=required)
        if not written:
            return None
        if not form.fullmatch(written):
            self.refuse(sentence, key)
            return None
        return kind(written)

    def whole(self, key: str, *, required: bool = True) -> int | None:
        sentence = _("%(what)s needs a whole number for “%(key)s”.")
        return self._number(key, WHOLE, int, sentence, required=required)

    def decimal(self, key: str, *, required: bool = True) -> Decimal | None:
        sentence = _("%(what)s needs a number such as 0.25 for “%(key)s”.")
        return self._number(key, DECIMAL, Decimal, sentence, required=required)

    def flag(self, key: str, *, default: bool = False) -> bool:
        written = self.text(key, required=False)
        if written not in ("", "true", "false"):
            self.refuse(_("%(what)s needs true or false for “%(key)s”."), key)
        return written == "true" if written else default

    def choice(self, key: str, choices, *, required: bool = True):
        """One of the members of a TextChoices, or None."""
        written = self.text(key, required=required)
        return self.member(written, choices, key) if written else None

    def member(self, written: str, choices, key: str):
        if written in choices.values:
            return choices(written)
        self.refuse(
            _("%(what)s has an unknown “%(key)s”: “%(written)s”. It can be %(known)s."),
            key,
            written=written,
            known=", ".join(choices.values),
        )
        return None

    def words(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        node = self._node(key, required=required)
        if node is None:
            return ()
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(item, yaml.ScalarNode) and item.tag == TEXT and item.value.strip() for item in items):
            self.refuse(_("%(what)s needs a list of words for “%(key)s”."), key)
            return ()
        words = tuple(item.value.strip() for item in items)
        if len(set(words)) < len(words):
            self.refuse(_("%(what)s names something twice in “%(key)s”."), key)
        return words

    def mapping(self, key: str, *, required: bool = True) -> "Reader | None":
        node = self._node(key, required=required)
        return None if node is None else Reader(node, f"{self.what} {key}", self.problems)

    def texts(self, key: str, *, required: bool = True) -> dict[str, str]:
        """A mapping to texts, whatever its keys are called."""
        return self._all(key, Reader.text, required=required)

    def lists(self, key: str, *, required: bool = True) -> dict[str, tuple[str, ...]]:
        """A mapping to lists of words, whatever its keys are called."""
        return self._all(key, Reader.words, required=required)

    def _all(self, key: str, read: Callable, *, required: bool) -> dict:
        entry = self.mapping(key, required=required)
        if entry is None:
            return {}
        found = {name: read(entry, name) for name in entry.values}
        entry.finish()
        return found

    def entries(self, key: str, *, name: str = "code") -> Iterator["Reader"]:
        """The mappings of a list, each called by its code in the problems that it has. A code must be there once."""
        node = self._node(key, required=True)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(_("“%(key)s” must be a list."), key)
            return
        seen = set()
        for item in node.value:
            entry = Reader(item, _("An entry of “%(key)s”") % {"key": key}, self.problems)
            code = entry.text(name)
            if not code:
                continue
            entry.what = code
            if code in seen:
                entry.refuse(_("%(what)s is there twice; every code must be used once."), name)
                continue
            seen.add(code)
            yield entry

    def finish(self) -> None:
        for key in self.doubled:
            self.problems.add(key, _("%(what)s says “%(key)s” twice.") % {"what": self.what, "key": key.value})
        for key in self.keys.keys() - self.asked:
            self.refuse(_("%(what)s has an unknown “%(key)s”."), key)

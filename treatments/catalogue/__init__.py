"""What the clinic offers and the rules that say whether it suits: the reviewed data file as Python values."""

from treatments.catalogue.loading import load, read, shipped_text
from treatments.catalogue.reading import CatalogueError
from treatments.catalogue.spec import (
    Catalogue,
    ConsentText,
    Defaults,
    Endpoint,
    Grade,
    Outcome,
    Override,
    ProtocolSpec,
    Question,
    QuestionKind,
    Range,
    Rule,
    Stage,
    Tag,
    Test,
    TestKind,
    ZoneSpec,
)

__all__ = [
    "Catalogue",
    "CatalogueError",
    "ConsentText",
    "Defaults",
    "Endpoint",
    "Grade",
    "Outcome",
    "Override",
    "ProtocolSpec",
    "Question",
    "QuestionKind",
    "Range",
    "Rule",
    "Stage",
    "Tag",
    "Test",
    "TestKind",
    "ZoneSpec",
    "load",
    "read",
    "shipped_text",
]

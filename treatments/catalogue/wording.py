"""What no text of the clinic may say: that a medicine is left out. It is the business of whoever prescribed it.

“Do not stop” is fine; “stop” is refused whatever it is about, because no reader of single words can tell a medicine
from the sun.
"""

import re

# In these patterns a space stands for any white space.
_MEDICINE = r"(?:medicines?|medications?|tablets?|pills?|capsules?|doses?|drugs?|injections?)"
_LEAVING_OUT = "|".join(
    (
        r"stop(?:s|ped|ping)?",
        r"skip(?:s|ped|ping)?",
        r"miss(?:es|ed|ing)?",
        r"paus(?:e|es|ed|ing)",
        r"avoid(?:s|ed|ing)?",
        r"omit(?:s|ted|ting)?",
        r"discontinu(?:e|es|ed|ing)",
        r"withh(?:old|olds|eld|olding)",
        r"suspend(?:s|ed|ing)?",
        r"interrupt(?:s|ed|ing)?",
        r"ceas(?:e|es|ed|ing)",
        r"quit(?:s|ting)?",
        r"le(?:ave|aves|aving|ft) (?:[\w’']+ ){0,4}?(?:out|off|away|at home)",
        r"(?:come|comes|coming|stay|stays|keep|keeps) off",
        r"(?:go|goes|going|do|does) without",
        r"give up",
        rf"end(?:s|ed|ing)? (?:an?|the|your|their|this|that) (?:course|{_MEDICINE})",
    )
)
_NOT = r"(?:not|never|cannot|\w+n[’']t|no need|nothing|without)"
_TAKING = r"(?:tak(?:e|en|ing)|us(?:e|ing)|swallow(?:ed|ing)?|inject(?:ed|ing)?)"
_NOT_TAKING = "|".join(
    (
        rf"{_NOT} (?:(?:need|have) )?(?:to )?(?:be )?{_TAKING}",
        rf"(?:take|need|use)s? no (?:\w+ )?{_MEDICINE}",
        rf"no {_MEDICINE} (?:on|in|at|before|for|until|today)",
        rf"(?:wait with|hold|hold off|delay|postpone|put off|drop|cut out) (?:[\w’']+ ){{0,3}}?{_MEDICINE}",
        r"(?:take|use)s? (?:[\w’']+ ){1,4}?(?:only after|afterwards)",
        r"(?:break|holiday|rest) from",
    )
)
# “Never tell a patient to stop”: between the no and the word stands to whom it would be said, and nothing else.
_TOLD = (
    r"(?:be|ever|may|to|just|simply|suddenly|(?:tell|ask|advise|suggest|let|make)s?|(?:tell|ask|advis|suggest)ing"
    r"|an?|the|any|patients?|her|him|them|anybody|anyone|that|she|he|they)"
)
_NO = rf"(?:not|never|cannot|\w+n[’']t|nobody|no one|without|rather than|instead of|no {_MEDICINE} (?:is|are))"


def _pattern(words: str) -> re.Pattern:
    return re.compile(rf"\b(?:{words})\b".replace(" ", r"\s+"), re.IGNORECASE)


_SAID = _pattern(f"{_LEAVING_OUT}|{_NOT_TAKING}")
_SAID_OF_NOBODY = _pattern(rf"{_NO} (?:{_TOLD} ){{0,7}}(?:{_LEAVING_OUT}|{_NOT_TAKING})")


def told_to_leave_out(text: str) -> str:
    """The words of a text that may be taken as advice to leave out a medicine; empty where there are none."""
    said = _SAID.search(_SAID_OF_NOBODY.sub(" ", text))
    return said[0] if said else ""

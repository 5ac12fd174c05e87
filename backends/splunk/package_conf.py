"""Splunk's .conf files, written so that no value leaves its line and no name its brackets.

In such a file a line that ends with a backslash goes on in the next, ``[`` opens a stanza and
``#`` a comment at the start of a line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

Stanza = tuple[str, Mapping[str, str]]
"""The name between the brackets and the settings, in order."""


def one_line(text: str) -> str:
    """The text without control characters, with single blanks, and no backslash at its end."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(plain.split()).rstrip("\\ ")


def stanza_name(text: str) -> str:
    """The text as a stanza's name."""
    return one_line(text.replace("[", "(").replace("]", ")"))


def conf(head: str, stanzas: Sequence[Stanza]) -> str:
    """A whole file: a comment, then the stanzas. Values may have several lines, none of which
    may be blank or end with a backslash."""
    out = [f"# {one_line(head)}"]
    for name, settings in stanzas:
        if name and name != stanza_name(name):
            raise ValueError(f"not a stanza name: {name!r}")
        out += ["", f"[{name}]"]
        out += [f"{key} = {_value(value)}".rstrip() for key, value in settings.items()]
    return "\n".join(out) + "\n"


def _value(text: str) -> str:
    lines = text.split("\n")
    for line in lines:
        if line.endswith("\\") or "\r" in line or (len(lines) > 1 and not line.strip()):
            raise ValueError(f"not a value of a conf file: {text!r}")
    return " \\\n".join(lines)

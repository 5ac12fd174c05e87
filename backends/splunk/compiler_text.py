"""SPL's literals: how texts, field names and patterns are written so that nothing breaks out.

SPL has three readers of a text: the ``search`` command (``*`` is a wildcard and cannot be
escaped), the eval functions (plain text), and PCRE inside an eval text. What is written here is
printable, on one line, and free of backticks, which Splunk would take for a macro.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sigma.types import Placeholder, SigmaCasedString, SigmaString, SpecialChars

from hafnium.errors import Refused

_BARE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTABLE_NAME = re.compile(r"[^\W\d][\w .:{}/@#()-]*")
_RESERVED = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "by",
        "as",
        "term",
        "case",
        "search",
        "savedsearch",
        "eventtype",
        "eventtypetag",
        "tag",
        "host",
        "hosttag",
        "index",
        "source",
        "sourcetype",
        "splunk_server",
        "splunk_server_group",
        "earliest",
        "latest",
        "starttime",
        "endtime",
        "startminutesago",
        "endminutesago",
        "startdaysago",
        "enddaysago",
        "index_earliest",
        "index_latest",
        "daysago",
        "minutesago",
        "hoursago",
        "monthsago",
        "searchtimespandays",
        "timeformat",
        "linecount",
        "readlevel",
    ]
)
_PLAIN = re.compile(r"[A-Za-z0-9_ \-,:/=@#%~!;'\"<>&\]}]")
_ENTITIES = {
    "&": "(?:&|&amp;)",
    "<": "(?:<|&lt;)",
    ">": "(?:>|&gt;)",
    '"': '(?:"|&quot;)',
    "'": "(?:'|&apos;|&#39;)",
}
_ANY_ENTITY = "&(?:amp|lt|gt|quot|apos|#39);"
_MARKUP = re.compile(r"[&<>\"']")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(/\d+)?")


def clean_key(name: str) -> str:
    """A field's name after Splunk's CLEAN_KEYS: other than letters and digits become ``_``."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_0123456789") or name


def eval_text(text: str) -> str:
    """A text literal of eval and where."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def eval_field(name: str) -> str:
    """A field in eval and where, where single quotes always mean a field."""
    _check_name(name)
    return f"'{name}'"


def search_field(name: str) -> str:
    """A field in the search command."""
    _check_name(name)
    return name if _BARE_NAME.fullmatch(name) else f'"{name}"'


def is_searchable(name: str) -> bool:
    """False for names that mean something else in the search command."""
    return name.lower() not in _RESERVED


def _check_name(name: str) -> None:
    if not _QUOTABLE_NAME.fullmatch(name):
        raise Refused(
            f"field name {name!r} has characters that SPL cannot quote",
            mend="map it to the name that Splunk stores",
        )


def search_value(value: SigmaString, xml: bool) -> str | None:
    """The text as the search command compares it, or None where it cannot say it exactly.

    Not exact are ``?`` (B6) and a literal ``*`` (B7), which SPL has no way to write; numbers,
    which it compares by value (``01`` equals ``1``); addresses, which it reads as networks;
    blanks at the ends; letters beyond ASCII, whose case it does not document; in XML, what may
    be an entity; and the backtick of macros.
    """
    out = []
    for part in value.s:
        if part == SpecialChars.WILDCARD_MULTI:
            out.append("*")
        elif not isinstance(part, str) or not _is_plain_term(part, xml):
            return None
        else:
            out.append(part)
    text = "".join(out)
    if text.strip("*") == "" or text != text.strip() or _is_number(text):
        return None
    if _ADDRESS.fullmatch(text):
        return None
    return eval_text(text)


def loose_search_value(value: SigmaString, xml: bool) -> str | None:
    """A text for the search command that every match of ``value`` also matches; None when it
    would be all values."""
    out = []
    for part in value.s:
        if not isinstance(part, str):
            out.append("*")
            continue
        out.extend(c if _is_plain_term(c, xml) else "*" for c in part)
    text = re.sub(r"\*+", "*", "".join(out))
    if text.strip("* ") == "" or text != text.strip() or _is_number(text):
        return None
    return None if _ADDRESS.fullmatch(text) else eval_text(text)


def _is_plain_term(text: str, xml: bool) -> bool:
    if "*" in text or "`" in text or not text.isascii() or not text.isprintable():
        return False
    return not (xml and _MARKUP.search(text))


def _is_number(text: str) -> bool:
    try:
        float(text.strip("*"))
    except ValueError:
        return False
    return "*" not in text


def escape(text: str, xml: bool = False, *, both_cases: bool = False) -> str:
    """The text as PCRE that matches exactly it; in XML, also with its entities.

    ``both_cases`` spells out the cases of letters beyond ASCII: nobody documents whether Splunk
    tells PCRE that a text is UTF-8, without which the flag ``i`` knows nothing of them.
    """
    return "".join((_cases(c) if both_cases else "") or escape_char(c, xml) for c in text)


def _cases(char: str) -> str:
    found = sorted({case for case in (char, char.lower(), char.upper()) if len(case) == 1})
    return f"(?:{'|'.join(found)})" if not char.isascii() and len(found) > 1 else ""


def escape_char(char: str, xml: bool = False) -> str:
    """One character as PCRE. Classes need no backslash, which every quoting level would double."""
    if xml and char in _ENTITIES:
        return _ENTITIES[char]
    if _PLAIN.fullmatch(char) or (not char.isascii() and char.isprintable()):
        return char
    if char in "\\^[":
        return "\\" + char if char != "\\" else "[\\\\]"
    if char.isprintable() and char != "`":
        return f"[{char}]"
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\x{{{ord(char):x}}}"


def pattern(value: SigmaString, xml: bool, *, anchored: bool = True, any_char: str = ".") -> str:
    """The text with its wildcards as PCRE, anchored at both ends unless a wildcard is there.

    ``any_char`` is what one character may be. The pattern wants the flag ``s``.
    """
    parts = list(value.s)
    if any(isinstance(part, Placeholder) for part in parts):
        raise Refused(
            "a placeholder (expand) has no value", mend="replace it in the rule or by a pipeline"
        )
    many = SpecialChars.WILDCARD_MULTI
    begin = end = ""
    if anchored:
        begin, end = "^", r"\z"
        while parts and parts[0] == many:
            parts, begin = parts[1:], ""
        while parts and parts[-1] == many:
            parts, end = parts[:-1], ""
    single = f"(?:{_ANY_ENTITY}|{any_char})" if xml else any_char
    if not parts:
        return any_char  # only ``*``: any value, but there must be one (B33)
    both = not isinstance(value, SigmaCasedString)
    body = "".join(
        escape(part, xml, both_cases=both)
        if isinstance(part, str)
        else (any_char + "*" if part == many else single)
        for part in parts
    )
    return begin + body + end


def flags(*, cased: bool, patterns: Iterable[str]) -> str:
    """The inline flags that patterns need: ``i`` unless cased, ``s`` where a ``.`` stands."""
    need_all = any(re.search(r"(?<!\[)\.", p) for p in patterns)
    letters = ("" if cased else "i") + ("s" if need_all else "")
    return f"(?{letters})" if letters else ""

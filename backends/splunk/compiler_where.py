"""A rule's condition as an expression of ``where``, exact in every nesting.

Every comparison is an expression that is true or false and never null, also when the field is
absent, so that ``NOT`` of it is right. ``mvfind`` and ``mvfilter`` look at each value of a field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sigma.backends.splunk.splunk import SplunkBackend
from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionValueExpression
from sigma.conversion.state import ConversionState
from sigma.types import CompareOperators, SigmaCasedString, SigmaString

from hafnium.backends.splunk.compiler_regex import pcre, touches_markup
from hafnium.backends.splunk.compiler_text import (
    escape,
    eval_field,
    eval_text,
    flags,
    pattern,
)
from hafnium.errors import Refused

Equals = ConditionFieldEqualsValueExpression
_NUMBER = r"^[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)\z"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"^(?:{_OCTET}[.]){{3}}{_OCTET}(?:%|\z)"
_IPV6 = r"^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%|\z)"
_OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "!=",
}
# Where a value begins in the raw XML of an event: a text, or an attribute that Sigma names.
_XML_TEXT = ">[^<]*"
_XML_ATTRIBUTE = r"(?:<Provider Name|[ ](?:Qualifiers|ProcessID|ThreadID|UserID))=['\"][^'\"]*"


class WhereExpression(SplunkBackend):
    """Writes conditions for ``where``. ``xml`` says that values may carry XML entities,
    ``keywords`` what keywords are looked for in (see the catalogue)."""

    def __init__(self, *, xml: bool, keywords: str | Iterable[str]) -> None:
        super().__init__()
        self.xml = xml
        self.keywords = keywords if isinstance(keywords, str) else tuple(keywords)

    def write(self, condition: Any) -> str:
        """The condition; its operators are grouped by parentheses. Raises `Refused`."""
        return self._part(condition)

    # B1-B4: the stock backend defers regular expressions and field references behind the
    # search, where an OR or NOT around them is lost. Here they stay in their place.

    def convert_condition_or(self, cond: Any, state: Any) -> str:
        """B8: parentheses around every operator. Texts of one field become one expression."""
        merged: dict[str, list[SigmaString]] = {}
        keywords, rest = [], []
        for arg in cond.args:
            if _is_plain_text(arg):
                merged.setdefault(arg.field, []).append(arg.value)
            elif _is_plain_keyword(arg):
                keywords.append(arg.value)
            else:
                rest.append(self._part(arg))
        texts = [self._any_text(field, values) for field, values in merged.items()]
        words = [self._any_keyword(keywords)] if keywords else []
        return _joined(" OR ", texts + words + rest)

    def convert_condition_and(self, cond: Any, state: Any) -> str:
        """B8: parentheses around every operator, which binds otherwise in where than in search."""
        return _joined(" AND ", [self._part(arg) for arg in cond.args])

    def convert_condition_not(self, cond: Any, state: Any) -> str:
        """B2, B3: the negated expression is written where it stands."""
        return f"NOT ({_bare(self._part(cond.args[0]))})"

    def decide_convert_condition_as_in_expression(self, cond: Any, state: Any) -> bool:
        """``in()`` of eval knows no wildcards and respects case."""
        return False

    def convert_condition_field_eq_val_str(self, cond: Any, state: Any) -> str:
        """B6, B7: ``?`` is one character and an escaped ``*`` itself. B33: ``*`` is presence."""
        if not cond.value.s:
            return self.convert_condition_field_eq_val_null(cond, state)
        return self._any_text(cond.field, [cond.value])

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Any, state: Any) -> str:
        """B10: a pattern without the flag ``i``."""
        if not cond.value.s:
            return self.convert_condition_field_eq_val_null(cond, state)
        return self._any_text(cond.field, [cond.value], cased=True)

    def convert_condition_field_eq_val_num(self, cond: Any, state: Any) -> str:
        """B38: a number is its decimal text; ``=`` would compare by value."""
        return self._found(cond.field, f"^{escape(str(cond.value.number))}" + r"\z")

    def convert_condition_field_eq_val_bool(self, cond: Any, state: Any) -> str:
        word = "true" if cond.value.boolean else "false"
        return self._found(cond.field, f"(?i)^{word}" + r"\z")

    def convert_condition_field_eq_val_timestamp_part(self, cond: Any, state: Any) -> str:
        raise Refused("parts of a time (minute, hour, day …) cannot be compared in SPL exactly")

    def convert_condition_field_eq_val_re(self, cond: Any, state: Any) -> Any:
        """B1, B2, B4, B5: no deferring, no named group; B9 does not arise without tstats."""
        expression = pcre(cond.value)
        if not (self.xml and touches_markup(cond.value)):
            return self._found(cond.field, expression)
        field = eval_field(cond.field)
        return f"isnotnull(mvfilter(match({_decoded(field)}, {eval_text(expression)})))"

    def convert_condition_field_eq_val_cidr(self, cond: Any, state: Any) -> str:
        """Only what is an address is asked: for other texts cidrmatch's answer is not said."""
        network = cond.value.network
        field = eval_field(cond.field)
        form = eval_text(_IPV4 if network.version == 4 else _IPV6)
        address = f'replace({field}, "%.*", "")'
        inside = f"cidrmatch({eval_text(str(network))}, {address})"
        return f"isnotnull(mvfilter(match({field}, {form}) AND {inside}))"

    def convert_condition_field_compare_op_val(self, cond: Any, state: Any) -> str:
        """Compared as numbers, and false for what is no number."""
        field = eval_field(cond.field)
        compared = f"tonumber({field}) {_OPERATORS[cond.value.op]} {cond.value.number.number}"
        return f"isnotnull(mvfilter(match({field}, {eval_text(_NUMBER)}) AND {compared}))"

    def convert_condition_field_eq_field(self, cond: Any, state: Any) -> Any:
        """B3: in its place, without regard to case, and false when one is absent."""
        reference = cond.value
        one, two = (f"lower({eval_field(name)})" for name in (cond.field, reference.field))
        if reference.starts_with and reference.ends_with:
            test = f"mvcount(split({one}, {two}))>1"
        elif reference.starts_with:
            test = f"substr({one}, 1, len({two}))=={two}"
        elif reference.ends_with:
            test = f"len({one})>=len({two}) AND substr({one}, len({one})-len({two})+1)=={two}"
        else:
            test = f"{one}=={two}"
        both = f"{self._present(cond.field)} AND {self._present(reference.field)}"
        return f"if({both}, if({test}, 1, 0), 0)==1"

    def convert_condition_field_eq_val_null(self, cond: Any, state: Any) -> str:
        """An empty value is an absent one."""
        return f"isnull(mvfind({eval_field(cond.field)}, {eval_text('(?s).')}))"

    def convert_condition_field_eq_val_exists(self, cond: Any, state: Any) -> str:
        if cond.value.exists:
            return self._present(cond.field)
        return self.convert_condition_field_eq_val_null(cond, state)

    def convert_condition_val_str(self, cond: Any, state: Any) -> str:
        """A keyword is looked for in each value, not across them as the stock backend's term."""
        return self._any_keyword([cond.value])

    def convert_condition_val_num(self, cond: Any, state: Any) -> str:
        return self._any_keyword([SigmaString(str(cond.value.number))])

    def convert_condition_val_re(self, cond: Any, state: Any) -> str:
        """B1: not deferred. In XML a value's ends are not those of the raw event."""
        if isinstance(self.keywords, str):
            raise Refused(
                "a regular expression without a field cannot be looked for in single values",
                mend="name the field",
            )
        values = ", ".join(eval_field(name) for name in self.keywords)
        return f"isnotnull(mvfind(mvappend({values}), {eval_text(pcre(cond.value))}))"

    def convert_condition_field_eq_query_expr(self, cond: Any, state: Any) -> str:
        raise Refused("a query expression of a pipeline has no meaning here")

    def convert_condition_query_expr(self, cond: Any, state: Any) -> str:
        raise Refused("a query expression of a pipeline has no meaning here")

    def _part(self, condition: Any) -> str:
        return str(self.convert_condition(condition, ConversionState()))

    def _any_text(self, field: str, values: Iterable[SigmaString], cased: bool = False) -> str:
        patterns = [pattern(value, self.xml) for value in values]
        return self._found(field, flags(cased=cased, patterns=patterns) + "|".join(patterns))

    def _any_keyword(self, values: Sequence[SigmaString]) -> str:
        prefix = flags(cased=isinstance(values[0], SigmaCasedString), patterns=["."])
        if self.keywords == "xml":
            return f"match(_raw, {eval_text(prefix + _inside_xml(values))})"
        inside = prefix + "|".join(pattern(value, self.xml, anchored=False) for value in values)
        if self.keywords == "raw":
            return f"match(_raw, {eval_text(inside)})"
        fields = ", ".join(eval_field(name) for name in self.keywords)
        return f"isnotnull(mvfind(mvappend({fields}), {eval_text(inside)}))"

    def _present(self, field: str) -> str:
        return self._found(field, "(?s).")

    def _found(self, field: str, expression: str) -> str:
        return f"isnotnull(mvfind({eval_field(field)}, {eval_text(expression)}))"


def _is_plain_text(arg: Any) -> bool:
    """True for a comparison with a text that can share an expression with others."""
    if not isinstance(arg, Equals) or isinstance(arg.value, SigmaCasedString):
        return False
    return isinstance(arg.value, SigmaString) and bool(arg.value.s)


def _is_plain_keyword(arg: Any) -> bool:
    """True for a keyword that can share an expression with others."""
    if not isinstance(arg, ConditionValueExpression):
        return False
    return isinstance(arg.value, SigmaString) and not isinstance(arg.value, SigmaCasedString)


def _inside_xml(values: Sequence[SigmaString]) -> str:
    """The keywords inside a text of the raw event, or inside an attribute, which ends at a quote
    and holds none."""
    texts = [pattern(v, True, anchored=False, any_char="[^<]") for v in values]
    bare = [v for v in values if not any(quote in str(v) for quote in "'\"")]
    attributes = [pattern(v, True, anchored=False, any_char="[^<'\"]") for v in bare]
    if texts == attributes:
        return f"(?:{_XML_TEXT}|{_XML_ATTRIBUTE})(?:{'|'.join(texts)})"
    out = f"{_XML_TEXT}(?:{'|'.join(texts)})"
    return out + (f"|{_XML_ATTRIBUTE}(?:{'|'.join(attributes)})" if attributes else "")


def _decoded(field: str) -> str:
    """The field's value without XML entities."""
    for entity, char in (
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;|&#39;", "'"), ("&amp;", "&")
    ):  # fmt: skip
        field = f"replace({field}, {eval_text(entity)}, {eval_text(char)})"
    return field


def _joined(operator: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + operator.join(parts) + ")"


def _bare(expression: str) -> str:
    """The expression without parentheses around the whole of it."""
    if not expression.startswith("("):
        return expression
    return expression[1:-1]

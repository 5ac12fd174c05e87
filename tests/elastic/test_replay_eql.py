"""EQL as Elasticsearch runs it, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hafnium.backends.elastic.replay import ElasticReplay
from hafnium.errors import EngineError
from hafnium.rule import Rule
from hafnium.siem import Query, Record

STORE = "logs-test-default"
CMD = "process.command_line"
PID = "process.pid"


def search(text: str, *documents: dict[str, Any], index: list[str] | None = None) -> list[Any]:
    records = [Record("test", d.pop("_store", STORE), d) for d in map(dict, documents)]
    rule = Rule(sigma=None, path=Path("rule.yml"), document={})  # type: ignore[arg-type]
    query = Query(rule, "elastic", "eql", text, (), context={"index": index or ["logs-*"]})
    return [hit[0] if len(hit) == 1 else hit for hit in ElasticReplay(records).search(query)]


def matches(condition: str, value: Any, field: str = CMD) -> bool:
    return search(f"any where {condition}", {field: value}) == [0]


SPECIAL = [
    "plain",
    "back\\slash \"quote\" 'single'",
    "per%cent under_score dollar$ pipe|",
    "br[ack]et {brace} (paren) ~tilde #hash @at &and <lt>",
    "new\nline tab\t",
    "Ünïcode ß Ж",
    "a.b+c^d",
]


def quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(c, c) for c in text) + '"'


@pytest.mark.parametrize("text", SPECIAL)
@pytest.mark.parametrize("op", ["==", ":", "like", "like~"])
def test_a_literal_matches_itself_and_nothing_longer(op: str, text: str) -> None:
    assert matches(f"{CMD} {op} {quoted(text)}", text)
    assert not matches(f"{CMD} {op} {quoted(text)}", text + "x")


@pytest.mark.parametrize("text", SPECIAL)
def test_contains_finds_every_special_character(text: str) -> None:
    assert matches(f"{CMD} : {quoted(f'*{text}*')}", f"before{text}after")


def test_colon_and_tilde_ignore_the_case_of_ascii_letters_only() -> None:
    assert matches(f'{CMD} : "POWERshell"', "PowerShell")
    assert matches(f'{CMD} in~ ("POWERSHELL")', "PowerShell")
    assert not matches(f'{CMD} : "ÄB"', "äb")
    assert matches(f'{CMD} : "äB"', "äb")


def test_equality_and_in_are_exact() -> None:
    assert not matches(f'{CMD} == "CMD"', "cmd")
    assert not matches(f'{CMD} in ("CMD", "x")', "cmd")
    assert not matches(f'{CMD} == "c*"', "cmd")
    assert matches(f'{CMD} not in ("CMD", "x")', "cmd")


def test_question_mark_is_exactly_one_character() -> None:
    assert matches(f'{CMD} : "c?d"', "CxD")
    assert not matches(f'{CMD} : "c?d"', "cd")
    assert not matches(f'{CMD} : "cmd?"', "cmd")
    assert matches(f'{CMD} like "c?d*"', "cmd.exe")


def test_like_is_case_sensitive_and_like_tilde_is_not() -> None:
    assert not matches(f'{CMD} like "*CMD*"', "cmd.exe")
    assert matches(f'{CMD} like~ "*CMD*"', "cmd.exe")


def test_wildcards_keep_their_order_and_anchors() -> None:
    assert matches(f'{CMD} : "a*b"', "a--b")
    assert not matches(f'{CMD} : "a*b"', "b--a")
    assert not matches(f'{CMD} : "a*b"', "xa--b")
    assert matches(f'{CMD} : "*a*b*"', "--a--b--")
    assert not matches(f'{CMD} : "*a*b*"', "--b--a--")


def test_a_list_is_any_of_its_patterns() -> None:
    assert matches(f'{CMD} : ("x*", "*exe")', "cmd.exe")
    assert not matches(f'{CMD} : ("x*", "*com")', "cmd.exe")


def test_star_alone_means_that_the_field_exists() -> None:
    assert matches(f'{CMD} : "*"', "anything")
    assert search(f'any where {CMD} : "*"', {"host.name": "h"}) == []


@pytest.mark.parametrize(
    ("pattern", "value", "found"),
    [
        (".*foo.*", "a foo\nb", True),
        ("foo", "a foo", False),
        ("^foo$", "foo", False),
        ("^foo$", "^foo$", True),
        ("a+?", "", True),
        ("[a-c]{2,3}", "abc", True),
        ("[^a-c]x", "dx", True),
        ("a\\.b", "a.b", True),
        ("a\\.b", "axb", False),
        ("(ab|cd)+", "abcd", True),
        ("a@z", "a---z", True),
        ('"a.b"', "a.b", True),
        ('"a.b"', "axb", False),
        ("a#b", "a#b", False),
        ("a\\#b", "a#b", True),
        ("Foo", "foo", False),
    ],
)
def test_regex_follows_lucene(pattern: str, value: str, found: bool) -> None:
    assert matches(f"{CMD} regex {quoted(pattern)}", value) is found


def test_regex_tilde_ignores_ascii_case() -> None:
    assert matches(f'{CMD} regex~ "[A-C]+X"', "abcx")
    assert not matches(f'{CMD} regex~ "Ä"', "ä")


@pytest.mark.parametrize("pattern", ["\\d+", "(?i)a", "a&b", "a~b", "<1-5>", "a(b", "[", "a{x}"])
def test_regex_that_would_have_to_be_guessed_is_refused(pattern: str) -> None:
    with pytest.raises(EngineError):
        matches(f"{CMD} regex {quoted(pattern)}", "x")


def test_regex_longer_than_elasticsearch_takes_is_refused() -> None:
    with pytest.raises(EngineError, match="1000"):
        matches(f"{CMD} regex {quoted('a' * 1001)}", "x")


def test_not_of_a_comparison_is_true_for_a_missing_field() -> None:
    documents = [{CMD: "cmd"}, {CMD: "other"}, {"host.name": "h"}]
    for condition in (f'not {CMD} == "cmd"', f'{CMD} != "cmd"', f'not {CMD} : "CMD"'):
        assert search(f"any where {condition}", *documents) == [1, 2]
    assert search("any where not process.pid > 3", {"process.pid": 4}, {"host.name": "h"}) == [1]


def test_not_holds_inside_every_nesting() -> None:
    documents = [{CMD: "a", "host.name": "h"}, {"host.name": "h"}, {CMD: "b"}]
    condition = f'not ({CMD} : "a" and host.name : "h") and not ({CMD} : "b" or user.name : "u")'
    assert search(f"any where {condition}", *documents) == [1]


def test_null_checks() -> None:
    documents = [{CMD: "a"}, {CMD: ""}, {"host.name": "h"}]
    assert search(f"any where {CMD} == null", *documents) == [2]
    assert search(f"any where {CMD} != null", *documents) == [0, 1]


def test_an_unmapped_field_is_an_error_unless_optional() -> None:
    with pytest.raises(EngineError, match="unknown column"):
        search('any where winlog.event_data.Nowhere : "x"', {"host.name": "h"})
    assert search('any where ?winlog.event_data.Nowhere : "x"', {"host.name": "h"}) == []


def test_an_unmapped_optional_field_is_null_and_null_spreads() -> None:
    document = {"host.name": "h"}
    assert search("any where ?nowhere.x == null", document) == [0]
    assert search('any where not ?nowhere.x : "a"', document) == []
    assert search('any where host.name : "h" and not ?nowhere.x : "a"', document) == []
    assert search('any where host.name : "h" or ?nowhere.x : "a"', document) == [0]
    assert search('any where not (?nowhere.x != null and ?nowhere.x : "a")', document) == [0]


def test_a_field_that_one_document_has_is_mapped_for_all() -> None:
    documents = [{"winlog.event_data.A": "x"}, {"host.name": "h"}]
    assert search('any where not ?winlog.event_data.A : "x"', *documents) == [1]


def test_of_several_values_any_may_match() -> None:
    value = ["ReadData", "WriteData"]
    assert matches(f'{CMD} : "write*"', value)
    assert not matches(f'not {CMD} : "write*"', value)
    assert matches(f'{CMD} == "ReadData" and {CMD} == "WriteData"', value)


def test_numbers_compare_with_numbers_only() -> None:
    status = "http.response.status_code"
    assert matches(f"{status} == 200", 200, status)
    assert matches(f"{status} in (200, 241)", 241, status)
    assert not matches(f"{status} > 241", 241, status)
    assert matches(f"{status} >= 241 and 500 > {status}", 241, status)
    for wrong in (f'{status} == "200"', f'{status} : "200"', f'{status} in ("200")'):
        with pytest.raises(EngineError):
            matches(wrong, 200, status)
    with pytest.raises(EngineError):
        matches("event.code == 1", "1", "event.code")


def test_addresses_know_networks_and_all_spellings() -> None:
    ip = "source.ip"
    assert matches(f'cidrMatch({ip}, "10.0.0.0/8", "fe80::/10")', "fe80::1", ip)
    assert not matches(f'cidrMatch({ip}, "10.0.0.0/8")', "11.0.0.1", ip)
    assert matches(f'not cidrMatch({ip}, "10.0.0.0/8")', "2001:db8::1", ip)
    assert matches(f'{ip} == "::1"', "0:0:0:0:0:0:0:1", ip)
    for wrong in (f'{ip} : "10.*"', 'cidrMatch(source.address, "10.0.0.0/8")'):
        with pytest.raises(EngineError):
            matches(wrong, "10.0.0.1", ip)


@pytest.mark.parametrize("field", ["message", "powershell.file.script_block_text"])
def test_text_fields_cannot_be_searched(field: str) -> None:
    with pytest.raises(EngineError, match="text"):
        matches(f'{field} : "*x*"', "x", field)


def test_functions_of_a_field_are_queries() -> None:
    assert matches(f'startsWith~({CMD}, "CMD")', "cmd.exe")
    assert not matches(f'startsWith({CMD}, "CMD")', "cmd.exe")
    assert matches(f'endsWith({CMD}, ".exe") and stringContains~({CMD}, "MD.")', "cmd.exe")
    documents = [{CMD: "cmd"}, {"host.name": "h"}]
    assert search(f'any where not stringContains({CMD}, "cmd")', *documents) == [1]


def test_a_script_is_null_for_a_missing_field() -> None:
    documents = [{CMD: "cmd"}, {CMD: "longer"}, {"host.name": "h"}]
    assert search(f"any where length({CMD}) > 3", *documents) == [1]
    assert search(f"any where not length({CMD}) > 3", *documents) == [0]
    assert search('any where string(process.pid) : "4?"', {"process.pid": 41}) == [0]


def test_a_script_on_several_values_is_refused() -> None:
    with pytest.raises(EngineError, match="several values"):
        matches(f"length({CMD}) > 3", ["a", "b"])


def test_the_event_category_is_exact() -> None:
    documents = [{"event.category": ["network", "process"]}, {"event.category": ["file"]}]
    assert search("process where true", *documents) == [0]
    assert search("Process where true", *documents) == []
    assert search("any where true", *documents) == [0, 1]


def test_escaped_field_names_hold_any_character() -> None:
    field = "winlog.event_data.Threat Name"
    assert search('any where winlog.event_data.`Threat Name` : "x*"', {field: "Xy"}) == [0]
    assert search('any where ?winlog.event_data.`Threat Name` : "x*"', {field: "Xy"}) == [0]


def test_string_escapes_and_raw_strings() -> None:
    assert matches(f'{CMD} == "a\\u{{e4}}\\t\\"\\\\"', 'aä\t"\\')
    assert matches(f'{CMD} == """a\\b"c"""', 'a\\b"c')
    assert matches(f'{CMD} == "a\\\\\'b"', "a\\'b")
    for wrong in (f"{CMD} == 'a'", f'{CMD} == "a\\\'b"', f'{CMD} == "a\\/b"'):
        with pytest.raises(EngineError):
            matches(wrong, "a")


@pytest.mark.parametrize(
    "wrong",
    [
        f'{CMD} = "a"',
        f"{CMD} == process.name",
        f"{CMD} : process.name",
        f'match({CMD}, "a")',
        f"{CMD}",
        f"{CMD} == null and",
        f"arrayContains({CMD}, 1)",
    ],
)
def test_what_elasticsearch_rejects_is_an_error(wrong: str) -> None:
    with pytest.raises(EngineError):
        matches(wrong, "a")


def test_pipes_are_refused() -> None:
    with pytest.raises(EngineError):
        search("any where true | head 1", {CMD: "a"})


def test_index_patterns_limit_the_documents() -> None:
    documents = [
        {"_store": "logs-iis.access-default", CMD: "a"},
        {"_store": "winlogbeat-8.19.0", CMD: "a"},
    ]
    text = f'any where {CMD} : "A"'
    assert search(text, *documents, index=["logs-iis.access-*"]) == [0]
    assert search(text, *documents, index=["logs-*", "winlogbeat-*"]) == [0, 1]
    assert search(text, *documents, index=["*", "-winlogbeat-*"]) == [0]


def event(kind: str, second: float, **fields: Any) -> dict[str, Any]:
    minute, rest = divmod(second, 60)
    time = f"2021-03-03T06:{int(minute):02d}:{rest:06.3f}Z"
    return {"@timestamp": time, "event.action": kind, "host.name": "h", **fields}


AB = 'sequence by host.name with maxspan=1m [any where event.action == "a"]' + (
    ' [any where event.action == "b"]'
)


def test_a_sequence_is_in_order_and_within_its_span() -> None:
    assert search(AB, event("a", 0), event("b", 60)) == [(0, 1)]
    assert search(AB, event("a", 0), event("b", 60.001)) == []
    assert search(AB, event("b", 0), event("a", 1)) == []
    assert search(AB, event("b", 5), event("a", 1)) == [(1, 0)]


def test_a_newer_first_event_takes_the_place_of_an_older() -> None:
    assert search(AB, event("a", 0), event("a", 1), event("b", 2), event("b", 3)) == [(1, 2)]


def test_join_values_must_be_equal_and_present() -> None:
    other = {"host.name": "g"}
    assert search(AB, event("a", 0), event("b", 1, **other)) == []
    without = event("b", 1)
    del without["host.name"]
    assert search(AB, event("a", 0), without) == []


def test_an_optional_join_value_may_be_missing_on_both_sides() -> None:
    text = 'sequence by ?user.id [any where event.action == "a"] [any where event.action == "b"]'
    assert search(text, event("a", 0), event("b", 1)) == [(0, 1)]
    assert search(text, event("a", 0, **{"user.id": "1"}), event("b", 1)) == []


def test_one_event_cannot_be_two_steps() -> None:
    text = "sequence by host.name [any where true] [any where true]"
    assert search(text, event("a", 0)) == []
    assert search(text, event("a", 0), event("a", 0)) == [(0, 1)]


def test_runs_repeat_a_step() -> None:
    text = 'sequence by host.name with maxspan=10s [any where event.action == "a"] with runs=3'
    assert search(text, event("a", 0), event("a", 1), event("a", 2)) == [(0, 1, 2)]
    assert search(text, event("a", 0), event("a", 1)) == []


def test_until_ends_what_is_pending() -> None:
    text = AB + ' until [any where event.action == "c"]'
    assert search(text, event("a", 0), event("c", 1), event("b", 2)) == []
    assert search(text, event("a", 0), event("b", 1), event("c", 2)) == [(0, 1)]


def package_finds(text: str, documents: list[dict[str, Any]]) -> list[int]:
    """The refs that the evaluator of the ``eql`` package finds."""
    import eql
    from eql.parser import elasticsearch_syntax

    with elasticsearch_syntax:
        query = eql.parse_query(text)
    found: list[int] = []
    engine = eql.PythonEngine()
    engine.add_query(query)
    engine.add_output_hook(lambda out: found.extend(e.data["ref"] for e in out.events))
    engine.stream_events(
        eql.Event(
            "process", time, {"ref": time, "process": {"command_line": d[CMD], "pid": d[PID]}}
        )
        for time, d in enumerate(documents)
    )
    return found


@pytest.mark.parametrize(
    "condition",
    [
        f'{CMD} : "*whoami*"',
        f'{CMD} : ("cmd*", "power*") and {PID} < 10',
        f'not {CMD} : "*exe*" or {PID} in (4, 11)',
        f'{CMD} regex~ ".*(whoami|enc).*"',
    ],
)
def test_where_the_dialects_agree_the_package_engine_finds_the_same(condition: str) -> None:
    documents: list[dict[str, Any]] = [
        {CMD: "cmd.exe /c whoami", PID: 4, "event.category": ["process"]},
        {CMD: "powershell -enc AAA", PID: 10, "event.category": ["process"]},
        {CMD: "notepad", PID: 11, "event.category": ["process"]},
    ]
    text = f"process where {condition}"
    found = search(text, *documents)
    assert found == package_finds(text, documents)
    assert found


def test_our_own_streams_map_the_raw_line_as_wildcard() -> None:
    document = {"_store": "logs-exchange.oabgenerator-default", "message": "Download FAILED"}
    text = 'any where message : "*failed*"'
    assert search(text, document, index=["logs-exchange.oabgenerator-*"]) == [0]
    with pytest.raises(EngineError, match="ambiguous"):
        search(text, document, index=["logs-exchange.oabgenerator-*", "winlogbeat-*"])

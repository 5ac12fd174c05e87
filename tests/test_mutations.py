"""Mutations: what they may change, what they leave alone, and how the evasion test judges."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from hafnium.entries import Entry, WindowsEvent
from hafnium.evasion import Trial, shown, try_all
from hafnium.evasionpage import page, score
from hafnium.fields import contents
from hafnium.loading import Loaded, load_rules
from hafnium.mutations import MUTATIONS, mutants
from hafnium.rule import Rule
from hafnium.samples import all_entries
from made import entry, windows

HOUSE = Path(__file__).parent.parent
SYSMON = "Microsoft-Windows-Sysmon/Operational"
PROCESS = "{product: windows, category: process_creation}"
FILE = "{product: windows, category: file_event}"


def process(command: str, image: str = "C:\\Windows\\System32\\net.exe", **more: str) -> Entry:
    return windows(SYSMON, 1, CommandLine=command, Image=image, **more)


def spelled(one: Entry, mutation: str, field: str) -> list[str]:
    """The values that a mutation gives a field."""
    made = [m for m in mutants(one, MUTATIONS) if m.mutation.name == mutation]
    return [str(m.entry.fields[field]) for m in made if field in m.fields]


@pytest.fixture(scope="module")
def corpus() -> list[Entry]:
    return all_entries(HOUSE / "samples", load_rules([HOUSE / "rules"]).rules)


def test_every_mutation_has_a_name_and_says_why_it_is_free() -> None:
    for one in MUTATIONS:
        assert re.fullmatch(r"[a-z0-9-]+", one.name)
        assert len(one.why) > 20


def test_every_mutation_finds_something_to_change_in_the_samples_or_in_a_made_entry(
    corpus: list[Entry],
) -> None:
    made = [
        windows("Security", 4698, TaskName="\\Winnet"),
        windows("System", 7045, ServiceName="PSEXESVC", ImagePath="%SystemRoot%\\PSEXESVC.exe"),
        windows(
            "Microsoft-Windows-PowerShell/Operational",
            4104,
            ScriptBlockText="Add-PSSnapin Microsoft.Exchange -PassThru",
        ),
    ]
    used = {m.mutation.name for one in (*corpus, *made) for m in mutants(one, MUTATIONS)}
    assert {one.name for one in MUTATIONS} - used == set()


def test_mutants_are_the_same_every_time(corpus: list[Entry]) -> None:
    for one in corpus[::40]:
        assert list(mutants(one, MUTATIONS)) == list(mutants(one, MUTATIONS))


def test_a_mutant_differs_from_its_entry_in_the_fields_that_it_names(corpus: list[Entry]) -> None:
    for one in corpus[::40]:
        for mutant in mutants(one, MUTATIONS):
            assert mutant.fields
            assert all(mutant.entry.fields[n] != one.fields.get(n) for n in mutant.fields)
            assert set(mutant.entry.fields) >= set(one.fields)


def test_kernel_names_stay_canonical(corpus: list[Entry]) -> None:
    """No ``/``, no doubled separator and no ``\\\\?\\`` where the kernel or SMB wrote the name."""
    for one in corpus:
        held = contents(one)
        for mutant in mutants(one, MUTATIONS):
            for name in mutant.fields:
                if held.get(name) in ("image", "file", "registry"):
                    value = str(mutant.entry.fields[name])
                    before = str(one.fields.get(name))
                    assert "/" in before or "/" not in value, shown(mutant)
                    assert "\\\\" in before or "\\\\" not in value, shown(mutant)


def test_the_version_resource_and_the_servers_own_fields_are_not_the_intruders(
    corpus: list[Entry],
) -> None:
    fixed = {"OriginalFileName", "sc-status", "HttpStatus", "BackEndStatus", "EventID", "Channel"}
    for one in corpus:
        for mutant in mutants(one, MUTATIONS):
            assert not mutant.fields & fixed, shown(mutant)


def test_a_windows_event_keeps_its_parts_in_step() -> None:
    one = windows(SYSMON, 11, Image="System", TargetFilename="C:\\inetpub\\wwwroot\\x.aspx")
    for mutant in mutants(one, MUTATIONS):
        assert isinstance(mutant.entry, WindowsEvent)
        for name, value in mutant.entry.data.items():
            assert mutant.entry.fields[name] == value


def test_what_repeats_a_field_changes_with_it() -> None:
    one = entry("ecp", CMD="Set-OabVirtualDirectory.ExternalUrl='http://o/#<script>x</script>'")
    text = "S:TIME=1;'S:CMD=" + str(one.fields["CMD"]).replace("'", "''") + "';S:REQID="
    one = entry("ecp", CMD=str(one.fields["CMD"]), EventData=text)
    for mutant in mutants(one, MUTATIONS):
        command = str(mutant.entry.fields["CMD"]).replace("'", "''")
        assert f"'S:CMD={command}'" in str(mutant.entry.fields["EventData"])


def test_only_the_shells_own_command_line_shows_carets_and_variables() -> None:
    shell = process("cmd.exe /c whoami > C:\\ProgramData\\a.txt", OriginalFileName="Cmd.Exe")
    assert "cmd.exe /c w^hoami > C:\\ProgramData\\a.txt" in spelled(shell, "carets", "CommandLine")
    variables = spelled(shell, "environment-variables", "CommandLine")
    assert variables == ["cmd.exe /c whoami > %ALLUSERSPROFILE%\\a.txt"]
    child = process("net user > C:\\ProgramData\\a.txt")
    assert spelled(child, "carets", "CommandLine") == []
    assert spelled(child, "environment-variables", "CommandLine") == []


def test_quotes_only_where_the_program_takes_them_away() -> None:
    net = spelled(process("net group x /del"), "quotes-inside-words", "CommandLine")
    assert net == ['net gr""oup x /d""el']
    library = process(
        "rundll32 comsvcs.dll MiniDump 6 x full", "C:\\Windows\\System32\\rundll32.exe"
    )
    assert spelled(library, "quotes-inside-words", "CommandLine") == []


def test_base64_and_names_that_mean_something_keep_their_case() -> None:
    code = "VwByAGkAdABlAC0ASABvAHMAdAAgACcAbgBlAHUAdAByAGEAbAAnAA=="
    one = process(f"powershell -enc {code}", "C:\\Windows\\System32\\powershell.exe")
    assert all(code in text for text in spelled(one, "letter-case", "CommandLine"))


def test_a_slash_stands_for_a_backslash_in_paths_not_in_registry_keys() -> None:
    one = process("reg save hklm\\sam C:\\x\\y.hiv", "C:\\Windows\\System32\\reg.exe")
    assert spelled(one, "slashes-in-paths", "CommandLine") == ["reg save hklm\\sam C:/x/y.hiv"]


def test_queries_are_encoded_where_iis_logs_what_was_sent() -> None:
    query = "schema=Reset&CorrelationID=<empty>;"
    front = entry(cs_uri_query=query, s_port="443")
    assert spelled(front, "percent-encoding-in-query", "cs-uri-query") == [
        "s%63hema=R%65set&CorrelationID=<empty>;"
    ]
    back = entry(cs_uri_query=query, s_port="444")
    assert spelled(back, "percent-encoding-in-query", "cs-uri-query") == []


def test_a_renamed_program_keeps_its_original_name_where_the_log_has_it() -> None:
    seen = process('"C:\\Windows\\System32\\net.exe" user', OriginalFileName="net.exe")
    names = spelled(seen, "renamed-binary", "Image")
    assert "C:\\ProgramData\\wmisvc.exe" in names
    assert spelled(seen, "renamed-binary", "CommandLine") == [f"{name} user" for name in names]
    assert spelled(seen, "renamed-binary-unseen", "Image") == []
    assert spelled(process("net user"), "renamed-binary-unseen", "CommandLine")[0] == "wmisvc user"


def test_what_windows_or_exchange_started_cannot_be_renamed() -> None:
    one = windows(SYSMON, 11, Image="C:\\Windows\\System32\\inetsrv\\w3wp.exe", TargetFilename="x")
    assert [m for m in mutants(one, MUTATIONS) if m.mutation.name.startswith("renamed")] == []


def test_tasks_hold_a_command_line_too() -> None:
    xml = (
        "<Exec><Command>powershell</Command><Arguments>-ep bypass -c &quot;x&quot;"
        "</Arguments></Exec>"
    )
    texts = spelled(
        windows("Security", 4698, TaskName="\\a", TaskContent=xml), "extra-blanks", "TaskContent"
    )
    assert texts[0] == (
        "<Exec><Command>powershell</Command><Arguments> -ep  bypass  -c  &quot;x&quot;"
        "</Arguments></Exec>"
    )


def trial_of(loaded: Loaded, *entries: Entry) -> Trial:
    assert not loaded.errors
    return try_all(loaded.rules, entries)


RULE = """
    title: {title}
    id: {id}
    level: {level}
    logsource: {source}
    detection:
      selection:
        {test}
      condition: selection
    {more}
"""
ONE, TWO = "0f9d2f1c-6a4e-4a54-9a11-3f4f3c1d2b10", "2d1f7a56-93d0-4a0e-8f7e-5a1f6c8f9e21"


def rule_text(test: str, more: str = "", id: str = ONE, level: str = "high") -> str:
    return RULE.format(title=id[:4], id=id, level=level, source=PROCESS, test=test, more=more)


def problems(load: Callable[[str], Loaded], text: str, one: Entry) -> list[str]:
    return list(trial_of(load(text), one).problems())


NET = process("net group x /delete")


def test_an_escape_that_is_not_declared_is_a_problem(load: Callable[[str], Loaded]) -> None:
    found = problems(load, rule_text("CommandLine|contains: '/delete'"), NET)
    assert any("escapes by abbreviated-switches: CommandLine: net group x /del" in p for p in found)


def test_a_declared_escape_is_none_and_a_stale_declaration_is_one(
    load: Callable[[str], Loaded],
) -> None:
    declared = """evaded_by:
      - {mutation: abbreviated-switches, why: the word is all}
      - {mutation: quotes-inside-words, why: the word is all}
      - {mutation: extra-blanks, why: not true at all}"""
    found = problems(load, rule_text("CommandLine|contains: '/delete'", declared), NET)
    assert [p.split(": ", 1)[1] for p in found] == [
        "evaded_by names extra-blanks, which it survives"
    ]


def test_another_rule_helps_only_from_the_same_level_on(load: Callable[[str], Loaded]) -> None:
    narrow = rule_text("CommandLine|contains: '/delete'")
    for level, helped in (("high", True), ("critical", True), ("medium", False)):
        wide = rule_text("Image|endswith: '\\net.exe'", id=TWO, level=level)
        trial = trial_of(load(narrow + "\n    ---" + wide), NET)
        (outcome,) = (
            o for o in trial.outcomes if o.rule.id == ONE and o.mutation == "abbreviated-switches"
        )
        assert bool(outcome.by_pack) is helped
        assert outcome.survived is helped


def test_only_mutants_that_differ_in_a_field_that_the_rule_reads_count(
    rule: Callable[..., Rule],
) -> None:
    one = rule("selection: {Image|endswith: '\\net.exe'}\ncondition: selection", PROCESS)
    tried = {outcome.mutation for outcome in try_all([one], [NET]).outcomes}
    assert "renamed-binary-unseen" in tried
    assert "extra-blanks" not in tried


def test_a_rule_that_depends_on_the_case_is_caught(rule: Callable[..., Rule]) -> None:
    cased = rule("selection: {Image|endswith|cased: '\\net.exe'}\ncondition: selection", PROCESS)
    (outcome,) = (o for o in try_all([cased], [NET]).outcomes if o.mutation == "letter-case")
    assert outcome.escaped


def test_the_page_shows_every_rule_and_mutation_and_the_score(
    rule: Callable[..., Rule],
) -> None:
    one = rule("selection: {CommandLine|contains: '/delete'}\ncondition: selection", PROCESS)
    trial = try_all([one], [NET])
    text = page(trial)
    assert f"survives {score(trial.outcomes)} of all" in text
    assert "**abbreviated-switches**: not declared" in text
    names = [line.split(" | ")[0][2:] for line in text.split("## Mutations")[1].splitlines()[4:]]
    assert set(names) == {one.name for one in MUTATIONS}
    assert all(a != b for a, b in pairwise(names))

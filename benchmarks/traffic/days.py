"""The days: which activities a day is made of, how often, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from traffic import (
    accounts,
    addons,
    admin,
    fetches,
    iis,
    known,
    logged,
    logons,
    machines,
    response,
    support,
    tasks,
    update,
    upkeep,
    upkeep_web,
    windows,
)
from traffic.log import Day
from traffic.people import VISITS
from traffic.render import EXPORTS
from traffic.site import Site

Activity = Callable[[Day, datetime], None]
Mix = Sequence[tuple[Activity, int]]
"""Activities with their weights."""


def visit(day: Day, when: datetime) -> None:
    """Some program of some person."""
    programs, weights = zip(*VISITS, strict=True)
    (program,) = day.rng.choices(programs, weights)
    program(day, when, day.rng.choice(day.site.people))


_ALWAYS: Mix = (
    (visit, 300),
    (machines.probe, 120),
    (machines.balancer, 60),
    (machines.monitor, 40),
    (machines.servers, 15),
    (iis.compiled, 8),
    (iis.worker_starts, 8),
    (windows.worker_talks, 80),
    (windows.lookups, 30),
    (windows.health, 80),
    (logons.users_log_on, 80),
    (windows.housekeeping, 60),
    (windows.registry_noise, 40),
    (windows.opened, 30),
    (tasks.scheduler, 25),
    (tasks.configuration, 8),
    (tasks.file_times, 10),
    (tasks.pipes, 20),
    (tasks.ended, 30),
    (accounts.failed_logon, 15),
    (accounts.sessions, 40),
    (accounts.help_desk, 2),
    (accounts.new_service, 3),
    (windows.application_noise, 30),
    (windows.trims_logs, 20),
    (windows.voice_mail, 4),
    (upkeep.agent, 60),
    (upkeep.backup, 2),
    (upkeep.shares, 30),
    (upkeep.scheduled_script, 12),
    (upkeep_web.web_files, 40),
    (upkeep_web.automation, 4),
    (upkeep_web.certificate, 1),
    (upkeep_web.health_checker, 1),
    (admin.command_line, 4),
    (admin.management_shell, 3),
    (admin.control_panel, 2),
    (machines.scanner, 4),
    (known.add_on_pages, 30),
)
_DAYS: Mapping[str, Mix] = {
    "working": (),
    "update": ((iis.compiled, 40), (iis.worker_starts, 40)),
    "admin": (
        (admin.command_line, 40),
        (admin.management_shell, 40),
        (admin.control_panel, 30),
        (support.support_case, 10),
        (support.branding, 3),
        (response.test_proxylogon, 3),
        (response.mitigation, 3),
        (response.search_by_hand, 8),
    ),
    "internet": (
        (machines.scanner, 250),
        (machines.researcher, 30),
        (machines.guessing, 20),
        (addons.pages, 60),
        (addons.workers, 30),
    ),
}
_ONCE: Mapping[str, Sequence[tuple[Activity, float]]] = {
    "working": (
        (upkeep.trims_by_age, 4),
        (upkeep.backup, 2),
        (upkeep.antivirus, 3),
        (upkeep.scheduled_script, 5),
    ),
    "update": (
        (update.starts, 20),
        (update.writes_pages, 20.2),
        (update.directories, 20.5),
        (update.writes_pages, 20.8),
        (update.finishes, 21),
    ),
    "admin": (
        (support.support_case, 10),
        (response.search_by_hand, 11),
        (support.branding, 13),
        (known.logon_page_edited, 14),
        (known.psexec_here, 15),
    ),
    "internet": (
        (upkeep.trims_by_age, 4),
        (addons.installed, 9),
        (known.add_on_set_up, 10),
        (upkeep.backup, 2),
    ),
}
_CONSUMER = 'NTEventLogEventConsumer="SCM Event Log Consumer"'
KINDS = tuple(_DAYS)
"""The kinds of day."""


def day(kind: str, site: Site, seed: int, size: int) -> Mapping[str, str]:
    """Path → text of the logs of one day with at least ``size`` entries."""
    made = Day(site, f"{kind}/{site.host}/{seed}", datetime(2021, 4, 14, tzinfo=UTC))
    for hour in (1, 9, 17):
        machines.address_book(made, made.at(hour))
        upkeep.antivirus(made, made.at(hour, 1))
        tasks.subscriptions(made, made.at(hour, 1))
    for activity, moment in _ONCE[kind]:
        activity(made, made.at(moment))
    activities, weights = zip(*_ALWAYS, *_DAYS[kind], strict=True)
    while made.entries < size:
        (activity,) = made.rng.choices(activities, weights)
        activity(made, made.moment())
    for hour in (1, 9, 17):  # last, so that the slices of the other logs stay as they are
        logged.wmi(made, made.at(hour, 1), "SCM Event Log Filter", _CONSUMER)
    fetches.transfers(made)
    fetches.engines(made)
    render, ending = EXPORTS[site.export]
    return made.files(render, ending)

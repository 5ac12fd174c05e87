"""The host of a log that does not name it: the folder that it was collected into."""

from __future__ import annotations

import re
from collections.abc import Sequence

_STANDARD = re.compile(
    r"""w3svc\d+ | ftpsvc\d+ | [a-z] :? | [a-z]\$ | v1[45] | frontend | clientaccess
    | inetpub | iis | logs? | log\s?files | logging | event\s?logs | evtx | winevt | system32
    | windows | users | program\s?files(\s\(x86\))? | microsoft | exchange(\s?server)?
    | http\s?proxy | ecp | owa | ews | oab | eas | mapi | rest | rpchttp | powershell | rps
    | autodiscover | owacalendar | server | activity | oabgenerator(log)? | cmdletinfra
    | sysmon | wevtutil | exports? | \.{0,2}""",
    re.VERBOSE | re.IGNORECASE,
)


def folder_host(folders: Sequence[str]) -> str:
    """The innermost of ``folders`` (outermost first) that Windows or Exchange did not name.

    ``samples/mail01/W3SVC1`` gives ``mail01``; "" when all are standard names.
    """
    for name in reversed(folders):
        if not _STANDARD.fullmatch(name.strip()):
            return name
    return ""


def short_host(name: str) -> str:
    """A host's name for comparing: lower case, without its domain; an IP address whole."""
    name = name.strip().rstrip(".").lower()
    if ":" in name or re.fullmatch(r"[\d.]+", name):
        return name
    return name.partition(".")[0]

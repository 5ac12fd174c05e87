"""Mutations of web requests, as IIS and Exchange's HttpProxy log them.

IIS logs the path decoded and with single dots resolved: percent-encoding in a path leaves no
trace. The query is logged as it was sent. HttpProxy takes the routing target (AnchorMailbox,
BackEndCookie) raw from the client's cookie; .NET then reads it as a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hafnium.entries import Entry
from hafnium.mutations.mutant import Changes, Mutation, mutation, respelling, text_of
from hafnium.mutations.paths import SCRIPTS

_PAGE = re.compile(rf"([^/]+)\.({'|'.join(SCRIPTS)})$", re.IGNORECASE)
_STATIC = re.compile(
    r"(?P<folder>/(?:ecp|owa/auth)/)(?P<rest>[^?]*)\."
    r"(?:axd|bin|crx|css|dat|eot|exe|flt|gif|html?|ico|jpg|js|manifest|mp3|msi|mui|png|skin|svg"
    r"|ttf|wav|woff|xap)$",
    re.IGNORECASE,
)
_STATIC_ENDINGS = ("js", "css", "axd", "eot", "flt", "manifest", "png", "xap", "htm", "skin")
_FORGED = re.compile(
    r"(?P<kind>Server(?:Info)?~)(?P<host>[^/\\~]*?)(?P<port>:\d+)?(?P<path>[/\\].*)", re.DOTALL
)


@respelling("stem")
def other_page_name(stem: str, held: str) -> Iterator[str]:
    """A web shell may have any name."""
    for name in ("b4d7x0qz", "logon2"):
        yield _PAGE.sub(rf"{name}.\2", stem)


@respelling("stem")
def other_script_extension(stem: str, held: str) -> Iterator[str]:
    """IIS on an Exchange server runs more than .aspx."""
    for ending in ("aspx", "ashx", "asmx", "asp", "soap"):
        yield _PAGE.sub(rf"\1.{ending}", stem)


@mutation()
def other_web_folder(entry: Entry) -> Iterator[Changes]:
    """Any folder that IIS serves will do for a web shell."""
    for field in ("cs-uri-stem", "UrlStem"):
        page = _PAGE.search(text_of(entry, field))
        if page:
            for folder in ("/owa/auth/", "/owa/auth/Current/", "/ecp/auth/", "/oab/"):
                yield {field: folder + page[0]}
        if page and field == "cs-uri-stem":  # Exchange does not proxy the site's own folders.
            for folder in ("/", "/aspnet_client/system_web/"):
                yield {field: folder + page[0]}


@respelling("stem")
def path_info(stem: str, held: str) -> Iterator[str]:
    """ASP.NET runs a page also when more path follows its name."""
    if re.search(r"\.as[hmp]x$", stem, re.IGNORECASE):
        yield f"{stem}/x"
        yield f"{stem}/a/logo.gif"


@respelling("stem")
def other_static_resource(stem: str, held: str) -> Iterator[str]:
    """Exchange forwards the forged request for every name with the ending of a static
    resource; the file need not exist, in no folder."""
    found = _STATIC.match(stem)
    if found:
        for ending in _STATIC_ENDINGS:
            yield f"{found['folder']}x9.{ending}"
        yield f"{found['folder']}Current/themes/x9.css"
        yield f"{found['folder']}15.1.2106.2/scripts/a/b.js"


@respelling("stem", "anchor")
def doubled_slashes(text: str, held: str) -> Iterator[str]:
    """IIS, ASP.NET and Exchange's handlers take several slashes for one; the application is
    found by the first part of the path, so that one stays as it is."""
    if held == "stem":
        head, slash, rest = text[1:].partition("/")
        yield f"/{head}{slash}" + rest.replace("/", "//")
        if slash and rest:
            yield f"/{head}//{rest}"
        return
    found = _FORGED.match(text)
    if found:
        yield text[: found.start("path")] + found["path"].replace("/", "//")


def _encoded(text: str) -> str:
    """The second letter of every word percent-encoded."""
    return re.sub(
        r"(?<![%\w])([A-Za-z])([A-Za-z])(?=[A-Za-z])",
        lambda m: f"{m[1]}%{ord(m[2]):02X}",
        text,
    )


@respelling("anchor")
def percent_encoding(text: str, held: str) -> Iterator[str]:
    """The routing target is logged as the cookie has it, and decoded when the request is
    made: a letter may be written as its code."""
    found = _FORGED.match(text)
    if found:
        yield text[: found.start("path")] + _encoded(found["path"])


@mutation()
def percent_encoding_in_query(entry: Entry) -> Iterator[Changes]:
    """IIS logs the query as it was sent and ASP.NET decodes it. Not for the back end's port:
    there, Exchange itself writes the request."""
    if text_of(entry, "s-port") in ("80", "443") and (query := text_of(entry, "cs-uri-query")):
        own, mark, added = query.partition("&CorrelationID=")
        yield {"cs-uri-query": _encoded(own) + mark + added}


@respelling("anchor")
def backslashes_in_target(text: str, held: str) -> Iterator[str]:
    """.NET takes a backslash in a web address for a slash."""
    found = _FORGED.match(text)
    if found:
        yield text[: found.start("path")] + found["path"].replace("/", "\\")


@respelling("anchor")
def dot_segments_in_target(text: str, held: str) -> Iterator[str]:
    """.NET resolves dots in the path of a web address."""
    found = _FORGED.match(text)
    if found:
        head, path = text[: found.start("path")], found["path"]
        yield head + path.replace("/", "/./")
        yield f"{head}/owa/..{path}"


@respelling("anchor")
def other_target(text: str, held: str) -> Iterator[str]:
    """What stands before the server's name is free, the server may be named by any of its
    names or addresses, and its front end (443) forwards to the back end."""
    found = _FORGED.match(text)
    if found:
        for host in ("a]@mail:444", "Admin@10.0.0.7:444", "x]@mail.corp.example:443", "mail:444"):
            yield f"{found['kind']}{host}{found['path']}"


@mutation()
def owa_instead_of_ecp(entry: Entry) -> Iterator[Changes]:
    """The flaw is in the handlers of both: for static resources of the control panel and of
    Outlook on the web."""
    for field in ("cs-uri-stem", "UrlStem"):
        found = _STATIC.match(text_of(entry, field))
        if found and "cs-uri-stem" in entry.fields:
            yield {field: "/owa/auth/x9.js" if "ecp" in found["folder"].lower() else "/ecp/x9.js"}
        elif found and "ecp" in found["folder"].lower():
            hint = {"RoutingHint": "X-AnonResource-Backend-Cookie"}
            yield {field: "/owa/auth/x9.js", "Protocol": "Owa", **hint}


@respelling("agent")
def other_user_agent(text: str, held: str) -> Iterator[str]:
    """The client says what it likes."""
    browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    for agent in (browser, "Microsoft Office/16.0", "AMProbe/Local/ClientAccess"):
        yield agent.replace(" ", "+") if " " not in text else agent.replace(",", " ")


@respelling("client")
def other_client_address(text: str, held: str) -> Iterator[str]:
    """The intruder comes from anywhere, also over IPv6, and behind a load balancer every
    client has the balancer's address."""
    yield "10.20.0.5"
    yield "2001:db8::7"


@mutation()
def other_method(entry: Entry) -> Iterator[Changes]:
    """A shell that reads Request["x"] takes its command from the query as well as from the
    body, and a page runs for HEAD as for GET."""
    stem, query = text_of(entry, "cs-uri-stem"), text_of(entry, "cs-uri-query")
    if text_of(entry, "cs-method") == "POST" and re.search(r"\.as[hp]x$", stem, re.IGNORECASE):
        for method in ("GET", "HEAD"):
            yield {"cs-method": method, "cs-uri-query": f"x=Response.End()&{query}".strip("&")}


_DIRECTORIES = ("Ecp", "Owa", "WebServices", "ActiveSync", "PowerShell", "Autodiscover")


@mutation()
def other_virtual_directory(entry: Entry) -> Iterator[Changes]:
    """The flaw that writes a virtual directory's settings to a file of any name is in the
    resetting of all of them, not only of the offline address book's."""
    for name in _DIRECTORIES:
        yield {
            field: re.sub("oab(?=virtualdirectory)", name, text, flags=re.IGNORECASE)
            for field in (
                "cs-uri-query",
                "AnchorMailbox",
                "Cmdlet",
                "Parameters",
                "CMD",
                "UrlQuery",
            )
            if (text := text_of(entry, field))
        }


WEB: tuple[Mutation, ...] = (
    other_page_name,
    other_script_extension,
    other_web_folder,
    path_info,
    other_static_resource,
    doubled_slashes,
    percent_encoding,
    percent_encoding_in_query,
    backslashes_in_target,
    dot_segments_in_target,
    other_target,
    owa_instead_of_ecp,
    other_user_agent,
    other_client_address,
    other_method,
    other_virtual_directory,
)

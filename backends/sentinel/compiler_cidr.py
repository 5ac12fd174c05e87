"""Address ranges as regular expressions.

``ipv4_is_in_range`` gives null for anything that is not IPv4, which `where` drops even under
``not`` (B18), and takes ``10.0.0.1/8`` for an address. A pattern is never null, and exact.
"""

from __future__ import annotations

import ipaddress

from .compiler_text import literal

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ZONE = r"(?:%.*)?$"


def in_range(column: str, cidr: str) -> str:
    """The condition that the text in ``column`` is an address inside ``cidr``."""
    network = ipaddress.ip_network(cidr, strict=False)
    if isinstance(network, ipaddress.IPv4Network):
        return f"{column} matches regex {literal('(?s)^' + _ipv4(network) + _ZONE)}"
    # parse_ipv6 writes any IPv6 address as 8 groups of 4 hex digits, "" for what is none; it
    # takes IPv4 and prefixes too, which the first condition keeps out.
    plain = f"{column} matches regex {literal('(?s)^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*' + _ZONE)}"
    address = f'tolower(tostring(parse_ipv6(extract(@"^[^%]*", 0, {column}))))'
    return f"({plain} and {address} matches regex {literal('^' + _ipv6(network))})"


def _ipv4(network: ipaddress.IPv4Network) -> str:
    octets = network.network_address.packed
    whole, rest = divmod(network.prefixlen, 8)
    parts = [str(octet) for octet in octets[:whole]]
    if rest:
        low = octets[whole]
        parts.append("(?:" + "|".join(str(n) for n in range(low, low + 2 ** (8 - rest))) + ")")
    parts += [_OCTET] * (4 - len(parts))
    return r"\.".join(parts)


def _ipv6(network: ipaddress.IPv6Network) -> str:
    digits = network.network_address.exploded.replace(":", "")
    whole, rest = divmod(network.prefixlen, 4)
    out = list(digits[:whole])
    if rest:
        low = int(digits[whole], 16)
        out.append("[" + "".join(f"{n:x}" for n in range(low, low + 2 ** (4 - rest))) + "]")
    text = "".join((":" if n and n % 4 == 0 else "") + digit for n, digit in enumerate(out))
    return text or "[0-9a-f]"

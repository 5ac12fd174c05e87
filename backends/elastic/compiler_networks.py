"""IPv4 networks as regular expressions, for addresses that are stored as text."""

from __future__ import annotations

import ipaddress

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"


def address_regex(network: str) -> str:
    """A Lucene expression for every dotted address in an IPv4 network, and nothing else."""
    net = ipaddress.IPv4Network(network)
    first = net.network_address.packed
    last = net.broadcast_address.packed
    return r"\.".join(_octets(low, high) for low, high in zip(first, last, strict=True))


def _octets(low: int, high: int) -> str:
    if (low, high) == (0, 255):
        return _OCTET
    if low == high:
        return str(low)
    return "(" + "|".join(str(n) for n in range(low, high + 1)) + ")"

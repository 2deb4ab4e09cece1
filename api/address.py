"""Whose request it is by address, and whether we may be reached from outside at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.requests import HTTPConnection

from config.settings import Settings, SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_UNKNOWN: Final = "unknown"


def parse_proxies(names: Sequence[str]) -> tuple[Network, ...]:
    """TRUSTED_PROXIES as networks. Raises SettingsError naming what is neither address nor network."""
    networks: list[Network] = []
    wrong: list[str] = []
    for name in names:
        try:
            networks.append(ipaddress.ip_network(name, strict=False))
        except ValueError:
            wrong.append(
                f"TRUSTED_PROXIES: {name!r} is neither an address nor a network (10.0.0.0/8)"
            )
    if wrong:
        raise SettingsError(tuple(wrong))
    return tuple(networks)


def check_exposure(settings: Settings) -> None:
    """Passwords and conversations cross no network in the clear.

    Raises SettingsError when HTTP_HOST is reachable from outside and nobody ends TLS before us.
    """
    parse_proxies(settings.trusted_proxies)
    if is_loopback(settings.http_host) or settings.tls_terminated or settings.trusted_proxies:
        return
    problem = (
        f"HTTP_HOST={settings.http_host} is reachable from outside without TLS: keep 127.0.0.1, or set "
        "TRUSTED_PROXIES to the address of the proxy that ends TLS, or TLS_TERMINATED=true if "
        "something else does"
    )
    raise SettingsError((problem,))


def client_address(connection: HTTPConnection, proxies: Sequence[Network]) -> str:
    """The address nearest to us that is not a trusted proxy; what a client wrote itself is not believed."""
    peer = connection.client.host if connection.client else _UNKNOWN
    hops = [peer]
    if proxies:
        forwarded = connection.headers.getlist("x-forwarded-for")
        hops = [*(hop.strip() for line in forwarded for hop in line.split(",")), peer]
    for hop in reversed(hops):
        address = _parse(hop)
        if address is None:
            return peer
        if not any(address in network for network in proxies):
            return str(address)
    return hops[0]


def limit_key(address: str) -> str:
    """One caller for limits: an IPv6 caller owns a whole /64."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def is_loopback(host: str) -> bool:
    parsed = _parse(host)
    return host == "localhost" or (parsed is not None and parsed.is_loopback)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, ipaddress.IPv6Address) else parsed

"""Whose request it is by address, and whether we may be reached from outside at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import cache
from typing import Final

import psutil
from starlette.requests import HTTPConnection

from config.settings import Settings, SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_UNKNOWN: Final = "unknown"
_LOOPBACK: Final = "127.0.0.1"


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
    """The address nearest to us that is not a trusted proxy; what a client wrote itself is not believed.

    Before us stands Serve's HAProxy, on this very node. It passes X-Forwarded-For on as it came and
    adds nothing, so its own client is known only when TRUSTED_PROXIES names the proxy in front of it
    (which then must be the only way in): the last hop is who spoke to that one. Without it everybody
    who comes through HAProxy is one caller, this node.
    """
    forwarded = [
        _host(hop.strip())
        for line in connection.headers.getlist("x-forwarded-for")
        for hop in line.split(",")
    ]
    peer = _peer(connection, forwarded)
    if not proxies or not forwarded:
        return peer
    hops = [*forwarded, peer]
    for hop in reversed(hops):
        address = _parse(hop)
        if address is None:
            return peer
        if not any(address in network for network in proxies) and not is_this_node(str(address)):
            return str(address)
    return hops[0]


def _peer(connection: HTTPConnection, forwarded: Sequence[str]) -> str:
    """Who holds the connection.

    Serve's uvicorn believes X-Forwarded-For from 127.0.0.1 and puts what it says into the client's
    place. HAProxy is 127.0.0.1, so a client that names one of its own claims as itself is HAProxy.
    """
    client = connection.client
    if client is None:
        return _UNKNOWN
    return _LOOPBACK if client.host in forwarded else client.host


def _host(hop: str) -> str:
    """Without the port that some proxies add."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@cache
def _own_addresses() -> frozenset[str]:
    return frozenset(
        one.address.partition("%")[0] for all_ in psutil.net_if_addrs().values() for one in all_
    )


def is_this_node(host: str) -> bool:
    """Loopback, or an address of an interface of this machine."""
    return is_loopback(host) or host in _own_addresses()


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

from __future__ import annotations

from collections.abc import Sequence

import pytest
from starlette.requests import HTTPConnection
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.address import client_address, is_this_node, parse_proxies

PUBLIC_PROXY = "198.51.100.9"


async def seen(peer: str, forwarded: Sequence[str], proxies: Sequence[str] = ()) -> str:
    """What we take for the client behind Serve's uvicorn, which rewrites what comes from 127.0.0.1."""
    found: list[str] = []

    async def app(scope, receive, send):
        found.append(client_address(HTTPConnection(scope), parse_proxies(proxies)))

    scope = {
        "type": "http",
        "client": (peer, 4000),
        "headers": [(b"x-forwarded-for", one.encode()) for one in forwarded],
    }
    await ProxyHeadersMiddleware(app)(scope, None, None)  # type: ignore[arg-type]
    return found[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "who"),
    [
        # Through HAProxy on this node, nobody declared in front: all are this node.
        ("127.0.0.1", [], (), "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7"], (), "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7:55"], (), "127.0.0.1"),
        ("127.0.0.1", ["nonsense"], (), "127.0.0.1"),
        ("127.0.0.1", ["127.0.0.1"], (), "127.0.0.1"),
        # A declared proxy in front of HAProxy tells who spoke to it; the rest is the client's word.
        ("127.0.0.1", ["203.0.113.7"], (PUBLIC_PROXY,), "203.0.113.7"),
        ("127.0.0.1", ["1.2.3.4, 203.0.113.7"], (PUBLIC_PROXY,), "203.0.113.7"),
        ("127.0.0.1", ["1.2.3.4", "203.0.113.7:4711"], (PUBLIC_PROXY,), "203.0.113.7"),
        ("127.0.0.1", [f"203.0.113.7, {PUBLIC_PROXY}"], (PUBLIC_PROXY,), "203.0.113.7"),
        ("127.0.0.1", [f"127.0.0.1, 203.0.113.7, {PUBLIC_PROXY}"], (PUBLIC_PROXY,), "203.0.113.7"),
        ("127.0.0.1", ["[2001:db8::7]:99"], (PUBLIC_PROXY,), "2001:db8::7"),
        ("127.0.0.1", ["203.0.113.7, rubbish"], (PUBLIC_PROXY,), "127.0.0.1"),
        # A peer elsewhere is believed only when it is declared.
        ("203.0.113.50", ["1.2.3.4"], (), "203.0.113.50"),
        ("203.0.113.50", ["1.2.3.4"], (PUBLIC_PROXY,), "203.0.113.50"),
        (PUBLIC_PROXY, ["1.2.3.4, 203.0.113.7"], (PUBLIC_PROXY,), "203.0.113.7"),
    ],
)  # fmt: skip
async def test_who_calls_behind_serves_own_proxy(peer, forwarded, proxies, who):
    assert await seen(peer, forwarded, proxies) == who


def test_this_node_is_loopback_and_its_own_interfaces():
    assert is_this_node("127.0.0.1")
    assert is_this_node("::1")
    assert not is_this_node("203.0.113.7")

"""Every port of a checkout: different from other checkouts', remembered, checked before use."""

from __future__ import annotations

import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from config.settings import Settings
from domain.errors import RejectedError
from storage.embedded.ports import PortBook, is_free

#: Serve gives each replica a port of its own; a rolling update needs twice as many for a while.
DIRECT_INGRESS_SPAN: Final = 30
HTTP_TRIES: Final = 100


class PortTakenError(RejectedError):
    """The port a person chose is in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPorts:
    """The ports one `vitrine up` uses. `http_wanted` differs from `http` when that was taken."""

    http: int
    http_wanted: int
    sandbox: int
    ray_dashboard: int
    haproxy_stats: int
    haproxy_metrics: int
    fallback_http: int  # where HAProxy sends what has no replica yet
    fallback_grpc: int
    direct_http: int  # first of DIRECT_INGRESS_SPAN
    direct_grpc: int  # first of DIRECT_INGRESS_SPAN


def choose_ports(settings: Settings) -> CheckoutPorts:
    """Raises PortTakenError when HTTP_PORT was given and is taken; all else finds a free place."""
    book = PortBook(settings.data_dir / "ports.json")
    return CheckoutPorts(
        http=_choose_http(settings, book),
        http_wanted=settings.http_port,
        sandbox=book.take("sandbox"),
        ray_dashboard=book.take("ray_dashboard"),
        haproxy_stats=book.take("haproxy_stats"),
        haproxy_metrics=book.take("haproxy_metrics"),
        fallback_http=book.take("fallback_http"),
        fallback_grpc=book.take("fallback_grpc"),
        direct_http=book.take("direct_http", span=DIRECT_INGRESS_SPAN),
        direct_grpc=book.take("direct_grpc", span=DIRECT_INGRESS_SPAN),
    )


def check_http_port(settings: Settings) -> None:
    """Raises PortTakenError when a person chose a port that somebody else listens on."""
    if settings.http_port_given and not is_free(settings.http_port, settings.http_host):
        holder = listener(settings.http_port)
        by = "" if holder is None else f" por {holder}"
        message = (
            f"a porta {settings.http_port} (HTTP_PORT) está em uso{by}: "
            "libere-a, ou escolha outra em HTTP_PORT"
        )
        raise PortTakenError(message)


def listener(port: int) -> str | None:
    """Who listens on `port`, as `name (processo pid)`; None when the system does not tell us."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return None
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
            try:
                return f"{psutil.Process(one.pid).name()} (processo {one.pid})"
            except psutil.NoSuchProcess:
                return None
    return None


def _choose_http(settings: Settings, book: PortBook) -> int:
    check_http_port(settings)
    wanted: int = settings.http_port
    if settings.http_port_given:
        return wanted
    known = book.known("http")
    candidates: list[int] = list(range(wanted, wanted + HTTP_TRIES))
    if known is not None:
        candidates.insert(0, known)
    for port in candidates:
        if is_free(port, settings.http_host) and _claim(port):
            book.note("http", port)
            return port
    message = f"nenhuma porta livre entre {wanted} e {wanted + HTTP_TRIES - 1}"
    raise PortTakenError(message)


#: Locks held until this process ends, so that the port stays ours while Ray is still starting.
_CLAIMS: Final[dict[int, int]] = {}


def _claim(port: int) -> bool:
    """Whether no other checkout has chosen `port`: it is bound only a minute after it was chosen.

    The lock is between checkouts of one person; where its file cannot be had nothing is claimed.
    """
    if port in _CLAIMS:
        return True
    try:
        folder = Path(tempfile.gettempdir()) / f"vitrine-ports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    _CLAIMS[port] = handle
    return True


def ray_environment(ports: CheckoutPorts, short: Path) -> dict[str, str]:
    """Where HAProxy and Serve's replicas of this checkout listen and keep their files."""
    # Serve adds a folder named by the node id, 56 characters; HAProxy's limit for a socket is 97.
    return {
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.haproxy_stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.haproxy_metrics),
        # Serve binds these shared (SO_REUSEPORT): on its default another checkout would answer ours.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback_http),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(ports.fallback_grpc),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(short / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(short / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(short),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(short / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(short / "metrics.sock"),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(ports.direct_http),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(ports.direct_http + DIRECT_INGRESS_SPAN - 1),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(ports.direct_grpc),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(ports.direct_grpc + DIRECT_INGRESS_SPAN - 1),
    }

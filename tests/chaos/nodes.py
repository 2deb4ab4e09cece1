"""Several Ray nodes on one machine, and an outside world they all reach; for stories of lost nodes.

The stories are processes of their own, since Ray reads its environment once and the address of a
network namespace is not one of those a test may reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import uvicorn
from fastapi import FastAPI, Request

from tests.house import FACADE, WABA

ROOT = Path(__file__).parents[2]
NAMESPACE = f"vitrine{os.getpid()}"
LOOPBACK, RAY_NET, OTHER_NET = "127.0.0.1", "10.201.77", "10.201.78"


# ---- Meta and the model


def free_port() -> int:
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


@dataclass
class Outside:
    """A Graph that counts what it takes, and a model whose first answer waits to be released."""

    port: int = field(default_factory=free_port)
    sent: list[str] = field(default_factory=list)
    calls: int = 0
    release: threading.Event = field(default_factory=threading.Event)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/graph/{version}/{number}/messages")
        async def send(request: Request) -> dict[str, Any]:
            body = await request.json()
            if "type" in body:
                self.sent.append(body["text"]["body"])
            return {
                "contacts": [{"input": "x", "wa_id": "x"}],
                "messages": [{"id": f"wamid.TWO{len(self.sent)}"}],
            }

        @app.post("/model/v1/messages")
        async def answer(request: Request) -> dict[str, Any]:
            body = await request.json()
            self.calls += 1
            if self.calls == 1:
                await asyncio.to_thread(self.release.wait, 120)
            return {
                "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
                "content": [{"type": "text", "text": f"Resposta {self.calls}."}],
                "stop_reason": "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": 11, "output_tokens": 7},
            }  # fmt: skip

        return app

    def serve(self) -> None:
        everywhere = "0.0.0.0"  # noqa: S104 - each node reaches it by another address
        config = uvicorn.Config(self.app(), host=everywhere, port=self.port, log_level="error")
        threading.Thread(target=uvicorn.Server(config).run, daemon=True).start()


async def forward(host: str, port: int, to: int) -> None:
    """Lets the namespace reach a server that listens on this machine's loopback only."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(LOOPBACK, to)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    await asyncio.start_server(meet, host, port)


# ---- machines


def run(command: str) -> None:
    subprocess.run(command.split(), check=True, capture_output=True)


@contextlib.contextmanager
def two_links() -> Iterator[None]:
    """A network namespace, linked to this machine by `<net>.1` and `<net>.2` twice."""
    run(f"ip netns add {NAMESPACE}")
    try:
        run(f"ip -n {NAMESPACE} link set lo up")
        for net, name in ((RAY_NET, "vray"), (OTHER_NET, "voth")):
            here, there = link_names(name)
            run(f"ip link add {here} type veth peer name {there} netns {NAMESPACE}")
            run(f"ip addr add {net}.1/24 dev {here}")
            run(f"ip -n {NAMESPACE} addr add {net}.2/24 dev {there}")
            run(f"ip link set {here} up")
            run(f"ip -n {NAMESPACE} link set {there} up")
        yield
    finally:
        run(f"ip netns del {NAMESPACE}")


def link_names(name: str) -> tuple[str, str]:
    mark = os.getpid() % 100_000
    return f"{name}{mark}", f"{name}{mark}p"


class Nodes:
    """Ray nodes of this machine, each a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def head(self, ip: str, *, gcs_redis: str = "") -> subprocess.Popen[bytes]:
        """A node without room. `gcs_redis`: where the GCS keeps its tables, so that it may come back."""
        self.address = self.address or f"{ip}:{free_port()}"
        port = self.address.rsplit(":", 1)[1]
        quick = {  # a lost node is noticed after a second and a half, not after fifteen
            "health_check_initial_delay_ms": 500,
            "health_check_period_ms": 500,
            "health_check_timeout_ms": 500,
            "health_check_failure_threshold": 3,
        }
        kept = []
        if gcs_redis:
            url = urlsplit(gcs_redis)
            os.environ |= {
                "RAY_REDIS_ADDRESS": f"{url.hostname}:{url.port}",
                "RAY_external_storage_namespace": NAMESPACE,
            }
            kept = [f"--redis-password={url.password}"]
        # With it, `ray start` takes a node that outlived its head for a head that still runs.
        (self._folder / "ray_current_cluster").unlink(missing_ok=True)
        return self._start(
            "", ip, "--head", f"--port={port}", "--num-cpus=0",
            "--include-dashboard=false", f"--temp-dir={self._folder}",
            f"--system-config={json.dumps(quick)}", *kept,
        )  # fmt: skip

    def worker(self, ip: str, *, within: str = "") -> subprocess.Popen[bytes]:
        """A node with room for the shard; `within`: the namespace it lives in."""
        return self._start(within, ip, f"--address={self.address}", "--num-cpus=1")

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """SIGKILL to everything the node consists of."""
        if node.poll() is None:
            for process in [*descendants(node.pid), psutil.Process(node.pid)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        node.wait()

    def stop(self) -> None:
        for node in self._started:
            self.kill(node)

    def _start(self, within: str, ip: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = ["ip", "netns", "exec", within] if within else []
        command += [
            str(Path(sys.executable).with_name("ray")), "start", "--block", f"--node-ip-address={ip}",
            "--object-store-memory=80000000", "--disable-usage-stats", *arguments,
        ]  # fmt: skip
        log = (self._folder / f"node{len(self._started)}.log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        self._started.append(process)
        return process


def descendants(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


async def until(what: str, look: Callable[[], Awaitable[Any]], within: float = 60.0) -> Any:
    try:
        async with asyncio.timeout(within):
            while not (found := await look()):  # noqa: ASYNC110 - other processes have no events
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise SystemExit(f"not within {within:.0f} s: {what}") from None
    return found


def listens(host: str, port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((host, port)) == 0


def alive(ray: Any) -> list[Any]:
    return [node for node in ray.nodes() if node["Alive"]]


async def point_settings_at(outside: Outside, ip: str) -> None:
    """Environment of every process: servers of this machine, by an address each node can reach."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        if ip == LOOPBACK:
            continue
        url = os.environ[name]
        port = int(url.rsplit(":", 1)[1].split("/", 1)[0])
        forwarded = free_port()
        await forward(ip, forwarded, port)
        os.environ[name] = url.replace(f"{LOOPBACK}:{port}", f"{ip}:{forwarded}")
    os.environ |= {
        "WHATSAPP_API_URL": f"http://{ip}:{outside.port}/graph",
        "ANTHROPIC_BASE_URL": f"http://{ip}:{outside.port}/model",
        "ANTHROPIC_API_KEY": "key",
        "WHATSAPP_ACCESS_TOKEN": "token",
        "WHATSAPP_APP_SECRET": "the-app-secret",
        "WHATSAPP_VERIFY_TOKEN": "the-verify-token",
        "WHATSAPP_BUSINESS_ACCOUNT_ID": WABA,
        "WHATSAPP_PHONE_NUMBER_IDS": FACADE,
        "WHATSAPP_FACADE_NUMBER": "+551130001234",
        "JWT_SECRET": "0123456789abcdef0123456789abcdef",
        "DATA_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "ADMIN_EMAIL": "ana@loja.example",
        "ADMIN_PASSWORD": "uma frase comprida",
        "QUIET_PERIOD_S": "0",
        "DEDICATED_ACTORS_MAX": "0",
        "RAY_AUTH_MODE": "disabled",
        "RAY_worker_niceness": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "OMP_NUM_THREADS": "1",
        "NO_PROXY": "*",
    }

"""The process that holds Ray: `python -m cli.cluster`, started and watched by `vitrine up`.

It is the only driver. When it ends, for whatever reason, its Ray processes end with it; when the
supervisor ends, its end of our standard input closes and we end, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO

import psutil

from config.settings import Settings, load_settings
from domain.scale import Part, Scale
from telemetry.tasks import start

NAMESPACE: Final = "vitrine"
OBJECT_STORE_BYTES: Final = 80 * 2**20  # Ray's least is 75 MiB; we pass ids, not objects
HEAD_PROCESSES: Final = ("gcs_server", "raylet")
EXIT_HEAD_LOST: Final = 3

# Set before Ray is imported; most are read once at import.
ENVIRONMENT: Final = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_HAPROXY_NBTHREAD": "2",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
    "RAY_worker_niceness": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "OMP_NUM_THREADS": "1",
}


def start_ray(settings: Settings, *, dashboard_port: int, temp_dir: Path) -> str:
    """Starts a cluster of our own, or joins RAY_ADDRESS; returns the URL of its dashboard."""
    import ray  # noqa: PLC0415 - reads the environment at import

    if settings.ray_address is not None:
        joined = ray.init(address=settings.ray_address, namespace=NAMESPACE, log_to_driver=False)
        return f"http://{joined.dashboard_url}"
    ray.init(
        address="local",  # never another checkout's cluster
        namespace=NAMESPACE,
        object_store_memory=OBJECT_STORE_BYTES,
        include_dashboard=True,
        dashboard_host="127.0.0.1",
        dashboard_port=dashboard_port,
        log_to_driver=False,
        configure_logging=False,
        _temp_dir=str(temp_dir),
    )
    return f"http://127.0.0.1:{dashboard_port}"


def deploy(settings: Settings) -> Mapping[Part, Scale]:
    """Deploys the applications and named actors; returns when Serve calls them running."""
    import serve_app  # noqa: PLC0415 - imports Ray

    return serve_app.deploy(settings)


def keep_scale(
    settings: Settings, deployed: Mapping[Part, Scale], url: str, stopping: threading.Event
) -> None:
    """Carries out every change of scale until told to stop; runs beside the watch over the head."""
    import serve_app  # noqa: PLC0415

    token = _auth_token()

    async def keep() -> None:
        keeping = start(
            serve_app.keep_scale(settings, deployed, dashboard_url=url, token=token), name="scale"
        )
        await asyncio.to_thread(stopping.wait)
        keeping.cancel()

    asyncio.run(keep())


def _auth_token() -> str:
    """What Ray's REST interface asks for, from where Ray itself takes it; empty: it asks nothing."""
    token = os.environ.get("RAY_AUTH_TOKEN", "")
    given = os.environ.get("RAY_AUTH_TOKEN_PATH")
    file = Path(given) if given else Path.home() / ".ray" / "auth_token"
    return token or (file.read_text("utf-8").strip() if file.is_file() else "")


def stop(settings: Settings) -> None:
    """Lets replicas finish what they hold, then ends the cluster if it is ours."""
    import ray  # noqa: PLC0415
    from ray import serve  # noqa: PLC0415

    if settings.ray_address is None:
        serve.shutdown()  # type: ignore[no-untyped-call]
    ray.shutdown()


def head_is_alive(head: list[psutil.Process]) -> bool:
    return all(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in head)


def main() -> int:
    """Starts, deploys, reports, waits. Exits 0 when told to stop, 3 when the Ray head was lost."""
    report = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    dashboard_port, temp_dir = int(sys.argv[2]), Path(sys.argv[3])
    stopping = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stopping.set())
    threading.Thread(target=_follow_supervisor, args=(stopping,), daemon=True).start()

    settings = load_settings()
    began = time.perf_counter()
    url = start_ray(settings, dashboard_port=dashboard_port, temp_dir=temp_dir)
    _tell(report, "ray", began, dashboard_url=url if settings.ray_address is None else None)
    own = psutil.Process().children()
    head = [one for one in own if one.name() in HEAD_PROCESSES]
    began = time.perf_counter()
    deployed = deploy(settings)
    _tell(report, "deployed", began, shards=deployed[Part.SHARDS].wanted)
    threading.Thread(
        target=keep_scale, args=(settings, deployed, url, stopping), daemon=True
    ).start()
    while not stopping.wait(1.0):
        if not head_is_alive(head):
            os._exit(EXIT_HEAD_LOST)  # a tidy shutdown would wait for a head that is not there
    stop(settings)
    return 0


def _follow_supervisor(stopping: threading.Event) -> None:
    while os.read(0, 1):
        pass
    stopping.set()


def _tell(report: TextIO, what: str, began: float, **more: Any) -> None:
    line = {"event": what, "seconds": time.perf_counter() - began, **more}
    report.write(json.dumps(line) + "\n")
    report.flush()


if __name__ == "__main__":
    sys.exit(main())

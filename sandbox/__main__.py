"""`python -m sandbox --port N --data DIR --webhook-url URL --product-url URL`."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from sandbox.app import create_app
from sandbox.config import config_from_environment


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, default=Path(".vitrine/sandbox"))
    parser.add_argument("--webhook-url", default="http://127.0.0.1:8000/webhook/whatsapp")
    parser.add_argument("--product-url", default="http://127.0.0.1:8000")
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    config = config_from_environment(
        port=given.port,
        data_dir=given.data,
        webhook_url=given.webhook_url,
        product_url=given.product_url,
    )
    uvicorn.run(
        create_app(config),
        host=given.host,
        port=given.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()

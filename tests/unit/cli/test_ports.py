"""Ports: a chosen one that is taken is one line, a default one gives way, checkouts do not meet."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from cli.ports import (
    DIRECT_INGRESS_SPAN,
    CheckoutPorts,
    PortTakenError,
    choose_ports,
    ray_environment,
)
from config.settings import Settings, read_settings
from storage.embedded.ports import BLOCK, PortBook, find_block, is_free


@pytest.fixture
def listening():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


def settings_of(folder: Path, **given: object) -> Settings:
    return read_settings(_env_file=None, data_dir=folder, **given)


def spans(ports: CheckoutPorts) -> list[range]:
    single = (
        ports.http,
        ports.sandbox,
        ports.ray_dashboard,
        ports.haproxy_stats,
        ports.haproxy_metrics,
        ports.fallback_http,
        ports.fallback_grpc,
    )
    several = (ports.direct_http, ports.direct_grpc)
    return [range(one, one + 1) for one in single] + [
        range(one, one + DIRECT_INGRESS_SPAN) for one in several
    ]


def test_a_chosen_port_that_is_taken_is_one_line_with_the_port_and_the_process(tmp_path, listening):
    with pytest.raises(PortTakenError) as refused:
        choose_ports(settings_of(tmp_path, http_port=listening))
    line = str(refused.value)
    assert line.startswith(f"a porta {listening} (HTTP_PORT) está em uso")
    assert f"(processo {os.getpid()})" in line
    assert "\n" not in line


def test_a_default_port_that_is_taken_gives_way_to_the_next(tmp_path, listening):
    settings = settings_of(tmp_path).model_copy(update={"http_port": listening})
    settings.model_fields_set.discard("http_port")
    ports = choose_ports(settings)
    assert listening < ports.http <= listening + 100
    assert ports.http_wanted == listening


def test_ports_are_remembered(tmp_path):
    assert choose_ports(settings_of(tmp_path)) == choose_ports(settings_of(tmp_path))


def test_no_two_ports_of_two_checkouts_meet(tmp_path):
    first = choose_ports(settings_of(tmp_path / "one"))
    own = [port for span in spans(first) for port in span]
    assert len(own) == len(set(own))
    with socket.socket() as running:
        running.bind(("127.0.0.1", first.ray_dashboard))
        running.listen()
        second = choose_ports(settings_of(tmp_path / "two"))
    others = {port for span in spans(second)[1:] for port in span}
    assert others.isdisjoint(own)


def test_a_block_in_use_is_passed_over():
    first = find_block("any checkout")
    with socket.socket() as running:
        running.bind(("127.0.0.1", first + BLOCK - 1))
        running.listen()
        second = find_block("any checkout")
    assert abs(second - first) >= BLOCK


def test_a_remembered_port_that_was_lost_is_replaced(tmp_path):
    book = PortBook(tmp_path / "ports.json")
    first = book.take("sandbox")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", first))
        holder.listen()
        assert not is_free(first)
        assert book.take("sandbox") != first


def test_a_broken_book_is_begun_again(tmp_path):
    (tmp_path / "ports.json").write_text("{", "utf-8")
    assert is_free(PortBook(tmp_path / "ports.json").take("sandbox"))


@pytest.fixture(scope="module")
def serve_constants() -> str:
    package = find_spec("ray")
    assert package is not None
    assert package.origin is not None
    origin = Path(package.origin)
    return (origin.parent / "serve" / "_private" / "constants.py").read_text("utf-8")


def test_every_variable_we_set_is_one_that_serve_reads(tmp_path, serve_constants):
    """A renamed variable of a newer Ray would silently put two checkouts on the same ports."""
    for name in ray_environment(choose_ports(settings_of(tmp_path)), tmp_path):
        assert f'"{name}"' in serve_constants, name


def test_every_port_that_serve_takes_from_a_variable_is_ours(tmp_path, serve_constants):
    """What is left on its default is shared by all checkouts; a worker's are none unless set."""
    ports = set(re.findall(r'"(RAY_SERVE_(?!WORKER_)[A-Z_]+_PORT)"', serve_constants))
    ours = set(ray_environment(choose_ports(settings_of(tmp_path)), tmp_path))
    assert ports
    assert ports <= ours


def test_a_port_another_checkout_has_chosen_but_not_bound_yet_is_passed_over(tmp_path):
    choose = (
        "import sys; from pathlib import Path; from cli.ports import _choose_http;"
        "from config.settings import read_settings; from storage.embedded.ports import PortBook;"
        "print(_choose_http(read_settings(), PortBook(Path(sys.argv[1]))), flush=True); input()"
    )
    first, second = (
        subprocess.Popen(
            [sys.executable, "-c", choose, str(tmp_path / f"{n}.json")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(2)
    )  # fmt: skip
    try:
        assert first.stdout is not None
        assert second.stdout is not None
        assert first.stdout.readline().strip() != second.stdout.readline().strip()
    finally:
        for one in (first, second):
            one.communicate("\n")

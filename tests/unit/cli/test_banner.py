"""The ready banner: where to go, how to get in, how conversations are laid out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cli.banner import Login, banner, living, logins, placement
from cli.ports import CheckoutPorts
from config.generated import sandbox_addresses
from config.settings import Settings, load_settings

PORTS = CheckoutPorts(
    http=8003, http_wanted=8000, sandbox=15001, ray_dashboard=15002, haproxy_stats=15003,
    haproxy_metrics=15004, fallback_http=15005, fallback_grpc=15006, direct_http=15100,
    direct_grpc=15200,
)  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    found = load_settings(_env_file=None, data_dir=tmp_path)
    return found.model_copy(update=sandbox_addresses(found, "http://127.0.0.1:15001"))


def shown(settings: Settings, logins: Sequence[Login] = ()) -> str:
    lines = banner(
        settings,
        PORTS,
        ray_url="http://127.0.0.1:15002",
        ray_token="t0ken",
        logins=logins,
        shards=1,
        hosts=[("shared", 2), ("own", 1), ("sender", 0)],
        resident=2**30,
    )
    return "\n".join(line.plain for line in lines)


def test_it_names_every_door_and_the_memory(settings):
    text = shown(settings)
    for word in (
        "http://127.0.0.1:8003/app/",
        "http://127.0.0.1:8003/sandbox",
        "http://127.0.0.1:8003/docs",
        "http://127.0.0.1:15002",
        "t0ken",
        "agora 3 ativas em 2 atores Ray (1 de uma só conversa, 1 de muitas)",
        "1,0 GB residentes",
        "a porta 8000 estava em uso: usando 8003",
        "Ensaio sem modelo real: defina ANTHROPIC_API_KEY",
    ):
        assert word in text


def test_a_model_of_ones_own_is_no_rehearsal(tmp_path):
    own = load_settings(_env_file=None, data_dir=tmp_path, anthropic_api_key="sk-ant-x")
    settings = own.model_copy(update=sandbox_addresses(own, "http://127.0.0.1:15001"))
    assert settings.anthropic_base_url == "https://api.anthropic.com"
    assert "Ensaio sem modelo real" not in shown(settings)


def test_the_link_keeps_the_password_out_of_every_request():
    link = Login(role="vendor", email="a+b@c.example", password="s/e#c&r=et").link("http://h")
    request, fragment = link.split("#")
    assert request == "http://h/app/login"
    assert fragment == "email=a%2Bb%40c.example&password=s%2Fe%23c%26r%3Det"


def test_the_sandbox_has_a_login_for_each_role(settings):
    assert [one.role for one in logins(settings)] == ["supervisor", "vendor", "agent"]


def test_logins_that_work_are_shown_with_their_links(settings):
    text = shown(settings, logins=logins(settings))
    assert "Entrar: vendas" in text
    assert "/app/login#email=supervisor%40vitrine.example&password=" in text


def test_a_changed_password_is_said(settings):
    assert "a gerada foi trocada" in shown(settings)


@pytest.mark.parametrize(
    ("own", "shards", "says"),
    [
        (8, 1, "até 8 ativas com ator Ray próprio (DEDICATED_ACTORS_MAX), as demais em 1 ator Ray"),
        (
            0,
            2,
            "todas em 2 atores Ray compartilhados (`vitrine scale shards`); nenhuma com ator próprio",
        ),
    ],
)
def test_the_layout_of_conversations_is_told_with_what_changes_it(settings, own, shards, says):
    changed = settings.model_copy(update={"dedicated_actors_max": own})
    assert placement(changed, shards).startswith(says)


@pytest.mark.parametrize(
    ("hosts", "says"),
    [
        ([], "agora nenhuma ativa em 0 atores Ray (0 de uma só conversa, 0 de muitas)"),
        (
            [("shared", 0), ("clock", 0)],
            "agora nenhuma ativa em 1 ator Ray (0 de uma só conversa, 1 de muitas)",
        ),
        ([("own", 1)], "agora 1 ativa em 1 ator Ray (1 de uma só conversa, 0 de muitas)"),
    ],
    ids=["no actor reports", "all at rest", "one alone"],
)
def test_it_is_told_how_many_conversations_live_in_how_many_actors_now(hosts, says):
    assert living(hosts) == says

"""Every bad setting is named, with what would be right; a good one passes."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.playbook import PLAYBOOKS, load_playbook
from config.generated import sandbox_addresses, sandbox_operators
from config.settings import Settings, SettingsError, load_settings, read_settings
from domain.errors import InvalidInputError

ROOT = Path(__file__).parents[3]
LIVE = {
    "WHATSAPP_ACCESS_TOKEN": "EAAG-token",
    "WHATSAPP_APP_SECRET": "new-secret,old-secret",
    "WHATSAPP_VERIFY_TOKEN": "verify-me",
    "WHATSAPP_BUSINESS_ACCOUNT_ID": "102290129340398",
    "WHATSAPP_PHONE_NUMBER_IDS": "106540352242922, 106540352242923",
    "ANTHROPIC_API_KEY": "sk-ant-key",
    "JWT_SECRET": "j" * 64,
    "DATA_KEY": base64.b64encode(bytes(32)).decode(),
    "ADMIN_EMAIL": "dona@loja.com.br",
    "ADMIN_PASSWORD": "uma senha comprida",
}


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Sets variables; without any, nothing but the state folder is set."""
    monkeypatch.setenv("VITRINE_DIR", str(tmp_path / ".vitrine"))
    monkeypatch.chdir(tmp_path)

    def given(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return given


def refusal() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        load_settings()
    return refused.value.problems


def test_complete_live_settings_start(environment):
    environment(**LIVE)
    settings = load_settings()
    assert not settings.sandbox_on
    assert settings.app_secrets == ("new-secret", "old-secret")
    assert settings.whatsapp_phone_number_ids == ("106540352242922", "106540352242923")


@pytest.mark.parametrize("name", sorted(LIVE.keys() - {"WHATSAPP_ACCESS_TOKEN"}))
def test_a_missing_live_secret_is_named_with_what_would_be_right(environment, name):
    environment(**LIVE | {name: ""})
    (problem,) = refusal()
    assert problem.startswith(f"{name} falta: ")


def test_a_missing_token_is_named_with_the_way_back_to_the_sandbox(environment):
    environment(
        **LIVE | {"WHATSAPP_ACCESS_TOKEN": "", "WHATSAPP_API_URL": "https://graph.example.com"}
    )
    problems = refusal()
    assert problems[0].startswith("WHATSAPP_ACCESS_TOKEN falta: ")
    assert "WHATSAPP_API_URL vazios" in problems[1]


def test_everything_missing_is_told_at_once(environment):
    environment(SANDBOX="off")
    named = {line.split(" ", 1)[0] for line in refusal()}
    assert named >= LIVE.keys()


def test_another_model_server_needs_no_anthropic_key(environment):
    environment(**LIVE | {"ANTHROPIC_API_KEY": "", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9999"})
    assert load_settings().anthropic_api_key is None


@pytest.mark.parametrize(
    "given",
    [{"MODEL_REPLY_API_KEY": "sk-ant-other"}, {"MODEL_REPLY_BASE_URL": "http://127.0.0.1:9999"}],
    ids=str,
)
def test_a_key_or_server_of_the_answering_model_is_enough(environment, given):
    environment(**LIVE | {"ANTHROPIC_API_KEY": ""} | given)
    load_settings()


@pytest.mark.parametrize(
    ("given", "rehearsal"),
    [
        ({}, True),
        ({"MODEL_REPLY_BASE_URL": "http://127.0.0.1:9999"}, False),
        ({"MODEL_REPLY_API_KEY": "sk-ant-other"}, False),
        ({"ANTHROPIC_API_KEY": "sk-ant-key"}, False),
    ],
    ids=str,
)
def test_the_sandbox_rehearses_only_while_nobody_gave_a_model(environment, given, rehearsal):
    environment(**given)
    settings = load_settings()
    url = "http://127.0.0.1:15001"
    there = settings.model_copy(update=sandbox_addresses(settings, url))
    assert there.is_rehearsal is rehearsal


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HTTP_PORT", "0", "HTTP_PORT: '0' não serve: o menor valor é 1"),
        ("HTTP_PORT", "70000", "HTTP_PORT: '70000' não serve: o maior valor é 65535"),
        ("HTTP_PORT", "oito", "HTTP_PORT: 'oito' não serve: precisa ser um número inteiro"),
        ("HTTP_HOST", "0.0.0.0", "HTTP_HOST: '0.0.0.0' abre o Vitrine para a rede sem TLS"),  # noqa: S104
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "TRUSTED_PROXIES: 'proxy' não é um IP"),
        (
            "TLS_TERMINATED",
            "talvez",
            "TLS_TERMINATED: 'talvez' não serve: precisa ser true ou false",
        ),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL: precisa ter a forma postgresql://"),
        ("REDIS_URL", "http://x", "REDIS_URL: precisa ter a forma redis://"),
        ("WHATSAPP_API_URL", "graph.facebook.com", "WHATSAPP_API_URL: precisa ser um endereço"),
        ("WHATSAPP_API_VERSION", "26", "WHATSAPP_API_VERSION: '26' não serve: precisa ter a forma"),
        ("WHATSAPP_PHONE_NUMBER_IDS", "+5511987654321", "WHATSAPP_PHONE_NUMBER_IDS: '+55119"),
        ("WHATSAPP_BUSINESS_ACCOUNT_ID", "minha", "WHATSAPP_BUSINESS_ACCOUNT_ID: 'minha' não é"),
        ("WHATSAPP_FACADE_NUMBER", "1", "WHATSAPP_FACADE_NUMBER: '1' não é um dos"),
        ("WHATSAPP_APP_SECRET", "a,b,c", "WHATSAPP_APP_SECRET: no máximo duas chaves"),
        ("ANTHROPIC_BASE_URL", "ftp://x", "ANTHROPIC_BASE_URL: precisa ser um endereço"),
        ("MODEL_REPLY_BASE_URL", "ollama", "MODEL_REPLY_BASE_URL: precisa ser um endereço"),
        ("SLACK_WEBHOOK_URL", "slack", "SLACK_WEBHOOK_URL: precisa ser um endereço"),
        ("JWT_SECRET", "curta", "JWT_SECRET: tem 5 caracteres, precisa de 32 ou mais"),
        ("DATA_KEY", "curta", "DATA_KEY: precisa ser 32 bytes em base64"),
        ("ADMIN_EMAIL", "dona", "ADMIN_EMAIL: 'dona' não é um e-mail"),
        ("ADMIN_PASSWORD", "1234", "ADMIN_PASSWORD: tem 4 caracteres, precisa de 12 ou mais"),
        ("AI_CONSENT", "never", "AI_CONSENT: 'never' não serve: precisa ser um destes"),
        ("SANDBOX", "maybe", "SANDBOX: 'maybe' não serve: precisa ser um destes"),
        ("DEDICATED_ACTORS_MAX", "-1", "DEDICATED_ACTORS_MAX: '-1' não serve: o menor valor é 0"),
        ("CONVERSATION_SHARDS", "0", "CONVERSATION_SHARDS: '0' não serve: o menor valor é 1"),
        ("QUIET_PERIOD_S", "61", "QUIET_PERIOD_S: '61' não serve: o maior valor é 60"),
        ("QUIET_PERIOD_S", "nan", "QUIET_PERIOD_S: 'nan' não serve: o maior valor é 60"),
        ("RETENTION_DAYS", "0", "RETENTION_DAYS: '0' não serve: o menor valor é 1"),
        ("TIMEZONE", "Marte/Olympus", "TIMEZONE: 'Marte/Olympus' não é um fuso"),
        ("TIMEZONE", "../etc/passwd", "TIMEZONE: '../etc/passwd' não é um fuso"),
    ],
)
def test_a_bad_value_is_one_readable_line(environment, name, value, says):
    environment(**LIVE | {name: value})
    (problem,) = refusal()
    assert problem.startswith(says)


def test_a_cluster_elsewhere_needs_servers_elsewhere(environment):
    environment(**LIVE | {"RAY_ADDRESS": "ray://10.0.0.5:10001"})
    assert [line.split(" ", 1)[0] for line in refusal()] == ["DATABASE_URL", "REDIS_URL"]


def test_a_secret_never_stands_in_the_message(environment):
    environment(**LIVE | {"JWT_SECRET": "swordfish", "DATABASE_URL": "mysql://root:hunter2@db/x"})
    assert not any(word in " ".join(refusal()) for word in ("swordfish", "hunter2"))


def test_the_network_is_allowed_behind_a_tls_proxy(environment):
    environment(
        **LIVE | {"HTTP_HOST": "::", "TLS_TERMINATED": "true", "TRUSTED_PROXIES": "10.0.0.0/8"}
    )
    assert load_settings().trusted_proxies == ("10.0.0.0/8",)


def test_nothing_at_all_starts_the_sandbox_with_secrets_of_its_own(environment, tmp_path):
    settings = load_settings()
    assert settings.sandbox_on
    assert settings.admin_email == "supervisor@vitrine.example"
    kept = tmp_path / ".vitrine" / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load_settings() == settings
    assert {person.role for person in sandbox_operators(settings)} == {"vendor", "agent"}


def test_two_checkouts_have_different_secrets(environment, tmp_path, monkeypatch):
    first = load_settings()
    monkeypatch.setenv("VITRINE_DIR", str(tmp_path / "other"))
    assert load_settings().jwt_secret != first.jwt_secret


def test_what_a_person_gave_is_not_replaced_in_the_sandbox(environment):
    environment(ADMIN_EMAIL="eu@loja.com.br", WHATSAPP_PHONE_NUMBER_IDS="77")
    settings = load_settings()
    assert settings.admin_email == "eu@loja.com.br"
    assert settings.whatsapp_phone_number_ids == ("77",)
    assert settings.whatsapp_facade_number is None


def test_a_broken_secrets_file_is_not_overwritten(environment, tmp_path):
    load_settings()
    kept = tmp_path / ".vitrine" / "secrets.json"
    kept.write_text("{", "utf-8")
    with pytest.raises(InvalidInputError, match="restaure-o"):
        load_settings()
    assert kept.read_text("utf-8") == "{"


def test_older_secrets_gain_only_what_is_new(environment, tmp_path):
    load_settings()
    kept = tmp_path / ".vitrine" / "secrets.json"
    older = json.loads(kept.read_text("utf-8"))
    newer = older.pop("erp_api_key")
    kept.write_text(json.dumps(older), "utf-8")
    load_settings()
    now = json.loads(kept.read_text("utf-8"))
    assert now | {"erp_api_key": newer} == older | {"erp_api_key": newer}


@pytest.mark.parametrize("live", [False, True])
def test_another_process_reads_the_same_settings_from_the_environment(
    environment, live, monkeypatch, tmp_path
):
    environment(**(LIVE if live else {}))
    first = load_settings()
    for name, value in first.to_environment().items():
        monkeypatch.setenv(name, value)
    second = load_settings()
    assert second.sandbox_on is not live
    assert second.model_dump(exclude={"sandbox", "data_dir"}) == first.model_dump(
        exclude={"sandbox", "data_dir"}
    )


def example() -> Iterator[tuple[str, str, str]]:
    """Each variable of the example: name, value, and the comment above its block."""
    comment = ""
    for line in (ROOT / "config" / "example.env").read_text("utf-8").splitlines():
        if variable := re.fullmatch(r"(?:# )?([A-Z][A-Z0-9_]*)=(.*)", line):
            yield variable[1], variable[2].strip(), comment
        else:
            comment = line


def variable_of(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else field.upper()


def test_the_example_names_exactly_the_variables_there_are():
    named = [name for name, _, _ in example()]
    assert sorted(named) == sorted(variable_of(field) for field in Settings.model_fields)


def test_the_example_holds_no_secret():
    for name, value, _ in example():
        if any(word in name for word in ("KEY", "SECRET", "PASSWORD", "TOKEN")):
            assert not value, name


def test_the_example_says_of_a_setting_that_nothing_reads_that_it_is_not_used_yet():
    said = {name for name, _, comment in example() if comment.startswith("# Not used yet: ")}
    product = [
        file.read_text("utf-8")
        for top in ("actors", "agent", "api", "cli", "integrations", "jobs", "storage", "telemetry")
        for file in (ROOT / top).rglob("*.py")
    ]
    product.append((ROOT / "serve_app.py").read_text("utf-8"))
    product.append((ROOT / "config" / "settings.py").read_text("utf-8"))
    unread = {
        variable_of(field)
        for field in Settings.model_fields
        if not any(re.search(rf"\.{field}\b", text) for text in product)
    }
    assert unread == {"ERP_BASE_URL", "RETENTION_DAYS", "SLACK_WEBHOOK_URL"}
    # The sandbox's ERP is given a key that nobody uses; no playbook asks for another model.
    assert said == unread | {"ERP_API_KEY", "MODEL_TRIAGE", "MODEL_ANALYSIS", "MODEL_VISION"}
    assert {load_playbook(file.stem).model for file in PLAYBOOKS.glob("*.toml")} == {"reply"}


def test_failpoints_are_refused_outside_the_sandbox(environment, tmp_path):
    environment(**LIVE, FAILPOINTS_DIR=str(tmp_path))
    (problem,) = refusal()
    assert problem.startswith("FAILPOINTS_DIR: ")


def test_failpoints_need_their_folder(environment, tmp_path):
    environment(FAILPOINTS_DIR=str(tmp_path / "nowhere"))
    (problem,) = refusal()
    assert "nowhere" in problem
    environment(FAILPOINTS_DIR=str(tmp_path))
    assert load_settings().failpoints_dir == tmp_path


def test_another_file_than_env_can_be_named(environment, monkeypatch, tmp_path):
    environment()
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("COMPANY_NAME=Da pasta")
    monkeypatch.delenv("VITRINE_ENV_FILE")
    assert read_settings().company_name == "Da pasta"
    (tmp_path / "staging.env").write_text("COMPANY_NAME=Outra")
    monkeypatch.setenv("VITRINE_ENV_FILE", "staging.env")
    assert read_settings().company_name == "Outra"
    monkeypatch.setenv("VITRINE_ENV_FILE", "stagging.env")
    with pytest.raises(SettingsError, match="VITRINE_ENV_FILE: o arquivo stagging"):
        read_settings()

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.config import FACADE_PNID
from sandbox.graph.errors import GraphError
from sandbox.people import meta_wa_id, phone_forms
from tests.unit.sandbox.conftest import MARIA
from tests.unit.sandbox.servers import until


def interactive(
    kind: str, action: dict[str, Any], text: str = "Escolha", **more: Any
) -> dict[str, Any]:
    part = {"type": kind, "body": {"text": text}, "action": action, **more}
    return {"type": "interactive", "interactive": part}


def buttons(*titles: str, ids: tuple[str, ...] | None = None) -> dict[str, Any]:
    names = ids or tuple(f"b{i}" for i in range(len(titles)))
    rows = [
        {"type": "reply", "reply": {"id": i, "title": t}}
        for i, t in zip(names, titles, strict=True)
    ]
    return interactive("button", {"buttons": rows})


def rows(count: int, *, title: str = "Linha") -> list[dict[str, str]]:
    return [{"id": f"r{i}", "title": title} for i in range(count)]


ENVELOPE: dict[str, Any] = {"messaging_product": "whatsapp", "to": "+" + MARIA}
GOOD: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": {"body": "Olá", "preview_url": True}},
    "text of 4096 characters": {"type": "text", "text": {"body": "x" * 4096}},
    "image by link": {
        "type": "image",
        "image": {"link": "https://exemplo.com.br/a.png", "caption": "a"},
    },
    "document": {
        "type": "document",
        "document": {"link": "https://exemplo.com.br/b.pdf", "filename": "b.pdf"},
    },
    "audio": {"type": "audio", "audio": {"link": "https://exemplo.com.br/a.ogg", "voice": True}},
    "location": {"type": "location", "location": {"latitude": "-19.9", "longitude": "-43.9"}},
    "contacts": {
        "type": "contacts",
        "contacts": [
            {"name": {"formatted_name": "Suporte", "first_name": "Suporte"}, "phones": []}
        ],
    },
    "buttons": buttons("Pix", "Boleto", "Débito"),
    "list": interactive("list", {"button": "Ver", "sections": [{"rows": rows(10)}]}),
    "cta_url": interactive(
        "cta_url",
        {
            "name": "cta_url",
            "parameters": {"display_text": "Abrir", "url": "https://exemplo.com.br"},
        },
    ),
}


@pytest.mark.parametrize("name", GOOD)
async def test_every_kind_of_message_is_accepted(world, name):
    body = world.outbound.post(world.number(None), {**ENVELOPE, **GOOD[name]})
    assert body["contacts"] == [{"input": "+5531988887777", "wa_id": "553188887777"}]
    assert body["messages"][0]["id"].startswith("wamid.")


BAD: dict[str, tuple[dict[str, Any], int]] = {
    "no body": ({"type": "text", "text": {}}, 100),
    "blank body": ({"type": "text", "text": {"body": "  "}}, 100),
    "text too long": ({"type": "text", "text": {"body": "x" * 4097}}, 100),
    "unknown type": ({"type": "poll", "poll": {}}, 100),
    "type is a list": ({"type": ["text"]}, 100),
    "id and link": ({"type": "image", "image": {"id": "1", "link": "https://x"}}, 100),
    "unknown media id": ({"type": "image", "image": {"id": "999"}}, 100),
    "caption too long": ({"type": "image", "image": {"link": "https://x", "caption": "x" * 1025}}, 100),
    "caption on audio": ({"type": "audio", "audio": {"link": "https://x", "caption": "x"}}, 100),
    "latitude out of range": ({"type": "location", "location": {"latitude": 91, "longitude": 0}}, 131009),
    "contact without name": ({"type": "contacts", "contacts": [{"phones": []}]}, 131008),
    "reaction to nothing": ({"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "👍"}}, 131009),
    "four buttons": (buttons("a", "b", "c", "d"), 131009),
    "button title of 21": (buttons("x" * 21), 100),
    "doubled button ids": (buttons("a", "b", ids=("1", "1")), 131009),
    "doubled button titles": (buttons("a", "a"), 131009),
    "body of 1025 with buttons": ({**buttons("a"), **interactive("button", buttons("a")["interactive"]["action"], "x" * 1025)}, 100),
    "eleven rows": (interactive("list", {"button": "Ver", "sections": [{"rows": rows(11)}]}), 131009),
    "row title of 25": (interactive("list", {"button": "Ver", "sections": [{"rows": rows(1, title="x" * 25)}]}), 100),
    "two sections without titles": (
        interactive("list", {"button": "Ver", "sections": [{"rows": rows(1)}, {"rows": rows(1)}]}),
        100,
    ),
    "image header on a list": (
        interactive("list", {"button": "V", "sections": [{"rows": rows(1)}]}, header={"type": "image"}),
        131009,
    ),
    "footer of 61": (
        interactive("button", buttons("a")["interactive"]["action"], footer={"text": "x" * 61}),
        100,
    ),
    "cta text of 21": (
        interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": "x" * 21, "url": "https://x"}}),
        100,
    ),
    "template without language": ({"type": "template", "template": {"name": "x"}}, 131008),
    "unknown template": ({"type": "template", "template": {"name": "x", "language": {"code": "pt_BR"}}}, 132001),
    "template with a hyphen": (
        {"type": "template", "template": {"name": "retomar_conversa", "language": {"code": "pt-BR"}}},
        132001,
    ),
    "template without its parameter": (
        {"type": "template", "template": {"name": "retomar_conversa", "language": {"code": "pt_BR"}}},
        132000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_wrong_message_is_refused_with_metas_code_and_shape(world, name):
    content, code = BAD[name]
    with pytest.raises(GraphError) as refused:
        world.outbound.post(world.number(None), {**ENVELOPE, **content})
    error = refused.value.body()["error"]
    assert error["code"] == code
    assert refused.value.http == (404 if code == 132001 else 400)
    assert error["type"] == "OAuthException"
    assert error["error_data"]["messaging_product"] == "whatsapp"
    assert error["fbtrace_id"]
    assert world.ledger.entries() == []


async def test_missing_keys_of_the_envelope_are_named(stage):
    no_product = await stage.post(f"{FACADE_PNID}/messages", {"to": "+" + MARIA, "type": "text"})
    assert (
        no_product.json()["error"]["message"]
        == "(#100) The parameter messaging_product is required."
    )
    no_to = await stage.post(
        f"{FACADE_PNID}/messages", {"messaging_product": "whatsapp", "text": {"body": "x"}}
    )
    assert no_to.json()["error"]["message"] == "(#100) The parameter to is required."
    long = await stage.text(biz_opaque_callback_data="x" * 513)
    assert long.json()["error"]["code"] == 100


async def test_a_wrong_or_missing_token_is_190(stage):
    url = f"/graph/v26.0/{FACADE_PNID}/messages"
    for headers in ({}, {"Authorization": "Bearer nope"}):
        answer = await stage.client.post(url, json={}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)


async def test_an_unknown_number_is_100_with_subcode_33(stage):
    answer = await stage.post("999/messages", {"messaging_product": "whatsapp"})
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["error_subcode"]) == (100, 33)


async def test_an_old_version_is_refused(stage):
    answer = await stage.client.post("/graph/v20.0/1/messages", json={})
    assert answer.json()["error"]["code"] == 2635


async def failed_code(stage: Any) -> int:
    statuses = await until(lambda: [s for s in stage.product.statuses() if s["status"] == "failed"])
    return int(statuses[-1]["errors"][0]["code"])


async def test_free_text_outside_the_window_fails_later_with_131047(stage):
    assert (await stage.text()).status_code == 200
    assert await failed_code(stage) == 131047
    status = stage.product.statuses()[-1]
    assert "recipient_user_id" not in status
    assert "contacts" not in stage.product.updates()[-1]


async def test_writing_opens_the_window_of_that_number_only(stage):
    await stage.say("Oi")
    assert (await stage.text(biz_opaque_callback_data="in")).status_code == 200
    other = {
        "messaging_product": "whatsapp",
        "to": "+" + MARIA,
        "type": "text",
        "text": {"body": "x"},
    }
    assert (await stage.post("106000000000002/messages", other)).status_code == 200
    assert await failed_code(stage) == 131047
    assert {
        s["status"] for s in stage.product.statuses() if s.get("biz_opaque_callback_data") == "in"
    } & {"sent"}


async def test_a_number_without_whatsapp_is_accepted_and_fails_with_131026(stage):
    answer = await stage.text(to="+5511900000000")
    assert answer.status_code == 200
    assert await failed_code(stage) == 131026


async def test_an_approved_template_reaches_people_outside_the_window(stage):
    parameters = [{"type": "text", "text": "Ana"}]
    template = {
        "name": "retomar_conversa",
        "language": {"code": "pt_BR"},
        "components": [{"type": "body", "parameters": parameters}],
    }
    answer = await stage.send({"type": "template", "template": template})
    assert answer.json()["messages"][0]["message_status"] == "accepted"
    await until(lambda: any(s["status"] == "delivered" for s in stage.product.statuses()))
    entry = stage.world.ledger.entries(direction="out")[0]
    assert entry["content"]["rendered"].startswith("Olá, Ana!")
    parameters[0]["text"] = "duas\nlinhas"
    assert (await stage.send({"type": "template", "template": template})).json()["error"][
        "code"
    ] == 132018


async def test_a_new_template_is_reviewed_and_announced(stage):
    await stage.control("faults", {"template_review_s": 0})
    body = {
        "name": "aviso_novo",
        "language": "pt_BR",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Seu pedido chegou."}],
    }
    made = (await stage.post("102000000000001/message_templates", body)).json()
    assert made["status"] == "PENDING"
    updates = await until(lambda: stage.product.updates("message_template_status_update"))
    assert updates[0]["event"] == "APPROVED"
    assert updates[0]["message_template_id"] == int(made["id"])
    again = await stage.post("102000000000001/message_templates", body)
    assert again.status_code == 400
    listed = (await stage.get("102000000000001/message_templates", name="aviso_novo")).json()[
        "data"
    ]
    assert [t["status"] for t in listed] == ["APPROVED"]


async def test_a_paused_template_is_132015(stage):
    template = next(iter(stage.world.templates.all.values()))
    await stage.control(f"templates/{template['id']}", {"status": "PAUSED"})
    content = {"name": template["name"], "language": {"code": "pt_BR"}}
    answer = await stage.send({"type": "template", "template": content})
    assert answer.json()["error"]["code"] == 132015


async def test_the_throughput_of_a_number_is_limited_with_130429(stage):
    stage.open_window()
    await stage.control(f"numbers/{FACADE_PNID}", {"mps": 3})
    codes = [(await stage.text(f"m{i}")).status_code for i in range(3)]
    assert codes == [200, 200, 200]
    refused = (await stage.text("one too many")).json()["error"]
    assert (refused["code"], refused["error_subcode"]) == (130429, 2494055)


async def test_the_pair_rate_allows_a_burst_of_45_and_then_131056(stage):
    stage.open_window()
    await stage.control("faults", {"enforce_throughput": False})
    codes = [(await stage.text(f"m{i}")).status_code for i in range(45)]
    assert codes == [200] * 45
    assert (await stage.text("again")).json()["error"]["code"] == 131056


async def test_the_portfolio_limit_counts_distinct_people_over_all_numbers(stage):
    await stage.control("faults", {"tier": "TIER_250"})
    stage.world.limits._reached = {f"someone-{i}": 9e12 for i in range(250)}
    template = {
        "name": "retomar_conversa",
        "language": {"code": "pt_BR"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}],
    }
    refused = await stage.send({"type": "template", "template": template})
    assert refused.json()["error"]["code"] == 131048
    stage.open_window()
    assert (await stage.send({"type": "template", "template": template})).status_code == 200


async def test_injected_errors_come_at_once_or_later(stage):
    stage.open_window()
    await stage.control("faults", {"next_sends": 2, "next_code": 131016})
    for _ in range(2):
        answer = await stage.text()
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, 131016)
    assert (await stage.text()).status_code == 200
    await stage.control("faults", {"next_sends": 1, "next_code": 131049, "next_mode": "async"})
    assert (await stage.text()).status_code == 200
    assert await failed_code(stage) == 131049


async def test_a_banned_number_refuses_and_tells_the_account(stage):
    stage.open_window()
    await stage.control(f"numbers/{FACADE_PNID}", {"banned": True, "quality": "RED"})
    answer = await stage.text()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 131031)
    health = (await stage.get(FACADE_PNID, fields="status,quality_rating,health_status")).json()
    assert (health["status"], health["quality_rating"]) == ("BANNED", "RED")
    assert health["health_status"]["can_send_message"] == "BLOCKED"
    assert (await until(lambda: stage.product.updates("account_update")))[0][
        "event"
    ] == "ACCOUNT_RESTRICTION"


async def test_health_poll_gives_only_the_fields_asked_for(stage):
    body = (await stage.get(FACADE_PNID, fields="quality_rating,throughput")).json()
    assert body == {
        "id": FACADE_PNID,
        "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"},
    }
    assert (await stage.get(FACADE_PNID)).json()["display_phone_number"] == "+55 11 98765-4321"


async def test_token_debugging_and_subscription(stage):
    token = (await stage.get("debug_token", input_token=stage.world.config.access_token)).json()[
        "data"
    ]
    assert (token["is_valid"], token["type"], token["expires_at"]) == (True, "SYSTEM_USER", 0)
    assert (await stage.post("102000000000001/subscribed_apps")).json() == {"success": True}
    assert len((await stage.get("102000000000001/subscribed_apps")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("phone", "forms", "wa_id"),
    [
        ("5531988887777", ("5531988887777", "553188887777"), "553188887777"),
        ("553188887777", ("5531988887777", "553188887777"), "553188887777"),
        ("551140041234", ("551140041234",), "551140041234"),
        ("5511987654321", ("5511987654321", "551187654321"), "5511987654321"),
        ("554799998888", ("5547999998888", "554799998888"), "554799998888"),
    ],
)
def test_the_ninth_digit_joins_mobiles_and_never_landlines(phone, forms, wa_id):
    assert phone_forms(phone) == forms
    assert meta_wa_id(phone) == wa_id


async def test_both_forms_and_a_national_writing_reach_the_same_person(stage):
    stage.open_window()
    for to in ("+5531988887777", "+553188887777", "31988887777"):
        assert (await stage.text(f"para {to}", to=to)).json()["contacts"][0][
            "wa_id"
        ] == "553188887777"
    assert {e["customer"] for e in stage.world.ledger.entries()} == {MARIA}


async def test_people_with_a_username_give_no_phone_away(stage):
    await stage.control("customers", {"name": "Léo", "username": "leo"})
    person = next(c for c in stage.world.people.by_id.values() if c.username == "leo")
    await stage.say("Oi", person.id)
    message = (await until(stage.product.messages))[0]
    assert "from" not in message
    assert message["from_user_id"] == person.bsuid
    contact = stage.product.updates()[0]["contacts"][0]
    assert contact == {"profile": {"name": "Léo", "username": "@leo"}, "user_id": person.bsuid}
    answer = await stage.text(to=person.bsuid)
    assert answer.json()["contacts"] == [{"input": person.bsuid, "user_id": person.bsuid}]
    statuses = await until(stage.product.statuses)
    assert "recipient_id" not in statuses[0]
    assert statuses[0]["recipient_user_id"] == person.bsuid


async def test_marking_read_answers_success_and_shows_typing(stage):
    wamid = await stage.say("Oi")
    body = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid,
        "typing_indicator": {"type": "text"},
    }
    assert (await stage.post(f"{FACADE_PNID}/messages", body)).json() == {"success": True}
    chat = (await stage.client.get(f"/control/chat/{MARIA}")).json()
    assert chat["typing"] is True
    assert chat["messages"][0]["status"] == "read"
    await stage.text()
    assert (await stage.client.get(f"/control/chat/{MARIA}")).json()["typing"] is False


async def test_media_goes_up_is_described_and_comes_down_with_the_token(stage):
    headers = {"Authorization": f"Bearer {stage.world.config.access_token}"}
    files = {"file": ("a.png", b"\x89PNG123", "image/png")}
    data = {"messaging_product": "whatsapp", "type": "image/png"}
    url = f"/graph/v26.0/{FACADE_PNID}/media"
    made = (await stage.client.post(url, files=files, data=data, headers=headers)).json()
    described = (await stage.get(made["id"])).json()
    assert described["mime_type"] == "image/png"
    assert (await stage.client.get(described["url"])).status_code == 401
    assert (await stage.client.get(described["url"], headers=headers)).content == b"\x89PNG123"
    assert (await stage.get(made["id"], phone_number_id="106000000000002")).status_code == 400
    stage.open_window()
    assert (await stage.send({"type": "image", "image": {"id": made["id"]}})).status_code == 200
    bad = {"file": ("a.exe", b"MZ", "application/x-msdownload")}
    assert (await stage.client.post(url, files=bad, data=data, headers=headers)).status_code == 400
    await stage.client.delete(f"/graph/v26.0/{made['id']}", headers=headers)
    assert (await stage.get(made["id"])).status_code == 400


async def test_meta_down_answers_html_and_accepts_nothing(stage):
    stage.open_window()
    await stage.control("faults", {"meta": "html503"})
    answer = await stage.text()
    assert answer.status_code == 503
    assert answer.text.startswith("<!DOCTYPE html>")
    assert stage.world.ledger.entries() == []


@pytest.mark.parametrize(("mode", "accepted"), [("reset", 0), ("reset_accepted", 1)])
async def test_a_reset_connection_may_or_may_not_have_accepted(stage, mode, accepted):
    stage.open_window()
    await stage.control("faults", {"meta": mode})
    with pytest.raises(httpx.TransportError):
        await stage.text()
    assert len(stage.world.ledger.entries(direction="out")) == accepted


async def test_a_timeout_after_accepting_is_settled_by_the_status(stage):
    stage.open_window()
    await stage.control("faults", {"meta": "timeout_accepted"})
    headers = {"Authorization": f"Bearer {stage.world.config.access_token}"}
    body = {
        "messaging_product": "whatsapp",
        "to": "+" + MARIA,
        "text": {"body": "x"},
        "biz_opaque_callback_data": "a9",
    }
    with pytest.raises(httpx.ReadTimeout):
        await stage.client.post(
            f"/graph/v26.0/{FACADE_PNID}/messages", json=body, headers=headers, timeout=0.3
        )
    statuses = await until(lambda: [s for s in stage.product.statuses() if s["status"] == "sent"])
    assert statuses[0]["biz_opaque_callback_data"] == "a9"

from __future__ import annotations

import pytest

from domain.content import (
    Button,
    ButtonReply,
    Buttons,
    ChoiceList,
    Contacts,
    CtaUrl,
    ListRow,
    ListSection,
    Location,
    Media,
    MediaKind,
    Reaction,
    Template,
    Text,
)
from domain.errors import InvalidInputError
from integrations.whatsapp.outbound import Recipient, message_body

ANA = Recipient(phone="553188887777")
CARD = {"name": {"formatted_name": "Suporte"}}
BODY = {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}

CASES = [
    (Text(body="Olá"), "text", {"body": "Olá"}),
    (Text(body="https://a.br", preview_url=True), "text", {"body": "https://a.br", "preview_url": True}),
    (Media(kind=MediaKind.IMAGE, media_id="1", caption="QR"), "image", {"id": "1", "caption": "QR"}),
    (Media(kind=MediaKind.AUDIO, media_id="1", voice=True), "audio", {"id": "1", "voice": True}),
    (
        Media(kind=MediaKind.DOCUMENT, link="https://a.br/b.pdf", filename="b.pdf"),
        "document",
        {"link": "https://a.br/b.pdf", "filename": "b.pdf"},
    ),
    (Media(kind=MediaKind.STICKER, media_id="1"), "sticker", {"id": "1"}),
    (Media(kind=MediaKind.VIDEO, media_id="1"), "video", {"id": "1"}),
    (
        Location(latitude=-19.92, longitude=-43.94, name="Loja", address="Rua X, 1"),
        "location",
        {"latitude": "-19.92", "longitude": "-43.94", "name": "Loja", "address": "Rua X, 1"},
    ),
    (Contacts(cards=(CARD,)), "contacts", [CARD]),
    (Reaction(target_wamid="w", emoji="👍"), "reaction", {"message_id": "w", "emoji": "👍"}),
    (Reaction(target_wamid="w", emoji=None), "reaction", {"message_id": "w", "emoji": ""}),
    (
        Buttons(body="Como paga?", buttons=(Button(id="pix", title="Pix"),), header="Fatura", footer="Loja"),
        "interactive",
        {
            "type": "button",
            "header": {"type": "text", "text": "Fatura"},
            "body": {"text": "Como paga?"},
            "footer": {"text": "Loja"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "pix", "title": "Pix"}}]},
        },
    ),
    (
        CtaUrl(
            body="Seu link", display_text="Abrir", url="https://a.br",
            header=Media(kind=MediaKind.IMAGE, link="https://a.br/i.png"),
        ),
        "interactive",
        {
            "type": "cta_url",
            "header": {"type": "image", "image": {"link": "https://a.br/i.png"}},
            "body": {"text": "Seu link"},
            "action": {"name": "cta_url", "parameters": {"display_text": "Abrir", "url": "https://a.br"}},
        },
    ),
    (
        ChoiceList(
            body="Escolha", button="Ver opções",
            sections=(ListSection(title="Opções", rows=(
                ListRow(id="1x", title="À vista", description="R$ 140,00"), ListRow(id="3x", title="3x"),
            )),),
        ),
        "interactive",
        {
            "type": "list",
            "body": {"text": "Escolha"},
            "action": {"button": "Ver opções", "sections": [{"title": "Opções", "rows": [
                {"id": "1x", "title": "À vista", "description": "R$ 140,00"}, {"id": "3x", "title": "3x"},
            ]}]},
        },
    ),
    (
        Template(name="aviso", language="pt_BR", components=(BODY,), preview="Olá, Ana"),
        "template",
        {"name": "aviso", "language": {"code": "pt_BR"}, "components": [BODY]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "kind", "payload"), CASES)
def test_content_is_written_as_meta_expects(content, kind, payload):
    assert message_body(ANA, content, "att-1") == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+553188887777",
        "type": kind,
        kind: payload,
        "biz_opaque_callback_data": "att-1",
    }


@pytest.mark.parametrize("phone", ["553188887777", "+553188887777", "+55 (31) 8888-7777"])
def test_a_phone_is_always_sent_with_its_plus_and_as_meta_gave_it(phone):
    assert message_body(Recipient(phone=phone), Text(body="a"), "c")["to"] == "+553188887777"


def test_a_person_without_phone_is_reached_by_the_user_id():
    body = message_body(Recipient(bsuid="BR.1"), Text(body="a"), "c")
    assert body["recipient"] == "BR.1"
    assert "to" not in body


def test_the_phone_wins_over_the_user_id():
    body = message_body(Recipient(phone="553188887777", bsuid="BR.1"), Text(body="a"), "c")
    assert "recipient" not in body


def test_a_reply_quotes_except_where_meta_quotes_nothing():
    assert message_body(ANA, Text(body="a"), "c", "wamid.Q")["context"] == {"message_id": "wamid.Q"}
    for content in (Reaction(target_wamid="w", emoji="👍"), Template(name="a", language="pt_BR")):
        assert "context" not in message_body(ANA, content, "c", "wamid.Q")


@pytest.mark.parametrize(
    ("to", "content", "data", "field"),
    [
        (Recipient(), Text(body="a"), "c", "to"),
        (Recipient(phone="abc"), Text(body="a"), "c", "to.phone"),
        (ANA, Text(body=""), "c", "text.body"),
        (ANA, ButtonReply(id="1", title="a"), "c", "button_reply"),
        (ANA, Text(body="a"), "c" * 513, "callback_data"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_is_written(to, content, data, field):
    with pytest.raises(InvalidInputError) as refused:
        message_body(to, content, data)
    assert refused.value.field == field

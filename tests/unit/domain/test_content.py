from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from domain.content import (
    Button,
    ButtonReply,
    Buttons,
    CallPermission,
    ChoiceList,
    Contacts,
    CtaUrl,
    Edit,
    FlowReply,
    ListReply,
    ListRow,
    ListSection,
    Location,
    Media,
    MediaKind,
    Order,
    PaymentMethod,
    Reaction,
    ReplySource,
    Revoke,
    System,
    Template,
    Text,
    Unsupported,
    check_sendable,
    content_from_json,
    content_to_json,
    split_text,
    text_of,
)
from domain.content.sendable import length
from domain.errors import InvalidInputError
from domain.storable import storable
from domain.tracking import tracking_code, with_tracking_code, without_tracking_code

IMAGE = Media(kind=MediaKind.IMAGE, media_id="1", caption="comprovante")
PIX = Button(id="pix", title="Pix")
ROWS = (ListRow(id="1x", title="À vista", description="R$ 140,00"), ListRow(id="3x", title="3x"))
CARD = {"name": {"formatted_name": "Bruno Lima"}, "phones": [{"phone": "+55 31 98888-7777"}]}

READ_AS = [
    (Text(body="Olá"), "Olá"),
    (IMAGE, "[imagem] comprovante"),
    (Media(kind=MediaKind.AUDIO, media_id="1", voice=True), "[áudio]"),
    (Media(kind=MediaKind.VIDEO, media_id="1"), "[vídeo]"),
    (Media(kind=MediaKind.DOCUMENT, media_id="1", filename="a.pdf"), "[documento: a.pdf]"),
    (Media(kind=MediaKind.STICKER, media_id="1"), "[figurinha]"),
    (
        Location(latitude=-19.92, longitude=-43.94, name="Praça", address="Rua X, 1"),
        "[localização] Praça, Rua X, 1 (-19.92, -43.94)",
    ),
    (Contacts(cards=(CARD,)), "[contato] Bruno Lima (+55 31 98888-7777)"),
    (Reaction(target_wamid="w", emoji="👍"), "[reação] 👍"),
    (Reaction(target_wamid="w", emoji=None), "[reação removida]"),
    (Buttons(body="Como paga?", buttons=(PIX,), header=IMAGE), "Como paga?\n[Pix]"),
    (
        ChoiceList(body="Escolha", button="Ver", sections=(ListSection(rows=ROWS),)),
        "Escolha\n[À vista | 3x]",
    ),
    (
        CtaUrl(body="Seu link", display_text="Abrir", url="https://exemplo.com.br/p"),
        "Seu link\nAbrir: https://exemplo.com.br/p",
    ),
    (Template(name="aviso", language="pt_BR", components=({"type": "body"},)), "[modelo aviso]"),
    (Template(name="aviso", language="pt_BR", preview="Olá, Ana"), "Olá, Ana"),
    (ButtonReply(id="p", title="Parar", source=ReplySource.TEMPLATE), "Parar"),
    (ListReply(id="3x", title="3x", description="R$ 50,00"), "3x (R$ 50,00)"),
    (
        FlowReply(response={"flow_token": "t", "data": "2026-12-01"}, name="flow"),
        "[formulário] data: 2026-12-01",
    ),
    (PaymentMethod(last_four_digits="5235"), "[cartão escolhido] final 5235"),
    (CallPermission(response="accept"), "[permissão de ligação concedida]"),
    (
        Order(items=({"product_retailer_id": "sku1", "quantity": 2},), text="obs"),
        "[pedido] 2 × sku1 – obs",
    ),
    (System(type="user_changed_number", body="mudou"), "[aviso do WhatsApp] mudou"),
    (Unsupported(type="poll_creation", errors=({"code": 131051},)), "[mensagem não suportada: enquete]"),
    (Unsupported(raw_type="hologram"), "[mensagem não suportada]"),
    (Edit(original_wamid="w", content=Text(body="certo")), "[mensagem editada] certo"),
    (Revoke(original_wamid="w"), "[mensagem apagada]"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), READ_AS)
def test_every_content_reads_in_portuguese(content, words):
    assert text_of(content) == words


@pytest.mark.parametrize("content", [content for content, _ in READ_AS])
def test_every_content_comes_back_from_its_json(content):
    written = content_to_json(content)
    assert written["kind"] == content.kind
    assert content_from_json(json.loads(json.dumps(written))) == content


def test_the_json_leaves_out_what_is_default_and_keeps_a_removed_reaction():
    assert content_to_json(Text(body="a")) == {"kind": "text", "body": "a"}
    removed = {"kind": "reaction", "target_wamid": "w", "emoji": None}
    assert content_to_json(Reaction(target_wamid="w", emoji=None)) == removed


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (None, "value"),
        ([], "value"),
        ({}, "kind"),
        ({"kind": "hologram"}, "kind"),
        ({"kind": ["text"]}, "kind"),
        ({"kind": "text"}, "body"),
        ({"kind": "text", "body": 3}, "body"),
        ({"kind": "location", "latitude": "1", "longitude": 2}, "latitude"),
        ({"kind": "location", "latitude": True, "longitude": 2}, "latitude"),
        ({"kind": "buttons", "body": "a", "buttons": [{"id": "1"}]}, "buttons[0].title"),
        ({"kind": "buttons", "body": "a", "buttons": {}}, "buttons"),
        ({"kind": "button_reply", "id": "1", "title": "a", "source": "x"}, "source"),
    ],
)
def test_posted_content_that_is_wrong_is_refused_by_the_name_of_the_field(data, field):
    with pytest.raises(InvalidInputError) as refused:
        content_from_json(data)
    assert refused.value.field == field


def test_keys_of_a_later_version_are_ignored():
    assert content_from_json({"kind": "text", "body": "a", "novelty": 1}) == Text(body="a")


GOOD = [
    Text(body="a" * 4096),
    IMAGE,
    Media(kind=MediaKind.DOCUMENT, link="https://exemplo.com.br/b.pdf", filename="b.pdf"),
    Location(latitude=-90, longitude=180),
    Contacts(cards=(CARD,)),
    Reaction(target_wamid="w", emoji=None),
    Buttons(body="b" * 1024, buttons=(PIX,), header="h" * 60, footer="f" * 60),
    ChoiceList(body="b", button="Ver opções", sections=(ListSection(rows=ROWS),)),
    CtaUrl(body="b", display_text="Abrir", url="https://exemplo.com.br"),
    Template(name="aviso", language="pt_BR"),
]


@pytest.mark.parametrize("content", GOOD)
def test_content_within_the_limits_may_be_sent(content):
    check_sendable(content)


def buttons(**changed: Any) -> Buttons:
    return Buttons(**{"body": "b", "buttons": (PIX,), **changed})


def choices(*sections: ListSection, **changed: Any) -> ChoiceList:
    return ChoiceList(**{"body": "b", "button": "Ver", "sections": sections, **changed})


BAD = [
    (Text(body=""), "text.body", "empty"),
    (Text(body=" \n\u200b\u2060"), "text.body", "empty"),
    (Text(body="a" * 4097), "text.body", "4097 characters; the limit is 4096"),
    (Text(body="😀" * 2049), "text.body", "4098"),
    (Text(body="a\x00b"), "text.body", "stored"),
    (Text(body="a\ud800b"), "text.body", "stored"),
    (Media(kind=MediaKind.IMAGE), "image", "either"),
    (Media(kind=MediaKind.IMAGE, media_id="1", link="https://x.br/a"), "image", "both"),
    (Media(kind=MediaKind.IMAGE, media_id="1", caption="c" * 1025), "image.caption", "1024"),
    (Media(kind=MediaKind.AUDIO, media_id="1", caption="c"), "audio.caption", "image"),
    (Media(kind=MediaKind.IMAGE, link="javascript:alert(1)"), "image.link", "https"),
    (Media(kind=MediaKind.DOCUMENT, media_id="1", filename="n" * 241), "document.filename", "240"),
    (Location(latitude=90.1, longitude=0), "location.latitude", "90"),
    (Location(latitude=float("nan"), longitude=0), "location.latitude", "90"),
    (Contacts(cards=()), "contacts.cards", "0 entries"),
    (buttons(buttons=()), "buttons.buttons", "1 to 3"),
    (buttons(buttons=tuple(Button(id=str(n), title=str(n)) for n in range(4))), "buttons.buttons", "4"),
    (buttons(buttons=(Button(id="i", title="t" * 21),)), "buttons.buttons[0].title", "20"),
    (buttons(buttons=(Button(id="i" * 257, title="t"),)), "buttons.buttons[0].id", "256"),
    (buttons(buttons=(PIX, Button(id="pix", title="Outro"))), "buttons.buttons", "id 'pix'"),
    (buttons(buttons=(PIX, Button(id="2", title="Pix"))), "buttons.buttons", "title 'Pix'"),
    (buttons(body="b" * 1025), "buttons.body", "1024"),
    (buttons(header="h" * 61), "buttons.header", "60"),
    (buttons(header=Media(kind=MediaKind.AUDIO, media_id="1")), "buttons.header", "image"),
    (buttons(footer="f" * 61), "buttons.footer", "60"),
    (choices(), "list.sections", "1 to 10"),
    (choices(ListSection(rows=())), "list.rows", "0"),
    (choices(ListSection(rows=ROWS), button="b" * 21), "list.button", "20"),
    (choices(ListSection(rows=ROWS[:1]), ListSection(rows=ROWS[1:])), "list.sections[0].title", "several"),
    (choices(ListSection(rows=tuple(ListRow(id=str(n), title="t") for n in range(11)))), "list.rows", "11"),
    (choices(ListSection(rows=(ListRow(id="1", title="t" * 25),))), "list.sections[0].rows[0].title", "24"),
    (choices(ListSection(rows=(ROWS[0], ROWS[0]))), "list.rows", "'1x'"),
    (CtaUrl(body="b", display_text="d" * 21, url="https://a.br"), "cta_url.display_text", "20"),
    (CtaUrl(body="b", display_text="d", url="exemplo.com.br"), "cta_url.url", "https://"),
    (Template(name="", language="pt_BR"), "template.name", "empty"),
    (ButtonReply(id="a", title="b"), "button_reply", "received but not sent"),
    (Revoke(original_wamid="w"), "revoke", "received but not sent"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "field", "reason"), BAD)
def test_content_beyond_a_limit_is_refused_with_place_and_limit(content, field, reason):
    with pytest.raises(InvalidInputError) as refused:
        check_sendable(content)
    assert refused.value.field == field
    assert reason in refused.value.reason


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@settings(max_examples=300)
@given(st.text(alphabet=st.sampled_from("ab .\n!é😀👍🏽\u200d🇧🇷\u0301"), max_size=200))
def test_splitting_keeps_every_word_and_the_limit(body):
    if not squeezed(body).strip("\u200d"):
        return
    pieces = split_text(body, limit=20)
    assert all(1 <= length(piece) <= 20 for piece in pieces)
    assert squeezed("".join(pieces)) == squeezed(body)


def test_a_short_text_stays_one_piece():
    assert split_text("  Olá, Ana!  ") == ["Olá, Ana!"]


def test_a_long_text_is_cut_at_the_paragraph_then_the_sentence_then_the_word():
    assert split_text("um dois três\n\nquatro cinco", limit=20) == ["um dois três", "quatro cinco"]
    assert split_text("Um dois três. Quatro cinco", limit=20) == ["Um dois três.", "Quatro cinco"]
    assert split_text("um dois três quatro cinco", limit=20) == ["um dois três quatro", "cinco"]


@pytest.mark.parametrize("unit", ["👨‍👩‍👧‍👦", "🇧🇷", "👍🏽", "e\u0301", "❤\ufe0f"])
def test_a_grapheme_is_never_cut(unit):
    pieces = split_text(unit * 300, limit=64)
    assert "".join(pieces) == unit * 300
    assert all(len(piece) % len(unit) == 0 for piece in pieces)


def test_a_cluster_longer_than_the_limit_is_cut_all_the_same():
    zalgo = "a" + "\u0301" * 50
    assert "".join(split_text(zalgo, limit=10)) == zalgo


@pytest.mark.parametrize("body", ["", "  \n", "\u200b"])
def test_an_empty_text_is_refused(body):
    with pytest.raises(InvalidInputError):
        split_text(body)


def test_what_postgresql_cannot_store_is_replaced_everywhere():
    value = {"a\x00": ["\ud83d", "ok", 2**70, float("inf"), 1.5, True, None], "b": {"c": "\x00"}}
    assert storable(value) == {
        "a\ufffd": ["\ufffd", "ok", str(2**70), None, 1.5, True, None],
        "b": {"c": "\ufffd"},
    }


def test_what_is_nested_beyond_measure_is_cut():
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]
    assert json.dumps(storable(deep)).count("[") == 100


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Oi, quero saber do plano [ref:LOJA-CENTRO]", "LOJA-CENTRO"),
        ("[ REF: loja.1 ] oi", "LOJA.1"),
        ("sem código", None),
        ("ref: LOJA", None),
        ("[ref:]", None),
        ("[ref:a b]", None),
        (f"[ref:{'x' * 41}]", None),
        ("", None),
    ],
)
def test_a_tracking_code_is_read_only_in_its_own_form(text, code):
    assert tracking_code(text) == code


def test_a_tracking_code_put_into_a_link_is_found_again_and_removed_for_the_reader():
    sent = with_tracking_code("Oi, quero saber", "loja-1")
    assert tracking_code(sent) == "LOJA-1"
    assert without_tracking_code(sent) == "Oi, quero saber"

"""What a person or the model reads of a message: its words, or in Portuguese what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, assert_never

from domain.content.kinds import (
    Button,
    ButtonReply,
    Buttons,
    CallPermission,
    ChoiceList,
    Contacts,
    Content,
    CtaUrl,
    Edit,
    FlowReply,
    ListReply,
    Location,
    Media,
    MediaKind,
    Order,
    PaymentMethod,
    Reaction,
    Revoke,
    System,
    Template,
    Text,
    Unsupported,
)

_MEDIA: Final = {
    MediaKind.IMAGE: "imagem",
    MediaKind.VIDEO: "vídeo",
    MediaKind.AUDIO: "áudio",
    MediaKind.DOCUMENT: "documento",
    MediaKind.STICKER: "figurinha",
}
_UNSUPPORTED: Final = {
    "poll_creation": "enquete",
    "poll_update": "voto em enquete",
    "gif": "GIF",
    "group_invite": "convite de grupo",
    "location": "localização em tempo real",
    "media_placeholder": "mídia de antes da conexão",
    "link_preview": "prévia de link",
    "product": "produto",
    "order": "pedido",
    "pin": "mensagem fixada",
    "reaction": "reação",
    "edit": "edição",
    "interactive": "mensagem interativa",
}
_NOT_WORDS: Final = frozenset({"flow_token"})


def text_of(content: Content) -> str:  # noqa: C901, PLR0911, PLR0912 -- one line per kind of a closed union
    """The words of the message; where it has none, what it is, in brackets. Never empty but for an empty text."""
    match content:
        case Text():
            return content.body
        case Media():
            return _media(content)
        case Location():
            return _location(content)
        case Contacts():
            return f"[contato] {'; '.join(_card(card) for card in content.cards)}".rstrip()
        case Reaction():
            return f"[reação] {content.emoji}" if content.emoji else "[reação removida]"
        case Buttons():
            return f"{content.body}\n{_choices(content.buttons)}"
        case ChoiceList():
            rows = (row.title for section in content.sections for row in section.rows)
            return f"{content.body}\n[{' | '.join(rows)}]"
        case CtaUrl():
            return f"{content.body}\n{content.display_text}: {content.url}"
        case Template():
            return content.preview or f"[modelo {content.name}]"
        case ButtonReply():
            return content.title or content.id
        case ListReply():
            title = content.title or content.id
            return f"{title} ({content.description})" if content.description else title
        case FlowReply():
            return f"[formulário] {_answers(content.response)}".rstrip()
        case PaymentMethod():
            final = f" final {content.last_four_digits}" if content.last_four_digits else ""
            return f"[cartão escolhido]{final}"
        case CallPermission():
            given = content.response == "accept"
            return f"[permissão de ligação {'concedida' if given else 'recusada'}]"
        case Order():
            return _order(content)
        case System():
            return f"[aviso do WhatsApp] {content.body or content.type}"
        case Unsupported():
            what = _UNSUPPORTED.get(content.type or "")
            return f"[mensagem não suportada: {what}]" if what else "[mensagem não suportada]"
        case Edit():
            return f"[mensagem editada] {text_of(content.content)}"
        case Revoke():
            return "[mensagem apagada]"
        case _:
            assert_never(content)


def _media(media: Media) -> str:
    what = _MEDIA[media.kind]
    label = f"[{what}: {media.filename}]" if media.filename else f"[{what}]"
    return f"{label} {media.caption}" if media.caption else label


def _location(place: Location) -> str:
    named = ", ".join(part for part in (place.name, place.address) if part)
    point = f"({place.latitude}, {place.longitude})"
    return f"[localização] {named} {point}" if named else f"[localização] {point}"


def _choices(buttons: Iterable[Button]) -> str:
    return f"[{' | '.join(button.title for button in buttons)}]"


def _card(card: dict[str, Any]) -> str:
    name = card.get("name")
    written = (
        name.get("formatted_name") or name.get("first_name") if isinstance(name, dict) else None
    )
    phones = card.get("phones")
    numbers = [
        str(phone["phone"])
        for phone in (phones if isinstance(phones, list) else ())
        if isinstance(phone, dict) and phone.get("phone")
    ]
    known = f"({', '.join(numbers)})" if numbers else ""
    return f"{written or ''} {known}".strip()


def _answers(response: dict[str, Any]) -> str:
    return "; ".join(f"{key}: {value}" for key, value in response.items() if key not in _NOT_WORDS)


def _order(order: Order) -> str:
    items = ", ".join(
        f"{item.get('quantity', 1)} × {item.get('product_retailer_id', '?')}"
        for item in order.items
    )
    return f"[pedido] {items} – {order.text}" if order.text else f"[pedido] {items}"

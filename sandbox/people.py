"""WhatsApp users of the twin: their numbers, ids and habits."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import orjson

from sandbox.store import Store

_BR_MOBILE_LONG = re.compile(r"^55(\d\d)9([6-9]\d{7})$")
_BR_MOBILE_SHORT = re.compile(r"^55(\d\d)([6-9]\d{7})$")
BSUID = re.compile(r"^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$")


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def full_number(text: str) -> str:
    """Digits with the country code; ten or eleven digits are taken as Brazilian."""
    bare = digits(text)
    return "55" + bare if len(bare) in (10, 11) else bare


def phone_forms(phone: str) -> tuple[str, ...]:
    """Both ninth-digit forms of a Brazilian mobile; any other number stands alone."""
    if long := _BR_MOBILE_LONG.match(phone):
        return (phone, f"55{long[1]}{long[2]}")
    if short := _BR_MOBILE_SHORT.match(phone):
        return (f"55{short[1]}9{short[2]}", phone)
    return (phone,)


def meta_wa_id(phone: str) -> str:
    """Older accounts outside the first area codes keep their id without the ninth digit.

    The twin makes it a rule so that tests can rely on it: every area code from 31 on.
    """
    forms = phone_forms(phone)
    if len(forms) == 2 and int(phone[2:4]) >= 31:
        return forms[1]
    return forms[0]


def bsuid_of(seed: str) -> str:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") % 10**20
    return f"BR.{number:020d}"


@dataclass(slots=True, kw_only=True)
class Customer:
    """One person with WhatsApp. `hidden` people have a username and give no phone away."""

    id: str
    name: str
    phone: str | None
    wa_id: str | None
    bsuid: str
    username: str | None = None
    hidden: bool = False
    on_whatsapp: bool = True
    reads: bool = True
    blocked: bool = False
    opted_out: bool = False
    simulated: bool = False
    pinned: bool = False
    fep_until: float = 0.0
    referred_at: float = 0.0
    windows: dict[str, float] = field(default_factory=dict)

    def contact_block(self) -> dict[str, Any]:
        """The `contacts[]` element of a webhook."""
        profile: dict[str, str] = {"name": self.name}
        if self.username:
            profile["username"] = f"@{self.username}"
        block: dict[str, Any] = {"profile": profile}
        if self.wa_id and not self.hidden:
            block["wa_id"] = self.wa_id
        block["user_id"] = self.bsuid
        return block


class People:
    """Every known customer, found by phone (either form), wa_id or BSUID."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.by_id: dict[str, Customer] = {}
        self._by_address: dict[str, Customer] = {}
        known = {f.name for f in fields(Customer)}
        for row in store.rows("SELECT body FROM customers"):
            body = orjson.loads(row["body"])
            self._index(Customer(**{k: v for k, v in body.items() if k in known}))

    def _index(self, customer: Customer) -> None:
        self.by_id[customer.id] = customer
        self._by_address[customer.bsuid] = customer
        if customer.phone:
            for form in phone_forms(customer.phone):
                self._by_address[form] = customer

    def add(
        self,
        *,
        phone: str | None,
        name: str,
        username: str | None = None,
        bsuid: str | None = None,
        **habits: Any,
    ) -> Customer:
        """Create or return the customer of this phone or BSUID; saves it."""
        number = full_number(phone) if phone else None
        found = self.find(number) if number else self.find(bsuid or "")
        if found is not None:
            return found
        own_bsuid = bsuid or bsuid_of(number or username or name)
        customer = Customer(
            id=phone_forms(number)[0] if number else own_bsuid,
            name=name,
            phone=phone_forms(number)[0] if number else None,
            wa_id=meta_wa_id(number) if number else None,
            bsuid=own_bsuid,
            username=username.lstrip("@") if username else None,
            **habits,
        )
        if customer.phone is None:
            customer.hidden = True
        self._index(customer)
        self.save(customer)
        return customer

    def find(self, address: str) -> Customer | None:
        """By id, BSUID or phone in any writing."""
        if address in self.by_id:
            return self.by_id[address]
        if BSUID.match(address):
            return self._by_address.get(address)
        return self._by_address.get(digits(address)) or self._by_address.get(full_number(address))

    def save(self, customer: Customer) -> None:
        self._store.write(
            "INSERT OR REPLACE INTO customers (id, body) VALUES (?, ?)",
            (customer.id, orjson.dumps(asdict(customer)).decode()),
        )

    def change_number(self, customer: Customer, phone: str) -> tuple[str | None, str]:
        """New phone, new wa_id, new BSUID (Meta regenerates it); returns the old wa_id and BSUID."""
        old = (customer.wa_id, customer.bsuid)
        for address in [a for a, c in self._by_address.items() if c is customer]:
            del self._by_address[address]
        customer.phone = phone_forms(full_number(phone))[0]
        customer.wa_id = meta_wa_id(customer.phone)
        customer.bsuid = bsuid_of(customer.phone)
        self._index(customer)
        self.save(customer)
        return old

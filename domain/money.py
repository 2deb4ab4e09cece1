"""Money is integer centavos with a currency: never a float, never added across currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from domain.errors import RejectedError

BRL: Final = "BRL"


class CurrencyMismatchError(RejectedError):
    """Two amounts of different currencies cannot be added or compared."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(left, right)
        self.left = left
        self.right = right


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An exact amount. `centavos` are hundredths of the currency's unit."""

    centavos: int
    currency: str = BRL

    @classmethod
    def of(cls, amount: Decimal, currency: str = BRL) -> Money:
        """From units, rounded half to even to the centavo: `Money.of(Decimal("99.90"))`."""
        centavos = (amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        return cls(centavos=int(centavos), currency=currency)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatchError(self.currency, other.currency)
        return Money(centavos=self.centavos + other.centavos, currency=self.currency)

    def formatted(self) -> str:
        """As Brazilians write it: `R$ 1.234,56`."""
        sign = "-" if self.centavos < 0 else ""
        units, rest = divmod(abs(self.centavos), 100)
        grouped = f"{units:,}".replace(",", ".")
        symbol = "R$" if self.currency == BRL else self.currency
        return f"{sign}{symbol} {grouped},{rest:02d}"

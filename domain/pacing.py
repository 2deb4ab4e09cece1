"""How often we may speak: per physical number and per pair of number and contact.

Source: Meta's throughput (80 messages a second and number, inbound included) and pair rate (one
message per 6 s and user, bursts borrowed and paid back), kept at a share of the limit because
inbound counts too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A GCRA rate: one message per `interval`, with `burst` of them at once before it binds."""

    interval: timedelta
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """GCRA's one figure: the time at which everything sent so far is paid back."""

    paid_back_at: timedelta = timedelta(0)

    def wait(self, rate: Rate, now: timedelta) -> timedelta:
        """How long the next message has to wait; zero: it may go. Times are of one monotonic clock."""
        allowed_at = max(self.paid_back_at, now) - rate.interval * (rate.burst - 1)
        return max(allowed_at - now, timedelta(0))

    def charged(self, rate: Rate, now: timedelta) -> Bucket:
        return Bucket(paid_back_at=max(self.paid_back_at, now) + rate.interval)

    def is_full(self, now: timedelta) -> bool:
        """Whether it is as good as a new one."""
        return self.paid_back_at <= now


#: Meta's pair rate is 1 per 6 s with a burst of 45 to be paid back; a conversation never needs it.
PAIR_RATE = Rate(interval=timedelta(seconds=6), burst=10)
#: Share of a number's throughput that our own sends may use.
NUMBER_SHARE = 0.7


def number_rate(messages_per_second: int) -> Rate:
    """The pace of one physical number whose limit at Meta is `messages_per_second`."""
    pace = max(messages_per_second * NUMBER_SHARE, 0.1)
    return Rate(interval=timedelta(seconds=1 / pace), burst=max(1, int(pace)))


def giving_way(rate: Rate) -> Rate:
    """What the business begins uses the first half of the burst only: the rest is for replies.

    While replies have used that half, nothing begun by the business leaves.
    """
    return Rate(interval=rate.interval, burst=max(1, rate.burst // 2))


def fallback_rate(messages_per_second: int, *, senders: int) -> Rate:
    """Without Redis each sender paces itself at limit / (2 x live senders), without a burst."""
    return Rate(interval=timedelta(seconds=2 * max(senders, 1) / messages_per_second), burst=1)


def fallback_pair_rate() -> Rate:
    """A thread has two senders at most, its host and the sender actor: each takes half of the rate."""
    return Rate(interval=PAIR_RATE.interval * 2, burst=PAIR_RATE.burst // 2)

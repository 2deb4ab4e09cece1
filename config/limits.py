"""Every timeout, budget and cap, with its unit and its reason."""

from __future__ import annotations

from datetime import timedelta

# Turn-taking
QUIET_PERIOD = timedelta(seconds=3)  # people send 2-4 short messages in a row, mostly 1-3 s apart
QUIET_CAP = timedelta(seconds=15)  # a steady stream may not postpone the answer for ever
LATE_EVENT_AGE = timedelta(
    hours=12
)  # an older message (Meta's clock) is shown to a person, never answered

TYPING_SHOWN_AGAIN = timedelta(seconds=20)  # Meta hides the sign after 25 s; a turn may take 75 s

# Actors
DEDICATED_ACTORS_PER_CORE = 4  # 50 MB and 1.7 s of start-up each on a small machine
DEDICATED_ACTORS_DEFAULT_MOST = 64  # however many cores: each also holds a database connection
PASSIVATE_AFTER = timedelta(minutes=2)  # one read brings a conversation back; memory is dearer
SHARD_BUCKETS = 1024
BEAT_GAP = timedelta(seconds=15)  # five beats missed: the process, or what it writes to, was away
TURNS_AT_ONCE = 128  # per host: 20 turns a second of 6 s each; beyond it a flood would only buy
# rate limits of the model's and memory. Who waits longest is next.
RESIDENTS_MAX = 12_000  # per host, 15 KiB each by measure; beyond it the idle make room
CALLS_UNANSWERED_MAX = 200  # hints on their way to one actor; a lost one is rung again by the sweep

# Sending
SEND_TIMEOUT = timedelta(seconds=10)  # after it the outcome is unknown, never failed
CLAIM_MARGIN = timedelta(
    seconds=5
)  # from claim to POST at most, and for the result to be stored after the time limit
UNKNOWN_GRACE = timedelta(
    seconds=90
)  # statuses mostly come within seconds; counted while intake is healthy
SENT_WAIT = timedelta(seconds=5)  # the next bubble waits this long for `sent` of the one before

# Loops: AI messages to one contact
AGENT_MESSAGES_PER_HOUR = 20
AGENT_MESSAGES_PER_DAY = 60

# Model
MODEL_CALL_TIMEOUT = timedelta(seconds=40)
MODEL_BUDGET = timedelta(seconds=75)  # all tries of one turn together
TOOL_ROUNDS_MAX = 6
# One conversation within 24 hours. An answer costs 1 to 3 cents, 60 a day at most: twice that is no talk
# with a customer any more. The whole house's cap is a setting (MODEL_DAY_CAP_USD): it grows with the house.
CONVERSATION_MONEY_MICROS = 3_000_000

"""The token of a sandbox card is a script of its charges: `tok_<step>[-<step>...]`, one step for each.

Each new key uses the next step, and the last step repeats: `tok_soft-ok` is declined once, then charged. A
suffix after a dot makes cards differ: `tok_ok.alice`.
"""

import re
from enum import StrEnum

from services.payments.gateways.port import TokenIsNotOfThisGateway


class ScriptedOutcome(StrEnum):
    """The outcome of one charge."""

    OK = "ok"
    """Charged."""
    SOFT = "soft"
    """Declined: insufficient funds."""
    HARD = "hard"
    """Declined: stolen card."""
    TIMEOUT_BEFORE = "timeout_before"
    """No response, and not charged; a second call under the same key charges."""
    TIMEOUT_AFTER = "timeout_after"
    """Charged, without a response."""
    ERROR_AFTER = "error_after"
    """Charged, with status 500 as the response."""
    SLOW = "slow"
    """No response; charged only after the caller's time limit."""
    REFUND_TIMEOUT = "refund_timeout"
    """Charged; its refund is made, without a response to the first call."""


_TOKEN = re.compile(
    rf"tok_({'|'.join(ScriptedOutcome)})(-({'|'.join(ScriptedOutcome)}))*(\.[A-Za-z0-9._:\-]{{1,64}})?"
)


def steps_of(token: str) -> tuple[ScriptedOutcome, ...]:
    """The steps of a token. Raises TokenIsNotOfThisGateway for any other text."""
    if not _TOKEN.fullmatch(token):
        raise TokenIsNotOfThisGateway(
            "the sandbox takes tok_<step>[-<step>...] of " + ", ".join(ScriptedOutcome)
        )
    return tuple(ScriptedOutcome(word) for word in token.removeprefix("tok_").split(".")[0].split("-"))


def step_at(token: str, index: int) -> ScriptedOutcome:
    """The step of the card's charge number `index`, counted from 0."""
    steps = steps_of(token)
    return steps[min(index, len(steps) - 1)]

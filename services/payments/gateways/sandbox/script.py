"""What a sandbox card does is written in its token: `tok_<step>[-<step>...]`, one step per charge.

Each new key uses the next step, the last one repeats; `tok_soft-ok` is declined once, then recovers. After a
dot anything may follow, to tell cards apart: `tok_ok.alice`.
"""

import re
from enum import StrEnum

from services.payments.gateways.port import TokenIsNotOfThisGateway


class ScriptedOutcome(StrEnum):
    """What becomes of one charge."""

    OK = "ok"
    """Charged."""
    SOFT = "soft"
    """Declined: insufficient funds."""
    HARD = "hard"
    """Declined: stolen card."""
    TIMEOUT_BEFORE = "timeout_before"
    """No answer, and not charged; asked again under the same key, it charges."""
    TIMEOUT_AFTER = "timeout_after"
    """Charged, and no answer."""
    ERROR_AFTER = "error_after"
    """Charged, and a 500 for an answer."""
    SLOW = "slow"
    """No answer; charged only after everybody has stopped waiting."""
    REFUND_TIMEOUT = "refund_timeout"
    """Charged; its refund is made, and not answered the first time."""


_TOKEN = re.compile(
    rf"tok_({'|'.join(ScriptedOutcome)})(-({'|'.join(ScriptedOutcome)}))*(\.[A-Za-z0-9._:\-]{{1,64}})?"
)


def steps_of(token: str) -> tuple[ScriptedOutcome, ...]:
    """The script of a token; TokenIsNotOfThisGateway for anything else."""
    if not _TOKEN.fullmatch(token):
        raise TokenIsNotOfThisGateway(
            "the sandbox takes tok_<step>[-<step>...] of " + ", ".join(ScriptedOutcome)
        )
    return tuple(ScriptedOutcome(word) for word in token.removeprefix("tok_").split(".")[0].split("-"))


def step_at(token: str, place: int) -> ScriptedOutcome:
    """The step of the card's charge number `place`, counted from 0."""
    steps = steps_of(token)
    return steps[min(place, len(steps) - 1)]

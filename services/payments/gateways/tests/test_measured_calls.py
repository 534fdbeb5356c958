from datetime import timedelta

from services.payments.gateways.port import GatewayPaymentMethod
from services.payments.gateways.sandbox.gateway import SandboxGateway
from services.payments.gateways.sandbox.ledger import MemorySandboxLedger
from services.payments.gateways.time_limited import TimeLimitedGateway
from shared.billing.money import Money
from shared.framework.observability import metrics, names
from shared.framework.testing.fakes import FakeClock

LIMIT_S = 0.05


def sample(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, {"gateway": "sandbox", **labels}) or 0.0


def counts() -> dict[str, float]:
    outcomes = ("captured", "declined", "unknown", "not_found")
    return {outcome: sample(names.GATEWAY_CALLS, outcome=outcome) for outcome in outcomes}


async def test_calls_are_counted_by_outcome_and_measured() -> None:
    """The counter existed before, and nothing counted."""
    sandbox = SandboxGateway(MemorySandboxLedger(), FakeClock(), timedelta(minutes=10))
    gateway = TimeLimitedGateway(sandbox, LIMIT_S)
    before, waited_s = counts(), sample(f"{names.GATEWAY_SECONDS}_sum", call="capture")
    for key, token in (("a", "tok_ok"), ("b", "tok_soft"), ("c", "tok_timeout_before")):
        await gateway.capture(Money(100, "EUR"), GatewayPaymentMethod(f"pm_{key}", token), key)
    await gateway.lookup("c")
    assert {outcome: count - before[outcome] for outcome, count in counts().items()} == dict.fromkeys(
        before, 1
    )
    assert sample(f"{names.GATEWAY_SECONDS}_sum", call="capture") - waited_s >= LIMIT_S

"""Composition root of subscriptions."""

from services.subscriptions.api.routes import router
from services.subscriptions.application.subscribing import CLOSE_PERIOD, close_period
from shared.process.blueprint import Service, Tools
from shared.process.feature import Feature
from shared.process.run import run_process
from shared.process.settings import ServiceSettings
from shared.process.timers import TimerAction

SUBSCRIPTIONS = Feature(routers=[router], timers={CLOSE_PERIOD: TimerAction(decide=close_period)})


async def build(tools: Tools[ServiceSettings]) -> Service:
    """Put subscriptions together: it subscribes to no other context."""
    return Service.of(SUBSCRIPTIONS, clock=tools.clock)


if __name__ == "__main__":
    run_process("subscriptions", ServiceSettings, build)

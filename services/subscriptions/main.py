"""Composition root of subscriptions."""

from services.subscriptions.subscriptions.handlers import CLOSE_PERIOD
from services.subscriptions.subscriptions.routes import router
from services.subscriptions.subscriptions.timers import close_period
from shared.framework.process.feature import Feature
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Tools
from shared.framework.process.settings import ServiceSettings
from shared.framework.process.timers import TimerAction

SUBSCRIPTIONS = Feature(routers=[router], timers={CLOSE_PERIOD: TimerAction(decide=close_period)})


async def build(tools: Tools[ServiceSettings]) -> Service:
    """Put subscriptions together: it subscribes to no other context."""
    return Service.of(SUBSCRIPTIONS, clock=tools.clock)


if __name__ == "__main__":
    run_process("subscriptions", ServiceSettings, build)

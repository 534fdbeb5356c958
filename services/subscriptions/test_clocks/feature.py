"""What the subject test clocks adds to the subscriptions service."""

from services.subscriptions.test_clocks.routes import test_clocks_router
from shared.framework.process.feature import Feature

TEST_CLOCKS = Feature(routers=[test_clocks_router()])

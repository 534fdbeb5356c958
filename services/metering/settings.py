"""All that metering may be told from outside."""

from datetime import timedelta

from pydantic import PositiveFloat, PositiveInt

from shared.framework.process.settings import ServiceSettings


class MeteringSettings(ServiceSettings):
    """`metering_grace` is law 11's; a `batch` counts messages, each a batch of usage events."""

    metering_grace: timedelta = timedelta(hours=1)
    metering_batch: PositiveInt = 64
    metering_backfill_pause_s: PositiveFloat = 0.2
    metering_telling_pause_s: PositiveFloat = 0.5
    metering_patience_s: PositiveFloat = 5.0

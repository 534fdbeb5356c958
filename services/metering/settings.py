"""Settings of metering."""

from datetime import timedelta

from pydantic import PositiveFloat, PositiveInt

from shared.framework.process.settings import ServiceSettings


class MeteringSettings(ServiceSettings):
    """Settings of metering, besides those of every service.

    `metering_grace`: wait between the end of a period and its reading (billing rule 11).
    `metering_batch_messages_max`: messages per commit, each a batch of usage events.
    `metering_reading_timeout_s`: how long a reading waits until accepted usage is in the rollups.
    `metering_publish_interval_s`, `metering_backfill_interval_s`: pauses of the two periodic tasks.
    """

    metering_grace: timedelta = timedelta(hours=1)
    metering_batch_messages_max: PositiveInt = 64
    metering_backfill_interval_s: PositiveFloat = 0.2
    metering_publish_interval_s: PositiveFloat = 0.5
    metering_reading_timeout_s: PositiveFloat = 5.0

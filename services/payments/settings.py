"""The settings of the payments service."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat
from pydantic_settings import SettingsConfigDict

from shared.framework.process.settings import ServiceSettings

Duration = Annotated[timedelta, Field(gt=timedelta(0))]
Durations = tuple[Duration, ...]
Pauses = Annotated[Durations, Field(min_length=1)]


def _rising(distances: Durations) -> Durations:
    if any(later <= earlier for earlier, later in pairwise(distances)):
        raise ValueError("each must be later than the one before: they count from the first failure")
    return distances


Schedule = Annotated[Durations, AfterValidator(_rising)]


class PaymentsSettings(ServiceSettings):
    """Durations are ISO 8601 in a JSON list: `["P3D", "P5D", "P7D"]`.

    `dunning_schedule`: when a soft decline is tried again, each counted from the first one; it may be empty.
    `payment_lookup_pauses`, `refund_retry_pauses`: each counted from the call before it. After the last
    of `payment_lookup_pauses` a person is needed; the last of `refund_retry_pauses` repeats.
    `collect_with_new_method`: an attached method is tried at once on the customer's unpaid invoices.
    """

    model_config = SettingsConfigDict(env_prefix="TOLLHOUSE_", frozen=True)

    gateway_timeout_s: PositiveFloat = 3.0
    dunning_schedule: Schedule = (timedelta(days=3), timedelta(days=5), timedelta(days=7))
    payment_lookup_pauses: Pauses = (
        timedelta(minutes=5),
        timedelta(hours=1),
        *[timedelta(days=1)] * 30,
    )
    collect_with_new_method: bool = True
    refund_retry_pauses: Pauses = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))

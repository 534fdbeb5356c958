"""The defaults of the settings of payments, and the values that are refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.payments.settings import PaymentsSettings

DAY = timedelta(days=1)


def settings(**given: Any) -> PaymentsSettings:
    """The settings that have no default, and these."""
    nowhere = Path("/nowhere")
    required = {
        "database_url": "postgresql://db",
        "kafka_bootstrap": "broker:9092",
        "http_port": 1,
        "jwks_file": nowhere,
        "api_keys_file": nowhere,
        "service_token_file": nowhere,
    }
    return PaymentsSettings(**{**required, **given})


def test_a_soft_decline_is_tried_again_on_day_three_five_and_seven() -> None:
    """Billing rule 14, V72."""
    assert settings().dunning_schedule == (3 * DAY, 5 * DAY, 7 * DAY)


@pytest.mark.parametrize("dunning", [("P3D", "P3D"), ("P7D", "P3D"), ("P0D",)])
def test_a_schedule_counts_from_the_first_failure_so_it_rises(dunning: tuple[str, ...]) -> None:
    """Pauses instead of distances from the first failure are refused at the start."""
    with pytest.raises(ValidationError, match="dunning_schedule"):
        settings(dunning_schedule=dunning)


def test_money_in_doubt_is_asked_about_for_a_month() -> None:
    """Billing rule 14: an unknown outcome is resolved by lookups."""
    first, second, *daily = settings().payment_lookup_pauses
    assert (first, second) == (timedelta(minutes=5), timedelta(hours=1))
    assert daily == [DAY] * 30


def test_there_may_be_no_schedule_at_all() -> None:
    """Then the first decline ends the collection."""
    assert settings(dunning_schedule=()).dunning_schedule == ()

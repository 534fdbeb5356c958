"""The metrics of a running process, as Prometheus reads them."""

from collections.abc import Mapping

import httpx2
from prometheus_client.parser import text_string_to_metric_families

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
"""Values by the name of the sample and its sorted labels."""


async def scrape(url: str) -> Samples:
    """All samples of one process."""
    async with httpx2.AsyncClient(timeout=10.0) as http:
        page = (await http.get(f"{url}/metrics")).raise_for_status().text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The value of one sample; None if there is none."""
    return samples.get((name, tuple(sorted(labels.items()))))


def names_of(samples: Samples) -> set[str]:
    """The names of all samples."""
    return {name for name, _ in samples}

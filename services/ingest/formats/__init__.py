"""The formats of usage in a request body: each is one file and one member of FORMATS."""

from collections.abc import Mapping, Sequence

from services.ingest.events.usage_event import ParsedEvent
from services.ingest.formats.cloudevents_json import BATCH, BATCH_OR_SINGLE, SINGLE
from services.ingest.formats.usage_format import UsageFormat
from shared.framework.http.refusals import MediaTypeIsUnsupported

FORMATS: Mapping[str, UsageFormat] = {one.media_type: one for one in (SINGLE, BATCH, BATCH_OR_SINGLE)}


def parse_events(body: bytes, content_type: bytes) -> Sequence[ParsedEvent]:
    """The events of a request body.

    Raises MediaTypeIsUnsupported, UsageIsNotJson, UsageIsNotEvents, TooManyEvents.
    """
    media_type = content_type.split(b";")[0].strip().lower().decode("latin-1")
    if media_type not in FORMATS:
        raise MediaTypeIsUnsupported(", ".join(FORMATS))
    return FORMATS[media_type].read(body)

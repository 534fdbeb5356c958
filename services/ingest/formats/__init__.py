"""Which of the forms of CloudEvents over HTTP a body has, by its media type."""

from collections.abc import Callable, Mapping, Sequence

from services.ingest.events.usage_event import ParsedEvent
from services.ingest.formats.cloudevents_json import read_batch, read_single
from shared.framework.http.refusals import MediaTypeIsUnsupported


def _read_either(body: bytes) -> Sequence[ParsedEvent]:
    return read_batch(body) if body.lstrip()[:1] == b"[" else read_single(body)


_READERS: Mapping[bytes, Callable[[bytes], Sequence[ParsedEvent]]] = {
    b"application/cloudevents+json": read_single,
    b"application/cloudevents-batch+json": read_batch,
    b"application/json": _read_either,
}


def parse_events(body: bytes, content_type: bytes, content_encoding: bytes) -> Sequence[ParsedEvent]:
    """The events of a request body.

    Raises MediaTypeIsUnsupported, UsageIsNotJson, UsageIsNotEvents, TooManyEvents.
    """
    media_type = content_type.split(b";")[0].strip().lower()
    if media_type not in _READERS or content_encoding.lower() != b"identity":
        raise MediaTypeIsUnsupported("CloudEvents as JSON, structured or batched, without content coding")
    return _READERS[media_type](body)

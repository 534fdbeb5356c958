"""The event store of a context: streams of events, and what is committed together with them."""

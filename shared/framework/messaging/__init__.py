"""From outbox to effect: broker port, relay, feed reader, inbox, parked messages."""

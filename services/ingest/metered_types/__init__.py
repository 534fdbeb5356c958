"""The event types that some meter counts: a hint for those who send others. Subscribes to MeterDefined."""

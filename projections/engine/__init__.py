"""The engine of all read models: from event records to rows, and from rows to readers; it names none."""

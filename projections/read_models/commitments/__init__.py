"""Read model: the commitment of each period of a contract."""

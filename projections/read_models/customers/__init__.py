"""Read model: who may be billed."""

"""Read model: refunds of payments."""

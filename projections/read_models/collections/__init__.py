"""Read model: how the money of each invoice is being collected."""

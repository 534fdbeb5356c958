"""Read model: money that goes back."""

"""Rating: computes invoice lines from prices and quantities. Owns no streams and handles no events."""

"""The sandbox gateway, which simulates payments by the script in a card's token."""

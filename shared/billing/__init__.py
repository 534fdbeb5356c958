"""What all contexts share of billing: money, periods, prices, and the contracts of their events."""

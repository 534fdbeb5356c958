"""Pure words of the house: money, periods, identifiers, refusals, deciders; no I/O, clock or framework."""

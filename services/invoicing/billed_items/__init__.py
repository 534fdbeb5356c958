"""Billed items: what may be given back of a subscription's item is what was billed and paid of it (rule 9).

Owns the `itm` streams, subscribes to nothing, publishes ItemBilled, ItemCredited and ItemCreditHeld.
"""

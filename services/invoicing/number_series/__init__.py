"""Number series: gapless invoice numbers.

Owns the `ser` streams, subscribes to nothing, publishes InvoiceNumberAssigned.
"""

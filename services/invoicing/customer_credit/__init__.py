"""Customer credit: what invoices below zero leave, and what later invoices draw (billing rule 12).

Owns the `crd` streams, subscribes to nothing, publishes CustomerCreditGranted and CustomerCreditUsed.
"""

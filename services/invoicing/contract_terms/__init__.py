"""Contract terms: the contracts of each customer, as its invoices are charged under them.

Owns the `ctr` streams, and publishes ContractTermsRecorded and ContractEndRecorded.
"""

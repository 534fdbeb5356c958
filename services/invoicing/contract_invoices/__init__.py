"""Contract invoices: prepaid commitments, true-ups and termination fees, each an invoice of its own.

Owns no streams; subscribes to ContractSigned and ContractTerminated.
"""

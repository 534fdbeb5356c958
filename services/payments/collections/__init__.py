"""Collections: the process (saga) that collects one invoice by attempts, and compensates when it is voided.

Subscribes to InvoiceFinalized and InvoiceVoided. Publishes CollectionStarted, CollectionAttemptDue,
CollectionAttemptStarted, CollectionCompleted, CollectionGaveUp and CollectionCancelled.
"""

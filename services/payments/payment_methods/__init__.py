"""Payment methods: the account of a customer with the gateway tokens of its cards.

Subscribes to CustomerRegistered. Publishes AccountOpened, PaymentMethodAttached and CollectionLeftUnpaid.
"""

"""What the subject billing accounts adds to the invoicing service."""

from services.invoicing.billing_accounts.reactions import on_customer_registered
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.process.feature import Feature

BILLING_ACCOUNTS = Feature(
    subscribes_to=["subscriptions"], reactors={CustomerRegistered: on_customer_registered}
)

"""All read models with their root fields in GraphQL; a new one is a folder and a line here."""

from projections.engine.read_model import AnyModel
from projections.read_models.balances.projection import BALANCES
from projections.read_models.billing_runs.projection import BILLING_RUNS
from projections.read_models.collections.projection import COLLECTIONS
from projections.read_models.commitment_invoices.projection import COMMITMENT_INVOICES
from projections.read_models.commitments.projection import COMMITMENTS
from projections.read_models.contracts.projection import CONTRACTS
from projections.read_models.coupon_redemptions.projection import COUPON_REDEMPTIONS
from projections.read_models.coupons.projection import COUPONS
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.entitlements.projection import ENTITLEMENTS
from projections.read_models.invoice_lines.projection import INVOICE_LINES
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.meters.projection import METERS
from projections.read_models.payments.projection import PAYMENTS
from projections.read_models.plans.projection import PLANS
from projections.read_models.refunds.projection import REFUNDS
from projections.read_models.subscriptions.projection import SUBSCRIPTIONS
from projections.read_models.usage.projection import USAGE

READ_MODELS: dict[AnyModel, str | None] = {
    CUSTOMERS: "CustomerQueries",
    SUBSCRIPTIONS: "SubscriptionQueries",
    CONTRACTS: "ContractQueries",
    COMMITMENTS: "CommitmentQueries",
    COMMITMENT_INVOICES: None,
    PLANS: "PlanQueries",
    COUPONS: "CouponQueries",
    COUPON_REDEMPTIONS: None,
    ENTITLEMENTS: None,
    METERS: "MeterQueries",
    USAGE: "UsageQueries",
    BILLING_RUNS: "BillingRunQueries",
    INVOICES: "InvoiceQueries",
    INVOICE_LINES: None,
    COLLECTIONS: None,
    PAYMENTS: "PaymentQueries",
    REFUNDS: None,
    BALANCES: "BalanceQueries",
}
"""Read model -> class of root fields in its graphql.py; None: its rows are reached through other rows only.

The class is named, not imported: the projector and the audit need no GraphQL.
"""

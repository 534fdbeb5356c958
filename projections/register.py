"""Every read model, one line for each: a new one is a folder and a line here."""

from projections.engine.read_model import AnyModel
from projections.read_models.balances.projection import BALANCES
from projections.read_models.collections.projection import COLLECTIONS
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.meters.projection import METERS
from projections.read_models.payments.projection import PAYMENTS
from projections.read_models.plans.projection import PLANS
from projections.read_models.refunds.projection import REFUNDS
from projections.read_models.subscriptions.projection import SUBSCRIPTIONS
from projections.read_models.usage.projection import USAGE

READ_MODELS: tuple[AnyModel, ...] = (
    CUSTOMERS,
    PLANS,
    METERS,
    SUBSCRIPTIONS,
    USAGE,
    INVOICES,
    COLLECTIONS,
    PAYMENTS,
    REFUNDS,
    BALANCES,
)

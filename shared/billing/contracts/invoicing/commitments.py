"""Events of commitments: what is billed in one period of a contract, and what is due for it at the end."""

from datetime import datetime

from shared.billing.contracts.subscriptions.contracts import ContractKind
from shared.billing.money import Money
from shared.billing.period import Period
from shared.framework.core.event import Event


class CommitmentStarted(Event, frozen=True, kw_only=True):
    """The commitment of a period of a contract; `amount` is prorated if the contract begins in the period.

    `number` counts the periods of the contract from 0.
    """

    wire_name = "invoicing.commitment.started.v1"

    commitment_id: str
    contract_id: str
    customer_id: str
    contract_name: str
    kind: ContractKind
    number: int
    period: Period
    amount: Money
    started_at: datetime


class PrepaidCommitmentInvoiced(Event, frozen=True, kw_only=True):
    """The amount of a prepaid commitment was billed, at the start of its period."""

    wire_name = "invoicing.commitment.prepaid-invoiced.v1"

    commitment_id: str
    contract_id: str
    customer_id: str
    invoice_id: str
    amount: Money
    invoiced_at: datetime


class CommitmentInvoiceAwaited(Event, frozen=True, kw_only=True):
    """A service period that ended in the period of the commitment will be billed by this invoice.

    `awaited`: the number of invoices that are still awaited.
    """

    wire_name = "invoicing.commitment.invoice-awaited.v1"

    commitment_id: str
    contract_id: str
    customer_id: str
    invoice_id: str
    subscription_id: str
    service_period: Period
    awaited: int
    awaited_at: datetime


class CommitmentInvoiceCounted(Event, frozen=True, kw_only=True):
    """The lines of an invoice count in the commitment.

    `charged`: all of them; `usage`: those with a meter, less their part of the discount. On the invoice the
    contract took off `discount` and `drawn` (from a prepaid commitment), and added `overage`: what usage
    beyond the commitment costs more than its lines say, negative if it costs less.
    """

    wire_name = "invoicing.commitment.invoice-counted.v1"

    commitment_id: str
    contract_id: str
    customer_id: str
    invoice_id: str
    subscription_id: str
    charged: Money
    usage: Money
    discount: Money
    drawn: Money
    overage: Money
    awaited: int
    counted_at: datetime


class CommitmentInvoiceReleased(Event, frozen=True, kw_only=True):
    """An invoice that was awaited or counted was voided; its amounts (zero if awaited) count no longer."""

    wire_name = "invoicing.commitment.invoice-released.v1"

    commitment_id: str
    contract_id: str
    customer_id: str
    invoice_id: str
    charged: Money
    usage: Money
    discount: Money
    drawn: Money
    overage: Money
    awaited: int
    released_at: datetime


class CommitmentClosed(Event, frozen=True, kw_only=True):
    """All service periods that ended in the period are billed, and what was missing was billed as true-up.

    `period` and `amount` are those that a termination has cut. `counted` is what was billed of the amount;
    what was missing is `true_up` (on invoice `invoice_id`) or, of a prepaid commitment, `expired`.
    """

    wire_name = "invoicing.commitment.closed.v1"

    commitment_id: str
    contract_id: str
    customer_id: str
    period: Period
    amount: Money
    counted: Money
    true_up: Money
    expired: Money
    invoice_id: str | None
    closed_at: datetime


class TerminationFeeInvoiced(Event, frozen=True, kw_only=True):
    """The fee for the termination of the contract in the period of this commitment was billed."""

    wire_name = "invoicing.commitment.termination-fee-invoiced.v1"

    commitment_id: str
    contract_id: str
    customer_id: str
    invoice_id: str
    amount: Money
    invoiced_at: datetime

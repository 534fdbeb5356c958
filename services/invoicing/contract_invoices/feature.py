"""What the subject contract invoices adds to the invoicing service."""

from services.invoicing.contract_invoices.handlers import resume
from services.invoicing.contract_invoices.reactions import on_contract_signed, on_contract_terminated
from services.invoicing.contract_invoices.timers import TIMERS
from shared.billing.contracts.subscriptions.contracts import ContractSigned, ContractTerminated
from shared.framework.process.feature import Feature

CONTRACT_INVOICES = Feature(
    subscribes_to=["subscriptions"],
    reactors={ContractSigned: on_contract_signed, ContractTerminated: on_contract_terminated},
    timers=TIMERS,
    resume={"ctr": resume},
)

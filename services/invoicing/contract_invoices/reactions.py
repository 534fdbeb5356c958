"""What happens when a contract is signed or terminated."""

from services.invoicing.contract_invoices.handlers import follow_contract
from services.invoicing.contract_terms.decider import (
    CONTRACT_TERMS,
    RecordContract,
    RecordContractEnd,
    TermsCommand,
    contract_terms_id,
)
from shared.billing.contracts.subscriptions.contracts import ContractSigned, ContractTerminated
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_contract_signed(session: Session, event: ContractSigned, _: EventRecord) -> None:
    """Record the terms, and set the timer of the first period."""
    await _record(session, event, RecordContract(event, session.now))


async def on_contract_terminated(session: Session, event: ContractTerminated, _: EventRecord) -> None:
    """Record the end, and set the timers of the period that it cuts and of the fee."""
    await _record(session, event, RecordContractEnd(event, session.now))


async def _record(
    session: Session, event: ContractSigned | ContractTerminated, command: TermsCommand
) -> None:
    stream_id = contract_terms_id(event.customer_id)
    if await session.handle(CONTRACT_TERMS, stream_id, command):
        contracts = await session.state(CONTRACT_TERMS, stream_id)
        await follow_contract(session, contracts[event.contract_id])

"""Giving money back: it was taken for an invoice that is not owed any more."""

from services.payments.collections.decider import COLLECTION
from services.payments.collections.state import Cancelled
from services.payments.payments.commands import AbandonPayment, RequestRefund
from services.payments.payments.decider import PAYMENT
from services.payments.payments.timers import schedule_refund
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session

INVOICE_VOIDED = "invoice_voided"


async def compensate(session: Session, collection_id: str) -> None:
    """On a cancelled collection: an attempt that was not submitted is dropped, money that came goes back.

    One that is in doubt is left to be asked about; when it turns out charged, this is called again.
    """
    collection = await session.state(COLLECTION, collection_id)
    if not isinstance(collection, Cancelled) or collection.payment_id is None:
        return
    payment_id = collection.payment_id
    await session.handle(PAYMENT, payment_id, AbandonPayment(now=session.now))
    command = RequestRefund(refund_id=derived_id("ref", payment_id), reason=INVOICE_VOIDED, now=session.now)
    if await session.handle(PAYMENT, payment_id, command):
        schedule_refund(session, payment_id, session.now, tries=0)

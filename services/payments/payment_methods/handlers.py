"""Payment methods: tokens only."""

from services.payments.gateways.port import GatewayIsUnknown, Gateways
from services.payments.payment_methods.card_number import holds_card_number
from services.payments.payment_methods.decider import (
    ACCOUNT,
    AttachPaymentMethod,
    CardNumberIsRefused,
    method_id_of,
    payment_account_id,
)
from shared.framework.eventstore.unit_of_work import Session


def check_method(gateways: Gateways, gateway: str, token: str) -> None:
    """Refuse card numbers first, then gateways and tokens that are none. Nothing is stored by then."""
    if holds_card_number(token):
        raise CardNumberIsRefused("token")
    if gateway not in gateways:
        raise GatewayIsUnknown(gateway)
    gateways[gateway].check_token(token)


async def attach_method(session: Session, customer_id: str, gateway: str, token: str) -> str:
    """Make this card the customer's default; its id."""
    method_id = method_id_of(customer_id, gateway, token)
    command = AttachPaymentMethod(
        method_id=method_id, customer_id=customer_id, gateway=gateway, token=token, now=session.now
    )
    await session.handle(ACCOUNT, payment_account_id(customer_id), command)
    return method_id

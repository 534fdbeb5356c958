"""Payment methods: tokens only."""

from services.payments.gateways.port import GatewayIsUnknown, Gateways
from services.payments.payment_methods.card_number import holds_card_number
from services.payments.payment_methods.decider import CardNumberIsRefused


def check_method(gateways: Gateways, gateway: str, token: str) -> None:
    """Refuse card numbers first, then gateways and tokens that are none. Nothing is stored by then."""
    if holds_card_number(token):
        raise CardNumberIsRefused("token")
    if gateway not in gateways:
        raise GatewayIsUnknown(gateway)
    gateways[gateway].check_token(token)

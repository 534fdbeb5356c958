"""What payments reads and answers over REST."""

from typing import Annotated

from pydantic import StringConstraints

from shared.framework.http.field_types import Body, Identifier

TOKEN_LENGTH_MAX = 255


class PaymentMethodBody(Body):
    """A card of a customer: the token that its gateway gave for it, never its number."""

    customer_id: Identifier
    gateway: Identifier
    token: Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_LENGTH_MAX)]


class AttachedBody(Body):
    """The customer's default method from now on."""

    method_id: str
    customer_id: str
    gateway: str

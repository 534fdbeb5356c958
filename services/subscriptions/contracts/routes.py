"""Request and response bodies of contracts, and their routes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field

from services.subscriptions.contracts.decider import CONTRACT, FeeTerms, NoContract, Signed
from services.subscriptions.contracts.handlers import (
    EndContract,
    SignCustomerContract,
    end_contract,
    sign_contract,
)
from services.subscriptions.contracts.refusals import ContractIsUnknown
from shared.billing.contracts.subscriptions.contracts import (
    CommitmentPeriod,
    ContractKind,
    Overage,
    VolumeDiscount,
)
from shared.framework.core.ids import has_prefix
from shared.framework.http.authorization import requires
from shared.framework.http.command_endpoint import CommandDep, command_router
from shared.framework.http.field_types import (
    ApiModel,
    CurrencyCode,
    DecimalAmount,
    Identifier,
    Instant,
    ShortText,
)
from shared.framework.http.reads import Cursor, PageSize, ReadDep

PERIODS_MAX = 120
SUBSCRIPTIONS_MAX = 500

Duration = Annotated[
    str, Field(max_length=32, examples=["P1Y"], description="ISO 8601, whole calendar units")
]


class OverageBody(ApiModel):
    """Usage beyond the commitment costs its amount times `multiplier`, or has `unit_prices` by charge key."""

    multiplier: DecimalAmount | None = None
    unit_prices: dict[Identifier, DecimalAmount] = Field(
        default_factory=dict, max_length=100, json_schema_extra={"additionalProperties": False}
    )


class VolumeDiscountBody(ApiModel):
    """The rate (a fraction) taken off the part of a period's charges above an amount in major units."""

    above: DecimalAmount
    rate: DecimalAmount


class TerminationFeeBody(ApiModel):
    """An amount in major units, or a share (0 to 1) of the commitments that were still to come."""

    amount: DecimalAmount | None = None
    share: DecimalAmount | None = None


class NewContract(ApiModel):
    """A contract to sign: `period_count` periods of an `interval`, from `starts_at` (now) on.

    Periods are counted from `anchor_at` (the start); one before the start cuts the first period.
    `commitments`: amounts in major units, period by period; the last one holds for the rest. Without
    `subscription_ids` it covers all subscriptions of the customer in its currency.
    """

    customer_id: Identifier
    name: ShortText
    kind: Literal["minimum", "prepaid", "postpaid"]
    interval: Duration
    period_count: Annotated[int, Field(ge=1, le=PERIODS_MAX)]
    commitments: Annotated[list[DecimalAmount], Field(min_length=1, max_length=PERIODS_MAX)]
    currency: CurrencyCode | None = None
    starts_at: Instant | None = None
    anchor_at: Instant | None = None
    subscription_ids: Annotated[
        list[Identifier] | None, Field(min_length=1, max_length=SUBSCRIPTIONS_MAX)
    ] = None
    overage: OverageBody | None = None
    volume_discounts: Annotated[list[VolumeDiscountBody], Field(max_length=100)] = Field(default_factory=list)
    termination_fee: TerminationFeeBody | None = None

    def command(self, *, now: datetime, contract_id: str) -> SignCustomerContract:
        """The command of this request."""
        ids, fee = self.subscription_ids, self.termination_fee
        asked: dict[str, Any] = {
            "kind": ContractKind(self.kind),
            "commitments": tuple(self.commitments),
            "subscription_ids": None if ids is None else tuple(dict.fromkeys(ids)),
            "overage": None if self.overage is None else Overage(**dict(self.overage)),
            "volume_discounts": tuple(VolumeDiscount(**dict(one)) for one in self.volume_discounts),
            "termination_fee": None if fee is None else FeeTerms(**dict(fee)),
        }
        return SignCustomerContract(contract_id=contract_id, now=now, **dict(self) | asked)


class Termination(ApiModel):
    """When the contract ends: now, unless an instant is given."""

    ends_at: Instant | None = None

    def command(self, *, now: datetime, contract_id: str) -> EndContract:
        """The command of this request."""
        return EndContract(contract_id=contract_id, ends_at=self.ends_at, now=now)


class CommitmentBody(ApiModel):
    """A period of a contract, and the commitment for the whole of it, in major units.

    Of the first period only a part may be in the term: then its commitment is prorated by days.
    """

    starts_at: Instant
    ends_at: Instant
    commitment: DecimalAmount


class ContractResponse(ApiModel):
    """A contract; `ends_at` is the end of its term, or of the contract once it is terminated."""

    contract_id: str
    customer_id: str
    name: str
    kind: Literal["minimum", "prepaid", "postpaid"]
    status: Literal["signed", "terminated"]
    currency: str
    interval: str
    starts_at: Instant
    ends_at: Instant
    periods: list[CommitmentBody]
    subscription_ids: list[str] | None
    overage: OverageBody | None
    volume_discounts: list[VolumeDiscountBody]
    termination_fee: TerminationFeeBody | None


class ContractList(ApiModel):
    """A page of contracts, the first signed first; `next_cursor` is null on the last page."""

    items: list[ContractResponse]
    next_cursor: str | None


def contract_response(contract: Signed) -> ContractResponse:
    """The response body of a contract."""
    terms = contract.terms
    fee, ids = terms.termination_fee, terms.subscription_ids
    return ContractResponse(
        contract_id=terms.contract_id,
        customer_id=terms.customer_id,
        name=terms.name,
        kind=terms.kind.value,
        status="terminated" if contract.terminated else "signed",
        currency=terms.currency,
        interval=terms.interval,
        starts_at=terms.starts_at,
        ends_at=contract.ends_at,
        periods=[_commitment_body(one) for one in terms.periods],
        subscription_ids=None if ids is None else list(ids),
        overage=None if terms.overage is None else OverageBody.of(terms.overage),
        volume_discounts=[VolumeDiscountBody.of(one) for one in terms.volume_discounts],
        termination_fee=None
        if fee is None
        else TerminationFeeBody(amount=fee.amount.major if fee.amount else None, share=fee.share),
    )


def _commitment_body(one: CommitmentPeriod) -> CommitmentBody:
    return CommitmentBody(starts_at=one.period.start, ends_at=one.period.end, commitment=one.commitment.major)


def contract_reads() -> APIRouter:
    """The routes that read contracts."""
    router = APIRouter(prefix="/v1", tags=["contracts"])

    @router.get("/contracts", dependencies=[requires("subscriptions:read")])
    async def list_contracts(ctx: ReadDep, size: PageSize = 100, cursor: Cursor = None) -> ContractList:
        """The tenant's contracts, also those that have ended, in the order in which they were signed."""
        rows, next_cursor = await ctx.page(CONTRACT, "con", cursor, size)
        items = [contract_response(contract) for _, contract in rows if isinstance(contract, Signed)]
        return ContractList(items=items, next_cursor=next_cursor)

    @router.get("/contracts/{contract_id}", dependencies=[requires("subscriptions:read", customers=True)])
    async def get_contract(contract_id: Identifier, ctx: ReadDep) -> ContractResponse:
        """A contract by its id; a customer's own credential reads its own contracts alone."""
        if not has_prefix("con", contract_id):
            raise ContractIsUnknown(contract_id)
        contract = await ctx.state(CONTRACT, contract_id)
        if isinstance(contract, NoContract) or not ctx.may_see(contract.terms.customer_id):
            raise ContractIsUnknown(contract_id)
        return contract_response(contract)

    return router


def contracts_router() -> APIRouter:
    """The routes of commands on contracts."""
    router = command_router("subscriptions:write", tags=["contracts"])

    @router.post("/contracts", status_code=201, response_model=ContractResponse)
    async def post_contract(body: NewContract, ctx: CommandDep) -> Response:
        """Sign a contract of a customer.

        While another contract covers one of its subscriptions it is refused (409 `contract-overlaps`).
        """
        command = body.command(now=ctx.now, contract_id=ctx.service.ids.new("con"))
        return await ctx.execute(sign_contract, command, contract_response)

    @router.post("/contracts/{contract_id}/terminate", response_model=ContractResponse)
    async def post_termination(
        contract_id: Annotated[Identifier, Path()], body: Termination, ctx: CommandDep
    ) -> Response:
        """Terminate a contract before its term; its termination fee is billed when it ends."""
        command = body.command(now=ctx.now, contract_id=contract_id)
        return await ctx.execute(end_contract, command, contract_response)

    return router

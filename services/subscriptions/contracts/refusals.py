"""Refusals of commands on contracts."""

from shared.framework.core.refusals import Refusal, RefusalKind


class ContractIsUnknown(Refusal):
    """There is no such contract."""

    code = "contract-unknown"
    kind = RefusalKind.NOT_FOUND


class ContractStartIsInThePast(Refusal):
    """A contract cannot start in the past: what was billed then is final."""

    code = "contract-start-in-the-past"
    kind = RefusalKind.UNPROCESSABLE


class ContractAnchorDoesNotFit(Refusal):
    """The anchor of a contract's periods is its start, or at most ten years before it."""

    code = "contract-anchor-does-not-fit"
    kind = RefusalKind.UNPROCESSABLE


class ContractIsTooLong(Refusal):
    """A contract ends at most 20 years after now."""

    code = "contract-too-long"
    kind = RefusalKind.UNPROCESSABLE


class ContractCurrencyDiffers(Refusal):
    """A contract is in the currency of its customer and of the subscriptions that it covers."""

    code = "contract-currency-differs"
    kind = RefusalKind.UNPROCESSABLE


class SubscriptionIsOfAnotherCustomer(Refusal):
    """A contract covers subscriptions of its own customer."""

    code = "subscription-of-another-customer"
    kind = RefusalKind.UNPROCESSABLE


class CommitmentsExceedThePeriods(Refusal):
    """A contract has at most one commitment for each period, and at least one in all."""

    code = "commitments-exceed-periods"
    kind = RefusalKind.INVALID


class AmountIsNegative(Refusal):
    """Amounts and rates of a contract are not negative."""

    code = "amount-negative"
    kind = RefusalKind.INVALID


class AmountIsNotMoney(Refusal):
    """An amount of money has no more decimal places than its currency."""

    code = "amount-not-money"
    kind = RefusalKind.INVALID


class CommitmentIsTooLarge(Refusal):
    """The commitments of a contract, and its fee, come to at most 10^17 minor units each."""

    code = "commitment-too-large"
    kind = RefusalKind.UNPROCESSABLE


class OverageNeedsCommitment(Refusal):
    """Only a prepaid or postpaid commitment has overage: a minimum is a floor."""

    code = "overage-needs-commitment"
    kind = RefusalKind.INVALID


class OverageIsUnclear(Refusal):
    """Overage has a multiplier or unit prices, not both."""

    code = "overage-unclear"
    kind = RefusalKind.INVALID


class VolumeDiscountsAreInvalid(Refusal):
    """Volume discounts are rates from 0 to 1 above ascending amounts."""

    code = "volume-discounts-invalid"
    kind = RefusalKind.INVALID


class TerminationFeeIsUnclear(Refusal):
    """A termination fee is an amount, or a share from 0 to 1 of what is still to come."""

    code = "termination-fee-unclear"
    kind = RefusalKind.INVALID


class ContractIsTerminated(Refusal):
    """The contract is terminated already."""

    code = "contract-terminated"
    kind = RefusalKind.CONFLICT


class ContractHasEnded(Refusal):
    """The contract ends no later than that by itself."""

    code = "contract-ended"
    kind = RefusalKind.CONFLICT


class ContractEndsBeforeItStarts(Refusal):
    """A contract does not end before it starts."""

    code = "contract-ends-before-start"
    kind = RefusalKind.UNPROCESSABLE


class TerminationIsInThePast(Refusal):
    """A contract ends now or later."""

    code = "termination-in-the-past"
    kind = RefusalKind.UNPROCESSABLE

"""The currencies of ISO 4217, and the number of decimal places of their minor units."""

from collections.abc import Mapping

from shared.framework.core.refusals import Refusal, RefusalKind

# ISO 4217 list one, exponents that differ from two digits.
_EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_HUNDREDTHS = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
    HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP
    MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS
    VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset((*_EXPONENTS, *_HUNDREDTHS.split()))


class CurrencyIsUnknown(Refusal):
    """The currency is not one of ISO 4217 in upper case, such as USD."""

    code = "currency-unknown"
    kind = RefusalKind.INVALID


def exponent(currency: str) -> int:
    """The number of decimal places of a currency's minor unit (ISO 4217): USD 2, JPY 0, KWD 3."""
    return _EXPONENTS.get(currency, 2)


def checked_currency(code: str) -> str:
    """The code itself, if it is a currency. Raises CurrencyIsUnknown."""
    if code not in CURRENCIES:
        raise CurrencyIsUnknown(code)
    return code

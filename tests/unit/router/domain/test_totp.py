"""The codes are those of RFC 6238, appendix B, cut to six digits."""

import pytest

from router.domain.totp import address, code_at, step_of

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert code_at(SECRET, at // 30) == code
    assert step_of(SECRET, code, at, 0) == at // 30


@pytest.mark.parametrize("code", ["", "28708", "2870820", "٢٨٧٠٨٢"])
def test_what_is_no_code_is_of_no_step(code: str) -> None:
    assert step_of(SECRET, code.encode("ascii", "replace").decode(), 59.0, 0) is None


def test_an_address_is_what_an_app_reads() -> None:
    assert address(SECRET, "Ada L.") == (
        "otpauth://totp/Pointsman:Ada%20L.?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Pointsman"
    )

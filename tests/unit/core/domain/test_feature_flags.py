from __future__ import annotations

from core.domain.feature_flags import DECLARED, Flag, FlagState, is_on

PEOPLE = [f"usr_{number}" for number in range(10_000)]


def on(flag: Flag, percentage: int, *, enabled: bool = True) -> set[str]:
    state = FlagState(enabled=enabled, percentage=percentage)
    return {person for person in PEOPLE if is_on(flag, state, person)}


def test_share_of_people_is_stable_and_grows() -> None:
    shares = [on(Flag.SIGN_UPS, percentage) for percentage in (0, 10, 50, 100)]

    assert [round(len(share) / 1000) for share in shares] == [0, 1, 5, 10]
    assert shares[0] < shares[1] < shares[2] < shares[3]
    assert shares[1] == on(Flag.SIGN_UPS, 10)


def test_flag_that_is_off_is_on_for_nobody_and_flags_divide_differently() -> None:
    assert on(Flag.SIGN_UPS, 100, enabled=False) == set()
    assert on(Flag.SIGN_UPS, 10) != on(Flag.PRODUCT_IMPORTS, 10)
    assert set(DECLARED) == set(Flag)

from __future__ import annotations

import time
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import ids
from core.domain.ids import Prefix, derived_id, is_id, new_id

# The TypeID specification, file `spec/valid.yml`: suffix and UUID.
SPECIFIED = [
    ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
]
PARENT = "ord_01h455vb4pex5vsknk084sn02q"


def uuid_of(text: str) -> UUID:
    return UUID(int=ids._decode(text))


@pytest.mark.parametrize(("suffix", "uuid"), SPECIFIED)
def test_suffix_is_the_uuid_of_the_specification(suffix: str, uuid: str) -> None:
    assert ids._encode(UUID(uuid).int) == suffix
    assert uuid_of(f"ord_{suffix}") == UUID(uuid)


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_every_uuid_survives_the_round_trip(number: int) -> None:
    text = f"ord_{ids._encode(number)}"

    assert ids._decode(text) == number
    assert is_id(Prefix.ORDER, text)


@given(
    st.lists(st.integers(min_value=0, max_value=2**48 - 1), min_size=2, unique=True),
    st.binary(min_size=10, max_size=10),
)
def test_ids_sort_by_their_time(moments: list[int], tail: bytes) -> None:
    made = [ids._compose(Prefix.ORDER, moment, tail) for moment in sorted(moments)]

    assert all(earlier < later for earlier, later in pairwise(made))


def test_new_id_is_a_uuid_of_version_7_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid_of(new_id(Prefix.ORDER))
    after = time.time_ns() // 1_000_000

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= after


def test_new_ids_differ() -> None:
    assert len({new_id(Prefix.ORDER) for _ in range(1_000)}) == 1_000


def test_derived_id_is_the_same_for_ever() -> None:
    assert derived_id(Prefix.PAYMENT, PARENT, 1) == "pay_01h455vb4pfk7taxdw1bm2xmp6"


@given(st.text(), st.integers())
def test_derived_id_keeps_the_time_of_its_parent(text: str, number: int) -> None:
    made = derived_id(Prefix.SHIPMENT, PARENT, text, number)

    assert is_id(Prefix.SHIPMENT, made)
    assert uuid_of(made).version == 7
    assert uuid_of(made).int >> 80 == uuid_of(PARENT).int >> 80
    assert made == derived_id(Prefix.SHIPMENT, PARENT, text, number)


def test_derived_ids_of_other_arguments_differ() -> None:
    other = "ord_01h455vb4pex5vsknk084sn02r"
    made = [
        derived_id(Prefix.PAYMENT, PARENT, 1),
        derived_id(Prefix.PAYMENT, PARENT, 2),
        derived_id(Prefix.PAYMENT, PARENT, 1, 1),
        derived_id(Prefix.PAYMENT, PARENT, 11),
        derived_id(Prefix.PAYMENT, other, 1),
        derived_id(Prefix.SHIPMENT, PARENT, 1),
    ]

    assert len({text.split("_")[1] for text in made}) == len(made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord",
        "ord_",
        "01h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02",
        "ord_01h455vb4pex5vsknk084sn02qq",
        "ord_81h455vb4pex5vsknk084sn02q",
        "ord_01H455VB4PEX5VSKNK084SN02Q",
        "ord_01h455vb4pex5vsknk084sn0uq",
        "ord_01h455vb4pex5vsknk084sn0iq",
        "ord-01h455vb4pex5vsknk084sn02q",
        " ord_01h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02q\n",
        "ord_01h455vb4pex5vsknk084sn02\0",
    ],
)
def test_text_that_is_no_typeid_is_refused(text: str) -> None:
    assert not is_id(Prefix.ORDER, text)
    with pytest.raises(ValueError, match="not a TypeID"):
        derived_id(Prefix.PAYMENT, text, 1)


def test_id_of_another_kind_is_not_of_this_kind() -> None:
    assert not is_id(Prefix.PAYMENT, PARENT)


def test_prefixes_are_those_of_the_contract() -> None:
    listed = "aud cat dev evt hld itm med ord pay prd ret rfd rpt shp sub usr var ven whk whs"
    ours = "com crt dif dsp edt ers exp job key msg prc prm rec rul ses stl trf zon"
    assert sorted(Prefix) == sorted(f"{listed} {ours}".split())

from __future__ import annotations

import pytest

from halbd.decide.adverts import missed, spread
from halbd.model.config import Vrrp


@pytest.mark.parametrize(
    ("advert_int", "times", "may_miss"),
    [(0.2, 5, 13), (1, 5, 13), (0.05, 5, 13), (0.04, 4, 11), (0.03, 3, 8), (0.02, 2, 6), (0.01, 1, 3), (0.07, 1, 3)],
)
def test_as_many_adverts_as_whole_hundredths_allow(advert_int: float, times: int, may_miss: int) -> None:
    vrrp = Vrrp(advert_int=advert_int)
    assert (spread(vrrp), missed(vrrp)) == (times, may_miss)


def test_version_2_counts_in_whole_seconds() -> None:
    vrrp = Vrrp(version=2, advert_int=5)
    assert (spread(vrrp), missed(vrrp)) == (1, 3)

from hypothesis import given
from hypothesis import strategies as st

from snadnet.video.windows import windows


@given(st.integers(0, 12), st.integers(0, 4))
def test_each_item_comes_once_with_those_around_it(count, reach):
    seen = [(window[place], list(window)) for place, window in windows(iter(range(count)), reach)]
    expected = [(k, list(range(max(0, k - reach), min(count, k + reach + 1)))) for k in range(count)]
    assert seen == expected


def test_no_more_is_read_ahead_than_the_reach():
    taken = []
    stream = windows((taken.append(k) or k for k in range(100)), 3)
    for k in range(20):
        place, window = next(stream)
        assert window[place] == k
        assert len(taken) == k + 4

"""Items of a stream together with those before and after them, holding no more of the stream than that."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def windows(items: Iterable[Item], reach: int) -> Iterator[tuple[int, Sequence[Item]]]:
    """Go along a stream with a window around each item.

    Args:
        items: The stream; it is read ``reach`` items ahead.
        reach: How many items before and after the middle one belong to its window, where there are as many.

    Yields:
        For each item its place in its window, and the window.
    """
    held: deque[Item] = deque()
    middle = 0
    for item in items:
        held.append(item)
        if len(held) > middle + reach:
            yield middle, tuple(held)
            middle, held = _advanced(middle, held, reach)
    while middle < len(held):
        yield middle, tuple(held)
        middle, held = _advanced(middle, held, reach)


def _advanced(middle: int, held: deque[Item], reach: int) -> tuple[int, deque[Item]]:
    if middle < reach:
        return middle + 1, held
    held.popleft()
    return middle, held

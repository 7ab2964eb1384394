"""The fuzz targets without the fuzzer: seeds, past crashes, and some random bytes."""

import hypothesis
import pytest
from hypothesis import strategies as st

from fuzz import FOLDER, Target, crashes, targets

TARGETS = targets()


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_target_accepts_its_seeds_and_past_crashes(target: Target) -> None:
    for data in (*target.seeds, *crashes(target.name)):
        target.feed(data)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
@hypothesis.settings(max_examples=30)
@hypothesis.given(data=st.data())
def test_target_accepts_any_bytes(target: Target, data: st.DataObject) -> None:
    """Mutated seeds reach more code than random bytes alone."""
    seed = data.draw(st.sampled_from(target.seeds))
    start, end = (data.draw(st.integers(0, len(seed))) for _ in range(2))
    target.feed(seed[:start] + data.draw(st.binary(max_size=40)) + seed[end:])


def test_every_crash_file_belongs_to_a_target() -> None:
    names = {path.name.partition("-")[0] for path in (FOLDER / "crashes").iterdir()}
    assert names <= TARGETS.keys()

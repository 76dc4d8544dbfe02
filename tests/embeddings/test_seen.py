"""A set that keeps 16 bytes of each string answers as a set does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mirante.embeddings import seen
from mirante.embeddings.seen import Seen


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.text(max_size=3), max_size=60))
def test_it_tells_what_is_new_as_a_set_does(strings):
    seen.RECENT, usual = 3, seen.RECENT
    try:
        plain, ours = set(), Seen()
        for one in strings:
            assert (one in ours) == (one in plain)
            assert ours.add(one) == (one not in plain)
            plain.add(one)
    finally:
        seen.RECENT = usual


def test_digests_that_end_in_zeros_are_found_again(monkeypatch):
    monkeypatch.setattr(seen, "RECENT", 1)
    # The SHA-256 of "8" has a zero as its 16th byte, where an array of bytes ends.
    ours = Seen(["8"])
    assert "8" in ours
    assert not ours.add("8")


def test_ten_thousand_strings_take_sixteen_bytes_each():
    ours = Seen(str(number) for number in range(2 * seen.RECENT + 10))
    assert sum(run.nbytes for run in ours._runs) == 2 * seen.RECENT * 16
    assert len(ours._recent) == 10

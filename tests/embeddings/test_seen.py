"""A set that keeps 16 bytes of each string answers as a set does, in bounded memory."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirante.embeddings.seen import Seen
from mirante.errors import StoreError

GROWTH = """
import resource
from mirante.embeddings.seen import Seen
seen = Seen(str(number) for number in range(20_000))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for number in range(20_000, 220_000):
    assert seen.add(str(number))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.text(max_size=3), max_size=60))
def test_it_tells_what_is_new_as_a_set_does(strings):
    plain, ours = set(), Seen()
    for one in strings:
        assert (one in ours) == (one in plain)
        assert ours.add(one) == (one not in plain)
        plain.add(one)


def test_two_sets_know_nothing_of_each_other():
    one, other = Seen(["a"]), Seen()
    assert ("a" in one, "a" in other, one.add("a"), other.add("a")) == (True, False, False, True)


def test_memory_stays_as_it_was_with_ten_times_as_many():
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1500, "KiB for 200,000 strings more, which are 3,100 KiB of digests"


def test_a_full_disk_is_one_clear_error():
    seen = Seen()
    seen._table.execute("PRAGMA max_page_count = 5")
    with pytest.raises(StoreError, match="set TMPDIR to another folder"):
        list(map(seen.add, map(str, range(10_000))))

"""What a diagnosis means for advice: what makes figures wrong, and what is worth mending."""

from collections.abc import Iterator

from mirante.advice.notes import Note
from mirante.diagnosis import Diagnosis

NAMED = 3
"""So many ids are named."""


def warnings(found: Diagnosis) -> Iterator[Note]:
    """What makes every figure wrong: lists that became one query each."""
    whole = [one for one in found.listed if not one.parted]
    if whole:
        names = [one.caption for one in whole[:NAMED]]
        yield Note("advise.lists", {"count": len(whole), "captions": found.captions, "names": names})


def reasons(found: Diagnosis) -> Iterator[Note]:
    """What is worth mending, the worst first."""
    if found.doubts:
        values = {"count": len(found.doubts), "captions": found.captions, "names": list(found.doubts[:NAMED])}
        yield Note("advise.doubted", values)
    if found.foreign:
        names = [one.caption for one in found.foreign[:NAMED]]
        yield Note("advise.foreign", {"count": len(found.foreign), "captions": found.captions, "names": names})
    if found.repeated:
        most = found.repeated[0]
        count = sum(len(one.captions) for one in found.repeated)
        values = {"count": count, "captions": found.captions, "text": most.text, "times": len(most.captions)}
        yield Note("advise.repeated", values)
    if found.duplicates:
        names = list(found.duplicates[0][:NAMED])
        yield Note("advise.copies", {"count": len(found.duplicates), "pictures": found.pictures, "names": names})
    if found.lengths and found.lengths.long:
        yield Note("advise.long", {"count": found.lengths.long, "most": found.lengths.most})

"""What is wrong with data: copies and leaks of pictures, captions that do not say what they should."""

from mirante.diagnosis.copies import copies_between, copies_within
from mirante.diagnosis.fingerprints import Fingerprints, fingerprint
from mirante.diagnosis.leaks import Leak, Leaks, find_leaks, without

__all__ = ["Fingerprints", "Leak", "Leaks", "copies_between", "copies_within", "find_leaks", "fingerprint", "without"]

"""What is wrong with data: copies and leaks of pictures, captions that do not say what they should."""

from mirante.diagnosis.agreement import Agreement, Doubt, agreement
from mirante.diagnosis.copies import copies_between, copies_within
from mirante.diagnosis.diagnose import Diagnosis, Foreign, Listed, diagnose
from mirante.diagnosis.fingerprints import Fingerprints, fingerprint
from mirante.diagnosis.languages import guess_languages
from mirante.diagnosis.leaks import Leak, Leaks, find_leaks, without

__all__ = [
    "Agreement",
    "Diagnosis",
    "Doubt",
    "Fingerprints",
    "Foreign",
    "Leak",
    "Leaks",
    "Listed",
    "agreement",
    "copies_between",
    "copies_within",
    "diagnose",
    "find_leaks",
    "fingerprint",
    "guess_languages",
    "without",
]

"""Vectors by content, kept in a folder that survives kills and is shared by workers, and read by id.

`embed` fills a folder from a data set, `open_store` reads it, `embed_pairs` serves an evaluation.
"""

from mirante.embeddings.embed import Report, embed, embed_pairs
from mirante.embeddings.filling import Settings
from mirante.embeddings.listing import Listing, Row
from mirante.embeddings.store import Store, open_store

__all__ = ["Listing", "Report", "Row", "Settings", "Store", "embed", "embed_pairs", "open_store"]

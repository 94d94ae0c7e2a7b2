"""The way in: files and frames → checked facts, and every row that could not be used with the reason why."""

from storewatch.ingest.documents import Format, read_documents
from storewatch.ingest.frames import check_frames, from_frames
from storewatch.ingest.google import GOOGLE
from storewatch.ingest.reading import Reading, read
from storewatch.ingest.rejects import sentences, write_rejects
from storewatch.ingest.schema_org import SCHEMA_ORG
from storewatch.ingest.spill import Spill

__all__ = [
    "FORMATS",
    "Format",
    "Reading",
    "Spill",
    "check_frames",
    "from_frames",
    "read",
    "read_documents",
    "sentences",
    "write_rejects",
]

FORMATS = {form.name: form for form in (SCHEMA_ORG, GOOGLE)}

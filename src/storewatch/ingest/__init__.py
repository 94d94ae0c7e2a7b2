"""The way in: files and frames → checked facts, and every row that could not be used with the reason why."""

from storewatch.ingest.frames import check_frames, from_frames
from storewatch.ingest.reading import Reading, read
from storewatch.ingest.rejects import write_rejects
from storewatch.ingest.spill import Spill

__all__ = ["Reading", "Spill", "check_frames", "from_frames", "read", "write_rejects"]

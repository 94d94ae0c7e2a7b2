"""What storewatch can be plugged into: one file a technology, opened by URL."""

-- So that the ids which end like one that nobody knows are found without reading all of them.
CREATE INDEX stores_from_their_end ON storewatch.stores (reverse(store_id) COLLATE "C");

-- What is known of stores, by load. A row holds from its load on, and until another load ends it: so each
-- version, named for the last load that it holds, can be read as long as it is kept.
--
-- There are no foreign keys: only loads give store keys, one load at a time, and no store is ever removed.

CREATE TABLE storewatch.loads (
    load bigint PRIMARY KEY CHECK (load > 0), -- 1, 2, 3 … in the order of commits
    name text NOT NULL,
    committed timestamptz NOT NULL DEFAULT now(),
    newest timestamptz, -- the newest poll after this load; null: there are no polls
    kept_since timestamptz -- of a retention: the polls before this instant are gone, from all versions
);

CREATE TABLE storewatch.stores (
    store_key integer PRIMARY KEY CHECK (store_key >= 0), -- dense, in the order of ids within a load
    store_id text COLLATE "C" NOT NULL UNIQUE, -- in the order of Unicode code points
    load bigint NOT NULL
);

CREATE TABLE storewatch.hours (
    store_key integer NOT NULL,
    day smallint NOT NULL CHECK (day BETWEEN 0 AND 6), -- 0 = Monday
    opens integer NOT NULL CHECK (opens BETWEEN 0 AND 86399), -- seconds of the day
    closes integer NOT NULL CHECK (closes BETWEEN 0 AND 86400),
    load bigint NOT NULL,
    ended bigint, -- the load that replaced it; null: it holds
    PRIMARY KEY (store_key, day, opens, closes, load)
);

CREATE TABLE storewatch.zones (
    store_key integer NOT NULL,
    zone text NOT NULL,
    load bigint NOT NULL,
    ended bigint,
    PRIMARY KEY (store_key, load)
);
CREATE UNIQUE INDEX zones_that_hold ON storewatch.zones (store_key) WHERE ended IS NULL;

-- One poll a store and instant; of two that disagree the inactive one wins. A partition is a week from Monday,
-- `polls_20230116`; loads make them.
CREATE TABLE storewatch.polls (
    at timestamptz NOT NULL,
    load bigint NOT NULL,
    turned bigint, -- the load whose inactive poll won over an active one of an earlier load
    store_key integer NOT NULL,
    active boolean NOT NULL,
    PRIMARY KEY (store_key, at)
) PARTITION BY RANGE (at);

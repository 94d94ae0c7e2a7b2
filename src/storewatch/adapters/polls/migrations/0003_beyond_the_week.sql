-- What differs from the week that repeats itself, what people state of times, and what stores are called.
--
-- Rows of these kinds speak of stores that nothing may name, so they have ids and no keys.

ALTER TABLE storewatch.hours ADD COLUMN valid_from date, ADD COLUMN valid_to date; -- both inclusive
ALTER TABLE storewatch.hours DROP CONSTRAINT hours_pkey;
CREATE UNIQUE INDEX hours_once ON storewatch.hours (
    store_key, day, opens, closes, load, coalesce(valid_from, '-infinity'), coalesce(valid_to, 'infinity')
);
-- Only these rows can run out.
CREATE INDEX hours_that_end ON storewatch.hours (store_key)
WHERE ended IS NULL AND (valid_from IS NOT NULL OR valid_to IS NOT NULL);

CREATE TABLE storewatch.exceptions (
    store_id text COLLATE "C" NOT NULL,
    date date NOT NULL,
    opens integer CHECK (opens BETWEEN 0 AND 86399), -- null, as closes: it is closed
    closes integer CHECK (closes BETWEEN 0 AND 86400),
    reason text NOT NULL,
    load bigint NOT NULL,
    ended bigint
);
CREATE INDEX exceptions_of_stores ON storewatch.exceptions (store_id, date);

CREATE TABLE storewatch.annotations (
    id text COLLATE "C" NOT NULL,
    store_id text COLLATE "C" NOT NULL, -- about this store, or a value of a label, or all: label *
    label text NOT NULL,
    value text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz, -- exclusive; null: until further notice
    counts_as text NOT NULL CHECK (counts_as IN ('excluded', 'up', 'down', 'unknown')),
    reason text NOT NULL,
    author text NOT NULL,
    made_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    load bigint NOT NULL,
    ended bigint,
    PRIMARY KEY (id, load)
);

CREATE TABLE storewatch.labels (
    store_id text COLLATE "C" NOT NULL,
    label text COLLATE "C" NOT NULL, -- storename and targetpercent, too
    value text NOT NULL,
    load bigint NOT NULL,
    ended bigint,
    PRIMARY KEY (store_id, label, load)
);
CREATE INDEX labels_by_name ON storewatch.labels (label);

CREATE SCHEMA storewatch;
CREATE TABLE storewatch.hours (
    store_key integer NOT NULL,
    day smallint NOT NULL,
    opens integer NOT NULL,
    closes integer NOT NULL,
    load bigint NOT NULL,
    ended bigint,
    CONSTRAINT hours_closes_check CHECK (((closes >= 0) AND (closes <= 86400))),
    CONSTRAINT hours_day_check CHECK (((day >= 0) AND (day <= 6))),
    CONSTRAINT hours_opens_check CHECK (((opens >= 0) AND (opens <= 86399)))
);
CREATE TABLE storewatch.loads (
    load bigint NOT NULL,
    name text NOT NULL,
    committed timestamp with time zone DEFAULT now() NOT NULL,
    newest timestamp with time zone,
    kept_since timestamp with time zone,
    CONSTRAINT loads_load_check CHECK ((load > 0))
);
CREATE TABLE storewatch.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE storewatch.polls (
    at timestamp with time zone NOT NULL,
    load bigint NOT NULL,
    turned bigint,
    store_key integer NOT NULL,
    active boolean NOT NULL
)
PARTITION BY RANGE (at);
CREATE TABLE storewatch.polls_20230102 (
    at timestamp with time zone CONSTRAINT polls_at_not_null NOT NULL,
    load bigint CONSTRAINT polls_load_not_null NOT NULL,
    turned bigint,
    store_key integer CONSTRAINT polls_store_key_not_null NOT NULL,
    active boolean CONSTRAINT polls_active_not_null NOT NULL
);
CREATE TABLE storewatch.polls_20230116 (
    at timestamp with time zone CONSTRAINT polls_at_not_null NOT NULL,
    load bigint CONSTRAINT polls_load_not_null NOT NULL,
    turned bigint,
    store_key integer CONSTRAINT polls_store_key_not_null NOT NULL,
    active boolean CONSTRAINT polls_active_not_null NOT NULL
);
CREATE TABLE storewatch.polls_20230123 (
    at timestamp with time zone CONSTRAINT polls_at_not_null NOT NULL,
    load bigint CONSTRAINT polls_load_not_null NOT NULL,
    turned bigint,
    store_key integer CONSTRAINT polls_store_key_not_null NOT NULL,
    active boolean CONSTRAINT polls_active_not_null NOT NULL
);
CREATE TABLE storewatch.stores (
    store_key integer NOT NULL,
    store_id text NOT NULL COLLATE pg_catalog."C",
    load bigint NOT NULL,
    CONSTRAINT stores_store_key_check CHECK ((store_key >= 0))
);
CREATE TABLE storewatch.zones (
    store_key integer NOT NULL,
    zone text NOT NULL,
    load bigint NOT NULL,
    ended bigint
);
ALTER TABLE ONLY storewatch.polls ATTACH PARTITION storewatch.polls_20230102 FOR VALUES FROM ('2023-01-02 13:00:00+13') TO ('2023-01-09 13:00:00+13');
ALTER TABLE ONLY storewatch.polls ATTACH PARTITION storewatch.polls_20230116 FOR VALUES FROM ('2023-01-16 13:00:00+13') TO ('2023-01-23 13:00:00+13');
ALTER TABLE ONLY storewatch.polls ATTACH PARTITION storewatch.polls_20230123 FOR VALUES FROM ('2023-01-23 13:00:00+13') TO ('2023-01-30 13:00:00+13');
INSERT INTO storewatch.hours VALUES (1, 6, 79200, 7200, 1, NULL);
INSERT INTO storewatch.hours VALUES (0, 0, 32400, 61200, 1, 2);
INSERT INTO storewatch.hours VALUES (0, 1, 32400, 61200, 1, 2);
INSERT INTO storewatch.hours VALUES (0, 2, 0, 86400, 2, NULL);
INSERT INTO storewatch.hours VALUES (4, 3, 36000, 86340, 3, NULL);
INSERT INTO storewatch.loads VALUES (1, '20261125T172732Z-9809efde', '2026-11-26 06:27:32.731445+13', '2023-01-19 01:00:00.000001+13', NULL);
INSERT INTO storewatch.loads VALUES (2, '20261125T172749Z-5ec0ba32', '2026-11-26 06:27:50.474972+13', '2023-01-26 07:12:00+13', NULL);
INSERT INTO storewatch.loads VALUES (3, '20261125T172806Z-0dc56e84', '2026-11-26 06:28:07.446914+13', '2023-01-26 07:12:00+13', NULL);
INSERT INTO storewatch.migrations VALUES (1, '0001_facts', '2026-11-26 06:27:17.008811+13');
INSERT INTO storewatch.polls_20230102 VALUES ('2023-01-02 13:00:00+13', 1, NULL, 3, true);
INSERT INTO storewatch.polls_20230116 VALUES ('2023-01-19 01:00:00+13', 1, NULL, 1, false);
INSERT INTO storewatch.polls_20230116 VALUES ('2023-01-19 01:00:00.000001+13', 1, 2, 0, false);
INSERT INTO storewatch.polls_20230123 VALUES ('2023-01-26 07:12:00+13', 2, NULL, 4, true);
INSERT INTO storewatch.stores VALUES (0, 'a', 1);
INSERT INTO storewatch.stores VALUES (1, 'b', 1);
INSERT INTO storewatch.stores VALUES (2, 'only a zone', 1);
INSERT INTO storewatch.stores VALUES (3, 'x,"é"', 1);
INSERT INTO storewatch.stores VALUES (4, 'c', 2);
INSERT INTO storewatch.zones VALUES (2, 'Asia/Kathmandu', 1, NULL);
INSERT INTO storewatch.zones VALUES (0, 'Asia/Tokyo', 1, 2);
INSERT INTO storewatch.zones VALUES (0, 'America/Denver', 2, NULL);
ALTER TABLE ONLY storewatch.hours
    ADD CONSTRAINT hours_pkey PRIMARY KEY (store_key, day, opens, closes, load);
ALTER TABLE ONLY storewatch.loads
    ADD CONSTRAINT loads_pkey PRIMARY KEY (load);
ALTER TABLE ONLY storewatch.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY storewatch.polls
    ADD CONSTRAINT polls_pkey PRIMARY KEY (store_key, at);
ALTER TABLE ONLY storewatch.polls_20230102
    ADD CONSTRAINT polls_20230102_pkey PRIMARY KEY (store_key, at);
ALTER TABLE ONLY storewatch.polls_20230116
    ADD CONSTRAINT polls_20230116_pkey PRIMARY KEY (store_key, at);
ALTER TABLE ONLY storewatch.polls_20230123
    ADD CONSTRAINT polls_20230123_pkey PRIMARY KEY (store_key, at);
ALTER TABLE ONLY storewatch.stores
    ADD CONSTRAINT stores_pkey PRIMARY KEY (store_key);
ALTER TABLE ONLY storewatch.stores
    ADD CONSTRAINT stores_store_id_key UNIQUE (store_id);
ALTER TABLE ONLY storewatch.zones
    ADD CONSTRAINT zones_pkey PRIMARY KEY (store_key, load);
CREATE UNIQUE INDEX zones_that_hold ON storewatch.zones USING btree (store_key) WHERE (ended IS NULL);
ALTER INDEX storewatch.polls_pkey ATTACH PARTITION storewatch.polls_20230102_pkey;
ALTER INDEX storewatch.polls_pkey ATTACH PARTITION storewatch.polls_20230116_pkey;
ALTER INDEX storewatch.polls_pkey ATTACH PARTITION storewatch.polls_20230123_pkey;

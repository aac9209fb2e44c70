-- telemetry.db, version 2. Readings are keyed by their time alone, which is made unique (of two at one microsecond the
-- later one is a microsecond later): a table in the order of its whole-number key fills its pages when it is appended to,
-- and saves a fifth of the bytes of one keyed (time, node).
--
-- The columns of metrics are not made here: a column is added to all three tables when a node first tells the metric
-- (telemetry_columns.hpp lists them), and the views are made anew from that list. So a new metric breaks no schema, and a
-- fleet has no columns that nobody fills.

DROP VIEW telemetry;
ALTER TABLE telemetry_raw RENAME TO telemetry_version_1;

CREATE TABLE telemetry_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO telemetry_meta VALUES ('rolled_to_us', 0);  -- minutes before this are in telemetry_minute_raw
INSERT INTO telemetry_meta VALUES ('raw_from_us', 0);      -- older readings were purged
INSERT INTO telemetry_meta VALUES ('minute_from_us', 0);   -- older minutes were purged

-- Who told: one life of a node's agent, and whether its power was measured. Energy counts anew with each life.
CREATE TABLE sources (
  source_id INTEGER PRIMARY KEY,
  node_id INTEGER NOT NULL,
  run INTEGER NOT NULL,              -- as the agent drew it (64 bits); 0: it did not say
  power_measured INTEGER NOT NULL,
  first_number INTEGER NOT NULL,     -- of the first reading that was heard of it: small where its begin was heard
  UNIQUE (node_id, run, power_measured)
);

CREATE TABLE telemetry_raw (
  ts_us INTEGER PRIMARY KEY,         -- Unix microseconds: when it was received, less its age
  source_id INTEGER NOT NULL
);

-- One row for each node and minute (hour). Gauges have <column>_min, _mean, _max; counters <column>_last and _increase.
CREATE TABLE telemetry_minute_raw (
  node_id INTEGER NOT NULL,
  ts_us INTEGER NOT NULL,            -- its begin
  readings INTEGER NOT NULL,
  covered_us INTEGER NOT NULL,       -- from the reading before it to its last one: what increases are spread over
  last_us INTEGER NOT NULL,          -- its last reading, from its begin on
  last_source_id INTEGER NOT NULL,
  PRIMARY KEY (node_id, ts_us)
) WITHOUT ROWID;

CREATE TABLE telemetry_hour_raw (
  node_id INTEGER NOT NULL,
  ts_us INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  covered_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  last_source_id INTEGER NOT NULL,
  PRIMARY KEY (node_id, ts_us)
) WITHOUT ROWID;

-- Minutes that have got late readings and must be made anew; written together with those readings.
CREATE TABLE minutes_again (
  ts_us INTEGER NOT NULL,
  node_id INTEGER NOT NULL,
  PRIMARY KEY (ts_us, node_id)
) WITHOUT ROWID;

-- Metrics that bramble does not know (people's own sensors): few, and narrow.
CREATE TABLE other_metrics (metric_id INTEGER PRIMARY KEY, metric TEXT NOT NULL UNIQUE);
CREATE TABLE other_raw (
  ts_us INTEGER NOT NULL,            -- of the reading that it came with
  node_id INTEGER NOT NULL,
  metric_id INTEGER NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (ts_us, node_id, metric_id)
) WITHOUT ROWID;

CREATE VIEW telemetry_other AS SELECT
  node,
  strftime('%Y-%m-%dT%H:%M:%fZ', ts_us / 1e6, 'unixepoch') AS time,
  ts_us AS time_us,
  metric,
  value
FROM other_raw JOIN node_names USING (node_id) JOIN other_metrics USING (metric_id);

-- What version 1 has stored, with the columns that it had.
INSERT INTO sources (node_id, run, power_measured, first_number)
  SELECT node_id, 0, measured, 0x7fffffff FROM node_names, (SELECT 0 AS measured UNION ALL SELECT 1);
ALTER TABLE telemetry_raw ADD COLUMN cpu_busy_ratio_e4 INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN load1_e2 INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN load5_e2 INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN load15_e2 INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN memory_total_mib INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN memory_available_mib INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN temperature_celsius_e2 INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN cpu_frequency_mhz INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN power_mw INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN energy_mj INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN uptime_s INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN net_receive_kib INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN net_transmit_kib INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN disk_read_kib INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN disk_written_kib INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN disk_free_mib INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN pressure_cpu_s_e1 INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN pressure_memory_s_e1 INTEGER;
ALTER TABLE telemetry_raw ADD COLUMN pressure_io_s_e1 INTEGER;
INSERT OR IGNORE INTO telemetry_raw
    (ts_us, source_id, cpu_busy_ratio_e4, load1_e2, load5_e2, load15_e2, memory_total_mib, memory_available_mib,
    temperature_celsius_e2, cpu_frequency_mhz, power_mw, energy_mj, uptime_s, net_receive_kib, net_transmit_kib,
    disk_read_kib, disk_written_kib, disk_free_mib, pressure_cpu_s_e1, pressure_memory_s_e1, pressure_io_s_e1)
  SELECT ts_ms * 1000 + v.node_id % 1000, source_id, v.cpu_busy_ratio_e4, v.load1_e2, v.load5_e2, v.load15_e2,
    v.memory_total_kib / 1024, v.memory_available_kib / 1024, v.temperature_celsius_e2, v.cpu_frequency_mhz,
    v.power_mw, v.energy_mj, v.uptime_s, v.net_receive_bytes / 1024, v.net_transmit_bytes / 1024, v.disk_read_bytes
    / 1024, v.disk_written_bytes / 1024, v.disk_free_kib / 1024, v.pressure_cpu_ms / 100, v.pressure_memory_ms / 100,
    v.pressure_io_ms / 100
  FROM telemetry_version_1 v JOIN sources s ON s.node_id = v.node_id AND s.power_measured =
    coalesce(v.power_measured, 0)
  ORDER BY ts_ms, v.node_id;
DROP TABLE telemetry_version_1;

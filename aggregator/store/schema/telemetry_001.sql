-- telemetry.db, version 1. One wide row for each reading; scaled integers, the scale is in the column's name (_e2:
-- hundredths). NULL: the node cannot tell. Keyed by time first: writing appends, and the fleet's last hour is one range.
-- Rollups, keyed (node_id, ...), will be tables of their own: they answer one node's long history.

CREATE TABLE node_names (node_id INTEGER PRIMARY KEY, node TEXT NOT NULL UNIQUE);

CREATE TABLE telemetry_raw (
  ts_ms INTEGER NOT NULL,  -- Unix milliseconds at which the aggregator received it
  node_id INTEGER NOT NULL,
  cpu_busy_ratio_e4 INTEGER,
  load1_e2 INTEGER,
  load5_e2 INTEGER,
  load15_e2 INTEGER,
  memory_total_kib INTEGER,
  memory_available_kib INTEGER,
  temperature_celsius_e2 INTEGER,
  cpu_frequency_mhz INTEGER,
  power_mw INTEGER,
  energy_mj INTEGER,
  power_measured INTEGER,
  uptime_s INTEGER,
  net_receive_bytes INTEGER,
  net_transmit_bytes INTEGER,
  disk_read_bytes INTEGER,
  disk_written_bytes INTEGER,
  disk_free_kib INTEGER,
  pressure_cpu_ms INTEGER,
  pressure_memory_ms INTEGER,
  pressure_io_ms INTEGER,
  PRIMARY KEY (ts_ms, node_id)
) WITHOUT ROWID;

CREATE VIEW telemetry AS SELECT
  node,
  strftime('%Y-%m-%dT%H:%M:%fZ', ts_ms / 1000.0, 'unixepoch') AS time,
  ts_ms AS time_ms,
  cpu_busy_ratio_e4 / 1e4 AS cpu_busy_ratio,
  load1_e2 / 1e2 AS load1,
  load5_e2 / 1e2 AS load5,
  load15_e2 / 1e2 AS load15,
  memory_total_kib * 1024 AS memory_total_bytes,
  memory_available_kib * 1024 AS memory_available_bytes,
  temperature_celsius_e2 / 1e2 AS temperature_celsius,
  cpu_frequency_mhz * 1000000 AS cpu_frequency_hz,
  power_mw / 1e3 AS power_w,
  energy_mj / 1e3 AS energy_j,
  power_measured,
  uptime_s,
  net_receive_bytes,
  net_transmit_bytes,
  disk_read_bytes,
  disk_written_bytes,
  disk_free_kib * 1024 AS disk_free_bytes,
  pressure_cpu_ms / 1e3 AS pressure_cpu_s,
  pressure_memory_ms / 1e3 AS pressure_memory_s,
  pressure_io_ms / 1e3 AS pressure_io_s
FROM telemetry_raw JOIN node_names USING (node_id);

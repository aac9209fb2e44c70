-- telemetry.db, version 3: what people's own sensors told is kept by the hour when the readings go.

CREATE TABLE other_hour_raw (
  ts_us INTEGER NOT NULL,            -- its begin
  node_id INTEGER NOT NULL,
  metric_id INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  value_min REAL NOT NULL,
  value_mean REAL NOT NULL,
  value_max REAL NOT NULL,
  PRIMARY KEY (ts_us, node_id, metric_id)
) WITHOUT ROWID;

CREATE VIEW telemetry_other_hour AS SELECT
  node,
  strftime('%Y-%m-%dT%H:%M:%fZ', ts_us / 1e6, 'unixepoch') AS time,
  ts_us AS time_us,
  readings,
  metric,
  value_mean AS value,
  value_min,
  value_max
FROM other_hour_raw JOIN node_names USING (node_id) JOIN other_metrics USING (metric_id);

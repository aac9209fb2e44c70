-- telemetry.db, version 4: when who told and what people's own sensors are called may go.

ALTER TABLE sources ADD COLUMN told_until_us INTEGER NOT NULL DEFAULT 0;        -- all its readings are older; whole hours
ALTER TABLE other_metrics ADD COLUMN told_until_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE other_metrics ADD COLUMN node_id INTEGER NOT NULL DEFAULT 0;        -- who told it first; 0: not known

UPDATE other_metrics SET told_until_us = 3600000000 + max(
  (SELECT coalesce(max(ts_us), 0) FROM telemetry_raw), (SELECT coalesce(max(ts_us), 0) FROM other_hour_raw));
UPDATE sources SET told_until_us = 3600000000 + (SELECT coalesce(max(ts_us), 0) FROM telemetry_raw);
UPDATE sources SET told_until_us = 3600000000 + newest.ts_us
  FROM (SELECT last_source_id, max(ts_us) AS ts_us FROM telemetry_minute_raw GROUP BY last_source_id) newest
  WHERE source_id = newest.last_source_id;

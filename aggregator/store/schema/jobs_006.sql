-- jobs.db, version 6: what jobs cost that are forgotten, by the hour in which their attempts ended. Without it, energy that
-- somebody used would become energy that nobody did.

CREATE TABLE forgotten_energy_raw (
  hour_ms INTEGER NOT NULL,  -- its begin
  owner TEXT NOT NULL,
  node TEXT NOT NULL,
  begin_ms INTEGER NOT NULL,  -- of the first attempt
  end_ms INTEGER NOT NULL,    -- of the last one
  energy_mj REAL NOT NULL,
  energy_measured_mj REAL NOT NULL,
  PRIMARY KEY (hour_ms, owner, node)
) WITHOUT ROWID;

CREATE VIEW forgotten_energy AS SELECT
  strftime('%Y-%m-%dT%H:%M:%SZ', hour_ms / 1000, 'unixepoch') AS hour,
  owner, node, energy_mj / 1e3 AS energy_j, energy_measured_mj / 1e3 AS energy_measured_j, hour_ms
FROM forgotten_energy_raw;

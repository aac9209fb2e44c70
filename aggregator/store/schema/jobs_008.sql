-- jobs.db, version 8: the tokens that open the API over TCP. Of each only a digest is kept.

CREATE TABLE tokens_raw (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,           -- viewer, submitter or operator
  owner TEXT NOT NULL,          -- of the jobs that are submitted with it
  sha256 TEXT NOT NULL UNIQUE,  -- of the token, in hexadecimal
  created_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_ms INTEGER            -- NULL: never
) WITHOUT ROWID;

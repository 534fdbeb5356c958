-- Series whose quantity is the greatest value: an hour's is in rollups. Those of before are sums or different values.
ALTER TABLE series ADD COLUMN is_maximum boolean NOT NULL DEFAULT false;

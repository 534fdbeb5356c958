"""Usage totals: publishes UsageAggregated, the newest totals of days that have changed."""

"""Usage per meter, subject, dimensions and hour; owns the rollup tables and subscribes to UsageRecorded."""

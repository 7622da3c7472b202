"""The same scan on a Ray cluster (docs/adr/0019): who judges, and rows in Parquet parts."""

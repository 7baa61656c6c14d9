"""`omni dev`: the Dagster processes it starts, and the guard before the Dagster UI."""

"""The maintenance that `omni db health` advises, done."""

from omni_pipelines.home import Home
from omni_pipelines.operations import inspection, maintenance


def do_advised_maintenance(home: Home) -> dict[str, list[str]]:
    """Compact tables and maintain indexes where it is due; table to what was done. Hold the writer lock.

    Raises:
        TableBroken: a file of a table is damaged.
    """
    done: dict[str, list[str]] = {}
    for name in [table["name"] for table in inspection.list_tables(home) if table["exists"]]:
        advice = inspection.table_health(home, name).recommendations
        done[name] = [step for step in advice if step != "none"]
        if "run_compaction" in advice:
            maintenance.compact(home, inspection.known_table(name))
        if {"create_indices", "rebuild_indices"} & set(advice):
            maintenance.optimize_vectors(home, retrain="rebuild_indices" in advice)
    return done

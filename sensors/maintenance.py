"""The maintenance job: it compacts tables, maintains indexes, and deletes old releases and runs."""

import dagster as dg

from assets.catalog import INDEX_POOL
from resources.knowledge import KnowledgeHome
from resources.run_history import deletable_runs, delete_runs
from sensors.jobs import JOBS, TAGS


@dg.op(pool=INDEX_POOL, description="Compacts tables and maintains indexes where due; publishes the result.")
def maintain_tables(context: dg.OpExecutionContext, knowledge: KnowledgeHome) -> None:
    """Do what `omni db health` advises, then delete releases that nobody keeps."""
    from omni_pipelines.operations.advised_maintenance import do_advised_maintenance
    from omni_pipelines.operations.maintenance import publish_if_consistent
    from omni_pipelines.publishing.publish import collect

    with knowledge.writer_session(context.log, sync=True) as home:
        done = do_advised_maintenance(home)
        published = publish_if_consistent(home, knowledge.settings, context.run_id)
        collect(home, knowledge.settings)
    for table, steps in done.items():
        context.log.info("%s: %s", table, ", ".join(steps) or "nothing to do")
    if published is not None and published.new:
        context.log.info("release %d shows it", published.release.release)


@dg.op(description="Deletes the oldest finished runs, as the settings keep_runs and keep_run_days say.")
def prune_runs(context: dg.OpExecutionContext, knowledge: KnowledgeHome) -> None:
    """Delete old runs of this code location."""
    settings = knowledge.settings
    old = deletable_runs(context.instance, OUR_JOBS, settings.keep_runs, settings.keep_run_days)
    delete_runs(context.instance, old)
    context.log.info("%d old runs deleted", len(old))


@dg.job(
    description="Compacts tables, maintains indexes, and deletes old releases and runs.",
    tags={**TAGS, "dagster/priority": "-10"},
)
def maintenance_job() -> None:
    """Maintain tables and indexes; independent of that, delete old runs."""
    maintain_tables()
    prune_runs()


OUR_JOBS = [*(job.name for job in JOBS), maintenance_job.name, "__ASSET_JOB"]
"""The jobs whose runs are ours to delete: an instance of a person may have others."""

"""One run over all steps: what is stale, the writer's session, the run itself."""

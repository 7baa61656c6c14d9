"""The commands of `omni`: a module per command or group of commands, listed in `omni_pipelines.cli.command_table`."""

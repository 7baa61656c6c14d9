"""The agent: carries out a task with tools, in steps that are checked, recorded and resumed after a crash."""

"""What starts runs: jobs, sensors, schedules."""

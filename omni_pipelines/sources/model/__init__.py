"""What a source is: its listing, its limits, names and addresses that are refused."""

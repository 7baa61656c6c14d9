"""The steps from files to indexes; each compares what is there with what should be there."""

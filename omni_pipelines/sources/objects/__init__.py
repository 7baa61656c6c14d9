"""Sources in object stores."""

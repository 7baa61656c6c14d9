"""Tools: typed functions with a schema. Every call is validated first and answered by one `ToolResponse`."""

"""The tools that ship for agents, skills and MCP clients, and what the gatekeeper has to know about each."""

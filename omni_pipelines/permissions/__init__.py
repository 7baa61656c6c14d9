"""What an agent, a skill or an MCP client may do: one gatekeeper, its rules, its approvals and its audit log."""

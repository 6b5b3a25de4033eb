"""Upstream MCP servers: listed in a file, each owned by one task, none able to harm another call."""

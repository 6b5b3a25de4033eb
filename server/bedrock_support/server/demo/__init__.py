"""The demo: a real log, triaged three ways through a real MCP client."""

"""Sources that are asked while a tool runs: only those that the server's settings name."""

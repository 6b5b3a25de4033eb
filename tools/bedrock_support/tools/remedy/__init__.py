"""From findings to a plan: ordered steps, checked patches, tests to run, and a trial in a throw-away worktree."""

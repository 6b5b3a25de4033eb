"""MessageQueue: work and messages that outlive the process, in one SQLite file."""

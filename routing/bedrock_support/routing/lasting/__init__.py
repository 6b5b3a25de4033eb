"""What outlives the process, in one file for all replicas: open questions, experience of channels, decisions."""

"""What analyze_executions is made of: readers of records of agents, detectors over their steps, findings."""

"""Rollouts: a front door before worker servers, traffic shifted behind gates, rollback that is verified."""

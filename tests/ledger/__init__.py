"""The promises, one table for each area."""

"""Tells people: webhooks, mail, SNS. What is told holds names and figures of ours, and nothing that passed a route."""

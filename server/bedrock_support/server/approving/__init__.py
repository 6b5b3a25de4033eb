"""Approvals of acts that change something: by the client's user, or by a signed file that serves once."""

"""What can go wrong with the audit trail, in words that say what to do."""

from __future__ import annotations

from bedrock_support.routing.audit import AuditUnavailable

__all__ = ["AuditConflict", "AuditUnavailable"]


class AuditConflict(AuditUnavailable):
    """The log isn't what it was: it was rolled back, rewritten, or its anchor says something else."""

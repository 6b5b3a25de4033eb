"""Promises of the compliance gate as far as it goes in this version."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "gate:redacts": Promise("design 2", "secrets and provable personal data are replaced before anything leaves"),
    "gate:restores": Promise("design 2", "the caller gets its own values back, and only those of this call"),
    "gate:leaves-alone": Promise("design 2", "ids, hashes, versions, ARNs and blanks stay as they are"),
    "gate:linear": Promise("design 7", "hostile text can't make redaction slow"),
    "gate:once": Promise("design 7", "the very same text isn't looked through again, and finds what it found before"),
    "gate:off-the-loop": Promise("design 7", "neither a long brief nor loading the detectors holds up other calls"),
    "gate:fails-closed": Promise("design 2", "a gate that can't run refuses, emergencies included"),
    "residency:regions": Promise("design 3", "under EU residency only the six EU regions may be used"),
    "residency:profiles": Promise("design 3", "under EU residency a global or foreign inference profile is refused"),
    "residency:endpoints": Promise("design 3", "under EU residency an endpoint outside the EU regions is refused"),
}

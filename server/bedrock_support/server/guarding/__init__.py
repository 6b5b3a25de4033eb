"""Stops by itself what does harm, tries again a few times, and watches what the server itself costs."""

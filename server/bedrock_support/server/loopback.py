"""Which addresses only this machine can reach."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """True for localhost and for a loopback address, of either family."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def as_url(host: str, port: int) -> str:
    """http URL of an address, with the brackets that IPv6 needs."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"

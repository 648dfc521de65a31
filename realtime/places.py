"""The network place that a stranger is counted for."""

import ipaddress


def place_of(address: str) -> str:
    """An IPv4 address, or an IPv6 /64; what is no address stands for itself.

    Whoever has one IPv6 address has 2^64 of them (RFC 6177).
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))

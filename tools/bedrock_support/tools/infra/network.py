"""Who can reach what: rules of security groups, and the instances and databases behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bedrock_support.tools.envelope import Severity
from bedrock_support.tools.infra.estate import Estate, line_of, problem
from bedrock_support.tools.infra.model import Block, Problem, Resource, blocks, get, listed, locate, number, truth

ADMIN_PORTS = {
    22: "SSH",
    23: "telnet",
    135: "RPC",
    445: "SMB",
    1433: "SQL Server",
    1521: "Oracle",
    2375: "Docker",
    2376: "Docker",
    2379: "etcd",
    3306: "MySQL",
    3389: "RDP",
    5432: "PostgreSQL",
    5601: "Kibana",
    5900: "VNC",
    5984: "CouchDB",
    6379: "Redis",
    6443: "Kubernetes",
    8086: "InfluxDB",
    9042: "Cassandra",
    9092: "Kafka",
    9200: "Elasticsearch",
    10250: "kubelet",
    11211: "memcached",
    27017: "MongoDB",
}
"""Ports behind which an administrator or a data store answers (IANA's registry of service names)."""
_WEB = frozenset({80, 443})
_ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, slots=True)
class Opening:
    """A rule that lets everybody in."""

    first: int
    last: int
    line: int
    file: str

    @property
    def admin(self) -> list[int]:
        return [port for port in ADMIN_PORTS if self.first <= port <= self.last]

    @property
    def shown(self) -> str:
        if (self.first, self.last) == (0, 65_535):
            return "all ports"
        return f"port {self.first}" if self.first == self.last else f"ports {self.first}-{self.last}"


def openings(group: Resource, estate: Estate) -> list[Opening]:
    """The group's rules, inline and standing alone, that let everybody in."""
    found = [
        opening
        for each in blocks(get(group.properties, "SecurityGroupIngress", "ingress"))
        if (opening := _opening(each, group))
    ]
    return found + [
        opening
        for rule in estate.pointing_at(group, "ingress_rule")
        if _is_ingress(rule) and (opening := _opening(rule.properties, rule))
    ]


def _is_ingress(rule: Resource) -> bool:
    return get(rule.properties, "type") in (None, "ingress")


def _opening(rule: Block, holder: Resource) -> Opening | None:
    anywhere, line = False, rule.line
    for name in ("CidrIp", "CidrIpv6", "cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6"):
        if (given := locate(rule, name)) and any(
            each in _ANYWHERE for each in listed(given[0]) if isinstance(each, str)
        ):
            anywhere, line = True, given[1]
    if not anywhere or str(get(rule, "IpProtocol", "protocol")).lower() in ("icmp", "icmpv6", "1", "58"):
        return None
    first, last = number(get(rule, "FromPort")), number(get(rule, "ToPort"))
    if str(get(rule, "IpProtocol", "protocol")).lower() in ("-1", "all") or first == -1 or first is None:
        return Opening(0, 65_535, line, holder.file)
    return Opening(int(first), int(last if last is not None else first), line, holder.file)


def check_groups(estate: Estate) -> Iterator[Problem]:
    """Openings of groups, ranked by whether what they guard can be reached."""
    for group in estate.of("security_group"):
        users = estate.pointing_at(
            group, "instance", "launch_template", "database", "load_balancer", "function", "cache"
        )
        public = [each for each in users if each.role == "instance" and is_public(each, estate)]
        for opening in openings(group, estate):
            severity = _severity(opening, users, public)
            if severity is None:
                continue
            names = ", ".join(f"{port} {ADMIN_PORTS[port]}" for port in opening.admin[:4])
            behind = f" Attached to {', '.join(each.name for each in users[:4])}." if users else ""
            yield problem(
                group,
                "open_admin_port" if opening.admin else "open_ports",
                severity,
                0.95 if users else 0.85,
                f"lets everybody in on {opening.shown}",
                (f"Among them {names}." if names else "No administrator's port among them.") + behind,
                line=opening.line,
                also=tuple((each.file, each.line) for each in users[:4]),
            )
        yield from _reachable(group, public, openings(group, estate))
        yield from _open_outward(group)
    for rule in estate.of("ingress_rule"):
        alone = not estate.targets(rule.references, rule, "security_group")
        if alone and _is_ingress(rule) and (opening := _opening(rule.properties, rule)):
            severity = _severity(opening, [], [])
            if severity is not None:
                kind = "open_admin_port" if opening.admin else "open_ports"
                detail = "Its group is made outside this tree: what it guards isn't known."
                yield problem(
                    rule, kind, severity, 0.8, f"lets everybody in on {opening.shown}", detail, line=opening.line
                )


def _severity(opening: Opening, users: list[Resource], public: list[Resource]) -> Severity | None:
    if opening.first == opening.last and opening.first in _WEB:
        return None
    if opening.admin:
        guarded = all(each.role in ("function", "load_balancer") for each in users) if users else False
        return "critical" if public else "medium" if guarded else "high"
    if opening.last - opening.first > 100:
        return "high"
    if all(each.role == "load_balancer" for each in users) and users:
        return None
    return "low" if opening.first == opening.last else "medium"


def _reachable(group: Resource, public: list[Resource], found: list[Opening]) -> Iterator[Problem]:
    wide = [each for each in found if each.admin]
    for instance in public if wide else ():
        opening = wide[0]
        names = ", ".join(f"{port} {ADMIN_PORTS[port]}" for port in opening.admin[:3])
        yield problem(
            instance,
            "reachable_instance",
            "critical",
            0.9,
            f"can be reached from the internet on {names}",
            f"It has a public address, and {group.name} lets everybody in ({opening.file}:{opening.line}).",
            also=((opening.file, opening.line),),
        )


def _open_outward(group: Resource) -> Iterator[Problem]:
    rules = blocks(get(group.properties, "SecurityGroupEgress", "egress"))
    wide = next((o for each in rules if (o := _opening(each, group)) and o.last - o.first > 60_000), None)
    if wide is not None:
        detail = "What is broken into behind it can send data anywhere."
        yield problem(group, "open_ports", "info", 0.6, "lets everything out to anywhere", detail, line=wide.line)


def is_public(instance: Resource, estate: Estate) -> bool:
    """Whether an instance gets a public address: by itself, or by a subnet whose routes lead to the internet."""
    given: Any = get(instance.properties, "AssociatePublicIpAddress")
    for face in blocks(get(instance.properties, "NetworkInterfaces", "network_interface")):
        given = get(face, "AssociatePublicIpAddress") if given is None else given
    own = truth(given)
    if own is not None:
        return own
    return any(_public_subnet(each, estate) for each in estate.targets(instance.references, instance, "subnet"))


def _public_subnet(subnet: Resource, estate: Estate) -> bool:
    if not truth(get(subnet.properties, "MapPublicIpOnLaunch")):
        return False
    tables = [
        table
        for link in estate.pointing_at(subnet, "route_association")
        for table in estate.targets(link.references, link, "route_table")
    ]
    if not tables:
        return True  # its routes aren't in this tree; addresses are given out to be used
    routes = [route for table in tables for route in (*estate.pointing_at(table, "route"), table)]
    return any(estate.targets(route.references, route, "internet_gateway") for route in routes)


def check_databases(estate: Estate) -> Iterator[Problem]:
    """Databases that have a public address."""
    for each in estate.of("database"):
        if truth(get(each.properties, "PubliclyAccessible")) is True:
            groups = [g for g in estate.targets(each.references, each, "security_group") if openings(g, estate)]
            detail = (
                f"And {groups[0].name} lets everybody in." if groups else "Its security groups alone stand before it."
            )
            yield problem(
                each,
                "public_database",
                "critical" if groups else "high",
                0.95,
                "has a public address",
                detail,
                line=line_of(each, "PubliclyAccessible"),
                also=tuple((g.file, g.line) for g in groups[:3]),
            )

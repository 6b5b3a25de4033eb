"""Promises of the upstream peers."""

from __future__ import annotations

from tests.promises import Promise

_SECURITY = "reference/mcp.md 7"

PROMISES = {
    "peers:served": Promise(
        "issue 3", "upstream servers listed in a file are offered, asked and reported by the server"
    ),
    "peers:file": Promise("issue 3", "a file in the usual mcpServers form lists the upstream servers"),
    "peers:file-errors": Promise("issue 3", "what can't be used in it is named with file, server, field and mend"),
    "peers:no-secrets-told": Promise(_SECURITY, "no message shows the value of an env, a header or a variable"),
    "peers:pinned": Promise(_SECURITY, "a tool whose definition changes is withheld until restart"),
    "peers:tools-cleaned": Promise(_SECURITY, "tools are shown without control characters and within bounds"),
    "peers:mirrored": Promise("issue 3", "an upstream is never told of a capability that its caller lacks"),
    "peers:bridged": Promise("issue 3", "an upstream's requests reach the calling client, in every pair of eras"),
    "peers:bridged-clean": Promise("issue 3", "bridged texts and arguments are redacted, and the user sees who asks"),
    "peers:bridged-bounded": Promise("issue 3", "requests of an upstream are bounded in number and end with the call"),
    "peers:progress": Promise("issue 4", "progress of an upstream's tool is passed on, and only ever rises"),
    "peers:by-policy": Promise("issue 3", "where the caller can't be asked, policy answers for it"),
    "peers:both-ways": Promise("issue 3", "peers are reached over stdio and streamable HTTP, in both eras"),
    "peers:chaos": Promise(
        "issue 3", "crashing, hanging and flooding peers harm no call to another, and leave nothing"
    ),
    "peers:reconnects": Promise("issue 3", "a lost peer is brought back, and a crash loop is left alone"),
    "peers:hostile": Promise("issue 3", "huge messages, floods and silence are cut off in bounded memory and time"),
    "peers:processes": Promise("design 7", "no child process outlives its peer, its call or this server"),
    "peers:deadline": Promise("issue 3", "a call ends by its deadline, and a cancelled one ends upstream as well"),
    "peers:lists-kept": Promise("issue 3", "tool lists are cached, and refreshed when the peer says so"),
    "peers:offered": Promise("issue 3", "namespaced tools are offered through where switched on, down or up"),
    "peers:asked": Promise("issue 3", "a peer answers questions as a carrier, within its residency"),
    "peers:idle": Promise("design 7", "an idle peer takes less than one per cent of a processor"),
    "peers:reachable": Promise(_SECURITY, "a host name that leads into a private network is not connected to"),
}

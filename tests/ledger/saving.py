"""Promises of fewer tokens, smaller models and true costs."""

from __future__ import annotations

from tests.promises import Promise

PROMISES = {
    "cost:fifty-blocks": Promise(
        "issue 4", "fifty usage blocks with cached tokens, TTLs and tiers cost what they come to by hand"
    ),
    "cost:second-source": Promise("issue 4", "the price table agrees with a second source but for a list of reasons"),
    "prompt-cache:point": Promise(
        "issue 4", "instructions end in a cachePoint for models that keep them, never for others or too short ones"
    ),
    "prompt-cache:stable": Promise("issue 4", "two questions have the same instructions to the letter"),
    "prompt-cache:read": Promise(
        "issue 4", "the second call reads its instructions from the prompt cache, whole or streamed, and costs less"
    ),
    "prompt-cache:sandbox": Promise("issue 4", "the sandbox counts a hit only for the same prefix of the same model"),
    "prompt-cache:reported": Promise("issue 4", "the cost report says what prompt caching saved, less its writes"),
    "brief:information": Promise(
        "issue 4", "what tells most for its length goes into a brief; a lone rare finding beats repeats of one"
    ),
    "brief:whole": Promise("issue 4", "no brief is longer than its budget, and every finding in it is whole"),
    "brief:left-out": Promise("issue 4", "what was left out of a brief is said in the brief and in the limits"),
    "tokens:estimate": Promise("issue 4", "tokens are estimated from words, digits and signs, never from length alone"),
    "choice:size": Promise("issue 4", "a small brief of a class that allows it goes to the next smaller model"),
    "choice:step-up": Promise(
        "issue 4",
        "an answer that is cut or has the wrong form is asked for once more, of the next larger model; both are paid",
    ),
    "choice:no-step-up": Promise(
        "issue 4",
        "no step up without time and budget for it, for acts, for the agent's own model or past the largest",
    ),
    "choice:recorded": Promise("issue 4", "every choice of a model is in the decision's record and in explain_routing"),
    "cache:tenant": Promise("issue 4", "BEDROCK_SUPPORT_TENANT says whose questions, sums and budgets a server's are"),
    "cost:usd": Promise("issue 4", "prices, budgets and reports are in USD; another currency is refused"),
    "cost:table-origin": Promise("issue 4", "the price table says its currency, date and source"),
}

"""A partner's system: a process of its own that knows the API by HTTP only.

Reads one JSON request a line (method, url, token, headers, body) and prints one JSON answer a line (status, headers,
body).
"""

import json
import sys
import urllib.error
import urllib.request


def answer_to(asked: dict) -> dict:
    """Send one request; return its answer, refusals included."""
    body = None if asked.get("body") is None else json.dumps(asked["body"]).encode()
    headers = {"Authorization": f"Bearer {asked['token']}", "Content-Type": "application/json", **asked["headers"]}
    request = urllib.request.Request(asked["url"], data=body, headers=headers, method=asked["method"])  # noqa: S310 - an address of the test
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - an address of the test
            return {"status": answer.status, "headers": dict(answer.headers), "body": json.load(answer)}
    except urllib.error.HTTPError as refusal:
        return {"status": refusal.code, "headers": dict(refusal.headers), "body": json.load(refusal)}


for line in sys.stdin:
    print(json.dumps(answer_to(json.loads(line))), flush=True)

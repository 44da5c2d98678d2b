"""Asks a running server for every operation in docs/openapi.yaml, and judges what it answers by the document's schemas.

    Tests/openapi.py DOCUMENT SOCKET [WRITTEN=MEANT ...]

Every example of every request body is sent, every parameter's example used; each path is also asked by methods that it does not have, with
bodies that must be refused and with an epoch that is not live. What ends the process (/v1/shutdown) comes last. Where an example says WRITTEN, MEANT
is sent: addresses of real upstreams. Prints each finding; exit 1 when there is one, 3 when PyYAML or jsonschema is missing.
"""

import json
import re
import socket
import sys

try:
    import yaml
    from jsonschema import Draft202012Validator
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(3)

text = open(sys.argv[1], encoding="utf-8").read()
for pair in sys.argv[3:]:
    text = text.replace(*pair.split("=", 1))
document = yaml.safe_load(text)
findings = []
asked = 0


def find(where, what):
    findings.append(f"{where}: {what}")


def resolved(part):
    """The part itself, or what its $ref points at (within the document)."""
    while isinstance(part, dict) and "$ref" in part:
        place = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        part = place
    return part


def errors(schema, value):
    # Local references of the schema resolve against its own root.
    whole = {**schema, "components": document["components"]}
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in Draft202012Validator(whole).iter_errors(value)]


def ask(method, target, body=None, fields=()):
    global asked
    asked += 1
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(sys.argv[2])
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    client.sendall("\r\n".join(lines + ["", ""]).encode() + data)
    answer = b""
    while chunk := client.recv(65536):
        answer += chunk
    client.close()
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *rows = head.decode().split("\r\n")
    return int(status.split(" ")[1]), {n.lower(): v.strip() for n, _, v in (row.partition(":") for row in rows)}, content


def judge(where, operation, answer, wanted=None):
    status, fields, content = answer
    if wanted and status not in wanted:
        find(where, f"status {status} instead of {wanted}: {content[:300]!r}")
    response = resolved(operation["responses"].get(str(status)) or operation["responses"].get("default"))
    if response is None:
        return find(where, f"status {status} is not documented")
    for name in response.get("headers", {}):
        value = fields.get(name.lower())
        if value is None:
            find(where, f"the field {name} is missing")
        else:
            for error in errors(resolved(response["headers"][name])["schema"], value):
                find(where, f"{name}: {error}")
    kind = fields.get("content-type", "").split(";")[0]
    if kind not in response["content"]:
        return find(where, f"content type {kind} is not documented")
    schema = response["content"][kind]["schema"]
    text = content.decode()
    for error in errors(schema, json.loads(text) if "json" in kind else text):
        find(where, f"status {status}: {error}")
    if kind == "text/event-stream":
        events(where, text)
    if kind == "application/problem+json" and json.loads(text)["status"] != status:
        find(where, "the problem's status is another one")


def events(where, text):
    for block in filter(None, text.split("\n\n")):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        event = json.loads(lines["data"])
        for error in errors({"$ref": "#/components/schemas/Event"}, event):
            find(where, error)
        if lines["id"] != str(event["id"]) or lines["event"] != event["type"]:
            find(where, f"id and event are not those of the data: {block}")


def target(path, parameters):
    query = []
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["example"])
        elif parameter["in"] == "query" and "example" in parameter:
            value = parameter["example"]
            query.append(f"{parameter['name']}={str(value).lower() if isinstance(value, bool) else value}")
    return path, path + ("?" + "&".join(query) if query else "")


def read(path, operation, parameters):
    bare, whole = target(path, parameters)
    answer = ask("GET", whole)
    judge(f"GET {whole}", operation, answer, [int(s) for s in operation["responses"] if s != "default"])
    head = ask("HEAD", whole)
    if head[0] != answer[0] or head[2] or head[1].get("content-type") != answer[1].get("content-type"):
        find(f"HEAD {whole}", "is not GET without its body")
    refused(bare, {"get", "head"}, "GET, HEAD")
    if "{" in path:
        missing = re.sub(r"\{[^}]*\}", "nobody-has-this", path)
        judge(f"GET {missing}", operation, ask("GET", missing), [404])


def change(path, operation, parameters):
    bare, whole = target(path, parameters)
    refused(bare, {"post"}, "POST")
    content = resolved(operation["requestBody"])["content"]["application/json"]
    for wrong, wanted in [(b"{", [400]), ({"no_such_member": 1}, [400]), (b"[]", [400]), (b'{"force": 1}', [400]), (b"x" * 70000, [413])]:
        judge(f"POST {bare} {wrong if len(wrong) < 50 else '…'}", operation, ask("POST", bare, wrong), wanted)
        if isinstance(wrong, dict) and not errors(content["schema"], wrong):
            find(bare, "the schema takes unknown members")
    judge(f"POST {bare}, no epoch", operation, ask("POST", bare, {}, ["If-Match: 7"]), [400])
    good = [s for s in operation["responses"] if s != "default"]
    for name, example in content["examples"].items():
        for error in errors(content["schema"], example["value"]):
            find(f"{path} example {name}", error)
        judge(f"POST {bare} stale", operation, ask("POST", bare, example["value"], ['If-Match: "999999"']), [412])
        judge(f"POST {bare} {name}", operation, ask("POST", bare, example["value"]), [int(s) for s in good])


def refused(path, methods, allow):
    for method in {"get", "head", "post", "put", "patch", "delete", "options"} - methods:
        status, fields, _ = ask(method.upper(), path)
        if status != 405 or fields.get("allow") != allow:
            find(f"{method.upper()} {path}", f"status {status}, Allow {fields.get('allow')} instead of 405, {allow}")


def main():
    # What ends the process comes last, before it what hands over to another one.
    last = ["/v1/upgrade", "/v1/shutdown"]
    for path, item in sorted(document["paths"].items(), key=lambda entry: last.index(entry[0]) if entry[0] in last else -1):
        for method in set(item) & {"get", "post", "put", "patch", "delete"}:
            operation = item[method]
            parameters = [resolved(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
            (read if method == "get" else change)(path, operation, parameters)
    for line in findings:
        print(line)
    print(f"{len(document['paths'])} paths, {asked} requests, {len(findings)} findings")
    print("\n".join(sorted(document["paths"])))
    sys.exit(1 if findings else 0)


main()

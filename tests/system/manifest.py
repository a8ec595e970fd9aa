# SPDX-License-Identifier: MIT
# Read the Kubernetes manifest that is named and print as JSON: its documents; and what
# the official client's models, if they are here, do not know, know as another type, or miss.
import json
import sys

import yaml

try:
    from kubernetes import client
except ImportError:
    client = None


class Response:
    def __init__(self, document):
        self.data = json.dumps(document)


def differences(path, ours, back):
    if isinstance(ours, dict) and isinstance(back, dict):
        for key in ours:
            yield from differences(f"{path}.{key}", ours[key], back.get(key))
    elif isinstance(ours, list) and isinstance(back, list) and len(ours) == len(back):
        for index, pair in enumerate(zip(ours, back)):
            yield from differences(f"{path}[{index}]", *pair)
    elif type(ours) is not type(back) or ours != back:
        yield f"{path}: {ours!r} is not what the model has: {back!r}"


# What a model does not know it drops, and the types that it knows it makes: so what comes
# back differs from what went in. A field that it needs it misses by itself.
def wrong(document):
    api = client.ApiClient()
    name = f"{document['apiVersion'].split('/')[-1].capitalize()}{document['kind']}"
    try:
        back = api.deserialize(Response(document), name)
    except (ValueError, AttributeError) as error:
        return [f"{name}: {error}"]
    return list(differences(name, document, api.sanitize_for_serialization(back)))


documents = list(yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")))
judged = {"wrong": [text for one in documents for text in wrong(one)]} if client else {}
json.dump({"documents": documents, **judged}, sys.stdout)

"""Derive the strict schemas of Istio's and KEDA's resources; see README.md in this folder."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NOTE = "Derived from {}, licensed under Apache-2.0; see README.md in this folder"
ISTIO, KEDA = "cloudcoil.models.istio 1.24.2.1", "cloudcoil.models.keda 2.16.1.0"
KINDS = {
    "AuthorizationPolicy": (ISTIO, "cloudcoil.models.istio.security.v1"),
    "DestinationRule": (ISTIO, "cloudcoil.models.istio.networking.v1"),
    "Gateway": (ISTIO, "cloudcoil.models.istio.networking.v1"),
    "PeerAuthentication": (ISTIO, "cloudcoil.models.istio.security.v1"),
    "ScaledObject": (KEDA, "cloudcoil.models.keda.v1alpha1"),
    "ServiceEntry": (ISTIO, "cloudcoil.models.istio.networking.v1"),
    "VirtualService": (ISTIO, "cloudcoil.models.istio.networking.v1"),
}
NULL = {"type": "null"}


def main() -> None:
    """Write a schema a kind."""
    for kind, (package, module) in KINDS.items():
        schema = strict(getattr(import_module(module), kind).model_json_schema(by_alias=True))
        del schema["properties"]["status"]  # a manifest has none
        schema |= {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$comment": NOTE.format(package),
            "$defs": reachable(schema),
            "required": ["apiVersion", "kind", "metadata", "spec"],
        }
        (FOLDER / f"{kind}.json").write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")


def strict(node: Any) -> Any:
    """Return the schema without texts, defaults and nulls, and closed to unknown fields."""
    if isinstance(node, list):
        return [strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    if "properties" in node:
        node["additionalProperties"] = False
    texts = {"title", "description", "default"}
    node = {name: strict(part) for name, part in node.items() if name not in texts or isinstance(part, dict)}
    if NULL not in node.get("anyOf", []):
        return node
    others = [option for option in node.pop("anyOf") if option != NULL]
    return node | (others[0] if len(others) == 1 else {"anyOf": others})


def reachable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions that the schema uses, directly or through others."""
    found: dict[str, Any] = {}
    to_do = [{name: part for name, part in schema.items() if name != "$defs"}]
    while to_do:
        used = set(re.findall(r'#/\$defs/([^"]+)"', json.dumps(to_do.pop())))
        for name in used - found.keys():
            found[name] = schema["$defs"][name]
            to_do.append(found[name])
    return found


if __name__ == "__main__":
    main()

"""Derive the strict schema of KubeRay's RayCluster from its own definition; see README.md in this folder."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parent / "RayCluster.json"
NOTE = "Derived from KubeRay 1.7.0, licensed under Apache-2.0; see README.md in this folder"
WORTH = 160  # characters that a part has at least that is written once and referred to


def main() -> None:
    """Write the schema of the version v1 in the definition that comes in by stdin."""
    definition = yaml.safe_load(sys.stdin)
    (version,) = [each for each in definition["spec"]["versions"] if each["name"] == "v1"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    spec = schema["properties"]["spec"]
    schema["properties"] = {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayCluster"},
        # The definition leaves it open at the top; that of a pod has the same fields.
        "metadata": spec["properties"]["headGroupSpec"]["properties"]["template"]["properties"]["metadata"],
        "spec": spec,
    }
    shared = {text: f"part{nth}" for nth, text in enumerate(repeated(schema))}
    parts = {name: referring(json.loads(text), shared, top=True) for text, name in shared.items()}
    whole = referring(schema, shared, top=True) | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": NOTE,
        "required": list(schema["properties"]),
    }
    lines = [f'"{name}": {json.dumps(part, sort_keys=True)}' for name, part in parts.items()]
    head = json.dumps(whole, sort_keys=True).removesuffix("}")
    TARGET.write_text(f'{head}, "$defs": {{\n' + ",\n".join(lines) + "\n}}\n")


def strict(node: Any) -> Any:
    """Return the schema without texts and Kubernetes' own words, and closed to unknown fields."""
    if isinstance(node, list):
        return [strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {
        name: {field: strict(part) for field, part in value.items()}
        if name == "properties"
        else strict(value)
        for name, value in node.items()
        if not name.startswith("x-") and name not in {"description", "default", "format"}
    }
    return kept | ({"additionalProperties": False} if "properties" in node else {})


def repeated(schema: Any) -> list[str]:
    """Return the parts that occur more than once, as JSON, the largest first."""
    count = Counter(json.dumps(part, sort_keys=True) for part in schemas(schema))
    return sorted((text for text, times in count.items() if times > 1 and len(text) >= WORTH), key=len)[::-1]


def schemas(node: Any) -> list[Any]:
    """Return the schema and all that are within it."""
    below = list(node.get("properties", {}).values())
    below += [part for name in ("items", "additionalProperties") if isinstance(part := node.get(name), dict)]
    return [node, *(found for part in below for found in schemas(part))]


def referring(node: Any, shared: dict[str, str], *, top: bool = False) -> Any:
    """Return the schema with each shared part within it as a reference; itself is not, at the `top`."""
    if not top and (name := shared.get(json.dumps(node, sort_keys=True))):
        return {"$ref": f"#/$defs/{name}"}
    changed = dict(node)
    if "properties" in node:
        changed["properties"] = {name: referring(part, shared) for name, part in node["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            changed[name] = referring(node[name], shared)
    return changed


if __name__ == "__main__":
    main()

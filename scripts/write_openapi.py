"""Write the service's OpenAPI document to docs/reference/openapi.json, as the code has it now."""

from __future__ import annotations

import json
from pathlib import Path

from storewatch.main import app

PATH = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"


def document() -> str:
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")

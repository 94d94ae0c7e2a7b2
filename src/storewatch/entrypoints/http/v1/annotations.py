"""The routes about annotations: what people state of times. They use the poll store: they run in threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from storewatch.domain.instant import iso, parse_second
from storewatch.entrypoints.http.problems import documented
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.shapes import Second, Text  # noqa: TC001 - pydantic reads it
from storewatch.entrypoints.http.tokens import CALLER
from storewatch.entrypoints.http.v1.explanation import Micros, Status  # noqa: TC001 - pydantic reads it
from storewatch.entrypoints.http.v1.shapes import NoQuery  # noqa: TC001 - FastAPI reads it
from storewatch.errors import InputError

if TYPE_CHECKING:
    import polars as pl

ROOT = "/v1/annotations"
MOST = 4_096  # characters of a reason

router = APIRouter()


class NewAnnotation(BaseModel):
    """What somebody states of a time (R9): of one store, of all with a value of a label, or of every one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Text | None = Field(default=None, description="Else made from what it says.", examples=["move-2023"])
    store_id: Text | None = Field(default=None, examples=["8139926242460185114"])
    label: Text | None = Field(default=None, description="*: every store.", examples=["brand"])
    value: Text | None = Field(default=None, description="Of the label.", examples=["x"])
    start_utc: Second = Field(description="Its first second.", examples=["2023-01-25T02:00:00Z"])
    end_utc: Second | None = Field(
        default=None, description="The one after its last; null: until further notice."
    )
    counts_as: Status
    reason: str = Field(min_length=1, max_length=MOST, examples=["moving house"])
    author: str | None = Field(
        default=None, max_length=MOST, description="Who says so; with tokens it is the name of the token."
    )


class Annotation(BaseModel):
    """An annotation that is kept. It is never changed; one that is withdrawn has no effect."""

    id: str
    store_id: str = Field(description="Empty if it is about others.")
    label: str
    value: str
    start_utc: Micros = Field(validation_alias="since")
    end_utc: Micros | None = Field(validation_alias="until", description="null: until further notice.")
    counts_as: Status
    reason: str
    author: str
    made_at: Micros
    withdrawn_at: Micros | None


class Annotations(BaseModel):
    """All annotations, withdrawn ones too, by begin and id."""

    annotations: list[Annotation]


@router.get(ROOT, operation_id="list_annotations", responses=documented(422, 503))
def list_annotations(opened: Opened, _: Annotated[NoQuery, Query()]) -> Annotations:
    """List all annotations, withdrawn ones too, by their begins."""
    # Slow to import, and only this needs it: a service that hands out reports stays small.
    from storewatch.answering.annotate import all_annotations  # noqa: PLC0415

    return Annotations(annotations=_shown(all_annotations(opened.polls.open())))


@router.post(ROOT, operation_id="annotate", status_code=201, responses=documented(409, 413, 422, 503))
def annotate(body: NewAnnotation, opened: Opened, _: Annotated[NoQuery, Query()]) -> Annotation:
    """State what a time counts as, whatever polls say; reports that are made from then on have it."""
    from storewatch.answering.annotate import annotate as keep  # noqa: PLC0415 - see above

    if body.id in (".", ".."):
        raise InputError(
            f"id {body.id}: no address can name it, so nobody could withdraw it: name it otherwise"
        )
    instants = {"start_utc": body.start_utc, "end_utc": body.end_utc}
    utc = {name: text and iso(parse_second(text, "instant")) for name, text in instants.items()}
    given = body.model_dump() | utc | {"author": _author(body.author)}
    return _shown(keep(opened.polls.open(), given, now=time.time()))[0]


@router.delete(
    ROOT + "/{annotation_id:path}",
    operation_id="withdraw_annotation",
    responses=documented(404, 409, 422, 503),
)
def withdraw_annotation(
    annotation_id: Annotated[str, Path(examples=["move-2023"])],
    opened: Opened,
    _: Annotated[NoQuery, Query()],
) -> Annotation:
    """Withdraw an annotation: it stays on record, and has no effect any more. Doing it twice is once."""
    from storewatch.answering.annotate import withdraw  # noqa: PLC0415 - see above

    held = withdraw(opened.polls.open(), annotation_id, now=time.time())
    if held is None:
        raise HTTPException(404, f"there is no annotation {annotation_id}")
    return _shown(held)[0]


def _author(given: str | None) -> str:
    """Return whose word it is: with tokens, that of the token."""
    token = CALLER.get()
    if token is None:
        return given or ""
    if given not in (None, token.name):
        raise InputError(f"author: with tokens it is the name of the token, {token.name}: leave it out")
    return token.name


def _shown(rows: pl.DataFrame) -> list[Annotation]:
    from storewatch.domain.stated import plain_rows  # noqa: PLC0415 - see above

    return [Annotation.model_validate(row) for row in plain_rows(rows)]

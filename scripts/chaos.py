"""Rounds of faults on the whole service, for as long as is asked for: `python scripts/chaos.py --help`.

Each round triggers reports, takes one or two things away that the seed chooses, triggers more, gives all
back, and waits until every acknowledged report is complete and says the same. It ends with 1 at the first
that is lost or differs; the seed repeats it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from servers import a_postgres, a_valkey, an_s3
from storewatch import sample
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.ingest import from_frames
from storewatch.ports.polls import Load
from topology import Topology, settings_for

if TYPE_CHECKING:
    from processes import Process
    from topology import Member

    Target = Process | Member

STORES = 14_092


def main() -> int:
    """Run the rounds; return the exit code."""
    wanted = arguments()
    dice = random.Random(wanted.seed)  # noqa: S311 - nobody is to guess it
    deadline = time.monotonic() + 60 * wanted.minutes
    say(f"seed {wanted.seed}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(a_postgres())
        valkey = stack.enter_context(a_valkey())
        s3 = stack.enter_context(an_s3())
        os.environ.update(s3.environment())
        upgrade(postgres.url)
        topology = Topology(folder=folder, settings=settings_for(postgres.url, valkey, s3, folder))
        facts = from_frames(*sample.fleet(stores=STORES, days=7.8, seed=3)).facts
        topology.polls().load(Load(name="fleet", facts=facts))
        stack.enter_context(topology.running())
        targets: dict[str, Target | None] = {
            "redis": valkey.process,
            "postgres": postgres.process,
            "s3": s3.process,
            **{member.name: member for member in (*topology.apis[:1], *topology.workers)},
        }
        expected = digest(topology, topology.trigger(), seconds=300)
        for number in range(wanted.rounds):
            if time.monotonic() + wanted.outage > deadline:
                say(f"out of time after {number} rounds")
                break
            chosen = dice.sample(sorted(targets), dice.choice([1, 2, 2]))
            faults = [(name, dice.choice(["kill", "pause"])) for name in chosen]
            seconds = wanted.outage if wanted.full else dice.uniform(1, wanted.outage)
            say(f"round {number}: {faults} for {seconds:.0f} s")
            if lost := one_round(topology, targets, faults, seconds=seconds, expected=expected):
                say(f"LOST: {lost}")
                return 1
            say("all reports complete, and the same")
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--outage", type=float, default=600, help="seconds that an outage takes at most")
    parser.add_argument("--full", action="store_true", help="let each outage take that long")
    parser.add_argument("--minutes", type=float, default=120, help="no round begins that would end later")
    return parser.parse_args()


def one_round(
    topology: Topology,
    targets: dict[str, Target | None],
    faults: list[tuple[str, str]],
    *,
    seconds: float,
    expected: str,
) -> list[str]:
    """Do one round; return what became of the reports that are not as they should be."""
    asked = [topology.trigger() for _ in range(3)]
    hit = [(target, how) for name, how in faults if (target := targets[name])]
    for target, how in hit:
        (target.kill if how == "kill" else target.pause)()
    try:
        time.sleep(seconds)
        with suppress(AssertionError, httpx.TransportError):  # not acknowledged: nothing was promised
            asked.append(topology.trigger())
    finally:
        for target, how in hit:
            (target.start if how == "kill" else target.resume)()
    return [job_id for job_id in asked if digest(topology, job_id, seconds=300) != expected]


def digest(topology: Topology, job_id: str, *, seconds: float) -> str:
    """Wait for a report; return the digest of its CSV, or what it says instead."""
    answer = topology.result(job_id, seconds=seconds)
    if answer["status"] != "Complete":
        return str(answer)
    return hashlib.sha256(httpx.get(answer["url"], timeout=60).raise_for_status().content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())

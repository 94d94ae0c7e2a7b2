"""Signed links: what they open, and what they do not."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from storewatch.entrypoints.http.links import Links

ID, NAME = "06757268c878488d846aee30a8101cae", "storewatch-20230125T181200Z.csv"
NOW = 1_700_000_000.0


def links(*, secret: str = "a secret of some length", now: float = NOW) -> Links:  # noqa: S107  a test's
    return Links([secret], lifetime=86_400, clock=lambda: now)


def signed(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


GENUINE = signed(links().make("https://example.org", ID, NAME))


def test_a_link_is_below_its_base_and_names_report_and_file() -> None:
    url = links().make("https://example.org/uptime/", ID, NAME)
    assert url.startswith(f"https://example.org/uptime/reports/{ID}/{NAME}?expires=1700086400&signature=")


def test_a_link_is_valid_until_the_second_before_it_expires() -> None:
    assert links().is_valid(ID, NAME, **GENUINE)
    assert links(now=NOW + 86_399.9).is_valid(ID, NAME, **GENUINE)
    assert not links(now=NOW + 86_400).is_valid(ID, NAME, **GENUINE)


def test_a_link_opens_no_other_report_and_no_other_file() -> None:
    assert not links().is_valid("f" * 32, NAME, **GENUINE)
    assert not links().is_valid(ID, "storewatch-20230125T181201Z.csv", **GENUINE)


def test_a_link_signed_with_another_secret_is_not_valid() -> None:
    assert not links(secret="another secret of a length").is_valid(ID, NAME, **GENUINE)  # noqa: S106  a test's


def test_an_edited_expiry_is_not_valid() -> None:
    for expires in ("1700086401", "01700086400", "+1700086400", " 1700086400", "1700086400.0", "", "soon"):
        assert not links().is_valid(ID, NAME, expires=expires, signature=GENUINE["signature"])


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_signature_with_any_other_letter_is_not_valid(place: int) -> None:
    """The last letter of base64 has bits that decode to nothing: all 63 others are refused there too."""
    letters = list(GENUINE["signature"])
    for letter in set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") - {letters[place]}:
        letters[place] = letter
        assert not links().is_valid(ID, NAME, expires=GENUINE["expires"], signature="".join(letters))


@pytest.mark.parametrize("signature", ["", "=", "é", "\ud800", "a" * 10_000])
def test_what_is_no_signature_is_not_valid(signature: str) -> None:
    assert not links().is_valid(ID, NAME, expires=GENUINE["expires"], signature=signature)


def test_a_link_of_the_old_secret_is_taken_and_new_ones_are_signed_with_the_new() -> None:
    old = Links(["before, of some length"], lifetime=60, clock=lambda: 0.0)
    both = Links(["now, of some length", "before, of some length"], lifetime=60, clock=lambda: 0.0)
    new = Links(["now, of some length"], lifetime=60, clock=lambda: 0.0)
    for maker, taker, is_taken in ((old, both, True), (both, new, True), (both, old, False)):
        query = parse_qs(urlsplit(maker.make("https://example.org", "r", "f.csv")).query)
        signed = {name: values[0] for name, values in query.items()}
        assert taker.is_valid("r", "f.csv", **signed) is is_taken

"""Pages as they were made, so that who looks again is not made to wait: the ones looked at last."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from secrets import token_hex
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST = 64 << 20  # bytes
AT_ONCE = 2  # pages that are made at a time: more only take turns at the interpreter
LEVEL = 5  # of compression
MARK = f"age-{token_hex(16)}"  # stands in a page where its age does; nobody can have named a store so


@dataclass(frozen=True, kw_only=True)
class Made:
    """A page with marks in place of its age, and as of when (seconds since 1970 UTC) it is."""

    text: str
    as_of: int


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A page as of an age, and the same compressed."""

    made: Made
    age: str
    gzipped: bytes

    @property
    def plain(self) -> bytes:
        """The page itself."""
        return self.made.text.replace(MARK, self.age).encode()

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.made.text) + len(self.gzipped)


class KeptPages:
    """Pages by all that decides them but the time of day, of up to so many bytes; for any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._size = 0
        self._lock = Lock()
        self._making = BoundedSemaphore(AT_ONCE)
        self._pages: OrderedDict[Hashable, Packed] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Made], age: Callable[[int], str]) -> Packed:
        """Return the page of a key, made if it is not kept; `age` says how old it is, by its as-of."""
        kept = self._kept(key)
        if kept is None:
            with self._making:
                kept = self._kept(key) or self._keep(key, make(), age)
        return kept if kept.age == age(kept.made.as_of) else self._keep(key, kept.made, age)

    def _kept(self, key: Hashable) -> Packed | None:
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
            return self._pages.get(key)

    def _keep(self, key: Hashable, made: Made, age: Callable[[int], str]) -> Packed:
        words = age(made.as_of)
        gzipped = gzip.compress(made.text.replace(MARK, words).encode(), LEVEL, mtime=0)
        page = Packed(made=made, age=words, gzipped=gzipped)
        with self._lock:
            before = self._pages.pop(key, None)
            self._pages[key] = page
            self._size += page.size - (before.size if before else 0)
            while self._size > self._most:
                self._size -= self._pages.popitem(last=False)[1].size
        return page

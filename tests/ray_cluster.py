"""A Ray cluster on this machine, a head without CPUs and a node with two; it lives as long as its stdin."""

from __future__ import annotations

import sys
from pathlib import Path

from ray.cluster_utils import Cluster

STORE = {"object_store_memory": 80 << 20, "include_dashboard": False}


def main() -> None:
    """Start it and write its address to a file, for Ray prints what it likes."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **STORE})
    cluster.add_node(num_cpus=2, **STORE)
    address = Path(sys.argv[1])
    address.with_suffix(".part").write_text(cluster.address, "utf-8")
    address.with_suffix(".part").rename(address)
    sys.stdin.read()


if __name__ == "__main__":
    main()

"""What holds up everybody's work, as the aggregator tells it: in the words of `bramble job list`."""

from __future__ import annotations

from typing import Any, Dict, List


def has_no_room(health: Dict[str, Any]) -> bool:
    """The head can keep no inputs and outputs, or its database nothing: people make room, and work goes on."""
    return _is_full(health) or health.get("store_ok") is False


def hold_ups_in(health: Dict[str, Any]) -> List[str]:
    """Sentences."""
    found = []
    if health.get("connected") is False:
        why = health.get("broker_trouble")
        found.append(
            "the aggregator has no connection to the broker"
            + (f" ({why})" if why else "")
            + ": nothing is sent to nodes until it is back"
        )
    if health.get("store_ok") is False:
        found.append("the job database cannot be written (see the aggregator's log): nothing is taken until it can")
    if health.get("gone_back"):
        found.append(str(health["gone_back"]))
    if _is_full(health):
        quota = size_text(int(health["storage"].get("quota_bytes", 0)))
        found.append(
            f"the room for inputs and outputs is used up (the head's disk, or blob_quota_bytes of {quota}): "
            "bramble job forget removes ended jobs"
        )
    return found


def size_text(size: int) -> str:
    """As the command writes it: 512, 1.5K, 16G."""
    if size < 1024:
        return str(size)
    power = min((size.bit_length() - 1) // 10, 6)
    tenths = size * 10 >> 10 * power
    return (f"{tenths // 10}" if tenths >= 100 or tenths % 10 == 0 else f"{tenths / 10}") + " KMGTPE"[power]


def _is_full(health: Dict[str, Any]) -> bool:
    return bool((health.get("storage") or {}).get("full"))

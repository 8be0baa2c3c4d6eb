from __future__ import annotations

from pathlib import Path

from medad.lineage import manifest, record


def test_every_attempt_leaves_a_sealed_record(tmp_path: Path) -> None:
    half = manifest.Half("shots", {}, {"seed": 0}, 1, {})
    sealed = manifest.build(half, {"dataset": "d", "k": 2}, {}, {}, {})
    clock = record.Clock.start()
    record.write(tmp_path, sealed, "computed", clock, compute_s=1.5, device="cpu", log="a.log")
    later = record.Clock(clock.started + 1, clock.ticks)
    record.write(tmp_path, sealed, "restored", later, compute_s=0.0, device="none", log="b.log")
    found = record.of_key(tmp_path, sealed["key"])
    assert [item["action"] for item in found] == ["computed", "restored"]
    assert found[0]["compute_s"] == 1.5
    assert found[0]["identity"] == {"dataset": "d", "k": 2}
    assert found[0]["peak_memory_mib"] > 0
    assert [manifest.read(path) for path in record.every(tmp_path)] == found
    names = [record.name(item["started"], item["process"]) for item in found]
    assert [path.name for path in record.every(tmp_path)] == names

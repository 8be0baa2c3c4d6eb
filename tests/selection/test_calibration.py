from medad.selection import calibration
from medad.selection.protocol import read


def test_only_the_unadapted_backbone_is_scored_at_scaled_contrasts(
    study_file, project, monkeypatch
):
    asked = []

    def fake(root, protocol, source, overrides, jobs, report):
        contrast = protocol.sources[source].contrast.used()
        asked.append((list(protocol.candidates), contrast))
        gap = contrast["blob"]
        result = {
            "healthy": [0.0, 1.0],
            "positives": {"blob": [[gap], [1 + gap]], "bezier": [[0.0], [1.0]]},
            "movement": {"norm": 1.0, "rank": 1.0, "cosine": 1.0},
            "trained": 0,
        }
        return {"results": {"start": [result, result]}}

    monkeypatch.setattr(calibration, "run", fake)
    protocol = read(study_file)
    blob = protocol.sources["phantom"].contrast.blob
    rows = calibration.sweep(project, protocol, "phantom", {}, [0.5, 2.0], 1, print)
    assert [candidates for candidates, _ in asked] == [["start"], ["start"]]
    assert [set(contrast) for _, contrast in asked] == [{"blob", "patch", "texture"}] * 2
    assert [row["blob contrast"] for row in rows] == [0.5 * blob, 2 * blob]
    # .55 lies below the other image's lead of 1, 2.2 above it.
    assert [row["blob S2"] for row in rows] == [0.5, 1.0]
    assert protocol == read(study_file)

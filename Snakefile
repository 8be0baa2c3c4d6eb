# One DAG from images to tables. `snakemake --cores 8 results/tables/table1.csv`
import shlex
import sys
from functools import cache, partial
from pathlib import Path

from medad.cli.common import fail_on_error
from medad.lineage import engine, session

with fail_on_error():
    current = session.begin(Path.cwd(), config, sys.argv[1:], workflow.is_main_process)

MEDAD = f"{shlex.quote(sys.executable)} -m medad"
STEP = f"exec {MEDAD} step --log {{log}} {{input.key}} {{output.manifests}}"
GPU = session.gpus()
plan = current.plan
# Snakemake knows its targets only after it has read this file.
planned = cache(lambda: current.jobs(workflow.dag_settings.targets or ["all"]))
needs = partial(engine.needs, current, planned)

wildcard_constraints:
    dataset=r"[\w-]+", split=r"[\w-]+", synthesis=r"[\w-]+", method=r"[\w-]+", k=r"\d+",
    table=r"[\w-]+", figure=r"[\w-]+", backbone=r"[\w-]+", weights=r"[\w-]+",


include: "workflow/rules/data.smk"
include: "workflow/rules/synthesis.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/detect.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        plan.target("all"),


onsuccess:
    shell(f"{MEDAD} track --quiet || true")


onerror:
    shell(f"{MEDAD} track --quiet || true")

# One DAG from images to tables. `snakemake --cores 8 results/tables/table1.csv`
import shlex
import sys
from functools import partial
from pathlib import Path

from medad.cli.common import fail_on_error
from medad.lineage import engine, session

with fail_on_error():
    current = session.begin(
        *(Path.cwd(), config, sys.argv[1:]),
        main=workflow.is_main_process,
        dry=workflow.output_settings.dryrun,
    )

MEDAD = f"{shlex.quote(sys.executable)} -m medad"
STEP = f"exec {MEDAD} step --log {{log}} {{input.key}} {{output.manifests}}"
GPU = session.gpus()
plan = current.plan
needs = partial(engine.needs, current, engine.part_of_run(current, workflow))

wildcard_constraints:
    **plan.names(), synthesis=r"[\w-]+", k=r"\d+|full", backbone=r"[\w-]+", weights=r"[\w-]+",


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
    with fail_on_error():
        engine.require_settled(current, workflow.dag_settings)


onerror:
    shell(f"{MEDAD} track --quiet || true")

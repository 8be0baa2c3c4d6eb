"""Evaluation. Requires: scores and masks. Makes: metrics of every run, intervals of a table."""


rule metrics:
    """AUROC, localisation and healthy-only thresholds of every run of one method."""
    input: unpack(needs("metrics"))
    output: **plan.patterns("metrics")
    threads: plan.config.threads.report
    log: "logs/metrics/{dataset}.{split}.{method}.log"
    benchmark: "logs/benchmarks/metrics/{dataset}.{split}.{method}.tsv"
    shell: STEP


rule intervals:
    """Bootstrap over leakage groups and draws, paired between the methods of a table."""
    input: unpack(needs("intervals"))
    output: **plan.patterns("intervals")
    threads: plan.config.threads.report
    log: "logs/intervals/{dataset}.{split}.{table}.log"
    benchmark: "logs/benchmarks/intervals/{dataset}.{split}.{table}.tsv"
    shell: STEP

"""Stage 1. Requires: pairs and weights. Makes: adapted backbones with their training events."""


rule stage1:
    """Adapt the backbone of one method at one K (CONSULT 3.3, 3.4), every replicate."""
    input: unpack(needs("stage1"))
    output: **plan.patterns("stage1")
    priority: 10  # on the longest path: the short jobs fill the gaps it leaves
    threads: plan.config.threads.stage1
    resources: gpu=GPU
    log: "logs/stage1/{dataset}.{split}.{method}.k{k}.log"
    benchmark: "logs/benchmarks/stage1/{dataset}.{split}.{method}.k{k}.tsv"
    shell: STEP

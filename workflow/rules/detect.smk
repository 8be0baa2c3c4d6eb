"""Stage 2. Requires: shots and a backbone. Makes: heads (memory banks, Gaussians) and scores."""


rule head:
    """Fit one method's detector on the shots of every draw."""
    input: unpack(needs("head"))
    output: **plan.patterns("head")
    priority: 10  # networks that are trained here are on the longest path
    threads: plan.config.threads.head
    resources: gpu=GPU
    log: "logs/head/{dataset}.{split}.{method}.log"
    benchmark: "logs/benchmarks/head/{dataset}.{split}.{method}.tsv"
    shell: STEP


rule score:
    """Score the test and validation images of one method at one K, every replicate."""
    input: unpack(needs("score"))
    output: **plan.patterns("score")
    threads: plan.config.threads.score
    resources: gpu=GPU
    log: "logs/score/{dataset}.{split}.{method}.k{k}.log"
    benchmark: "logs/benchmarks/score/{dataset}.{split}.{method}.k{k}.tsv"
    shell: STEP

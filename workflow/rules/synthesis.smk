"""What stage 1 trains on. Requires: shots. Makes: pools of healthy and anomalous images, one a draw.

A synthesis that leaks on purpose also requires the split and the index.
"""


rule pairs:
    """Augmented images and Bezier tumours (CONSULT 3.2, Algorithm 1), or test images, every draw."""
    input: unpack(needs("pairs"))
    output: **plan.patterns("pairs")
    priority: 10  # on the longest path: the short jobs fill the gaps it leaves
    threads: plan.config.threads.pairs
    log: "logs/pairs/{dataset}.{split}.{synthesis}.log"
    benchmark: "logs/benchmarks/pairs/{dataset}.{split}.{synthesis}.tsv"
    shell: STEP

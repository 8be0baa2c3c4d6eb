"""From files to draws.

Requires: the key files, and for datasets that are not generated the list of their files by hash
(.prov/raw/<dataset>.json). Makes: weights, index, split with its leakage report, shots.
"""


rule weights:
    """One ResNet's weights as safetensors; no other step looks elsewhere."""
    input: unpack(needs("weights"))
    output: **plan.patterns("weights")
    priority: 100
    threads: plan.config.threads.data
    log: "logs/weights/{backbone}.{weights}.log"
    benchmark: "logs/benchmarks/weights/{backbone}.{weights}.tsv"
    shell: STEP


rule phantom:
    """Generated slices, healthy and with tumours."""
    input: unpack(needs("phantom"))
    output: **plan.patterns("phantom")
    threads: plan.config.threads.data
    log: "logs/phantom/{dataset}.log"
    benchmark: "logs/benchmarks/phantom/{dataset}.tsv"
    shell: STEP


rule index:
    """One row per image: hash, size, label, mask, leakage group, flags."""
    input: unpack(needs("index"))
    output: **plan.patterns("index")
    threads: plan.config.threads.data
    log: "logs/index/{dataset}.log"
    benchmark: "logs/benchmarks/index/{dataset}.tsv"
    shell: STEP


rule split:
    """Which images may be shots, validation and test, and what leaks between them."""
    input: unpack(needs("split"))
    output: **plan.patterns("split")
    threads: plan.config.threads.data
    log: "logs/split/{dataset}.{split}.log"
    benchmark: "logs/benchmarks/split/{dataset}.{split}.tsv"
    shell: STEP


rule shots:
    """Nested draws of K healthy images, every K and replicate."""
    input: unpack(needs("shots"))
    output: **plan.patterns("shots")
    threads: plan.config.threads.data
    log: "logs/shots/{dataset}.{split}.log"
    benchmark: "logs/benchmarks/shots/{dataset}.{split}.tsv"
    shell: STEP

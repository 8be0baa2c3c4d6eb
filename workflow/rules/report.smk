"""Tables and figures. Requires: what these read, above all metrics, scores and maps. Also DVC's
milestones."""


rule table:
    """Ours beside the published values, as CSV and Markdown, with the map of its cells."""
    input: unpack(needs("table"))
    output:
        **{
            **plan.patterns("table"),
            "markdown": report(
                "results/tables/{table}.md", caption="../report/table.rst", category="Tables"
            ),
        },
    threads: plan.config.threads.report
    log: "logs/table/{table}.log"
    benchmark: "logs/benchmarks/table/{table}.tsv"
    shell: STEP


rule sizes:
    """How many images splits hold, beside the published numbers."""
    input: unpack(needs("sizes"))
    output:
        **{
            **plan.patterns("sizes"),
            "markdown": report(
                "results/tables/{sizes}.md", caption="../report/table.rst", category="Tables"
            ),
        },
    threads: plan.config.threads.report
    log: "logs/sizes/{sizes}.log"
    benchmark: "logs/benchmarks/sizes/{sizes}.tsv"
    shell: STEP


rule figure:
    """One figure of workflow/tables, by the function that its entry names."""
    input: unpack(needs("figure"))
    output:
        **{
            **plan.patterns("figure"),
            "figure": report(
                "results/figures/{dataset}/{split}/{figure}.png",
                caption="../report/figure.rst",
                category="Figures",
            ),
        },
    params: about=lambda wildcards: plan.parameters.figures[wildcards.figure]["about"],
    threads: lambda wildcards: plan.half("figure", wildcards).threads
    resources: gpu=lambda wildcards: GPU * plan.parameters.trains(wildcards.figure),
    log: "logs/figure/{dataset}.{split}.{figure}.log"
    benchmark: "logs/benchmarks/figure/{dataset}.{split}.{figure}.tsv"
    shell: STEP


rule stage_data:
    input: plan.target("stage_data")


rule stage_draws:
    input: plan.target("stage_draws")


rule stage_pretraining:
    input: plan.target("stage_pretraining")


rule stage_heads:
    input: plan.target("stage_heads")


rule stage_scores:
    input: plan.target("stage_scores")


rule stage_tables:
    input: plan.target("stage_tables")

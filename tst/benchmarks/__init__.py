"""Benchmarks: from a YAML and a file or hub dataset to a validated question table.

``load.load_benchmark(settings, data_root)`` gives the ``questions.QuestionTable`` of a benchmark.

To add a benchmark, write ``my_bench.yaml`` into ``conf/benchmark``, or into ``DIR/benchmark`` of a
folder of your own and run with ``--config-dir DIR``; then ``benchmark=my_bench``::

    name: my_bench
    path: /data/my_bench.jsonl     # or local: test.jsonl (in data_root/my_bench/), or hub: {...}
    columns:
      id: qid
      question: q
      options: [a, b, c, d]        # or one column with a list
      answer: gold
      question_type: task
      groups: {video: video_id}
      metadata: [duration]         # text that a model may read besides the question

``settings`` documents every field. Where columns alone do not say it, name a function with
``reader: my_package.my_module.read_row``: it takes a source record (a dict) and returns the fields
that it knows better than ``columns``, as ``cv_bench.read_row`` and ``mmstar.read_row`` do. Rows
that make no question are left out, counted and named (``strict: true``: an error).

For a single run there is ``benchmark=table``, with the same fields on the command line.
"""

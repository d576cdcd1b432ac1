"""Benchmarks: from files or a hub dataset to a validated question table, and what was understood.

``load.load_benchmark(settings, data_root)`` gives the ``core.questions.QuestionTable`` of a
benchmark. Data goes through these parts in order:

- ``files``: files of any kind to records (dicts), each with the row number that an editor shows;
- ``understanding``: which column holds what (``columns``, by the names of ``column_names``),
  options (``options``, ``lettered``, ``question_options``), formats (``formats``,
  ``without_options``), numbers, gold answers, ids, circular copies, likely mistakes; ``rows`` has
  the order of the steps, ``describe`` shows the result;
- ``core.questions.build_table``: the checked table.

A file needs no settings (``benchmark=my.csv``; ``tst check my.csv`` shows how it is read). To add a
benchmark by name, write ``my_bench.yaml`` into ``conf/benchmark``, or into ``DIR/benchmark`` of a
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
"""

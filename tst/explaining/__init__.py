"""Why a tuned model answers as it does: attributions, faithfulness, a probe (docs/explain.md)."""

"""Run records: identity, atomic files, leases, resume."""

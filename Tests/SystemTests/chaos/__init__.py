"""The whole system under load and under seeded faults; `chaos.check` then says whether anything was lost or doubled."""

"""The ledger's schema, step by step. Installed as ``ledger.migrations``."""

module keepalive-ledger/tests/go

go 1.24

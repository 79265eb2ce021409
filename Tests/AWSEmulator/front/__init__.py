"""What stands between the client and moto: signatures, records, faults, identities."""

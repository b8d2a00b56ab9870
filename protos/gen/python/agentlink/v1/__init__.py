"""Generated from protos/; run `make protos` to renew."""

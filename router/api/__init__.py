"""The gRPC edge: parse, authorise, call, map. No rule of the house lives here."""

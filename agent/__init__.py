"""The hands of one machine: types commands into sessions, each at most once, and reports back."""

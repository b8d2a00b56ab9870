"""E-mail as a platform: SMTP out, IMAP in. Each mail of ours has an address of its own for the answer."""

"""What people read of reports that come from outside."""

NOT_GOOD = "This callback token is not good: it is unknown or over, or its session is."
USED = "This callback token was used to say something else. It is good once: make another one."
MANY = "{count} callback tokens of this session are open. Let them be used, or wait until they are over."
MAY_RUN = "Nobody tells what runs in this session: it may be a shell, which would run what a report says."
SAID = "📮 {name}, outside of {session}: {outcome}{text}"
BAD_TTL = "ttl must be greater than zero and at most 7 days"
NO_OUTCOME = "outcome must be OK or FAILED"

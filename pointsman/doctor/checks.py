"""Everything that doctor looks at, in the order in which it tells: what stands below comes first."""

from collections.abc import Callable, Iterator

from pointsman.config import Settings
from pointsman.doctor import github, installation, mail, programs, telegram
from pointsman.doctor.agents import agents
from pointsman.doctor.certificates import certificates
from pointsman.doctor.findings import Finding
from pointsman.doctor.quotas import quotas

CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    installation.settings_are_known,
    installation.data_dir,
    installation.secrets,
    installation.sqlite,
    certificates,
    programs.router,
    programs.adapter,
    programs.agent,
    programs.gates,
    programs.keys,
    quotas,
    installation.starting,
    agents,
    telegram.telegram,
    telegram.strangers,
    mail.mail,
    github.github,
)

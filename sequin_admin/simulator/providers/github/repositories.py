"""How the simulated GitHub shows a repository: https://docs.github.com/rest/repos/repos."""

from functools import lru_cache

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.github.common import API_URL, REPOSITORIES, owner_of
from sequin_admin.simulator.rows.collection import Fields

BORN = "2026-01-01T00:00:00Z"
LISTS = (
    *("contributors", "deployments", "downloads", "events", "forks", "hooks", "languages"),
    *("merges", "stargazers", "subscribers", "subscription", "tags", "teams"),
)
# Names of URLs, and what follows that of the repository.
PARTS = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "statuses": "/statuses/{sha}",
    "trees": "/git/trees{/sha}",
}
OFF = ("archived", "disabled", "fork", "has_pages", "has_wiki", "has_projects", "is_template")


@lru_cache(maxsize=1000)
def urls_of(full_name: str) -> Fields:
    url, page = f"{API_URL}/repos/{full_name}", f"github.com/{full_name}"
    return {
        "url": url,
        "html_url": f"https://{page}",
        **{f"{name}_url": f"{url}/{name}" for name in LISTS},
        **{f"{name}_url": f"{url}{rest}" for name, rest in PARTS.items()},
        "clone_url": f"https://{page}.git",
        "git_url": f"git://{page}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "svn_url": f"https://{page}",
    }


def repository_json(account: SimulatedAccount, name: str) -> Fields:
    number, full_name = 1 + REPOSITORIES.index(name), f"{account.external_id}/{name}"
    return {
        "id": account.pk * 1000 + number,
        "node_id": f"R_{account.pk}_{number}",
        "name": name,
        "full_name": full_name,
        "owner": owner_of(account),
        "private": True,
        "visibility": "private",
        "description": None,
        **urls_of(full_name),
        **dict.fromkeys(("homepage", "language", "license", "mirror_url")),
        **dict.fromkeys(("forks", "open_issues", "watchers", "size", "stargazers_count"), 0),
        **{f"{count}_count": 0 for count in ("forks", "open_issues", "watchers")},
        **dict.fromkeys(OFF, False),
        **dict.fromkeys(("has_downloads", "has_issues", "allow_forking"), True),
        "web_commit_signoff_required": False,
        "default_branch": "main",
        "topics": [],
        **dict.fromkeys(("created_at", "pushed_at", "updated_at"), BORN),
    }

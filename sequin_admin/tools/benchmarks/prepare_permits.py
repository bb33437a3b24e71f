"""Makes a credential with the limit of the argument, and a key. Prints the id and the key."""

import json
import sys

import django


def main(limit: str) -> None:
    django.setup()
    from sequin_admin.access import keys
    from sequin_admin.access.models import Organization, Scope
    from sequin_admin.credentials import kinds
    from sequin_admin.credentials.kinds import Rate
    from sequin_admin.limits.models import set_limit

    owner = Organization.objects.create(name="Permits", slug="permits")
    credential = kinds.get("stripe_key")(
        organization=owner, name="Bench", secrets={"secret": "sk_test_bench"}
    )
    credential.save()
    set_limit(credential, Rate(**json.loads(limit)), actor=None)
    _, key = keys.create(owner, name="permits", scopes=[*Scope], actor=None)
    print(json.dumps([str(credential.pk), key]))


if __name__ == "__main__":
    main(sys.argv[1])

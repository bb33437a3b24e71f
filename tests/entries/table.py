"""What people enter, and the value that must arrive: (kind or OAuth app, property, entered, kept).

`Refused` has the start of the sentence instead. `SAME` arrives as it was entered.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refused:
    """The start of what is said about it."""

    sentence: str


class Same:
    """It arrives as it was entered."""


SAME = Same()
FORM = Refused("{title} does not have the form")
BOM, NBSP, ZERO_WIDTH = "\ufeff", "\u00a0", "\u200b"
STRIPE, SENDGRID = "sk_test_arrakis1", "SG.arrakis.melange-1"
PASSWORDS = (
    "hush",
    " hush",
    "hush ",
    "\thush",
    f"{NBSP}hush{NBSP}",
    '"hush"',
    "Bearer hush",
    "KEY=hush",
    "'=hush",
    "00123",
    "1.23457E+11",
    "true",
    "null",
    f"{BOM}hush",
    "hu sh",
    "“hush”",
)

CASES: tuple[tuple[str, str, Any, Any], ...] = (
    # Passwords arrive to the byte.
    *(("checkout_champ_password", "password", text, SAME) for text in PASSWORDS),
    *(("workday_password", "password", text, SAME) for text in PASSWORDS[:4]),
    ("checkout_champ_password", "login_id", " user123 ", "user123"),
    ("checkout_champ_password", "login_id", f"{BOM}user123{NBSP}", "user123"),
    ("checkout_champ_password", "login_id", "00123", SAME),
    ("checkout_champ_password", "login_id", "User 123", SAME),
    # Shopify: the shop is a host, which ignores case.
    ("shopify_oauth2", "shop", "shop-001.myshopify.com", SAME),
    ("shopify_oauth2", "shop", "SHOP-001.myshopify.com", "shop-001.myshopify.com"),
    ("shopify_oauth2", "shop", "https://shop-001.myshopify.com/", "shop-001.myshopify.com"),
    ("shopify_oauth2", "shop", "http://Shop-001.MyShopify.com/admin", "shop-001.myshopify.com"),
    ("shopify_oauth2", "shop", "shop-001.myshopify.com/admin/orders", "shop-001.myshopify.com"),
    ("shopify_oauth2", "shop", "shop-001.myshopify.com.", "shop-001.myshopify.com"),
    ("shopify_oauth2", "shop", "admin.shopify.com/store/shop-001", "shop-001.myshopify.com"),
    (
        "shopify_oauth2",
        "shop",
        "https://admin.shopify.com/store/Shop-001/orders?x=1",
        "shop-001.myshopify.com",
    ),
    ("shopify_oauth2", "shop", "shop-001", "shop-001.myshopify.com"),
    ("shopify_oauth2", "shop", f"{ZERO_WIDTH}shop-001.myshopify.com ", "shop-001.myshopify.com"),
    ("shopify_oauth2", "shop", "https://shop.arrakis.com", FORM),
    ("shopify_oauth2", "shop", "https://shop-001.myshopify.com@evil.com/", FORM),
    ("shopify_oauth2", "shop", "https://evil.com/shop-001.myshopify.com", FORM),
    ("shopify_oauth2", "shop", "https://evil.com\\@shop-001.myshopify.com", FORM),
    ("shopify_oauth2", "shop", "https://shop-001.myshopify.com:8443", FORM),
    ("shopify_oauth2", "shop", "shop\u2011001.myshopify.com", FORM),
    ("shopify_oauth2", "shop", "https://admin.shopify.com/", FORM),
    ("shopify_oauth2", "shop", "https:/shop-001.myshopify.com", FORM),
    ("shopify_oauth2", "shop", "ftp://shop-001.myshopify.com", FORM),
    # Salesforce: the specification's instance_url keeps its scheme.
    ("salesforce_oauth2", "instance_url", "https://arrakis.my.salesforce.com", SAME),
    *(
        ("salesforce_oauth2", "instance_url", entered, f"https://{host}")
        for entered, host in (
            ("https://acme.my.salesforce.com/lightning/x", "acme.my.salesforce.com"),
            ("ACME.my.salesforce.com", "acme.my.salesforce.com"),
            ("http://acme.my.salesforce.com:80/", "acme.my.salesforce.com"),
            ("acme--dev.sandbox.my.salesforce.com", "acme--dev.sandbox.my.salesforce.com"),
            ("https://acme.develop.my.salesforce.com/", "acme.develop.my.salesforce.com"),
            ("https://acme.my.salesforce.mil/x", "acme.my.salesforce.mil"),
            ("https://na139.salesforce.com", "na139.salesforce.com"),
        )
    ),
    (
        "salesforce_oauth2",
        "instance_url",
        "https://acme.lightning.force.com/lightning/page/home",
        Refused("This is the address of Salesforce's pages"),
    ),
    (
        "salesforce_oauth2",
        "instance_url",
        "https://acme--c.vf.force.com/apex/page",
        Refused("This is the address of Salesforce's pages"),
    ),
    *(
        ("salesforce_oauth2", "instance_url", entered, Refused("This is an address of all of"))
        for entered in (
            "https://login.salesforce.com",
            "test.salesforce.com/",
            "www.salesforce.com",
        )
    ),
    ("salesforce_oauth2", "instance_url", "acme", FORM),
    ("salesforce_oauth2", "instance_url", "https://salesforce.com.evil.com", FORM),
    ("salesforce_oauth2", "login_host", "https://Test.Salesforce.com/", "test.salesforce.com"),
    ("salesforce_oauth2", "login_host", "LOGIN.salesforce.com", "login.salesforce.com"),
    *(
        ("salesforce_oauth2", "login_host", f"https://{host}/", host)
        for host in (
            "acme.my.salesforce.com",
            "acme--dev.sandbox.my.salesforce.com",
            "acme.develop.my.salesforce.com",
            "acme.scratch.my.salesforce.com",
            "acme.trailblaze.my.salesforce.com",
            "acme.demo.my.salesforce.com",
            "acme.my.salesforce.mil",
        )
    ),
    (
        "salesforce_oauth2",
        "login_host",
        "acme.my.salesforce-setup.com",
        Refused("This is the address of Salesforce's pages"),
    ),
    ("salesforce_oauth2", "sfid", "arrakis", SAME),
    ("salesforce_oauth2", "sfid", "00D5g000007abcD", "00D5g000007abcDEAQ"),
    ("salesforce_oauth2", "sfid", "00D5G000007ABCDEAQ", "00D5g000007abcDEAQ"),
    ("salesforce_oauth2", "sfid", "00d5g000007abcdeaq", "00D5g000007abcDEAQ"),
    ("salesforce_oauth2", "sfid", "00D5g000007abcDZZZ", SAME),
    *(
        ("salesforce_oauth2", "scope", entered, "api refresh_token")
        for entered in (
            "api,refresh_token",
            '["api", "refresh_token"]',
            "['api', 'refresh_token']",
            '"api"; "refresh_token"',
        )
    ),
    ("salesforce_oauth2", "refresh_token", " 5Aep861..\n", "5Aep861.."),
    ("salesforce_oauth2", "refresh_token", f"{BOM}5Aep861..", "5Aep861.."),
    # ServiceNow.
    *(
        ("servicenow_oauth2", "instance_url", entered, "https://dev123.service-now.com")
        for entered in (
            "https://dev123.service-now.com/",
            "https://DEV123.service-now.com/nav_to.do?uri=%2Fhome.do",
            "dev123.service-now.com",
            "dev123",
            f" dev123.service-now.com{NBSP}",
        )
    ),
    ("servicenow_oauth2", "instance_url", "https://servicenow.arrakis.com", FORM),
    *(
        (kind, "instance_url", entered, Refused("This is ServiceNow's own address"))
        for kind in ("servicenow_oauth2", "servicenow_client_credentials")
        for entered in ("https://signon.service-now.com/", "www.service-now.com", "hi")
    ),
    ("servicenow_oauth2", "instance_url", "https:/dev123.service-now.com", FORM),
    # Auth0.
    ("auth0_client_credentials", "domain", "https://Acme.us.auth0.com/", "acme.us.auth0.com"),
    ("auth0_client_credentials", "domain", "acme.auth0.com/api/v2/", "acme.auth0.com"),
    *(
        ("auth0_client_credentials", "domain", entered, Refused("This is the address of Auth0's"))
        for entered in ("https://manage.auth0.com/dashboard/us/acme/", "login.auth0.com")
    ),
    ("auth0_client_credentials", "domain", "login.acme.com", FORM),
    # Workday.
    (
        "workday_password",
        "host",
        "https://WD2-impl-services1.workday.com/ccx/service/arrakis_dpt1",
        "wd2-impl-services1.workday.com",
    ),
    ("workday_password", "host", "evil.com/impl.workday.com", FORM),
    ("workday_password", "tenant", "https://impl.workday.com/arrakis_dpt1/d/start", "arrakis_dpt1"),
    (
        "workday_password",
        "tenant",
        "https://wd2.workday.com/ccx/service/arrakis_dpt1/Human_Resources",
        "arrakis_dpt1",
    ),
    *(
        ("workday_password", "tenant", f"https://wd2.myworkday.com/{path}", "arrakis_dpt1")
        for path in (
            "wday/authgwy/arrakis_dpt1/login.htmld",
            "ccx/service/customreport2/arrakis_dpt1/isu/Workers",
            "ccx/oauth2/arrakis_dpt1/token",
        )
    ),
    ("workday_password", "tenant", "Arrakis_dpt1", SAME),
    (
        "workday_oauth2",
        "authorization_endpoint",
        "Impl.workday.com/arrakis_dpt1/authorize/",
        "https://impl.workday.com/arrakis_dpt1/authorize",
    ),
    (
        "workday_oauth2",
        "authorization_endpoint",
        "https://impl.workday.com/ccx/oauth2/arrakis_dpt1/token",
        Refused("This is the token endpoint."),
    ),
    # Marketo.
    *(
        ("marketo_client_credentials", "munchkin_id", entered, "123-ABC-456")
        for entered in (
            "123-abc-456",
            "123ABC456",
            "123 ABC 456",
            "https://123-abc-456.mktorest.com/rest",
            "123-ABC-456.mktorest.com",
        )
    ),
    ("marketo_client_credentials", "munchkin_id", "ABC-123-456", FORM),
    # NetSuite: as its pages show it.
    *(
        ("netsuite_tba", "account_id", entered, "1234567_SB1")
        for entered in (
            "1234567-sb1",
            "1234567_SB1",
            "1234567 SB1",
            "https://1234567-sb1.app.netsuite.com/app/center/card.nl",
            "1234567-sb1.suitetalk.api.netsuite.com",
        )
    ),
    ("netsuite_tba", "account_id", "tstdrv1234567", "TSTDRV1234567"),
    ("netsuite_tba", "account_id", "1234567/SB1", FORM),
    *(
        ("netsuite_tba", "account_id", f"https://{host}/", FORM)
        for host in ("www.netsuite.com", "system.netsuite.com", "system.na1.netsuite.com")
    ),
    # QuickBooks shows its ids in groups.
    *(
        ("quickbooks_oauth2", "realm_id", entered, "1234567890123456")
        for entered in (
            "1234 5678 9012 3456",
            "1234-5678-9012-3456",
            f"1234{NBSP}5678{NBSP}9012{NBSP}3456",
            "https://quickbooks.api.intuit.com/v3/company/1234567890123456/query?minorversion=75",
            "https://app.qbo.intuit.com/app/homepage?companyId=1234567890123456",
            "https://a.test/callback?code=AB11&state=x&realmId=1234567890123456",
            'realmId: "1234567890123456"',
            "\t1234567890123456\n",
        )
    ),
    ("quickbooks_oauth2", "realm_id", "1.23457E+15", FORM),
    ("quickbooks_oauth2", "realm_id", "https://app.qbo.intuit.com/app/homepage", FORM),
    # Numbers.
    ("hubspot_oauth2", "hub_id", "21902692", 21902692),
    ("hubspot_oauth2", "hub_id", " 21 902 692 ", 21902692),
    ("hubspot_oauth2", "hub_id", "21,902,692", 21902692),
    ("hubspot_oauth2", "hub_id", "https://app.hubspot.com/contacts/21902692/x", 21902692),
    ("hubspot_oauth2", "hub_id", "https://app-eu1.hubspot.com/reports/21902692", 21902692),
    (
        "hubspot_oauth2",
        "hub_id",
        "https://app.hubspot.com/l/integrations?portalId=21902692",
        21902692,
    ),
    ("hubspot_oauth2", "hub_id", "https://a.test/done?hubId=21902692#x", 21902692),
    ("hubspot_oauth2", "hub_id", "Hub_ID: 21902692", 21902692),
    ("hubspot_oauth2", "hub_id", "many", Refused("Hub ID is not valid: enter a whole number")),
    ("hubspot_oauth2", "hub_id", "-5", Refused("")),
    ("hubspot_oauth2", "hub_id", "9007199254740993", Refused("")),
    ("hubspot_oauth2", "hub_domain", "https://Arrakis.io/", "arrakis.io"),
    ("github_app", "installation_id", "47232440", 47232440),
    (
        "github_app",
        "installation_id",
        "https://github.com/organizations/arrakis/settings/installations/47232440",
        47232440,
    ),
    ("github_app", "account_login", "https://github.com/paul-atreides", "paul-atreides"),
    ("github_app", "account_login", "@Paul-Atreides", "Paul-Atreides"),
    *(
        ("github_app", "account_login", entered, "paul-atreides")
        for entered in (
            "paul-atreides/",
            "@paul-atreides/",
            "/paul-atreides",
            "paul-atreides/spice",
            "github.com/@paul-atreides",
            "https://www.github.com/paul-atreides/",
            "https://github.com/orgs/paul-atreides/people",
            "https://github.com/paul-atreides/spice",
        )
    ),
    ("github_app", "account_login", "paul_corp", SAME),
    ("github_app", "account_login", "https://github.com/settings/installations/1", SAME),
    (
        "github_app",
        "installation_id",
        "https://a.test/setup?installation_id=47232440&setup_action=install",
        47232440,
    ),
    ("github_app", "account_type", "organization", "Organization"),
    ("linear_oauth2", "scope", "read,write", "read write"),
    ("linear_oauth2", "linear_org_name", " Arrakis Inc. ", "Arrakis Inc."),
    (
        "airtable_oauth2",
        "scope",
        "data.records:read\nwebhook:manage",
        "data.records:read webhook:manage",
    ),
    # Keys whose pattern says what they look like.
    *(
        ("stripe_key", "secret", entered, STRIPE)
        for entered in (
            f" {STRIPE}\n",
            f"Bearer {STRIPE}",
            f"bearer {STRIPE}",
            f"Authorization: Bearer {STRIPE}",
            f'"{STRIPE}"',
            f"'{STRIPE}',",
            f"“{STRIPE}”",
            f"`{STRIPE}`",
            f"STRIPE_SECRET_KEY={STRIPE}",
            f"export STRIPE_KEY='{STRIPE}'",
            f'STRIPE_KEY="{STRIPE}" # the live one',
            f"STRIPE_KEY={STRIPE}  # ours",
            f'$env:STRIPE_KEY = "{STRIPE}"',
            f"set STRIPE_KEY={STRIPE}",
            f"ENV STRIPE_KEY={STRIPE}",
            f'"secret": "{STRIPE}",',
            f"{BOM}{STRIPE}{NBSP}",
            f"sk_test_{ZERO_WIDTH}arrakis1",
        )
    ),
    ("stripe_key", "secret", "pk_test_arrakis1", FORM),
    ("stripe_key", "secret", f"{STRIPE} {STRIPE}x", FORM),
    ("stripe_key", "secret", "sk_test_arr\nakis1", FORM),
    ("stripe_key", "secret", "sk_test_\uff41rrakis", FORM),
    ("stripe_oauth2", "secret", "Bearer rt_arrakis", "rt_arrakis"),
    ("sendgrid_key", "api_key", f'SENDGRID_API_KEY="{SENDGRID}"', SENDGRID),
    ("sendgrid_key", "api_key", f"Bearer {SENDGRID}", SENDGRID),
    ("sendgrid_key", "region", "EU", "eu"),
    ("sendgrid_key", "region", "api.eu.sendgrid.com", "eu"),
    ("sendgrid_key", "region", "https://api.sendgrid.com/v3", "global"),
)
# Lists of words: (what is entered, whether it is a text or a list).
LISTS: tuple[Any, ...] = (
    "oauth tickets",
    "oauth,tickets",
    "oauth\r\ntickets\r\n",
    "oauth; tickets",
    '["oauth", "tickets"]',
    "['oauth','tickets']",
    '"oauth", "tickets"',
    ["oauth", "tickets"],
    ["oauth tickets"],
    ["oauth,", " tickets"],
)
# Of OAuth apps: (provider, property, entered, kept).
APPS: tuple[tuple[str, str, Any, Any], ...] = (
    ("github", "app_id", " 310104 ", "310104"),
    ("github", "app_id", "310,104", "310104"),
    ("github", "slug", "https://github.com/apps/arrakis-sync", "arrakis-sync"),
    ("github", "slug", "github.com/apps/arrakis-sync/installations/new", "arrakis-sync"),
    ("github", "slug", "arrakis sync", FORM),
    ("github", "webhook_secret", " hush ", SAME),
    ("github", "client_secret", " hush\n", "hush"),
    ("hubspot", "client_secret", f"{BOM}hush", "hush"),
)

CHAMP = "checkout_champ_password"
HEADER = "kind,login_id,password\n"
# Files: what they hold, and the properties (or of the body, `metadata.x`) that must arrive.
FILES: tuple[tuple[str, Any], ...] = (
    # YAML: no scalar is resolved.
    *(
        (
            f"it:\n  conn_type: generic\n  login: {login}\n  password: {password}\n"
            f"  extra: {{kind: {CHAMP}}}\n",
            {"login_id": login, "password": password},
        )
        for login, password in (
            ("007", "0123456789"),
            ("0x1F", "0o17"),
            ("1_000", "12345678901234567890"),
            ("yes", "off"),
            ("1e3", "1.50"),
            ("2026-11-29", "12:30:45"),
            ("nobody", "newpass"),
            ("True", ".inf"),
        )
    ),
    (
        "data:\n- name: 7\n  properties: {kind: hubspot_oauth2, hub_id: 21902692, "
        "refresh_token: 000123, scopes: [oauth]}\n  metadata: {plan: 010, ok: yes}\n",
        {
            "hub_id": 21902692,
            "refresh_token": "000123",
            "metadata.plan": "010",
            "metadata.ok": "yes",
        },
    ),
    (
        "data:\n- properties: {kind: stripe_key, name: no, secret: sk_test_1, test: true}\n",
        {"name": "no", "test": True},
    ),
    ("it: {conn_type: http, conn_type: x}\n", Refused("`conn_type` comes twice")),
    ("it:\n  conn_type: generic\n  Pass: 1\n  Pass: 2\n", Refused("A name comes twice")),
    # JSON: nothing twice, nothing rounded.
    ('[{"properties": {"kind": "stripe_key", "kind": "x"}}]', Refused("`kind` comes twice")),
    (
        '[{"properties": {"kind": "hubspot_oauth2", "hub_id": 9007199254740993, "scopes": [], '
        '"refresh_token": "a"}}]',
        Refused("`properties.hub_id` is rounded by many readers"),
    ),
    (
        '[{"metadata": {"n": 5}, "properties": {"kind": "stripe_key", "name": "a", '
        '"secret": "sk_test_1"}},\n]',
        Refused("Line 2, column 1 is not valid JSON."),
    ),
    (
        '{"properties": {"kind": "stripe_key", "name": "a", "secret": "sk_test_1"}}\n'
        '{"properties": {"kind": "stripe_key", "name": "b" "secret": "sk_test_2"}}\n',
        Refused("Line 2, column 51 is not valid JSON."),
    ),
    (
        '[{"metadata": {"n": 9007199254740993}, "properties": {"kind": "stripe_key", "name": "a", '
        '"secret": "sk_test_1"}}]',
        Refused("`metadata.n` is rounded by many readers"),
    ),
    (
        '[{"metadata": {"n": 12345678901234567.5e1}, "properties": {"kind": "stripe_key", '
        '"name": "a", "secret": "sk_test_1"}}]',
        Refused("`metadata.n` is rounded by many readers"),
    ),
    (
        '{"it": {"conn_type": "generic", "login": 12345678901234567890, "password": "1", '
        f'"extra": {{"kind": "{CHAMP}"}}}}}}',
        {"login_id": "12345678901234567890", "password": "1"},
    ),
    # CSV as Excel and its users write it.
    (f"sep=;\nkind;login_id;password\n{CHAMP};u;p\n", {"login_id": "u", "password": "p"}),
    (f'"sep=;"\nkind;login_id;password\n{CHAMP};u,v;p\n', {"login_id": "u,v"}),
    (f"sep=\t\nkind\tlogin_id\tpassword\n{CHAMP}\tu\tp\n", {"login_id": "u"}),
    (f"\ufeffKIND,Login_ID,PASSWORD\n{CHAMP},u,p\n", {"login_id": "u", "password": "p"}),
    (f"Kind,Login_Id,Password\r\n{CHAMP.upper()},u,p\r\n", {"login_id": "u"}),
    (f"{HEADER}{CHAMP},u, p \n", {"password": " p "}),
    (f"{HEADER}{CHAMP},00123,00456\n", {"login_id": "00123", "password": "00456"}),
    (f"{HEADER}{CHAMP},u,'=p\n", {"password": "'=p"}),
    (f"kind,login_id,password,name\n{CHAMP},u,p,'=cmd\n", {"body.name": "=cmd"}),
    (f"kind,login_id,password,name\n{CHAMP},u,p,'-5\n", {"body.name": "-5"}),
    (f"kind,login_id,password,name\n{CHAMP},u,p,'s-Gravenhage\n", {"body.name": "'s-Gravenhage"}),
    (f"kind,login_id,password,metadata.Plan\n{CHAMP},u,p,pro\n", {"metadata.Plan": "pro"}),
    (
        f"{HEADER}{CHAMP},1.23457E+11,p\n",
        {"login_id": "1.23457E+11", "note": "`login_id` may have lost digits in a spreadsheet"},
    ),
    (
        f"{HEADER}{CHAMP},u,1.23457E+11\n",
        {"password": "1.23457E+11", "note": "`password` may have lost digits in a spreadsheet"},
    ),
    (
        f"sep=;\nkind;login_id;password\n{CHAMP};1,23457E+11;p\n",
        {"login_id": "1,23457E+11", "note": "`login_id` may have lost digits in a spreadsheet"},
    ),
    (
        f"kind,login_id,,password\n{CHAMP},u,x,p\n",
        Refused("A column or a property without a name holds something"),
    ),
    (
        "kind,hub_id,refresh_token,scopes\nhubspot_oauth2,2.19027E+07,a,oauth\n",
        Refused("`hub_id` must be a whole number."),
    ),
    (f"kind,login_id,password,Password\n{CHAMP},u,p,q\n", Refused("Columns 3 and 4 have the same")),
    (f"kind|login_id|password\n{CHAMP}|u|p;q\n", {"login_id": "u", "password": "p;q"}),
    (
        f"kind,login_id,password,metadata.\n{CHAMP},u,p,x\n",
        Refused("A column or a property without a name holds something"),
    ),
    (f"kind,login_id,password,metadata.\n{CHAMP},u,p,\n", {"login_id": "u"}),
    (
        'kind,hub_id,refresh_token,scopes\nhubspot_oauth2,21902692,a,"[""oauth"", ""tickets""]"\n',
        {"scopes": ["oauth", "tickets"]},
    ),
    (f"\r\n\r\nkind;login_id;password\r\n{CHAMP};u;p\r\n", {"login_id": "u", "password": "p"}),
    (f"sep=;\r\nkind;login_id;password\r\n{CHAMP};u;p\r\n", {"login_id": "u"}),
    (f"kind;login_id;password\r{CHAMP};u;p\r", {"login_id": "u", "password": "p"}),
    (f"Kind, Login ID ,Password,Metadata.Plan A\n{CHAMP},u,p,x\n", {"metadata.Plan A": "x"}),
    (f'{HEADER}{CHAMP},"=""007""","=""007"""\n', {"login_id": "007", "password": '="007"'}),
    (
        f'{{"credentials": [{{"properties": {{"kind": "{CHAMP}", "login_id": "u", '
        '"password": "p"}}]}',
        {"login_id": "u"},
    ),
    (
        f'[{{"kind": "{CHAMP}", "login_id": "u", "password": "p"}}]',
        Refused("It has no object `properties`. Put `kind` and the kind's properties into one."),
    ),
    ("data:\n- properties:\n\tkind: x\n", Refused("Line 3, column 1 is not valid YAML.")),
    ("<!doctype html>\n<h1>Sign in</h1>\n", Refused("This is a web page or XML")),
    ("k\0i\0n\0d\0", Refused("The file is not text in UTF-8.")),
    ("", Refused("The file is empty.")),
    ("\ufeff \r\n", Refused("The file is empty.")),
    ("PK\x03\x04\x14", Refused("This is a workbook of a spreadsheet")),
    (
        f"name: a\nproperties: {{kind: {CHAMP}}}\n---\nname: b\n",
        Refused("The YAML holds more than one document."),
    ),
    # Airflow.
    (
        "AIRFLOW_CONN_STRIPE_PROD='http://:sk_test_a%5Fb@api.stripe.com/'\nOTHER=1\n",
        {"secret": "sk_test_a_b", "metadata.airflow_conn_id": "stripe_prod"},
    ),
    (
        '# ours\nexport AIRFLOW_CONN_MAILS=\'{"conn_type": "sendgrid", "password": "SG.a.b"}\'\n',
        {"api_key": "SG.a.b"},
    ),
    (
        'AIRFLOW_CONN_MAILS="{\\"conn_type\\": \\"sendgrid\\", \\"password\\": \\"SG.a.b\\"}"\n',
        {"api_key": "SG.a.b"},
    ),
    ('AIRFLOW_CONN_MAILS={"conn_type": "sendgrid", "password": "SG.a.b"}\n', {"api_key": "SG.a.b"}),
    *(
        (line, {"api_key": "SG.a.b", "metadata.airflow_conn_id": "mails"})
        for line in (
            'AIRFLOW_CONN_MAILS="sendgrid://:SG.a.b@" # the "new" one\n',
            "AIRFLOW_CONN_MAILS='sendgrid://:SG.a.b@'  # it's new\n",
            "AIRFLOW_CONN_MAILS=sendgrid://:SG.a.b@ # new\r\n",
            '$env:AIRFLOW_CONN_MAILS = "sendgrid://:SG.a.b@"\r\n',
            'set AIRFLOW_CONN_MAILS={"conn_type": "sendgrid", "password": "SG.a.b"}\n',
            '{"mails": {"uri": "sendgrid://:SG.a.b@", "refused_because": "x"}}',
        )
    ),
    ("AIRFLOW_CONN_A=neither\n", Refused("This is not a connection: neither an object nor")),
    ("AIRFLOW_CONN_A=x://y\nAIRFLOW_CONN_A=x://z\n", Refused("AIRFLOW_CONN_A comes twice")),
    (
        '[{"id": "1", "conn_id": "mails", "conn_type": "sendgrid", "password": "SG.a.b", '
        '"extra_dejson": {"region": "eu"}, "get_uri": "x://y"}]',
        {"api_key": "SG.a.b", "region": "eu", "metadata.airflow_conn_id": "mails"},
    ),
    (
        "- conn_id: mails\n  conn_type: sendgrid\n  password: SG.a.b\n  extra_dejson: {}\n",
        {"api_key": "SG.a.b"},
    ),
    (
        '{"mails": {"conn_type": "sendgrid", "password": "SG.a.b", '
        '"extra": "\\"{\\\\\\"region\\\\\\": \\\\\\"eu\\\\\\"}\\""}}',
        {"api_key": "SG.a.b", "region": "eu"},
    ),
    (
        '{"mails": {"conn_type": "sendgrid", "password": "SG.a.b", "extra": "{\\"region\\": "}}',
        Refused("Its `extra` is no JSON object"),
    ),
    (
        '{"connections": [{"connection_id": "s", "conn_type": "stripe", "host": "a.stripe.com"}], '
        '"total_entries": 1}',
        Refused("As stripe_key: `secret` is missing. Airflow's REST API keeps secrets back"),
    ),
    # n8n.
    (
        '[{"id": "7", "name": "Mails", "type": "sendGridApi", "data": {"apiKey": "SG.a.b"}}]',
        {"api_key": "SG.a.b", "metadata.n8n_credential_id": "7"},
    ),
    (
        '[{"id": "7", "name": "Pay", "type": "stripeApi", "data": {"secretKey": "sk_test_1"}}]',
        {"secret": "sk_test_1", "test": True},
    ),
    (
        '[{"id": "7", "name": "Shop", "type": "shopifyAccessTokenApi", '
        '"data": {"shopSubdomain": "shop-001", "accessToken": "shpat_1", "appSecretKey": "x"}}]',
        {"shop": "shop-001.myshopify.com", "access_token": "shpat_1"},
    ),
    (
        '[{"id": "7", "name": "Desk", "type": "serviceNowOAuth2Api", '
        '"data": {"subdomain": "dev123", "clientId": "c", "clientSecret": "s", '
        '"oauthTokenData": {"refresh_token": "r"}}}]',
        {"instance_url": "https://dev123.service-now.com", "client_id": "c", "refresh_token": "r"},
    ),
    (
        '[{"id": "7", "name": "Books", "type": "quickBooksOAuth2Api", "data": {"scope": "a", '
        '"environment": "sandbox", "oauthTokenData": {"refresh_token": "r", '
        '"callbackQueryString": {"realmId": "1234567890123"}}}}]',
        {"realm_id": "1234567890123", "sandbox": True},
    ),
    (
        '[{"id": "7", "name": "Mails", "type": "sendGridApi", "data": "U2FsdGVkX1"}]',
        Refused("It is encrypted. Export again with n8n export:credentials --all --decrypted."),
    ),
    (
        '[{"id": "7", "name": "Chat", "type": "slackApi", "data": {"accessToken": "x"}}]',
        Refused("Its type is none of our kinds. Name its kind with --map slackApi=KIND"),
    ),
)

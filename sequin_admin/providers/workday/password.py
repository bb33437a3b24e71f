"""An integration user's name and password, for SOAP services."""

import re
from typing import Literal
from xml.sax.saxutils import escape

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import PasswordKind, Property, Secret, register
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.providers.workday.common import Tenant, Workday, not_authorized

LOGIN_REFUSED = re.compile(r"invalid user ?name or password")
SOAP = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:bsvc="urn:com.workday/bsvc"><soapenv:Header><wsse:Security soapenv:mustUnderstand="1" \
xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">\
<wsse:UsernameToken><wsse:Username>{username}</wsse:Username><wsse:Password Type="http://docs.\
oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText">{password}\
</wsse:Password></wsse:UsernameToken></wsse:Security></soapenv:Header><soapenv:Body>\
<bsvc:Get_Workers_Request bsvc:version="v44.0"><bsvc:Response_Filter><bsvc:Count>1</bsvc:Count>\
</bsvc:Response_Filter></bsvc:Get_Workers_Request></soapenv:Body></soapenv:Envelope>"""


class WorkdayPasswordProperties(Tenant):
    kind: Literal["workday_password"]
    username: str = Property(
        "User name",
        extension=True,
        example="ISU_Sequin@arrakis_dpt1",
        pattern=r"[^\s@]+@[A-Za-z0-9_-]+",
    )
    password: Secret = Property("Password", extension=True, password=True)


@register
class WorkdayPassword(Workday, PasswordKind):
    label = "password"
    properties_class = WorkdayPasswordProperties
    identity_properties = ("host", "tenant", "username")
    guide = (
        "In Workday create an integration system user and exempt it from password expiry.",
        "Give its security group the domain permissions the sync needs and activate them.",
        "Enter the user name with the tenant, as in ISU_Sequin@arrakis_dpt1.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        tenant = self.properties["tenant"]
        envelope = SOAP.format(
            username=escape(self.properties["username"]), password=escape(self.secrets["password"])
        )
        response = http.request(
            "POST",
            f"{self.base_url()}/ccx/service/{tenant}/Human_Resources/v44.0",
            headers={"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml"},
            content=envelope.encode(),
            secrets=[self.secrets["password"]],
        )
        return self.classify(response)

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """By the text of the SOAP fault: all faults, including throttling, have status 500."""
        text = response.text.lower()
        if LOGIN_REFUSED.search(text) or response.status == 401:
            return outcomes.customer_must(
                "login_refused",
                "Workday refuses this user name and password.",
                "check the integration system user and enter the password again.",
            )
        if "not authorized" in text or response.status == 403:
            return not_authorized()
        if response.ok and "envelope" in text:
            return outcomes.works()
        return super().classify(response)

    def call_login(self) -> Secrets:
        return Secrets(
            {"username": self.properties["username"], "password": self.secrets["password"]}
        )

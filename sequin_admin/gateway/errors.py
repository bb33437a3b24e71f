"""What a customer reads when a page fails or is not there: in their language, and in nobody's name,
as the organization is not known."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from sequin_admin.core.languages import LANGUAGES, active_language
from sequin_admin.gateway.languages import COOKIE_PATH, in_language, remember_switch

Handler = Callable[..., HttpResponse]


def with_customers_page(template: str, handler: Handler) -> Handler:
    """The handler, whose pages are those of `template` where customers are.

    As another part of us has failed, it uses neither the database nor a context processor.
    """

    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = handler(request, *args, **kwargs)
        if not request.path_info.startswith(COOKIE_PATH):
            return response
        with in_language(request):
            context = {
                "language": active_language(),
                "languages": LANGUAGES if request.method == "GET" else {},
                "request_id": getattr(request, "id", ""),
            }
            response.content = render_to_string(template, context)
            response["Content-Language"] = active_language()
        remember_switch(request, response)
        return response

    return answer

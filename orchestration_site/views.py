from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orchestrations.views.members import PersonRequest, for_people


@require_safe
@for_people
def styleguide(request: PersonRequest) -> HttpResponse:
    """Every component in every state, to be looked at after a change of the stylesheet."""
    if not request.user.is_staff:
        raise PermissionDenied("The style guide is for administrators of this site.")
    return render(request, "styleguide.html")

"""Words and bounds of the API that the client and the command line rely on."""

HEALTHY, CUSTOMER, SEQUIN = "healthy", "customer_intervention", "sequin_intervention"
STATUSES = (HEALTHY, CUSTOMER, SEQUIN)
# Rows of one page of a list.
LARGEST_PAGE = 500
# Credentials in one bulk import.
MOST_IMPORTED = 1000
# Permits that one request gives back.
MOST_RELEASES = 1000
# How long one request may wait for a permit.
LONGEST_POLL_S = 10.0
# Characters of the purpose that secrets are read for.
PURPOSE_CHARS = 200

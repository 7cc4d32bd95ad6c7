"""The sweep: a client against every fault at every request, one at a time.

outcomes.py   what befalls a request, and when: words of the user's
cases.py      which request meets what: all cases, their names and order
course.py     the runs and what is judged of them ── beginning.py, arrival.py; asks for what it needs: needs.py
attempt.py    one run of the client, with a limit of time
result.py     what was found, as an object and as a table
keep.py       the failed cases, from one run to the next
start.py      arguments read, course driven: ``scim.sweep``, ``scim.asweep``
mark.py       ``@mockscim.sweep`` above a test
"""

from __future__ import annotations

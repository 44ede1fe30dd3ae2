"""HTTP: what a request is refused for, what an answer looks like, and how both are described.

frame.py          around every request: request id, headers, size limit, HEAD, the last catch
language.py       Chinese or English
faults.py         the errors that only HTTP has
problems.py       every error as application/problem+json
validation.py     what Pydantic complains about, in words
parameters.py     query parameters: nothing unknown, nothing twice; the ones that routes share
deps.py           what a route can ask for: session, snapshot, language
caching.py        ETag, 304, Cache-Control
answers.py        the answer itself: JSON or GeoJSON, with its headers
paging.py         cursors and the Link header
schemas/          what answers hold, described for OpenAPI
routes/           one module per subject; ``routes/__init__.py`` lists them
documentation.py  the OpenAPI document;  docs_page.py  the page made from it
logs.py           what is written down (never a position)
"""

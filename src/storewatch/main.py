"""The service for any ASGI server: `uvicorn --app-dir src storewatch.main:app`; importing opens nothing."""

from storewatch.entrypoints.http.app import create_app

app = create_app()

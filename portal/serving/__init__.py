"""The web server: uvicorn, with connections that nobody can hold it up with."""

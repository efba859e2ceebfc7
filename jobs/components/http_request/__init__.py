"""The component `http-request`: one request to a server, and maybe many more until what it started is done."""

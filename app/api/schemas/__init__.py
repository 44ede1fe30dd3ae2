"""What answers hold, described for OpenAPI. Every model carries an example that a test holds true."""

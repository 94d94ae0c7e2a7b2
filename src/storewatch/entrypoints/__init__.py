"""Where processes begin: the command line, the service, the worker."""

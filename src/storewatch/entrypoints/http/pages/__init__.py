"""The pages: what people see of the fleet, of a store and of the reports, made on the server."""

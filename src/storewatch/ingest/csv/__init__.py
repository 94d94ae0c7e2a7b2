"""The byte reader of CSV files: lines, records and fields, with what each rejected row was."""

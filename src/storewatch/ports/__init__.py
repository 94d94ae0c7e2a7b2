"""What the outside must offer: a poll store, a job board, a report shelf.

Each port is opened by URL in `storewatch.adapters`; nothing above them knows which technology answers.
"""

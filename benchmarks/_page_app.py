"""The application of `benchmarks/page.py`: as many loggers as a large one has, for uvicorn."""

import logging

from tests.support.views_app import app

__all__ = ["app"]

for _number in range(400):
    logging.getLogger(f"shop.module_{_number // 20}.part_{_number}")

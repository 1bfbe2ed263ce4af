# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where in the program something went wrong, for its log."""

from __future__ import annotations


def where(error: BaseException) -> str:
    """Kind and place of an exception in one line. Its text may quote what was sent, so it is not written."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"
    return f"unexpected {type(error).__name__} at {place}"

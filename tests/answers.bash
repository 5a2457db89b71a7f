# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What control sockets answer: `load answers`.

# says JQ-FILTER: it is true of the JSON on standard input
says() { jq -e "$1" >/dev/null; }

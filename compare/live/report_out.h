/* SPDX-License-Identifier: ISC */
#ifndef COLO_COMPARE_REPORT_OUT_H
#define COLO_COMPARE_REPORT_OUT_H

#include "report.h"

int report_out_open(struct report *r);
int report_out_close(struct report *r);

#endif

/* Runs what a volume has to offer. */
#pragma once
#include "fat/fat16.h"
#include "report/events.h"

/* Lists the volume, reads BAREFLOW.CFG, examines every .MOD and .BC file of the root directory in its order, runs the
 * native ones. Reports each step and counts the outcome in `totals`. */
void loader_visit(struct fat_volume *volume, struct totals *totals);

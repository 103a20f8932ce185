/* evenkeel.h: everything. Programs that only normalize include <evenkeel/norm.h> and link evenkeel_norm. */
#ifndef EVENKEEL_EVENKEEL_H
#define EVENKEEL_EVENKEEL_H

#include <evenkeel/cpu.h>
#include <evenkeel/data.h>
#include <evenkeel/doctor.h>
#include <evenkeel/files.h>
#include <evenkeel/image.h>
#include <evenkeel/memory.h>
#include <evenkeel/metrics.h>
#include <evenkeel/model.h>
#include <evenkeel/moments.h>
#include <evenkeel/norm.h>
#include <evenkeel/parallel.h>
#include <evenkeel/parts.h>
#include <evenkeel/session.h>
#include <evenkeel/status.h>
#include <evenkeel/surgery.h>
#include <evenkeel/sync.h>
#include <evenkeel/train.h>
#include <evenkeel/version.h>

#endif

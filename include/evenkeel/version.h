/* version.h: the version as macros (what was compiled against) and as a call (what runs). */
#ifndef EVENKEEL_VERSION_H
#define EVENKEEL_VERSION_H

#include <evenkeel/status.h>

#define EK_VERSION_MAJOR 0
#define EK_VERSION_MINOR 1
#define EK_VERSION_PATCH 0
#define EK_VERSION_STRING "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the running library, such as "0.1.0". */
EK_API const char *ek_version(void);

#ifdef __cplusplus
}
#endif
#endif

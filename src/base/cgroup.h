/* cgroup.h: what the control groups of this process allow. */
#ifndef EKI_CGROUP_H
#define EKI_CGROUP_H

#include <stddef.h>

/* Bytes of memory: the least limit of the group and of those around it, of version 1 or 2; SIZE_MAX: none is set.
 * `root` stands before the paths that are read, "" except in tests. */
size_t eki_cgroup_memory(const char *root);

#endif

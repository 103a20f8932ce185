/* cgroup.c: memory limits of control groups. /proc/self/cgroup names the group, /proc/self/mountinfo says where its
 * folder is; in a container the group's folder may be the mounted one itself. */
#include "base/cgroup.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 4096 };

typedef struct hierarchy {
    bool second;      /* version 2 */
    char group[LINE]; /* of this process, "" = it is in none */
    char top[LINE];   /* the group that is mounted */
    char mount[LINE]; /* where; "" = nowhere */
} hierarchy;

static FILE *open_under(const char *root, const char *path) {
    char whole[2 * LINE + 64];
    int n = snprintf(whole, sizeof whole, "%s%s", root, path);
    return n > 0 && (size_t)n < sizeof whole ? fopen(whole, "re") : NULL;
}

/* Whether `list`, of names with commas, has "memory". */
static bool has_memory(const char *list) {
    for (; *list != 0; list += strcspn(list, ","), list += *list == ',') {
        if (strcspn(list, ",") == 6 && strncmp(list, "memory", 6) == 0) return true;
    }
    return false;
}

/* A line is "number:controllers:group"; version 2 has no controllers there. */
static void find_group(const char *root, hierarchy *h) {
    FILE *file = open_under(root, "/proc/self/cgroup");
    char line[LINE];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *list = strchr(line, ':'), *group = list != NULL ? strchr(list + 1, ':') : NULL;
        if (group == NULL) continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        if (h->second ? list[1] == 0 : has_memory(list + 1)) (void)snprintf(h->group, sizeof h->group, "%s", group);
    }
    if (file != NULL) (void)fclose(file);
}

/* A line is "id parent device top mount options ... - type source options". */
static void find_mount(const char *root, hierarchy *h) {
    FILE *file = open_under(root, "/proc/self/mountinfo");
    char line[LINE];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char top[LINE], mount[LINE], type[64], options[LINE];
        const char *end = strstr(line, " - ");
        bool read = end != NULL && sscanf(line, "%*s %*s %*s %4095s %4095s", top, mount) == 2 &&
                    sscanf(end + 3, "%63s %*s %4095s", type, options) == 2;
        if (!read || strcmp(type, h->second ? "cgroup2" : "cgroup") != 0) continue;
        if (!h->second && !has_memory(options)) continue;
        (void)snprintf(h->top, sizeof h->top, "%s", top);
        (void)snprintf(h->mount, sizeof h->mount, "%s", mount);
    }
    if (file != NULL) (void)fclose(file);
}

/* What the file of a group says: a number, or "max". */
static size_t limit_at(const char *root, const hierarchy *h, const char *group) {
    char path[2 * LINE];
    unsigned long long bytes = 0;
    int n = snprintf(path, sizeof path, "%s%s/%s", h->mount, group, h->second ? "memory.max" : "memory.limit_in_bytes");
    FILE *file = n > 0 && (size_t)n < sizeof path ? open_under(root, path) : NULL;
    bool read = file != NULL && fscanf(file, "%llu", &bytes) == 1;
    if (file != NULL) (void)fclose(file);
    return read && bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

static size_t least_of(const char *root, bool second) {
    hierarchy h = {.second = second};
    find_group(root, &h);
    find_mount(root, &h);
    if (h.mount[0] == 0) return SIZE_MAX;
    size_t top = strcmp(h.top, "/") == 0 ? 0 : strlen(h.top);
    char *group = strncmp(h.group, h.top, top) == 0 ? h.group + top : h.group;
    size_t least = limit_at(root, &h, "");
    for (char *cut; group[0] == '/' && group[1] != 0; *cut = 0) { /* from the group outwards */
        size_t own = limit_at(root, &h, group);
        if (own < least) least = own;
        cut = strrchr(group, '/');
    }
    return least;
}

size_t eki_cgroup_memory(const char *root) {
    size_t first = least_of(root, false), second = least_of(root, true);
    return first < second ? first : second;
}

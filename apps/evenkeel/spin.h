/* spin.h: how long a thread that waits spins. */
#ifndef EK_TOOL_SPIN_H
#define EK_TOOL_SPIN_H

/* Executes this program once more with bounded spinning, unless the environment says how threads wait. To be called
 * before anything is read or said; returns where that has happened already or cannot happen. */
void spin_bounded(char **argv);

#endif

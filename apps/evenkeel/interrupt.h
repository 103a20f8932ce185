/* interrupt.h: SIGINT and SIGTERM ask for a stop at the next safe place; a second one ends the program at once. */
#ifndef EK_TOOL_INTERRUPT_H
#define EK_TOOL_INTERRUPT_H

void interrupt_listen(void);
int interrupt_wanted(void); /* the signal, or 0 */

#endif

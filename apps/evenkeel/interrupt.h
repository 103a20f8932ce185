/* interrupt.h: SIGINT and SIGTERM ask a command that listens for a stop at the next safe place. A second one, and every
 * other signal that ends the program, first removes the files that are being written. */
#ifndef EK_TOOL_INTERRUPT_H
#define EK_TOOL_INTERRUPT_H

void interrupt_prepare(void); /* before anything is written */
void interrupt_listen(void);
void interrupt_leave(int signal_number); /* to MPI, which has a use for it */
int interrupt_wanted(void);              /* the signal, or 0 */

#endif

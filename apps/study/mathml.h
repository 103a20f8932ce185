/* mathml.h: short macros to write formulas as MathML constants, which read aloud and scale. */
#ifndef EKS_MATHML_H
#define EKS_MATHML_H

#define I(x) "<mi>" x "</mi>"
#define O(x) "<mo>" x "</mo>"
#define F(x) "<mo stretchy=\"false\">" x "</mo>" /* a fence */
#define D(x) "<mn>" x "</mn>"
#define T(x) "<mtext>" x "</mtext>"
#define GAP "<mspace width=\"0.4em\"/>"
#define G(x) "<mrow>" x "</mrow>"
#define SUB(a, b) "<msub>" G(a) G(b) "</msub>"
#define UNDER(a, b) "<munder>" G(a) G(b) "</munder>"
#define SUP(a, b) "<msup>" G(a) G(b) "</msup>"
#define SUBSUP(a, b, c) "<msubsup>" G(a) G(b) G(c) "</msubsup>"
#define FRAC(a, b) "<mfrac>" G(a) G(b) "</mfrac>"
#define ROOT(a) "<msqrt>" a "</msqrt>"
#define HAT(a) "<mover accent=\"true\">" a "<mo>^</mo></mover>"
#define MATH(x) "<math display=\"block\">" G(x) "</math>"
#define NEXT "</mrow></math>\n<math display=\"block\"><mrow>" /* the next formula of the card */

#endif

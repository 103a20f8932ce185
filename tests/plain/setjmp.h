/* setjmp.h: what cmocka.h asks for before it; the stand-in beside this needs nothing of it. */

/* live.h: the laboratory of the study's page: a small network around the library's norms that learns to read drawn
 * digits. JavaScript calls what is declared here (live/engine.js); tests call it natively.
 *
 *     image 16x16 -> conv 3x3, 8 -> norm, ReLU, mean of 2x2 -> conv 3x3, 16 -> norm, ReLU, mean of 2x2
 *                 -> conv 3x3, 16 -> norm, ReLU -> dense 32 -> norm, ReLU -> dense 10
 *
 * Every number is a function of the settings and of a counter, by IEEE operations alone (no libm but sqrt), so that a
 * browser finds what a native program finds, bit for bit. Each function of this file is an export of the module.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdint.h>

enum { LIVE_SIDE = 16, LIVE_PIXELS = LIVE_SIDE * LIVE_SIDE, LIVE_CLASSES = 10, LIVE_MOST = 64, LIVE_TESTS = 256 };

/* LAYER is over channels and space, GROUP has four groups. NONE: a bias in the place of the norm. */
typedef enum live_norm { LIVE_NONE, LIVE_BATCH, LIVE_GROUP, LIVE_LAYER } live_norm;
/* Whence batch norm has its statistics: the batch, or the running ones. */
typedef enum live_mode { LIVE_TRAIN, LIVE_EVAL } live_mode;

typedef struct live live;

/* A network with fresh weights, the same for every norm; NULL: out of memory. */
live *live_new(int norm);
void live_free(live *lab); /* accepts NULL */

/* batch: images a step, 1 to LIVE_MOST. rate, inertia, decay: v = inertia v + gradient + decay w, w = w - rate v; decay
 * is for weights only. keep: of the running statistics, running = keep running + (1 - keep) batch. What is out of range
 * is taken to its end. Training goes on with the new settings; fresh: batch 32, rate 0.05, inertia 0.9, decay 0, keep
 * 0.9. */
void live_choose(live *lab, int batch, double rate, double inertia, double decay, double keep);

/* Added to every pixel of every image, which stays in [0, 1]: -1 to 1. */
void live_light(live *lab, double light);

/* One step of stochastic gradient descent on the next images; the loss of the batch before it, not finite where the
 * network has blown up. -1: the norm refused, out of memory. */
double live_step(live *lab);
/* A forward in training mode on the next images, and the update of the running statistics: no weight moves. */
int live_watch(live *lab);

/* The part of the LIVE_TESTS test images that is read right, in the light of the lab. In training mode they come in
 * batches of the lab's size. */
double live_accuracy(live *lab, int mode);
/* Running statistics anew: the mean over sixteen batches of 64 training images in the light of the lab. 0: refused. */
int live_measure(live *lab);

/* The ten logits of test image `image` as the first of a batch of `batch`; the others are training images that `mates`
 * chooses, all of one digit where `digit` is 0 to 9. */
const float *live_logits(live *lab, int image, int batch, int mates, int digit, int mode);
/* The batch of the last live_logits, as pixels in the light of the lab; a test image, and its digit. */
const float *live_batch(const live *lab);
const float *live_image(live *lab, int image);
int live_digit(int image);
/* What the network, in a mode, reads on test images first to first + 63. */
const unsigned char *live_read(live *lab, int first, int mode);

/* Of a layer, 0 to 3, and a channel: mean of the last training batch, running mean. NaN: no batch norm. */
double live_batch_mean(const live *lab, int layer, int channel);
double live_running_mean(const live *lab, int layer, int channel);

/* The weights of the third convolution as one vector: length; the distance of its direction, a unit vector, from that
 * at the last live_mark, and from that before the last step; cosine of gradient and weights in the last step. */
double live_length(const live *lab);
double live_from_mark(const live *lab);
double live_turned(const live *lab);
double live_cosine(const live *lab);
void live_mark(live *lab);

/* Random norm number i, of any kind, layout, type, shape and fusion, forward and backward: a hash of every result. The
 * same on every machine; 0: refused. */
uint32_t live_bits(int i);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Congestion control of uTP: how many bytes may be under way (BEP 29, LEDBAT). */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_LEDBAT_TARGET_US    100000          /* delay that the queue on the way may get from
                                                   * us */
#define SHOAL_LEDBAT_CALM_US      25000           /* loss may be ignored below it */
#define SHOAL_LEDBAT_STEADY_US    15000           /* what is aimed at while loss is ignored */
#define SHOAL_LEDBAT_LOSS_MAX     0.02            /* more is never ignored */
#define SHOAL_LEDBAT_LOSS_MIN     0.002           /* less is no property of the way */
#define SHOAL_LEDBAT_ROUNDS       10u             /* round trips that the loss is counted over */
#define SHOAL_LEDBAT_START        10u             /* packets */
#define SHOAL_LEDBAT_LEAST        2u              /* packets */
#define SHOAL_LEDBAT_MOST         (16u << 20)     /* bytes */
#define SHOAL_LEDBAT_SAMPLES      8u              /* delays, of which the least counts */
#define SHOAL_LEDBAT_BASES        8u              /* minutes that the least delay is remembered */

/* The least of the last minutes, of numbers that wrap. */
typedef struct
{
  guint32 least[SHOAL_LEDBAT_BASES];
  guint   n;          /* of them that are set; the last is the minute that runs */
  gint64  since_us;   /* of the minute that runs */
} ShoalUtpBase;

/* What an acknowledgement says. */
typedef struct
{
  gint64   now_us;
  gsize    acked;        /* bytes that it is news of */
  guint    n_acked;      /* packets */
  guint    n_lost;       /* packets that count as lost since the last */
  guint    n_stale;      /* of these, sent before the window was cut the last time */
  guint64  lost_serial;  /* of the last of them: packets are numbered as they are sent, each time
                          * anew */
  guint64  acked_serial; /* of the last one acknowledged; 0: none */
  guint64  next_serial;
  gsize    flight;       /* bytes that were under way before */
  gint64   rtt_us;       /* 0: not measured */
  gboolean has_delay;
  guint32  delay_us;     /* that the other end measured, with the difference of the clocks */
} ShoalUtpAck;

/**
 * ShoalUtpLedbat:
 * @window: bytes that may be under way
 * @queue_us: delay above the least one of the last minutes
 * @srtt_us: smoothed round trip time; 0: not known
 * @steady: the way loses packets whatever is sent: loss says nothing about congestion
 */
typedef struct
{
  guint        packet;       /* bytes of a full one */
  double       window;
  double       threshold;    /* slow start ends there */
  gboolean     slow_start;
  gint64       queue_us;
  gint64       srtt_us;
  gint64       rtt_var_us;
  ShoalUtpBase delay_base;
  ShoalUtpBase rtt_base;
  ShoalUtpBase their_base;   /* of the other direction, where clocks that drift show too */
  struct { gint64 at_us; gint64 queue_us; } samples[SHOAL_LEDBAT_SAMPLES];
  guint        n_samples;

  /* growth since the last cut */
  double       cubic_top;    /* packets: where the last cut happened */
  gint64       cubic_us;     /* when; 0: not yet */

  /* A queue that is never empty hides how long an empty one takes. */
  gint64       empty_us;     /* when it was the last time, as far as can be seen; 0: nothing was
                              * measured */
  double       drained_from; /* window before we emptied it; 0: we are not about to */
  gint64       drained_us;   /* until when */

  /* rounds */
  guint64      round_serial; /* the round ends when it is acknowledged */
  guint64      cut_serial;   /* loss of what was sent before was answered */
  struct { guint n; guint lost; } rounds[SHOAL_LEDBAT_ROUNDS];
  guint        round;
  guint        calm_rounds;  /* without loss */

  gboolean     steady;
  double       loss;         /* share of packets while @steady, averaged */
  double       top;          /* window before it was cut the first time */
  guint        low_n;        /* packets that were sent with a small part of @top, */
  guint        low_lost;     /* and those of them that were lost */
} ShoalUtpLedbat;

void     shoal_utp_ledbat_init    (ShoalUtpLedbat *self, guint packet);
/* full packets are larger now */
void     shoal_utp_ledbat_resize  (ShoalUtpLedbat *self, guint packet);
void     shoal_utp_ledbat_ack     (ShoalUtpLedbat *self, const ShoalUtpAck *ack);
/* Nothing was heard for the time of a retransmission. */
void     shoal_utp_ledbat_timeout (ShoalUtpLedbat *self, guint64 next_serial);
/* Nothing was sent for a while: what is known of the way is old. */
void     shoal_utp_ledbat_idle    (ShoalUtpLedbat *self);
/* What the other direction took, by the difference of the clocks. */
void     shoal_utp_ledbat_theirs  (ShoalUtpLedbat *self, guint32 delay_us, gint64 now_us);
/* Bytes a second at which the window may be sent. */
guint64  shoal_utp_ledbat_pace    (const ShoalUtpLedbat *self);
gint64   shoal_utp_ledbat_rto_us  (const ShoalUtpLedbat *self);
gint64   shoal_utp_ledbat_min_rtt_us (const ShoalUtpLedbat *self);
/* Lost packets of the last rounds, as a share. */
double   shoal_utp_ledbat_loss    (const ShoalUtpLedbat *self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uTP on simulated ways: fast, lossy and long ones, and beside TCP. */

#include "shoal-test.h"
#include "utp-way.h"

#define SECOND G_USEC_PER_SEC

typedef struct
{
  double mbit;
  gint64 delay_us;
  guint  queue;
  double loss;
  double at_least;   /* Mbit/s */
  double queue_ms;   /* mean, at most */
  guint64 seed;      /* 0: that of all tests */
} Case;

static void
test_alone (gconstpointer data)
{
  const Case *c = data;
  UtpWayConfig config = {
    .mbit = c->mbit,
    .delay_us = c->delay_us,
    .queue = c->queue,
    .loss = c->loss,
    .drift = 5e-5,
    .seed = c->seed != 0 ? c->seed : shoal_test_seed (),
  };
  g_autoptr (UtpWay) way = utp_way_new (&config);
  UtpFlow *flow = utp_way_add_utp (way);
  double mbit, queue_ms;

  utp_way_run (way, 30 * SECOND);
  mbit = utp_flow_mbit (flow);
  queue_ms = utp_flow_queue (flow);
  g_test_message ("%.1f Mbit/s, %.1f ms in the queue", mbit, queue_ms);
  g_assert_cmpfloat (mbit, >=, c->at_least);
  g_assert_cmpfloat (queue_ms, <=, c->queue_ms);
}

/* A TCP stream gets at least @data percent of the line beside us, whoever came first. */
static void
beside_tcp (double mbit,
            guint  queue,
            double share,
            gint64 warm_us)
{
  for (guint i = 0; i < 2; i++)
    {
      UtpWayConfig config = { mbit, 25000, queue, 0, 0, 0, 0, shoal_test_seed () };
      g_autoptr (UtpWay) way = utp_way_new (&config);
      UtpFlow *tcp = i == 0 ? utp_way_add_tcp (way) : NULL;
      double got;

      utp_way_run (way, i * 10 * SECOND);
      utp_way_add_utp (way);
      utp_way_run (way, (1 - i) * 5 * SECOND);
      if (tcp == NULL)
        tcp = utp_way_add_tcp (way);
      utp_way_run (way, warm_us);
      utp_flow_mbit (tcp);
      utp_way_run (way, 30 * SECOND);
      got = utp_flow_mbit (tcp);
      g_test_message ("TCP gets %.1f of %.0f Mbit/s", got, mbit);
      g_assert_cmpfloat (got, >=, share * mbit);
    }
}

static void
test_beside_tcp (void)
{
  beside_tcp (20, 1000, 0.8, 10 * SECOND);   /* a long queue: delay tells, and we make way */
  beside_tcp (20, 20, 0.48, 10 * SECOND);    /* a short one: only loss does */
  beside_tcp (200, 20, 0.36, 40 * SECOND);
}

int
main (int    argc,
      char **argv)
{
  static const Case cases[] = {
    { 200, 25000, 1000, 0, 170, 100 },
    { 200, 25000, 4000, 0, 170, 110 },
    { 200, 25000, 1000, 0.01, 60, 60 },
    { 200, 150000, 1000, 0, 60, 60 },
    { 200, 150000, 1000, 0.01, 20, 60 },
    { 200, 150000, 1000, 0.01, 20, 60, 3 },   /* the first loss comes when little is under way */
    { 20, 25000, 1000, 0, 17, 110 },
    { 2, 25000, 100, 0, 1.5, 110 },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path =
        g_strdup_printf ("/sim/utp/%.0f-mbit/%d-ms/queue-%u/loss-%.0f-percent%s", cases[i].mbit,
                         (int) (cases[i].delay_us / 500), cases[i].queue, cases[i].loss * 100,
                         cases[i].seed != 0 ? "/early" : "");

      g_test_add_data_func (path, &cases[i], test_alone);
    }
  g_test_add_func ("/sim/utp/beside-tcp", test_beside_tcp);

  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracker hub: HTTP and UDP calls from begin to end, limits, both families, what is dropped. */

#include "fake-host.h"
#include "shoal-tracker-hub.h"
#include <string.h>

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define BEGIN_US  (1000 * SECOND_US)

typedef struct
{
  FakeHost        *host;
  ShoalTimers     *timers;
  ShoalRng         rng;
  ShoalTrackerHub *hub;
  gint64           now_us;
} Fixture;

typedef struct
{
  ShoalTrackerCall *call;
  guint             n;
  gboolean          answered;
  char             *error;
  char             *failure;
  gint64            interval_s;
  guint             n_peers;
} Result;

static void
set_up (Fixture       *f,
        gconstpointer  data)
{
  f->now_us = BEGIN_US;
  f->host = fake_host_new (3);
  f->timers = shoal_timers_new ();
  shoal_rng_init (&f->rng, 4);
  f->hub = shoal_tracker_hub_new (&f->host->host, f->timers, &f->rng);
  shoal_tracker_hub_set_now (f->hub, f->now_us);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  shoal_tracker_hub_free (f->hub);
  fake_host_end_all (f->host, f->now_us);
  fake_host_free (f->host);
  g_assert_cmpint (shoal_timers_next (f->timers), ==, SHOAL_NEVER);
  shoal_timers_free (f->timers);
}

/* Lets time pass, timer by timer. */
static void
pass (Fixture *f,
      gint64   us)
{
  gint64 end_us = f->now_us + us;

  while (shoal_timers_next (f->timers) <= end_us)
    {
      f->now_us = MAX (f->now_us, shoal_timers_next (f->timers));
      shoal_tracker_hub_set_now (f->hub, f->now_us);
      shoal_timers_expire (f->timers, f->now_us);
    }
  f->now_us = end_us;
  shoal_tracker_hub_set_now (f->hub, f->now_us);
}

static void
done_cb (gpointer                   owner,
         const ShoalAnnounceAnswer *answer,
         const char                *error,
         gint64                     now_us)
{
  Result *result = owner;

  g_assert_cmpuint (result->n, ==, 0);
  result->n++;
  result->call = NULL;
  result->error = g_strdup (error);
  if (answer == NULL)
    {
      g_assert_nonnull (error);
      return;
    }
  result->answered = TRUE;
  result->failure = g_strdup (answer->failure);
  result->interval_s = answer->interval_s;
  result->n_peers = answer->peers->len;
}

static void
result_clear (Result *self)
{
  g_clear_pointer (&self->error, g_free);
  g_clear_pointer (&self->failure, g_free);
  *self = (Result){ 0 };
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static void
ask (Fixture            *f,
     Result             *result,
     const char         *url,
     ShoalAnnounceEvent  event)
{
  ShoalAnnounce announce = { .event = event, .port = 6881, .numwant = 50 };

  result->call = shoal_tracker_hub_announce (f->hub, url, &announce, event != SHOAL_ANNOUNCE_NONE,
                                             done_cb, result);
  g_assert_nonnull (result->call);
  g_assert_cmpuint (result->n, ==, 0);
}

static ShoalFetch *
fetch (Fixture *f,
       guint    index)
{
  g_assert_cmpuint (index, <, f->host->fetches->len);

  return g_ptr_array_index (f->host->fetches, index);
}

#define ANSWER "d8:intervali900e5:peers6:\x0a\x01\x01\x01\x1a\xe1" "e"

static void
answer (Fixture    *f,
        guint       index,
        guint       status,
        const char *body)
{
  fake_host_answer_fetch (f->host, index, status, body, body != NULL ? strlen (body) : 0,
                          body == NULL ? "refused" : NULL, f->now_us);
}

static void
test_http (Fixture       *f,
           gconstpointer  data)
{
  g_auto (Result) result = { 0 };

  ask (f, &result, "http://10.0.0.1:8000/announce", SHOAL_ANNOUNCE_STARTED);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  g_assert_cmpuint (f->host->lookups->len, ==, 0);
  g_assert_true (g_str_has_prefix (fetch (f, 0)->url, "http://10.0.0.1:8000/announce?info_hash="));
  g_assert_nonnull (strstr (fetch (f, 0)->url, "event=started"));
  g_assert_cmpint (fetch (f, 0)->family, ==, SHOAL_FAMILY_IPV4);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 1);
  answer (f, 0, 200, ANSWER);
  g_assert_cmpuint (result.n, ==, 1);
  g_assert_true (result.answered);
  g_assert_cmpint (result.interval_s, ==, 900);
  g_assert_cmpuint (result.n_peers, ==, 1);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);
}

static void
test_http_failures (Fixture       *f,
                    gconstpointer  data)
{
  static const struct
  {
    guint       status;
    const char *body;
    const char *error;
    gboolean    answered;
  } cases[] = {
    { 0, NULL, "refused", FALSE },
    { 404, "not here", "HTTP error 404", FALSE },
    { 500, ANSWER, "HTTP error 500", FALSE },
    { 403, "d14:failure reason6:bannede", "banned", TRUE },
    { 200, "d14:failure reason6:bannede", "banned", TRUE },
    { 200, "<html>", NULL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Result) result = { 0 };

      ask (f, &result, "http://10.0.0.1/announce", SHOAL_ANNOUNCE_NONE);
      answer (f, 0, cases[i].status, cases[i].body);
      g_assert_cmpuint (result.n, ==, 1);
      g_assert_true (result.answered == cases[i].answered);
      if (cases[i].error != NULL)
        g_assert_cmpstr (result.error, ==, cases[i].error);
      g_assert_nonnull (result.error);
    }
}

static void
test_bad_url (Fixture       *f,
              gconstpointer  data)
{
  static const char *const urls[] = {
    "", "x", "wss://10.0.0.1/", "http://", "udp://10.0.0.1:99999999/", "http://[::1"
  };

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_auto (Result) result = { 0 };

      ask (f, &result, urls[i], SHOAL_ANNOUNCE_NONE);
      pass (f, 0);
      g_assert_cmpuint (result.n, ==, 1);
      g_assert_false (result.answered);
    }
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);
}

/* A name with both kinds of address is asked over both, and the answers are one. */
static void
test_families (Fixture       *f,
               gconstpointer  data)
{
  g_auto (Result) result = { 0 };

  ask (f, &result, "https://tracker.example/announce", SHOAL_ANNOUNCE_STARTED);
  g_assert_cmpuint (f->host->lookups->len, ==, 1);
  g_assert_cmpuint (((ShoalLookup *) g_ptr_array_index (f->host->lookups, 0))->port, ==, 443);
  fake_host_answer_lookup (f->host, 0, "10.0.0.1 [2001:db8::1] 10.0.0.2", f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  g_assert_cmpint (fetch (f, 0)->family, ==, SHOAL_FAMILY_IPV4);
  g_assert_cmpint (fetch (f, 1)->family, ==, SHOAL_FAMILY_IPV6);
  answer (f, 1, 200, "d8:intervali1800e5:peers6:\x0a\x01\x01\x02\x1a\xe1" "e");
  g_assert_cmpuint (result.n, ==, 0);
  answer (f, 0, 200, ANSWER);
  g_assert_cmpuint (result.n, ==, 1);
  g_assert_cmpuint (result.n_peers, ==, 2);
  g_assert_cmpint (result.interval_s, ==, 1800);
}

/* The slower family is not waited for long, and left alone if it fails. */
static void
test_slow_family (Fixture       *f,
                  gconstpointer  data)
{
  g_auto (Result) first = { 0 };
  g_auto (Result) second = { 0 };
  g_auto (Result) third = { 0 };

  ask (f, &first, "http://tracker.example/announce", SHOAL_ANNOUNCE_STARTED);
  fake_host_answer_lookup (f->host, 0, "10.0.0.1 [2001:db8::1]", f->now_us);
  answer (f, 0, 200, ANSWER);
  pass (f, 3 * SECOND_US);
  g_assert_cmpuint (first.n, ==, 1);
  g_assert_true (first.answered);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 1);
  answer (f, 0, 0, NULL);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);

  ask (f, &second, "http://tracker.example/announce", SHOAL_ANNOUNCE_NONE);
  g_assert_cmpuint (f->host->lookups->len, ==, 0);
  g_assert_cmpuint (f->host->fetches->len, ==, 1);
  g_assert_cmpint (fetch (f, 0)->family, ==, SHOAL_FAMILY_IPV4);
  answer (f, 0, 200, ANSWER);
  g_assert_cmpuint (second.n, ==, 1);

  pass (f, 3601 * SECOND_US);
  ask (f, &third, "http://tracker.example/announce", SHOAL_ANNOUNCE_NONE);
  fake_host_answer_lookup (f->host, 0, "10.0.0.1 [2001:db8::1]", f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 2);
  answer (f, 0, 0, NULL);
  answer (f, 0, 0, NULL);
  g_assert_cmpuint (third.n, ==, 1);
  g_assert_cmpstr (third.error, ==, "refused");
}

static void
test_unknown_name (Fixture       *f,
                   gconstpointer  data)
{
  g_auto (Result) result = { 0 };

  ask (f, &result, "udp://tracker.example:80", SHOAL_ANNOUNCE_STARTED);
  fake_host_answer_lookup (f->host, 0, "", f->now_us);
  g_assert_cmpuint (result.n, ==, 0);
  pass (f, 0);
  g_assert_cmpuint (result.n, ==, 1);
  g_assert_cmpstr (result.error, ==, "no such name");
}

static void
test_per_host (Fixture       *f,
               gconstpointer  data)
{
  Result results[10] = { { 0 } };
  g_auto (Result) other = { 0 };

  for (guint i = 0; i < 9; i++)
    ask (f, &results[i], "http://10.0.0.1/announce", SHOAL_ANNOUNCE_NONE);
  g_assert_cmpuint (f->host->fetches->len, ==, 4);
  ask (f, &other, "http://10.0.0.2/announce", SHOAL_ANNOUNCE_NONE);
  g_assert_cmpuint (f->host->fetches->len, ==, 5);

  /* An urgent one goes before those that wait. */
  ask (f, &results[9], "http://10.0.0.1/announce", SHOAL_ANNOUNCE_STOPPED);
  answer (f, 0, 200, ANSWER);
  g_assert_cmpuint (f->host->fetches->len, ==, 5);
  g_assert_nonnull (strstr (fetch (f, 4)->url, "event=stopped"));
  while (f->host->fetches->len > 0)
    answer (f, 0, 200, ANSWER);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpuint (results[i].n, ==, 1);
      result_clear (&results[i]);
    }
}

static void
test_pace (Fixture       *f,
           gconstpointer  data)
{
  Result results[120] = { { 0 } };

  for (guint i = 0; i < 120; i++)
    {
      g_autofree char *url = g_strdup_printf ("http://10.0.1.%u/announce", i);

      ask (f, &results[i], url, SHOAL_ANNOUNCE_NONE);
    }
  g_assert_cmpuint (f->host->fetches->len, ==, 50);
  pass (f, SECOND_US - 1);
  g_assert_cmpuint (f->host->fetches->len, ==, 50);
  pass (f, 1);
  g_assert_cmpuint (f->host->fetches->len, ==, 100);
  pass (f, SECOND_US);
  g_assert_cmpuint (f->host->fetches->len, ==, 120);
  while (f->host->fetches->len > 0)
    answer (f, 0, 0, NULL);
  for (guint i = 0; i < 120; i++)
    result_clear (&results[i]);
}

/* --- UDP --- */

static guint32
be32 (GBytes *bytes,
      gsize   offset)
{
  guint32 value;

  g_assert_cmpuint (g_bytes_get_size (bytes), >=, offset + 4);
  memcpy (&value, (const guint8 *) g_bytes_get_data (bytes, NULL) + offset, 4);

  return GUINT32_FROM_BE (value);
}

static void
put32 (guint8  *out,
       guint32  value)
{
  value = GUINT32_TO_BE (value);
  memcpy (out, &value, 4);
}

static gboolean
send_from (Fixture    *f,
           const char *from,
           guint32     action,
           guint32     transaction,
           const void *rest,
           gsize       size)
{
  guint8 packet[128];
  ShoalAddr addr;

  put32 (packet, action);
  put32 (packet + 4, transaction);
  memcpy (packet + 8, rest, size);
  g_assert_true (shoal_addr_parse (&addr, from, 0));

  return shoal_tracker_hub_datagram (f->hub, &addr, packet, 8 + size);
}

#define UDP_REST "\0\0\3\x84\0\0\0\1\0\0\0\2\x0a\1\1\1\x1a\xe1"

/* Takes the connect request, answers it and gives back the transaction of the announce that
 * follows. */
static guint32
connect_udp (Fixture *f)
{
  g_autoptr (GBytes) request = fake_host_take_datagram (f->host, NULL);
  g_autoptr (GBytes) announce = NULL;

  g_assert_cmpuint (g_bytes_get_size (request), ==, 16);
  g_assert_cmpuint (be32 (request, 8), ==, 0);
  g_assert_true (send_from (f, "10.0.0.1:80", 0, be32 (request, 12), "CONNECTD", 8));
  announce = fake_host_take_datagram (f->host, NULL);
  g_assert_cmpmem (g_bytes_get_data (announce, NULL), 8, "CONNECTD", 8);
  g_assert_cmpuint (be32 (announce, 8), ==, 1);
  g_assert_cmpuint (be32 (announce, 12), !=, be32 (request, 12));

  return be32 (announce, 12);
}

static void
test_udp (Fixture       *f,
          gconstpointer  data)
{
  g_auto (Result) result = { 0 };
  g_auto (Result) again = { 0 };
  g_autoptr (GBytes) request = NULL;
  guint32 transaction;

  ask (f, &result, "udp://10.0.0.1:80/announce?a=b", SHOAL_ANNOUNCE_STARTED);
  transaction = connect_udp (f);

  /* From somebody else, or about something else. */
  g_assert_false (send_from (f, "10.0.0.2:80", 1, transaction, UDP_REST, 18));
  g_assert_false (send_from (f, "10.0.0.1:81", 1, transaction, UDP_REST, 18));
  g_assert_false (send_from (f, "10.0.0.1:80", 1, transaction + 1, UDP_REST, 18));
  g_assert_true (send_from (f, "10.0.0.1:80", 1, transaction, UDP_REST, 4));
  g_assert_cmpuint (result.n, ==, 0);

  g_assert_true (send_from (f, "10.0.0.1:80", 1, transaction, UDP_REST, 18));
  g_assert_cmpuint (result.n, ==, 1);
  g_assert_cmpint (result.interval_s, ==, 900);
  g_assert_cmpuint (result.n_peers, ==, 1);
  g_assert_false (send_from (f, "10.0.0.1:80", 1, transaction, UDP_REST, 18));

  /* The connection id is good for a minute. */
  pass (f, 50 * SECOND_US);
  ask (f, &again, "udp://10.0.0.1:80/announce", SHOAL_ANNOUNCE_NONE);
  request = fake_host_take_datagram (f->host, NULL);
  g_assert_cmpuint (be32 (request, 8), ==, 1);
  g_assert_true (send_from (f, "10.0.0.1:80", 1, be32 (request, 12), UDP_REST, 18));
  g_assert_cmpuint (again.n, ==, 1);
  result_clear (&again);

  pass (f, 11 * SECOND_US);
  ask (f, &again, "udp://10.0.0.1:80/announce", SHOAL_ANNOUNCE_NONE);
  g_assert_true (send_from (f, "10.0.0.1:80", 1, connect_udp (f), UDP_REST, 18));
  g_assert_cmpuint (again.n, ==, 1);
}

static void
test_udp_url_data (Fixture       *f,
                   gconstpointer  data)
{
  g_auto (Result) result = { 0 };
  g_autoptr (GBytes) connect = NULL;
  g_autoptr (GBytes) announce = NULL;
  gsize size;
  const guint8 *bytes;

  ask (f, &result, "udp://10.0.0.1:80/announce?a=b", SHOAL_ANNOUNCE_STARTED);
  connect = fake_host_take_datagram (f->host, NULL);
  send_from (f, "10.0.0.1:80", 0, be32 (connect, 12), "CONNECTD", 8);
  announce = fake_host_take_datagram (f->host, NULL);
  bytes = g_bytes_get_data (announce, &size);
  g_assert_cmpmem (bytes + 98, size - 98, "\2\x0d/announce?a=b", 15);
}

static void
test_udp_silence (Fixture       *f,
                  gconstpointer  data)
{
  g_auto (Result) result = { 0 };
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;

  ask (f, &result, "udp://10.0.0.1:80", SHOAL_ANNOUNCE_STARTED);
  first = fake_host_take_datagram (f->host, NULL);
  pass (f, 14 * SECOND_US);
  g_assert_cmpuint (f->host->datagrams->len, ==, 0);
  pass (f, 3 * SECOND_US);
  second = fake_host_take_datagram (f->host, NULL);
  g_assert_true (g_bytes_equal (first, second));
  pass (f, 28 * SECOND_US);
  g_assert_cmpuint (result.n, ==, 0);
  pass (f, 6 * SECOND_US);
  g_assert_cmpuint (f->host->datagrams->len, ==, 0);
  g_assert_cmpuint (result.n, ==, 1);
  g_assert_cmpstr (result.error, ==, "No answer");
}

static void
test_udp_errors (Fixture       *f,
                 gconstpointer  data)
{
  g_auto (Result) result = { 0 };
  g_auto (Result) stale = { 0 };
  g_autoptr (GBytes) request = NULL;

  ask (f, &result, "udp://10.0.0.1:80", SHOAL_ANNOUNCE_STARTED);
  g_assert_true (send_from (f, "10.0.0.1:80", 3, connect_udp (f), "go away", 7));
  g_assert_cmpuint (result.n, ==, 1);
  g_assert_cmpstr (result.failure, ==, "go away");

  /* A connection id that the tracker has forgotten is asked for anew, once. */
  ask (f, &stale, "udp://10.0.0.1:80", SHOAL_ANNOUNCE_STARTED);
  request = fake_host_take_datagram (f->host, NULL);
  g_assert_cmpuint (be32 (request, 8), ==, 1);
  g_assert_true (send_from (f, "10.0.0.1:80", 3, be32 (request, 12), "bad id", 6));
  g_assert_cmpuint (stale.n, ==, 0);
  g_assert_true (send_from (f, "10.0.0.1:80", 1, connect_udp (f), UDP_REST, 18));
  g_assert_cmpuint (stale.n, ==, 1);
  g_assert_null (stale.failure);
}

static void
test_udp_socket (Fixture       *f,
                 gconstpointer  data)
{
  g_auto (Result) result = { 0 };
  g_auto (Result) failed = { 0 };

  f->host->send_result = SHOAL_SEND_FULL;
  ask (f, &result, "udp://10.0.0.1:80", SHOAL_ANNOUNCE_STARTED);
  pass (f, 5 * SECOND_US);
  f->host->send_result = SHOAL_SEND_SENT;
  pass (f, SECOND_US);
  g_assert_true (send_from (f, "10.0.0.1:80", 1, connect_udp (f), UDP_REST, 18));
  g_assert_cmpuint (result.n, ==, 1);

  f->host->send_result = SHOAL_SEND_FAILED;
  ask (f, &failed, "udp://10.0.0.1:80", SHOAL_ANNOUNCE_STARTED);
  pass (f, 0);
  g_assert_cmpuint (failed.n, ==, 1);
  g_assert_false (failed.answered);
}

static void
test_udp_ipv6 (Fixture       *f,
               gconstpointer  data)
{
  static const guint8 rest[] = { 0,    0, 3, 0x84, 0, 0, 0, 1, 0, 0, 0, 2, 0x20, 1,    0xd,
                                 0xb8, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 9,    0x1a, 0xe1 };
  g_auto (Result) result = { 0 };
  g_autoptr (GBytes) connect = NULL;
  g_autoptr (GBytes) announce = NULL;

  ask (f, &result, "udp://[2001:db8::1]:80", SHOAL_ANNOUNCE_STARTED);
  connect = fake_host_take_datagram (f->host, NULL);
  g_assert_true (send_from (f, "[2001:db8::1]:80", 0, be32 (connect, 12), "CONNECTD", 8));
  announce = fake_host_take_datagram (f->host, NULL);
  g_assert_true (send_from (f, "[2001:db8::1]:80", 1, be32 (announce, 12), rest, sizeof rest));
  g_assert_cmpuint (result.n, ==, 1);
  g_assert_cmpuint (result.n_peers, ==, 1);
}

/* --- Dropped calls --- */

static void
test_drop (Fixture       *f,
           gconstpointer  data)
{
  g_auto (Result) result = { 0 };

  /* Not begun: nobody hears of it. */
  ask (f, &result, "http://tracker.example/announce", SHOAL_ANNOUNCE_STARTED);
  g_assert_false (shoal_tracker_call_drop (result.call));
  fake_host_answer_lookup (f->host, 0, "10.0.0.1", f->now_us);
  g_assert_cmpuint (f->host->fetches->len, ==, 0);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);

  /* Under way: it arrives, its answer does not. */
  ask (f, &result, "http://10.0.0.1/announce", SHOAL_ANNOUNCE_STARTED);
  g_assert_true (shoal_tracker_call_drop (result.call));
  answer (f, 0, 200, ANSWER);
  g_assert_cmpuint (result.n, ==, 0);

  /* Only connected to: not told. */
  ask (f, &result, "udp://10.0.0.1:80", SHOAL_ANNOUNCE_STARTED);
  g_assert_false (shoal_tracker_call_drop (result.call));
  pass (f, 60 * SECOND_US);
  g_assert_cmpuint (f->host->datagrams->len, ==, 1);
  g_assert_cmpuint (result.n, ==, 0);
}

/* `stopped` is sent although nobody waits for its answer. */
static void
test_drop_stopped (Fixture       *f,
                   gconstpointer  data)
{
  g_auto (Result) result = { 0 };

  ask (f, &result, "http://tracker.example/announce", SHOAL_ANNOUNCE_STOPPED);
  g_assert_true (shoal_tracker_call_drop (result.call));
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 1);
  fake_host_answer_lookup (f->host, 0, "10.0.0.1", f->now_us);
  g_assert_nonnull (strstr (fetch (f, 0)->url, "event=stopped"));
  answer (f, 0, 200, ANSWER);
  g_assert_cmpuint (shoal_tracker_hub_pending (f->hub), ==, 0);
  g_assert_cmpuint (result.n, ==, 0);
}

int
main (int    argc,
      char **argv)
{
  static const struct
  {
    const char *path;
    void      (*func) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/engine/tracker-hub/http", test_http },
    { "/engine/tracker-hub/http-failures", test_http_failures },
    { "/engine/tracker-hub/bad-url", test_bad_url },
    { "/engine/tracker-hub/families", test_families },
    { "/engine/tracker-hub/slow-family", test_slow_family },
    { "/engine/tracker-hub/unknown-name", test_unknown_name },
    { "/engine/tracker-hub/per-host", test_per_host },
    { "/engine/tracker-hub/pace", test_pace },
    { "/engine/tracker-hub/udp", test_udp },
    { "/engine/tracker-hub/udp-url-data", test_udp_url_data },
    { "/engine/tracker-hub/udp-silence", test_udp_silence },
    { "/engine/tracker-hub/udp-errors", test_udp_errors },
    { "/engine/tracker-hub/udp-socket", test_udp_socket },
    { "/engine/tracker-hub/udp-ipv6", test_udp_ipv6 },
    { "/engine/tracker-hub/drop", test_drop },
    { "/engine/tracker-hub/drop-stopped", test_drop_stopped },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].func, tear_down);

  return g_test_run ();
}
